"""Telegram gives a chat another number: whoever was reached there is reached here, and asked no sooner."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import Contact, OptOut
from app.services import bases, opt_outs
from app.services.address_keys import address_key
from app.services.chat_addresses import telegram_form


def move_chat(session: Session, before: str, after: str, now: datetime) -> None:
    """A step: what the law says of these people holds in the chat as it is called now, as does its own no."""
    was, key = (address_key(session, telegram_form(each)) for each in (before, after))
    moved = (
        update(Contact)
        .where(Contact.telegram_key == was)
        .values(telegram_chat_id=after, telegram_key=key)
        .returning(Contact)
    )
    people = session.scalars(moved, execution_options={"populate_existing": True}).all()
    for contact in people:
        bases.reach(session, contact.workspace_id, [contact], {contact.id: (was,)}, now)
    noes = select(OptOut).where(
        OptOut.workspace_id.in_({contact.workspace_id for contact in people}),
        OptOut.address_key == was,
        OptOut.contact_id.is_(None),
        OptOut.lifted_at.is_(None),
    )
    for each in session.scalars(noes.order_by(OptOut.id)).all():
        opt_outs.record(
            session, each.workspace_id, None, (key,), kind=each.kind, origin=each.origin, now=now,
            channel=each.channel, evidence=each.evidence,
        )  # fmt: skip
