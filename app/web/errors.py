"""Deliberate errors become HTTP here and nowhere else: calm pages for people, problem+json for the API."""

import structlog
from flask import Flask, Response, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RetornoError,
    TooMany,
    Unauthenticated,
    Unavailable,
)  # fmt: skip
from app.web import problems
from app.web.pages import language
from app.web.requests import UNLOGGED

log = structlog.get_logger("web")

STATUS: tuple[tuple[type[RetornoError], int], ...] = (
    (NotFound, 404),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Invalid, 422),
    (Conflict, 409),
    (TooMany, 429),
    (Unavailable, 503),
)


def register(app: Flask) -> None:
    app.register_error_handler(RetornoError, _deliberate)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _mistake)


def status_of(error: RetornoError) -> int:
    """The HTTP status that stands for a deliberate error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def _deliberate(error: RetornoError) -> ResponseReturnValue:
    if isinstance(error, Unavailable) and not request.path.startswith(UNLOGGED):
        log.warning("unavailable", id=g.get("request_id"), why=str(error))
    if problems.wanted():
        return problems.deliberate(error, status_of(error))
    if (
        isinstance(error, Unauthenticated)
        and request.method == "GET"
        and request.path.startswith(("/w/", "/account", "/sandbox"))
    ):
        return redirect(problems.sign_in_address(request.full_path.rstrip("?")), 303)
    message = language().gettext(error.message, **error.params) if isinstance(error, Conflict) else None
    return _page(status_of(error), message, error)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if problems.wanted():
        response = problems.plain(status)
        if isinstance(error, MethodNotAllowed):
            response.allow.update(error.valid_methods or ())
        return response
    return _page(status, None, None)


def _mistake(error: Exception) -> ResponseReturnValue:
    log.exception("mistake", id=g.get("request_id"), kind=type(error).__name__)
    return problems.plain(500) if problems.wanted() else _page(500, None, None)


def _page(status: int, message: str | None, error: RetornoError | None) -> ResponseReturnValue:
    response = Response(render_template("error.html", status=status, message=message), status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response
