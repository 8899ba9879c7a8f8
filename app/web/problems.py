"""Errors of the API as RFC 9457 problem+json, and where to sign in for people."""

from http import HTTPStatus
from urllib.parse import quote

from flask import Response, json, request

from app.errors import Conflict, Invalid, RetornoError, TooMany


def wanted() -> bool:
    """Is a program asking?"""
    return request.path.startswith("/api/v1/")


def plain(status: int, detail: str | None = None, **more: object) -> Response:
    """One problem document."""
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return Response(json.dumps(body | more), status, content_type="application/problem+json")


def deliberate(error: RetornoError, status: int) -> Response:
    """A deliberate error with what the caller can do about it."""
    if isinstance(error, Invalid):
        return plain(status, errors=[{"field": each.field, "message": str(each)} for each in error.problems])
    response = plain(status, str(error) if isinstance(error, Conflict | TooMany) else None)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def sign_in_address(back: str) -> str:
    """The sign-in page that returns to where somebody wanted to go."""
    return f"/sign-in?next={quote(back, safe='/')}"
