"""The security headers of every response, errors included. At WSGI: each of Flask's own steps costs more."""

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=()"

ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Permissions-Policy", PERMISSIONS),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
ONLY_HTTPS = ("Strict-Transport-Security", "max-age=31536000")
CARRY_TOKENS = ("/r/", "/p/", "/u/")
LINKS = "/link/"  # carry one too; but over https the CSRF check asks their forms for an origin
KEEPABLE = ("/static/", "/logo/")  # addresses that change with their content


def register(app: Flask) -> None:
    app.wsgi_app = _Protected(app.wsgi_app)  # type: ignore[assignment, method-assign]


class _Protected:
    def __init__(self, inner: WSGIApplication) -> None:
        self.inner = inner

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def protected(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start(status, _protect(environ, headers), *rest)

        return self.inner(environ, protected)


def _protect(environ: WSGIEnvironment, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a view says for itself stays, but for how long a page may be kept."""
    path = environ.get("PATH_INFO", "")
    said = {name.lower() for name, _ in headers}
    added = [*ALWAYS, ("Referrer-Policy", _referrers(path))]
    if environ.get("wsgi.url_scheme") == "https":
        added.append(ONLY_HTTPS)
    found = headers + [each for each in added if each[0].lower() not in said]
    if path.startswith(KEEPABLE):
        return found
    # Pages are somebody's: a shared cache must keep none.
    kept = [each for each in found if each[0].lower() != "cache-control"]
    return [*kept, ("Cache-Control", "no-store"), ("Vary", "Cookie")]


def _referrers(path: str) -> str:
    """How much of this page's address goes along to the next one; never a token."""
    if path.startswith(CARRY_TOKENS):
        return "no-referrer"
    return "strict-origin" if path.startswith(LINKS) else "same-origin"
