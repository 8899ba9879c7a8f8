"""The audit: what members, keys and commands changed in this workspace; owners read it."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.rendering.audit_words import AUDIT_KINDS
from app.services import audit_log
from app.web.pages import render
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("audit", __name__, url_prefix="/w/<slug>/settings/audit")


@pages.get("")
@allows(Role.OWNER)
def index() -> ResponseReturnValue:
    """The latest first; `?kind=contact&by=…` narrows it."""
    kind = request.args.get("kind", "") if request.args.get("kind") in AUDIT_KINDS else ""
    by, cursor = request.args.get("by", "")[:26], request.args.get("cursor")
    log = audit_log.log(runtime_of(), visitor(), kind=kind, actor_id=by, cursor=cursor)
    return render(
        "settings/audit.html", active="settings", here="audit", log=log, kind=kind, by=by, cursor=cursor,
        kinds=tuple(AUDIT_KINDS),
    )  # fmt: skip
