"""The sandbox: a pretend mailbox in the browser. Every mail is read in a frame where nothing of it runs."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.rendering import moments
from app.rendering.sandbox_mail import SCHEMES, framed, linked
from app.services import sandbox, sandbox_phone
from app.web.pages import render_at_home
from app.web.policy import runtime_of, signed_in

pages = Blueprint("sandbox", __name__, url_prefix="/sandbox")

VIEWS = (*SCHEMES, "text")
PATIENCE_SECONDS = 2.0  # for our words, so that the page shows them; a worker sends them within half of one
LONGEST = 2_000
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


@pages.get("/phone")
@signed_in
def phone() -> ResponseReturnValue:
    """The pretend phone; `?channel=` and `?to=` choose the chat, by default the latest."""
    known = sandbox_phone.talks(runtime_of(), g.user.id)
    channel, to = request.args.get("channel"), request.args.get("to")
    if channel is None and known:
        channel, to = known[0].channel, known[0].address
    chosen = sandbox_phone.talk(runtime_of(), g.user.id, channel, to or "") if channel else None
    return _phone(known, chosen)


@pages.post("/phone")
@signed_in
def answer() -> ResponseReturnValue:
    """What the person types or presses."""
    form = request.form
    channel, to = form.get("channel", ""), form.get("to", "")
    chosen = sandbox_phone.talk(runtime_of(), g.user.id, channel, to)
    text, data = form.get("text", "").strip()[:LONGEST], form.get("data", "")[:64]
    if text or data:
        sandbox_phone.answer(runtime_of(), g.user.id, chosen, text=text, data=data, patience=PATIENCE_SECONDS)
    return redirect(url_for("sandbox.phone", channel=channel, to=to) + "#say", 303)


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


def _phone(known: list[sandbox_phone.Talk], chosen: sandbox_phone.Talk | None) -> ResponseReturnValue:
    return render_at_home(
        "sandbox/phone.html",
        active="sandbox",
        known=known,
        chosen=chosen,
        moments=moments,
        now=runtime_of().clock(),
        person=g.user,
    )


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
