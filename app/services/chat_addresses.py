"""The one form of an address in a chat: a phone with its ninth digit, a Telegram chat; and its keyed hash."""

from sqlalchemy.orm import Session

from app.domain.addresses import BadAddress, read_phone
from app.services.address_keys import address_key

PHONES = ("sms", "whatsapp")
TRIED = "connect:"  # links that were tried are counted under this, the sender and the chat


def canonical(channel: str, address: str) -> str | None:
    """The address as a contact has it; None for what is no address at all."""
    if channel not in PHONES:
        return address or None
    try:
        return read_phone(address, None).text
    except BadAddress:
        return None


def key_of(session: Session, channel: str, address: str) -> str | None:
    """The keyed hash under which this address is remembered; a phone's is the same on SMS and WhatsApp."""
    found = canonical(channel, address)
    if found is None:
        return None
    return address_key(session, found if channel in PHONES else telegram_form(found))


def telegram_form(chat_id: str) -> str:
    """What a chat's keyed hash is made of: its number alone could be somebody's phone."""
    return f"telegram:{chat_id}"
