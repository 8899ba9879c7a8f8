"""Alerts to those who look after a workspace, where each of them wants them: something stopped by itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.brakes import Cause
from app.models import Message, Workspace, new_id
from app.rendering import stop_words
from app.rendering.languages import language_of
from app.services import outbox

ROLES = ("owner", "manager")
LINK = "{{ link }}"  # where the console is, filled in as the message leaves


@dataclass(frozen=True)
class Topic:
    """What stopped, and where its page is; without a name it is what was asked one by one, which goes on."""

    workspace_id: str
    name: str | None
    page: str


def tell_of_stop(session: Session, of: Topic, cause: Cause, now: datetime) -> None:
    """A step: one alert to each owner and manager, in their language."""
    slug = session.scalars(select(Workspace.slug).where(Workspace.id == of.workspace_id)).one()
    for each in outbox.members_to_alert(session, of.workspace_id, ROLES, now):
        language = language_of(each.locale)
        subject, body = stop_words.alert(language, of.name, cause)
        session.add(
            Message(
                id=new_id(), workspace_id=of.workspace_id, purpose="alert", priority=outbox.FIRST,
                channel=each.channel, user_id=each.user_id, to_address=each.address, locale=each.locale,
                subject=subject,
                body=f"{body}\n\n{LINK}/w/{slug}/{of.page}",
                state="queued", due_at=each.due, created_at=now,
            )
        )  # fmt: skip
