"""API keys of a workspace: an owner makes them, sees each once, and revokes them."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import SCOPES, Role
from app.errors import Conflict, Invalid
from app.services import api_keys
from app.services.api_keys import NewKey
from app.web.pages import _, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("api_keys", __name__, url_prefix="/w/<slug>/settings/keys")


@pages.get("")
@allows(Role.OWNER)
def index() -> ResponseReturnValue:
    """The keys in force and the revoked ones; never a secret."""
    return _index({})


@pages.post("")
@allows(Role.OWNER)
def create() -> ResponseReturnValue:
    """A new key. The answer to this request is the only place where its secret ever stands."""
    everything = request.form.get("extent") == "everything"
    scopes = None if everything else request.form.getlist("scopes")
    try:
        made = api_keys.create(runtime_of(), visitor(), request.form.get("name", ""), scopes)
    except Invalid as error:
        return _index(sentences(error.problems), 422)
    except Conflict as error:
        return _index({"": sentence(error)}, 409)
    return _index({}, made=made)


@pages.post("/<id>/revocation")
@allows(Role.OWNER)
def revoke(id: str) -> ResponseReturnValue:
    """From now on nobody speaks with this key."""
    api_keys.revoke(runtime_of(), visitor(), id)
    flash(_("The key is revoked."))
    return redirect(f"/w/{visitor().workspace_slug}/settings/keys", 303)


def _index(errors: dict[str, str], status: int = 200, made: NewKey | None = None) -> ResponseReturnValue:
    return render(
        "settings/keys.html", status, active="settings", here="keys", errors=errors, made=made, scopes=SCOPES,
        keys=api_keys.list_keys(runtime_of(), visitor()),
        typed={"name": "" if made else request.form.get("name", ""), "scopes": request.form.getlist("scopes"),
               "extent": request.form.get("extent", "everything")},
    )  # fmt: skip
