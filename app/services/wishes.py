"""What people say themselves, by a link, in a chat or to their provider: it holds wherever that sender wrote.

One number, bot or mailbox of ours may serve several workspaces; whoever says no to it means all of them.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, CompoundSelect, func, literal_column, or_, select, union
from sqlalchemy.orm import Session

from app.domain.delivery import ASKING
from app.models import Contact, Invitation, Message, OptOut
from app.services import holding, opt_outs
from app.services.caps_sql import LEFT
from app.services.lifting import SOMEBODY, lift
from app.services.many_rows import unindexed
from app.services.turns import Turn

_EMAIL: ColumnElement[str] = literal_column("'email'")  # as the index of addresses says it
_REMINDER: ColumnElement[str] = literal_column("'reminder'")
_FAILED: ColumnElement[str] = literal_column("'failed'")


def opt_out_by_message(
    session: Session,
    message_id: str,
    origin: str,
    now: datetime,
    *,
    kind: str = "own_wish",
    channel: str | None = None,
) -> None:
    """A step: whoever got this message says no more. Raises nothing; twice changes nothing.

    It holds for that person in the message's workspace, and for everybody with that address in every
    workspace that wrote to it from the same sender.
    """
    message = session.get(Message, message_id)
    if message is None or message.workspace_id is None:
        return
    say = partial(
        opt_outs.record, session, address_keys=(message.address_key,), kind=kind, origin=origin, now=now,
        channel=channel,
    )  # fmt: skip
    wrote: set[str] = set()
    if message.address_key is not None:
        wrote.update(session.scalars(_wrote_to(message.address_key, message.sender_id)))
    _everywhere(say, message.workspace_id, message.contact_id, wrote)


def opt_out_by_chat(turn: Turn) -> None:
    """A step: somebody wrote that they want no more. It holds wherever this sender wrote to them from."""
    say = partial(
        opt_outs.record, turn.session, address_keys=(turn.key,), kind="own_wish", origin="message",
        now=turn.now,
    )  # fmt: skip
    wrote = set(turn.session.scalars(_wrote_to(turn.key, turn.stored.sender_id)))
    _everywhere(say, turn.workspace_id, turn.contact_id, wrote)


def _everywhere(say: Callable[..., None], home: str, contact_id: str | None, wrote: Collection[str]) -> None:
    """Theirs at home, and the address's wherever we wrote to it; in one order, whichever sender hears it."""
    for workspace_id in sorted({home, *wrote}):
        if workspace_id == home:
            say(workspace_id, contact_id)
        if workspace_id in wrote:
            say(workspace_id, None)


def opt_in_by_chat(turn: Turn, message_id: str) -> None:
    """A step: the person's own word, for the address that they wrote from: it lifts their own wish there.

    Whoever called us spam there and writes START does not any more. As with their no, it holds wherever this
    sender wrote to them from: whoever never did asked them nothing. What another person said at the address
    goes on holding for them, also where nobody knows which of several it is who writes.
    """
    here = or_(OptOut.channel.is_(None), OptOut.channel == turn.stored.channel)
    which = here, OptOut.kind.in_(("own_wish", "complaint"))
    ends = partial(lift, turn.session, *which, now=turn.now, evidence=f"message {message_id}")
    wrote = set(turn.session.scalars(_wrote_to(turn.key, turn.stored.sender_id))) - {turn.workspace_id}
    people = _whose(turn, wrote)
    theirs = or_(OptOut.address_key == turn.key, OptOut.contact_id == turn.contact_id)
    for workspace_id in sorted(wrote | {turn.workspace_id}):  # in one order, whichever sender hears it
        is_there = OptOut.workspace_id == workspace_id
        if workspace_id == turn.workspace_id:
            ends(is_there, theirs, of=turn.contact_id)
        else:
            ends(is_there, OptOut.address_key == turn.key, of=people.get(workspace_id, SOMEBODY))


def _whose(turn: Turn, workspaces: Collection[str]) -> dict[str, str]:
    """Who alone has this address in each of these workspaces; held, with all who said something there."""
    has_it = Contact.key_of(turn.stored.channel) == turn.key, Contact.erased_at.is_(None)
    alone = (
        select(Contact.workspace_id, func.min(Contact.id))
        .where(*has_it, Contact.workspace_id.in_(workspaces))
        .group_by(Contact.workspace_id)
        .having(func.count() == 1)
    )
    people = dict(turn.session.execute(alone).all())
    said = select(OptOut.contact_id).where(
        OptOut.address_key == turn.key,
        OptOut.workspace_id.in_({turn.workspace_id, *workspaces}),
        OptOut.lifted_at.is_(None),
    )
    others = {id for id in turn.session.scalars(said) if id is not None}
    held = holding.those_held(turn.session, {turn.contact_id, *others, *people.values()})
    return {place: id for place, id in people.items() if id in held}


def _wrote_to(address_key: str, sender_id: str | None) -> CompoundSelect[str]:
    """The workspaces that asked or reminded this address from this sender, whatever came of it.

    By what went there, and not by where the ask stands now: a reminder may go elsewhere, another channel may
    be taken. Mails that ask have no index by address until they are lost; their asks have.
    """
    asks = [Message.purpose.in_(ASKING), Message.sender_id.is_not_distinct_from(sender_id)]
    if sender_id is None:  # else whoever has a sender was tried
        asks.append(Message.state.in_(LEFT))
    indexed = or_(Message.channel != _EMAIL, Message.purpose == _REMINDER, Message.state == _FAILED)
    there = select(Message.workspace_id).where(Message.address_key == address_key, indexed, *asks)
    # Looked up for each ask: as a join PostgreSQL may begin with everybody's messages
    its_mail = Message.invitation_id == Invitation.id, unindexed(Message.channel) == "email"
    is_mailed = select(Message.id).where(*its_mail, *asks).limit(1).scalar_subquery().is_not(None)
    return union(
        there, select(Invitation.workspace_id).where(Invitation.address_key == address_key, is_mailed)
    )
