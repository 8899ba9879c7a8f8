"""Who is calling, as far as limits need it: the address, the browser, and who signed in from it before."""

from collections.abc import Sequence

from flask import request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from app.models import new_id
from app.services.tries import Caller
from app.web.policy import runtime_of

COOKIE = "retorno_browser"
YEAR = 365 * 24 * 3600  # seconds
MOST_KNOWN = 8  # people who share one browser
# The first word that a browser says of itself and others do not; the order matters.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def caller() -> Caller:
    """The caller of this request. The address is the one that TRUSTED_PROXIES lets us believe."""
    browser, known = _browser()
    return Caller(request.remote_addr or "", _device(request.user_agent.string), browser, frozenset(known))


def remember(response: Response, user_id: str) -> None:
    """This person signed in from this browser: strangers' tries elsewhere will not lock them out of it."""
    browser, known = _browser()
    known = [user_id, *(each for each in known if each != user_id)][:MOST_KNOWN]
    response.set_cookie(
        COOKIE, _signer().dumps([browser or new_id(), known]), max_age=YEAR, httponly=True, samesite="Lax",
        secure=runtime_of().config.is_https,
    )  # fmt: skip


def _browser() -> tuple[str | None, Sequence[str]]:
    try:
        browser, known = _signer().loads(request.cookies.get(COOKIE, ""))
    except (BadSignature, ValueError, TypeError):
        return None, ()
    return str(browser), [str(each) for each in known]


def _signer() -> URLSafeSerializer:
    config = runtime_of().config
    keys = [key for key in (config.secret_key_previous, config.secret_key) if key]
    return URLSafeSerializer(keys, salt="known browser")


def _device(agent: str) -> str | None:
    """`Firefox, Linux`, for people to know their own browsers again; nothing that tells more."""
    browser = next((name for mark, name in BROWSERS if mark in agent), None)
    system = next((name for mark, name in SYSTEMS if mark in agent), None)
    return ", ".join(each for each in (browser, system) if each) or None
