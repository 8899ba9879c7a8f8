"""What every request goes through: no NUL comes in, an id, one log line, metrics without tokens or pulses."""

import re
import secrets
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import structlog
from flask import Flask, Request, Response, g, request
from prometheus_client import Counter, Histogram
from werkzeug.datastructures import ImmutableMultiDict

from app.errors import NotFound

log = structlog.get_logger("web")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
UNLOGGED = ("/p/", "/static/", "/healthz", "/metrics")  # a pulse's respondent leaves no line at all

REQUESTS = Counter("retorno_requests_total", "Requests by route and status.", ("route", "status"))
SECONDS = Histogram("retorno_request_seconds", "Seconds to answer, by route.", ("route",))
_counter, _clock = cache(REQUESTS.labels), cache(SECONDS.labels)  # as many as there are routes


class _Parameters(ImmutableMultiDict[str, Any]):
    """What a query or a form carries, without NUL: nobody types one, and PostgreSQL's text cannot hold it."""

    def __init__(self, pairs: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__([(name.replace("\0", ""), _without_nul(value)) for name, value in pairs])


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value  # else a file


class _Request(Request):
    @property
    def parameter_storage_class(self) -> type[ImmutableMultiDict[str, Any]]:  # type: ignore[override]
        """The API reads strictly, and says what it refuses."""
        return ImmutableMultiDict if self.path.startswith("/api/") else _Parameters


def register(app: Flask) -> None:
    app.request_class = _Request
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.began = time.perf_counter()
    if "\0" in request.path and request.path.startswith(("/w/", "/api/")):
        raise NotFound  # no id has one, and PostgreSQL takes it in no question; tokens are hashed first


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.path.startswith(UNLOGGED):
        return response
    route = str(request.url_rule) if request.url_rule else "none"
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    _counter(route, response.status_code).inc()
    _clock(route).observe(seconds)
    log.info(
        "request",
        id=g.get("request_id"),
        method=request.method,
        route=route,  # the pattern, never the path: paths carry tokens
        status=response.status_code,
        ms=round(seconds * 1000, 1),
    )
    return response
