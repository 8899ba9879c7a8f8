"""The security headers of every response, errors included."""

from flask import Flask, Response, request

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
CARRY_TOKENS = ("/r/", "/p/", "/u/")
LINKS = "/link/"  # carry one too; but over https the CSRF check asks their forms for an origin
KEEPABLE = ("/static/", "/logo/")  # addresses that change with their content


def register(app: Flask) -> None:
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    headers, path = response.headers, request.path
    for name, value in ALWAYS:
        if name not in headers:
            headers.add(name, value)
    if "Referrer-Policy" not in headers:
        headers.add("Referrer-Policy", _referrers(path))
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if not path.startswith(KEEPABLE):
        headers["Cache-Control"] = "no-store"  # pages are somebody's; a shared cache must keep none
        headers.add("Vary", "Cookie")
    return response


def _referrers(path: str) -> str:
    """How much of this page's address goes along to the next one; never a token."""
    if path.startswith(CARRY_TOKENS):
        return "no-referrer"
    return "strict-origin" if path.startswith(LINKS) else "same-origin"
