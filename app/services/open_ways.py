"""On which channels a person can be reached: we can send there, they have an address, nothing closed it."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.models import Contact, OptOut

Shut = tuple[str, str | None, str | None]  # workspace, whose (an address's key or a person), channel or all
# Put together once: they are asked for every few people
_OF_ADDRESSES, _OF_PEOPLE = (
    select(OptOut.workspace_id, whose, OptOut.kind, OptOut.channel).where(
        OptOut.workspace_id.in_(bindparam("places", expanding=True)),
        whose.in_(bindparam("some", expanding=True)),
        OptOut.lifted_at.is_(None),
    )
    for whose in (OptOut.address_key, OptOut.contact_id)
)


def open_ways(
    session: Session, people: Sequence[tuple[Contact, Collection[str]]], ready: Collection[str]
) -> list[list[str]]:
    """For each of these people: those of the channels given with them that are open, in their order."""
    shut = _shut(session, [contact for contact, _ in people])
    return [
        [each for each in channels if each in ready and _is_open(contact, each, shut)]
        for contact, channels in people
    ]


def _shut(session: Session, people: Collection[Contact]) -> set[Shut]:
    """Of these people: the addresses that nothing reaches, and whoever wants nothing more on a channel."""
    keys = [key for contact in people for key in _keys(contact)]
    places = list({contact.workspace_id for contact in people})
    shut: set[Shut] = set()
    for query, some in ((_OF_ADDRESSES, keys), (_OF_PEOPLE, [contact.id for contact in people])):
        for place, whose, kind, channel in session.execute(query, {"places": places, "some": some}):
            if kind == "bounce":
                shut.add((place, whose, None))
            elif channel is not None:
                shut.add((place, whose, channel))
    return shut


def _is_open(contact: Contact, channel: str, shut: set[Shut]) -> bool:
    key, place = contact.key_on(channel), contact.workspace_id
    if key is None or contact.lawful_basis == "none" or (place, key, None) in shut:
        return False
    return not any((place, whose, channel) in shut for whose in (contact.id, *_keys(contact)))


def _keys(contact: Contact) -> list[str]:
    return [key for key in (contact.email_key, contact.phone_key, contact.telegram_key) if key]
