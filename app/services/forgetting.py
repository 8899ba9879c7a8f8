"""What an erasure takes away, in statements that are put together once: meanwhile it holds SQLite's one pen.

Nothing here decides: `erasure` says when, and in which order.
"""

# ruff: noqa: S608 - every word of these statements is ours

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, union_all
from sqlalchemy.orm import Session

from app.db import Statement
from app.errors import Problem
from app.models import Contact, InboundEvent
from app.services.chat_addresses import TRIED

# The events of a follow-up whose text is about the person, or theirs
WORDS = ("noted", "contacted", "replied", "closed", "heard")


def _statements(*words: str) -> tuple[Statement, ...]:
    return tuple(map(Statement, words))


# Everything to the person, and what members were sent about their follow-ups
_MESSAGES = (
    "(SELECT id FROM messages WHERE contact_id = :contact UNION ALL SELECT about.id FROM followups"
    " JOIN messages AS about ON about.followup_id = followups.id WHERE followups.contact_id = :contact)"
)
_FOLLOWUPS = "(SELECT id FROM followups WHERE contact_id = :contact)"
_ANSWERS = "(SELECT id FROM answers WHERE contact_id = :contact)"
_IMPORTS = "(SELECT id FROM contact_imports WHERE workspace_id = :workspace)"
_KEYS = "(:email_key, :phone_key, :telegram_key)"
# One chat for all workspaces: while it is also somebody else's it stays. Of two who are erased at once the
# second waits for it, and then finds nobody else
_IS_ANOTHERS = (
    "EXISTS (SELECT 1 FROM contacts WHERE id <> :contact AND (phone_key = address_key"
    " OR telegram_key = address_key))"
)

# The wish stays, without a word. What an opt-in lifted is its person's; of older ones, words may stand on
# others' rows at the address
WISHES = _statements(
    "UPDATE opt_outs SET lifted_evidence = NULL"
    f" WHERE workspace_id = :workspace AND (contact_id = :contact OR address_key IN {_KEYS})",
    "UPDATE opt_outs SET evidence = NULL WHERE workspace_id = :workspace"
    f" AND (contact_id = :contact OR address_key IN {_KEYS} AND contact_id IS NULL)",
)
# Also what a worker has claimed: without its lease it may not attempt it any more
QUEUED = _statements(
    "UPDATE messages SET state = 'cancelled', reason = 'erased', lease_token = NULL, lease_until = NULL"
    f" WHERE id IN {_MESSAGES} AND state IN ('queued', 'claimed')",
    "UPDATE invitations SET state = 'cancelled', reason = 'erased', until = NULL"
    " WHERE contact_id = :contact AND state IN ('planned', 'queued')",
)
# What they said and what was said to them or about them; states and scores stay. `updated_at` moves: whoever
# copies answers by it learns that the words are gone. Alerts keep the address of the member who got them;
# in a chat the provider's name for a message tells the chat
SAID = _statements(
    f"UPDATE answer_edits SET comment = NULL WHERE answer_id IN {_ANSWERS}",
    "UPDATE answers SET comment = NULL, attributes = '{}', updated_at = :now WHERE contact_id = :contact",
    f"DELETE FROM sandbox_copies WHERE message_id IN {_MESSAGES}",
    f"DELETE FROM tokens WHERE message_id IN {_MESSAGES}",
    f"UPDATE attempts SET detail = NULL WHERE message_id IN {_MESSAGES}",
    f"UPDATE messages SET subject = NULL, body = NULL, detail = NULL WHERE id IN {_MESSAGES}",
    "UPDATE messages SET to_address = '', address_key = NULL, provider_id ="
    " CASE WHEN channel = 'telegram' THEN NULL ELSE provider_id END WHERE contact_id = :contact",
    "UPDATE invitations SET address_key = NULL WHERE contact_id = :contact",
    "UPDATE events SET properties = '{}' WHERE contact_id = :contact",
    "SELECT id FROM conversations WHERE address_key IN (:phone_key, :telegram_key) ORDER BY id FOR UPDATE",
    f"DELETE FROM conversations WHERE address_key IN (:phone_key, :telegram_key) AND NOT {_IS_ANOTHERS}",
    "DELETE FROM connect_links WHERE contact_id = :contact",
    f"DELETE FROM import_people WHERE import_id IN {_IMPORTS} AND contact_id = :contact",
    f"DELETE FROM rate_windows WHERE key IN (SELECT '{TRIED}' || id || ':' || :chat FROM senders"
    " WHERE channel = 'telegram')",
    "UPDATE complaints SET name = id WHERE contact_id = :contact",  # others' words for it may say who it was
    "UPDATE consent_changes SET source = NULL, evidence = NULL WHERE contact_id = :contact",
)
ABOUT_FOLLOWUPS = _statements(
    f"UPDATE followup_events SET text = NULL WHERE followup_id IN {_FOLLOWUPS} AND kind IN {WORDS}",
    f"UPDATE followup_closures SET summary = '', ask_again = false WHERE followup_id IN {_FOLLOWUPS}",
)
# First the imports: whoever reads a file at this moment adds nothing to it afterwards
FILES = _statements(
    "UPDATE contact_imports SET state = 'stopped', ended_at = :now, lease_token = NULL, lease_until = NULL,"
    " problem = :problem"
    " WHERE workspace_id = :workspace AND state NOT IN ('importing', 'undoing') AND ended_at IS NULL",
    f"DELETE FROM import_parts WHERE import_id IN {_IMPORTS[:-1]} AND state <> 'importing')",
    f"DELETE FROM import_rejects WHERE import_id IN {_IMPORTS}",
)

# What is known to be theirs, or came from their address and is not known to be anybody's. Of before
# the keys were kept (they go after 90 days): a number may have come without its ninth digit. Each side by an
# index of its own: else SQLite reads every event there is
_UNKEYED, _SAID = InboundEvent.address_key.is_(None), InboundEvent.payload["address"].as_string()
_HERE = InboundEvent.contact_id.is_(None) & or_(
    InboundEvent.workspace_id.is_(None), InboundEvent.workspace_id == bindparam("workspace")
)
_FROM_THERE = (
    InboundEvent.address_key.in_((bindparam("phone_key"), bindparam("telegram_key"))),
    _UNKEYED & _SAID.like(bindparam("number")),
    _UNKEYED & (bindparam("chat") == _SAID),
)
CAME_IN = (
    select(InboundEvent)
    .where(or_(InboundEvent.contact_id == bindparam("contact"), *(each & _HERE for each in _FROM_THERE)))
    .order_by(InboundEvent.id)
    .with_for_update()
)
CAME_IN_IDS = CAME_IN.with_only_columns(InboundEvent.id)
# Which of their addresses somebody else has as well, in whatever workspace; whoever was erased has none
SHARED = union_all(
    *(
        select(key).where(key == bindparam(key.key), Contact.id != bindparam("contact"))
        for key in (Contact.phone_key, Contact.telegram_key)
    )
)


def whose(contact: Contact) -> Mapping[str, Any]:
    """What these statements know of a person."""
    return {
        "contact": contact.id,
        "workspace": contact.workspace_id,
        "email_key": contact.email_key,
        "phone_key": contact.phone_key,
        "telegram_key": contact.telegram_key,
        "chat": contact.telegram_chat_id,
        "number": f"%{contact.phone[-8:]}" if contact.phone else None,
    }


def take(session: Session, what: tuple[Statement, ...], contact: Contact, now: datetime, **more: str) -> None:
    """Run the statements of one sort about this person."""
    session.flush()  # they go straight to the driver
    values = {**whose(contact), "now": now, **more}
    for statement in what:
        statement.run(session, values)


def told(problem: Problem) -> str:
    """A problem as its column keeps it."""
    return json.dumps({"field": problem.field, "message": problem.message, "params": problem.params})
