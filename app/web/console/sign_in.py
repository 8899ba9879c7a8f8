"""The door: signing in and out, the second factor, one-time links. A GET shows, a POST does."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, redirect, request, session
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.errors import Invalid, NotFound, Unauthenticated
from app.services import account_mail, first_owner, links, recovery, sessions, sign_in
from app.services.first_owner import FirstForm
from app.services.links import LinkPage
from app.services.recovery import Filled
from app.services.sign_in import Entered
from app.web.addresses import own_page
from app.web.callers import caller, remember
from app.web.pages import language, render_bare, sentences
from app.web.policy import by_token, open_to_all, runtime_of
from app.web.zones import likely_zone, zones

pages = Blueprint("sign_in", __name__)

HALF_WAY = timedelta(minutes=10)  # from the password to the code


@pages.get("/")
@open_to_all
def start() -> ResponseReturnValue:
    """To the workspace used last, or to the door."""
    try:
        person = sessions.user_of(runtime_of(), session.get("token"))
    except Unauthenticated:
        return redirect("/sign-in", 303)
    slug = sessions.last_place(runtime_of(), person)
    return redirect(f"/w/{slug}/" if slug else "/account", 303)


@pages.get("/sign-in")
@open_to_all
def show() -> ResponseReturnValue:
    """Address and password."""
    return render_bare(
        "console/sign-in/show.html", email="", next=own_page(request.args.get("next")), errors={}
    )


@pages.post("/sign-in")
@open_to_all
def enter() -> ResponseReturnValue:
    """Whoever is right goes on to where they wanted to go, or to the code."""
    email, wanted = request.form.get("email", ""), own_page(request.form.get("next"))
    try:
        entered = sign_in.sign_in(runtime_of(), email, request.form.get("password", ""), caller())
    except Invalid as error:
        errors = sentences(error.problems)
        return render_bare("console/sign-in/show.html", 422, email=email, next=wanted, errors=errors)
    return let_in(entered, wanted)


@pages.get("/sign-in/code")
@open_to_all
def ask_code() -> ResponseReturnValue:
    """The second step, for ten minutes after the first."""
    if _half_way() is None:
        return redirect("/sign-in", 303)
    return render_bare("console/sign-in/code.html", errors={})


@pages.post("/sign-in/code")
@open_to_all
def check_code() -> ResponseReturnValue:
    """The code of the second factor."""
    half = _half_way()
    if half is None:
        return redirect("/sign-in", 303)
    user_id, state, wanted = half
    try:
        token = sign_in.confirm_code(runtime_of(), user_id, state, request.form.get("code", ""), caller())
    except Invalid as error:
        return render_bare("console/sign-in/code.html", 422, errors=sentences(error.problems))
    except Unauthenticated:
        session.clear()
        return redirect("/sign-in", 303)
    return let_in(Entered(user_id, token, state), wanted)


@pages.post("/sign-out")
@open_to_all
def leave() -> ResponseReturnValue:
    """End this browser's session; harmless when it has ended already."""
    sessions.sign_out(runtime_of(), session.get("token"))
    session.clear()
    return redirect("/sign-in", 303)


@pages.get("/password/forgotten")
@open_to_all
def forgotten() -> ResponseReturnValue:
    """Ask for a link; afterwards say the same whether there was an account or not."""
    return _forgotten({}, sent=request.args.get("sent") == "yes")


@pages.post("/password/forgotten")
@open_to_all
def send_link() -> ResponseReturnValue:
    """Send it, if there is an account."""
    try:
        recovery.request_reset(runtime_of(), request.form.get("email", ""), caller())
    except Invalid as error:
        return _forgotten(sentences(error.problems), status=422)
    return redirect("/password/forgotten?sent=yes", 303)


@pages.get("/link/<token>")
@by_token
def look(token: str) -> ResponseReturnValue:
    """What a one-time link is for. Looking, however often and by whom, uses nothing up."""
    try:
        return _link_page(links.look(runtime_of(), token), {})
    except NotFound:
        return render_bare("console/sign-in/ended.html", 404)


@pages.post("/link/<token>")
@by_token
def use(token: str) -> ResponseReturnValue:
    """Set the password and come in."""
    try:
        page = links.look(runtime_of(), token)
        entered = _redeem(token, page)
    except NotFound:
        return render_bare("console/sign-in/ended.html", 404)
    except Invalid as error:
        return _link_page(page, sentences(error.problems), 422)
    return let_in(entered, "/")


def let_in(entered: Entered, wanted: str) -> Response:
    """A fresh cookie: nothing of what was in it before goes along."""
    session.clear()
    if entered.token is None:
        now = int(runtime_of().clock().timestamp())
        session["half"] = [entered.user_id, entered.state, now, wanted]
        return redirect("/sign-in/code", 303)
    session["token"] = entered.token
    session.permanent = True
    response = redirect(wanted, 303)
    remember(response, entered.user_id)
    return response


def _half_way() -> tuple[str, str, str] | None:
    half = session.get("half")
    if half is None:
        return None
    user_id, state, since, wanted = half
    if runtime_of().clock() - datetime.fromtimestamp(since, UTC) > HALF_WAY:
        return None
    return user_id, state, wanted


def _redeem(token: str, page: LinkPage) -> Entered:
    form = {
        name: request.form.get(name, "") for name in ("workspace", "name", "email", "password", "time_zone")
    }
    if page.purpose == first_owner.PURPOSE:
        return first_owner.begin(runtime_of(), token, FirstForm(**form, locale=language().code), caller())
    filled = Filled(form["password"], form["name"], language().code if page.purpose == "invitation" else None)
    return recovery.redeem(runtime_of(), token, filled, caller())


def _link_page(page: LinkPage, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    typed = {name: request.form.get(name, "") for name in ("workspace", "name", "email", "time_zone")}
    typed["time_zone"] = typed["time_zone"] or likely_zone(language().code)
    return render_bare(
        f"console/sign-in/{page.purpose.replace('_', '-')}.html", status, page=page, typed=typed,
        errors=errors, zones=zones(),
    )  # fmt: skip


def _forgotten(errors: dict[str, str], *, sent: bool = False, status: int = 200) -> ResponseReturnValue:
    return render_bare(
        "console/sign-in/forgotten.html", status, errors=errors, sent=sent,
        email=request.form.get("email", ""), by_mail=account_mail.is_possible(runtime_of()),
    )  # fmt: skip
