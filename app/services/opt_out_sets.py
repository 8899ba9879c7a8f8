"""Who opted out and whose address bounced, of a whole workspace: found from the opt-outs, the fewer rows.

Of some people `opt_outs.is_opted_out` and `is_bounced` say the same, by looking each of them up; a test holds
the two equal.
"""

from sqlalchemy import CompoundSelect, Select, select, union
from sqlalchemy.orm import aliased

from app.models import Contact, OptOut


def who_opted_out(workspace_id: str, channel: str | None = None) -> CompoundSelect[str]:
    """The ids of those for whom an opt-out holds, everywhere or on this channel: theirs or an address's."""
    row = aliased(OptOut)
    here = select(Contact.id).where(
        Contact.workspace_id == workspace_id,
        row.workspace_id == workspace_id,
        row.lifted_at.is_(None),
        row.kind != "bounce",
        row.channel.is_(None) if channel is None else row.channel == channel,
    )
    keys = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    by_address = (here.join(row, row.address_key == key) for key in keys)
    return union(here.join(row, row.contact_id == Contact.id), *by_address)


def who_bounced(workspace_id: str, channel: str) -> Select[str]:
    """The ids of those whose very mailbox bounced, whose number or chat is closed to us."""
    row = aliased(OptOut)
    here = select(Contact.id).join(row, row.address_key == Contact.key_of(channel))
    return here.distinct().where(
        Contact.workspace_id == workspace_id,
        row.workspace_id == workspace_id,
        row.kind == "bounce",
        row.lifted_at.is_(None),
    )
