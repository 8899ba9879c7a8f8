"""After a press and its commit: the button is answered, the question says what was chosen; best effort."""

from typing import cast

from sqlalchemy import select

from app.channels.base import Inbound
from app.models import Answer, Message
from app.rendering import chats
from app.rendering.languages import LOCALES, language_of
from app.runtime import Runtime
from app.services import answering_chats, chat_questions
from app.services.inbound import Stored


def show(runtime: Runtime, stored: Stored, text: str = "") -> None:
    """Tell whoever pressed; a question of ours changes in place into question and answer."""
    channel = runtime.channels.get(stored.channel)
    if channel is None or channel.pretends:
        return
    listener = cast(Inbound, channel)
    listener.acknowledge(stored.event, text)
    if (shown := _answered(runtime, stored)) is not None:
        listener.edit(stored.event.quotes, shown, ())


def _answered(runtime: Runtime, stored: Stored) -> str | None:
    """The question with its answer; None for a press that was not about one of ours."""
    with runtime.db.read() as session:
        invitation_id = chat_questions.quoted(session, stored)
        if invitation_id is None:
            return None
        found = session.execute(
            select(Answer.score, Message.id, Message.locale)
            .join(Message, Message.invitation_id == Answer.invitation_id)
            .where(Answer.invitation_id == invitation_id, Message.purpose == "invitation")
            .limit(1)
        ).first()
        if found is None:
            return None
        language = language_of(found[2] if found[2] in LOCALES else "en")
        return chats.chosen(answering_chats.question_of(session, found[1], language), found[0], language)
