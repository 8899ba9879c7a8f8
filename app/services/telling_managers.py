"""Alerts to those who look after a workspace, where each of them wants them: something stopped by itself."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.brakes import Cause
from app.models import Message, Schedule, Workspace, new_id
from app.rendering import stop_words
from app.rendering.languages import language_of
from app.services import outbox

ROLES = ("owner", "manager")
LINK = "{{ link }}"  # where the console is, filled in as the message leaves


def tell_of_stop(session: Session, schedule: Schedule, cause: Cause, now: datetime) -> None:
    """A step: one alert to each owner and manager, in their language."""
    slug = session.scalars(select(Workspace.slug).where(Workspace.id == schedule.workspace_id)).one()
    for each in outbox.members_to_alert(session, schedule.workspace_id, ROLES, now):
        language = language_of(each.locale)
        body = stop_words.alert(language, schedule.name, cause)
        session.add(
            Message(
                id=new_id(), workspace_id=schedule.workspace_id, purpose="alert", priority=outbox.FIRST,
                channel=each.channel, user_id=each.user_id, to_address=each.address, locale=each.locale,
                subject=stop_words.subject(language, schedule.name),
                body=f"{body}\n\n{LINK}/w/{slug}/schedules/{schedule.id}",
                state="queued", due_at=each.due, created_at=now,
            )
        )  # fmt: skip
