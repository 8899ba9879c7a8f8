"""Members of a workspace: everybody sees who they are, an owner invites, changes roles and removes."""

from flask import Blueprint, flash, redirect, request, session
from flask.typing import ResponseReturnValue

from app.domain.access import MAY, Role
from app.errors import Conflict, Invalid
from app.rendering.words import role_word
from app.services import members
from app.services.members import Invited
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("members", __name__, url_prefix="/w/<slug>/settings/members")


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Who belongs here, and as what."""
    return _index({})


@pages.post("")
@allows(Role.OWNER)
def invite() -> ResponseReturnValue:
    """A new member. Without a mail server the answer shows the link, this once."""
    email, role = request.form.get("email", ""), request.form.get("role", "")
    try:
        invited = members.invite(runtime_of(), visitor(), email, role)
    except Invalid as error:
        return _index(sentences(error.problems), 422)
    except Conflict as error:
        return _index({"email": sentence(error)}, 409)
    if invited.link is not None:
        return _index({}, invited=invited)
    flash(_("%(email)s is a member now. The invitation is on its way by e-mail.", email=invited.email))
    return _back()


@pages.post("/<id>/role")
@allows(Role.OWNER)
def change_role(id: str) -> ResponseReturnValue:
    """Another role; that person signs in again."""
    role, mine = request.form.get("role", ""), session.get("token")
    try:
        members.change_role(runtime_of(), visitor(), id, role, but=mine)
    except Conflict as error:
        return _refused(error)
    flash(_("The new role counts from now on."))
    return _back()


@pages.post("/<id>/removal")
@allows(Role.OWNER)
def remove(id: str) -> ResponseReturnValue:
    """Out, at once."""
    try:
        members.remove(runtime_of(), visitor(), id, but=session.get("token"))
    except Conflict as error:
        return _refused(error)
    flash(_("Removed, and signed out everywhere."))
    return redirect("/", 303) if id == visitor().member_id else _back()


def _index(errors: dict[str, str], status: int = 200, invited: Invited | None = None) -> ResponseReturnValue:
    roles = [(role.value, role_word(language(), role.value).capitalize(), _(MAY[role])) for role in Role]
    return render(
        "settings/members.html", status, active="settings", here="members", errors=errors, invited=invited,
        members=members.list_members(runtime_of(), visitor()), roles=roles,
        typed={name: request.form.get(name, "") for name in ("email", "role")},
    )  # fmt: skip


def _refused(error: Conflict) -> ResponseReturnValue:
    flash(sentence(error), "error")
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(f"/w/{visitor().workspace_slug}/settings/members", 303)
