"""The sandbox: a pretend mailbox in the browser. Every mail is read in a frame where nothing of it runs."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue

from app.rendering import moments
from app.rendering.sandbox_mail import SCHEMES, framed, linked
from app.services import sandbox
from app.web.pages import render_at_home
from app.web.policy import runtime_of, signed_in

pages = Blueprint("sandbox", __name__, url_prefix="/sandbox")

VIEWS = (*SCHEMES, "text")
# The mail has its styles inline, so it cannot share our policy. It may open pages, which are then free of the
# frame's limits: that is how its buttons reach the real answer page.
POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data: {pictures}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@pages.get("")
@signed_in
def index() -> ResponseReturnValue:
    """Every mail that would have arrived; `?to=` shows one mailbox."""
    return _mailbox(None)


@pages.get("/<id>")
@signed_in
def read(id: str) -> ResponseReturnValue:
    """One of them, beside the others."""
    return _mailbox(id)


@pages.get("/mail/<id>")
@signed_in
def mail(id: str) -> ResponseReturnValue:
    """The mail's own page, for the frame; in an origin of its own, also when it is opened by itself."""
    html = framed(sandbox.html(runtime_of(), g.user.id, id), _view(SCHEMES))
    response = Response(html, mimetype="text/html")
    site = urlsplit(runtime_of().config.public_url)
    response.headers["Content-Security-Policy"] = POLICY.format(pictures=f"{site.scheme}://{site.netloc}")
    return response


def _mailbox(id: str | None) -> ResponseReturnValue:
    to, cursor = request.args.get("to") or None, request.args.get("cursor")
    found = sandbox.mailbox(runtime_of(), g.user.id, to=to, cursor=cursor)
    letter = sandbox.letter(runtime_of(), g.user.id, id) if id else None
    return render_at_home(
        "sandbox/index.html",
        active="sandbox",
        found=found,
        letter=letter,
        pieces=linked(letter.text) if letter else (),
        view=_view(VIEWS),
        views=VIEWS,
        to=to or "",
        cursor=cursor,
        moments=moments,
        now=runtime_of().clock(),
        person=g.user,
    )


def _view(known: tuple[str, ...]) -> str:
    wanted = request.args.get("view", "")
    return wanted if wanted in known else known[0]
