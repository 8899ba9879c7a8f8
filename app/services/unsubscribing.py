"""Behind an unsubscribe link: whose question it was, and the person's no."""

from dataclasses import dataclass

from app.errors import NotFound
from app.rendering.assets import logo_path
from app.runtime import Runtime
from app.services import settling, standing, wishes


@dataclass(frozen=True)
class Leaving:
    """What the page needs to ask before it stops."""

    workspace_name: str
    logo_url: str | None
    locale: str


def look(runtime: Runtime, token: str) -> Leaving:
    """Who asks, for the page behind an unsubscribe link. Changes nothing; raises NotFound."""
    found = standing.look_up(runtime.db, token, "unsubscribe")
    if found is None:
        raise NotFound
    return Leaving(found.workspace_name, logo_path(found.logo_id), found.locale)


def unsubscribe(runtime: Runtime, token: str, *, one_click: bool) -> None:
    """The person says no more: kept at once, before the page says so. Twice changes nothing."""
    with runtime.db.write() as session:
        found = standing.find(session, token, "unsubscribe")
        if found is None:
            raise NotFound
        origin, now = "one_click" if one_click else "unsubscribe", runtime.clock()
        wishes.opt_out_by_message(session, found.message_id, origin, now)
        settling.arrived(session, found.message_id, found.invitation_id, now)
