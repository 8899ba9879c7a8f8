"""The channels of this installation: what is set up, what its providers need to know, a test to oneself."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.errors import Conflict, Invalid
from app.services import channels_page
from app.web.pages import _, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("channels", __name__, url_prefix="/w/<slug>/settings/channels")


@pages.get("")
@allows(Role.MANAGER)
def index() -> ResponseReturnValue:
    """Each channel and how it stands."""
    return _index({})


@pages.post("/<channel>/test")
@allows(Role.MANAGER)
def test(channel: str) -> ResponseReturnValue:
    """A message to oneself."""
    try:
        channels_page.send_test(runtime_of(), visitor(), channel, request.form.get("to", ""))
    except Invalid as error:
        return _index({channel: next(iter(sentences(error.problems).values()))}, 422)
    except Conflict as error:
        return _index({channel: sentence(error)}, 409)
    flash(_("The test is on its way."))
    return redirect(f"/w/{visitor().workspace_slug}/settings/channels", 303)


def _index(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    return render(
        "settings/channels.html", status, active="settings", here="channels", errors=errors,
        channels=channels_page.show(runtime_of(), visitor()), typed=request.form.get("to", ""),
    )  # fmt: skip
