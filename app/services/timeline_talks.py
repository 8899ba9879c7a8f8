"""What was said in a person's chats, for their timeline: exchanges of lines, broken by longer silences."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Contact, Message
from app.services.timeline_moments import Line, Talked

LINK = "{{ link }}"  # what stands in a kept message where its link was: nobody else may follow it
MOST = 1_000  # lines that are looked at, the latest
SILENCE = timedelta(hours=1)  # after so long a new exchange begins
CHATS = ("sms", "whatsapp", "telegram")


def of(session: Session, contact: Contact) -> Iterator[Talked]:
    """Their exchanges with us; questions, reminders and agents' replies are moments of their own."""
    query = (
        select(Message)
        .where(
            Message.contact_id == contact.id,
            Message.workspace_id == contact.workspace_id,
            Message.purpose.in_(("inbound", "dialogue")),
            Message.channel.in_(CHATS),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(MOST)
    )
    rows = sorted(session.scalars(query), key=lambda row: row.channel)
    for channel, said in groupby(rows, key=lambda row: row.channel):
        yield from _exchanges(channel, list(said)[::-1], contact.locale or "")


def _exchanges(channel: str, said: list[Message], locale: str) -> Iterator[Talked]:
    together: list[Message] = []
    for message in said:
        if together and message.created_at - together[-1].created_at > SILENCE:
            yield _talked(channel, together, locale)
            together = []
        together.append(message)
    if together:
        yield _talked(channel, together, locale)


def _talked(channel: str, together: list[Message], locale: str) -> Talked:
    lines = tuple(
        Line(each.created_at, each.purpose == "dialogue", (each.body or "").replace(LINK, "…"), each.state)
        for each in together
    )
    return Talked(together[0].created_at, together[0].id, channel, lines, locale)
