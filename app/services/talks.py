"""Conversations as rows: one for each sender of ours and address of theirs, held while a turn is taken."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.chat import Chat, Expects
from app.models import Conversation, new_id

_ROW = (
    select(Conversation)
    .where(
        Conversation.sender_id == bindparam("sender_id"), Conversation.address_key == bindparam("address_key")
    )
    .with_for_update()
)


def hold(session: Session, sender_id: str, key: str) -> Conversation:
    """The row, made at the first word; until the transaction ends nobody else takes a turn here."""
    which = {"sender_id": sender_id, "address_key": key}
    if (row := session.scalars(_ROW, which).one_or_none()) is not None:
        return row
    values = {"id": new_id(), **which, "expects": Expects.NOTHING.value, "missed": 0, "choices": []}
    session.execute(insert_into(session, Conversation).values(values).on_conflict_do_nothing())
    return session.scalars(_ROW, which).one()


def chat_of(row: Conversation) -> Chat:
    """Where it stands."""
    return Chat(Expects(row.expects), row.about, row.missed, tuple(row.choices), row.pending)


def keep(row: Conversation, chat: Chat) -> None:
    """Where it stands now."""
    row.expects, row.about, row.missed = chat.expects.value, chat.about, chat.missed
    row.choices, row.pending = list(chat.choices), chat.pending
