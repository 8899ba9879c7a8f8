"""Everything that we hold of one person, and only of them, as they may ask for it (N03).

Left out: keyed hashes, which tell nothing, and what would tell of others: who works here, whom else we ask.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app.models import (
    Answer,
    AnswerEdit,
    Attempt,
    AuditRow,
    Base,
    Complaint,
    ConnectLink,
    ConsentChange,
    Contact,
    ContactImport,
    Conversation,
    Event,
    FollowUp,
    FollowUpClosure,
    FollowUpEvent,
    ImportPerson,
    InboundEvent,
    Invitation,
    Message,
    Occurrence,
    SandboxCopy,
    Survey,
    Workspace,
)  # fmt: skip
from app.runtime import Runtime
from app.services import audit, contact_rows, holding, opt_outs, person_requests
from app.services.access import Visitor

Part = list[dict[str, Any]]
PULSES = (
    "What you answered in a pulse cannot be found by anybody: it is sealed while the pulse is open, and kept"
    " without any link to a person afterwards."
)
PERSON = (
    "name", "external_id", "email", "phone", "telegram_chat_id", "kind", "locale", "time_zone",
    "preferred_channel", "attributes", "tags",
    "active", "lawful_basis", "source", "created_at", "updated_at",
)  # fmt: skip
ANSWER = (
    "metric", "score", "band", "comment", "contact_me", "channel", "attributes", "recorded_at", "updated_at",
)  # fmt: skip
CLOSURE = ("closed_at", "summary", "root_cause", "reopened_at")
MESSAGE = ("purpose", "channel", "to_address", "subject", "body", "state", "reason", "created_at", "sent_at")


def export(runtime: Runtime, who: Visitor, contact_id: str) -> str:
    """The file, as JSON that people can read too; an open request for it is done. Raises NotFound."""
    now = runtime.clock()
    with runtime.db.read() as session:  # long for somebody whom we know long: nobody waits for it to write
        contact = contact_rows.load(session, who, contact_id)
        held = {
            "made_at": now,
            "held_by": session.get_one(Workspace, who.workspace_id).name,
            "person": _values(contact, PERSON),
            **_wishes(session, contact, now),
            "asked": _asked(session, who, contact),
            **({"pulses": PULSES} if who.is_people else _said(session, contact)),
            "messages": _messages(session, who, contact),
            "came_in": _came_in(session, who, contact),
            "chats": _chats(session, contact),
            "told_of_them": _told(session, contact),
            "imports": _imports(session, contact),
            "changes_noted": _noted(session, contact),
        }
    with runtime.db.write() as session:  # whoever was erased meanwhile has no file
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        audit.note(session, who, now, "contact.exported", contact.id)
        person_requests.done(session, contact.id, now, "access")
    return json.dumps(held, ensure_ascii=False, indent=2, default=_written) + "\n"


def _wishes(session: Session, contact: Contact, now: datetime) -> dict[str, Part]:
    """Why they may be asked, as it changed, what they do not want, and what they asked of us.

    Whoever asked for this file has it with it.
    """
    changes = _of(session, ConsentChange, ConsentChange.contact_id == contact.id, ConsentChange.at)
    return {
        "lawful_basis_changes": [
            _values(each, ("at", "before", "lawful_basis", "source", "evidence")) for each in changes
        ],
        "opt_outs": [
            {
                "kind": each.kind, "channel": each.channel or "all", "origin": each.origin,
                "since": each.since, "lifted_at": each.lifted_at,
                # Of whoever else has the address it is theirs how we know
                "proof": None if each.is_anothers else each.proof,
                "lifted_because": None if each.is_anothers else each.evidence,
            }
            for each in opt_outs.standings(session, contact)
        ],
        "complaints": [
            _values(each, ("channel", "source", "complained_at", "recorded_at"))
            for each in _of(session, Complaint, Complaint.contact_id == contact.id, Complaint.recorded_at)
        ],
        "requests": [
            {
                **{name: getattr(each, name) for name in ("kind", "received_at", "due_at")},
                "done_at": each.done_at or (now if each.kind == "access" else None),
            }
            for each in person_requests.of(session, contact)
        ],
    }  # fmt: skip


def _asked(session: Session, who: Visitor, contact: Contact) -> Part:
    query = select(Invitation, Survey.name).join(Survey, Survey.id == Invitation.survey_id)
    rows = session.execute(query.where(Invitation.contact_id == contact.id).order_by(Invitation.created_at))
    names = ("metric", "channel", "reason", "until", "created_at", "sent_at", "expires_at", "locale")
    return [
        {"survey": survey, "state": _state(row.state, who), **_values(row, names)} for row, survey in rows
    ]


def _state(state: str, who: Visitor) -> str:
    """In a people workspace nothing tells whether somebody has answered."""
    return "sent" if who.is_people and state in ("answered", "expired") else state


def _said(session: Session, contact: Contact) -> dict[str, Part]:
    """Answers with what they were before, and what was done about them."""
    query = select(Answer, Survey.name).join(Survey, Survey.id == Answer.survey_id)
    rows = session.execute(query.where(Answer.contact_id == contact.id).order_by(Answer.recorded_at)).all()
    answers = [
        {"survey": survey, **_values(row, ANSWER), "before": _before(session, row)} for row, survey in rows
    ]
    return {"answers": answers, "follow_ups": _followups(session, contact)}


def _before(session: Session, answer: Answer) -> Part:
    edits = _of(session, AnswerEdit, AnswerEdit.answer_id == answer.id, AnswerEdit.replaced_at)
    return [_values(each, ("score", "band", "comment", "replaced_at")) for each in edits]


def _followups(session: Session, contact: Contact) -> Part:
    found = []
    for each in _of(session, FollowUp, FollowUp.contact_id == contact.id, FollowUp.opened_at):
        steps = _of(session, FollowUpEvent, FollowUpEvent.followup_id == each.id, FollowUpEvent.at)
        ends = FollowUpClosure.followup_id == each.id
        closures = _of(session, FollowUpClosure, ends, FollowUpClosure.closed_at)
        found.append(
            {
                **_values(each, ("reason", "opened_at", "first_contact_at", "closed_at")),
                "steps": [_values(step, ("at", "kind", "text")) for step in steps],
                "closures": [_values(one, CLOSURE) for one in closures],
            }
        )
    return found


def _messages(session: Session, who: Visitor, contact: Contact) -> Part:
    """Reminders of a pulse stay unsaid: they go to those who have not answered."""
    theirs = Message.contact_id == contact.id
    if who.is_people:
        theirs &= Message.purpose != "reminder"
    ids = select(Message.id).where(theirs)
    tries: dict[str, Part] = {}
    for one in _of(session, Attempt, Attempt.message_id.in_(ids), Attempt.number):
        tries.setdefault(one.message_id, []).append(_values(one, ("started_at", "outcome", "detail")))
    copies = _of(session, SandboxCopy, SandboxCopy.message_id.in_(ids), SandboxCopy.message_id)
    shown = {copy.message_id: _values(copy, ("subject", "text")) for copy in copies}
    return [
        {
            **_values(each, MESSAGE),
            "tries": tries.get(each.id, []),
            **({"in_the_sandbox": shown[each.id]} if each.id in shown else {}),
        }
        for each in _of(session, Message, theirs, Message.created_at)
    ]


def _came_in(session: Session, who: Visitor, contact: Contact) -> Part:
    """What providers told of messages stays unsaid where it could be a reminder's."""
    theirs = InboundEvent.contact_id == contact.id
    if who.is_people:
        theirs &= InboundEvent.kind != "status"
    events = _of(session, InboundEvent, theirs, InboundEvent.received_at)
    return [{**_values(each, ("channel", "received_at")), "event": each.payload} for each in events]


def _chats(session: Session, contact: Contact) -> Part:
    """Where they were written to from here, or wrote to: the same phone may be somebody's elsewhere as well.

    Of a chat that serves several workspaces, what is about them here.
    """
    theirs, asked = Message.contact_id == contact.id, Invitation.contact_id == contact.id
    wrote_to = select(Message.sender_id).where(theirs)
    came_in = select(InboundEvent.sender_id).where(InboundEvent.contact_id == contact.id)
    met = or_(Conversation.sender_id.in_(wrote_to), Conversation.sender_id.in_(came_in))
    keys = [key for key in (contact.phone_key, contact.telegram_key) if key]
    chats = _of(session, Conversation, met & Conversation.address_key.in_(keys), Conversation.id)
    wrote = select(Message.sender_id, func.max(Message.created_at)).where(
        theirs, Message.purpose == "inbound"
    )
    heard = dict(session.execute(wrote.group_by(Message.sender_id)).all())
    asks = set(session.scalars(select(Invitation.id).where(asked)))
    links = _of(session, ConnectLink, ConnectLink.contact_id == contact.id, ConnectLink.created_at)
    return [
        *(
            {
                "expects": each.expects if {each.about, *each.choices} <= {None, *asks} else None,
                "locale": each.locale, "heard_at": heard.get(each.sender_id), "blocked_at": each.blocked_at,
            }
            for each in chats
        ),
        *({"link_to_telegram": _values(each, ("created_at", "expires_at", "used_at"))} for each in links),
    ]  # fmt: skip


def _told(session: Session, contact: Contact) -> Part:
    """What other systems told of them, and the asks that were planned for them alone."""
    events = _of(session, Event, Event.contact_id == contact.id, Event.received_at)
    runs = _of(session, Occurrence, Occurrence.contact_id == contact.id, Occurrence.due_at)
    return [
        *(_values(each, ("name", "external_id", "properties", "occurred_at")) for each in events),
        *({"ask_planned": _values(each, ("due_at", "state", "reason"))} for each in runs),
    ]


def _imports(session: Session, contact: Contact) -> Part:
    """The files in which they were met, as long as that is kept."""
    query = select(ContactImport, ImportPerson).join(ImportPerson, ImportPerson.import_id == ContactImport.id)
    rows = session.execute(query.where(ImportPerson.contact_id == contact.id).order_by(ContactImport.id))
    return [
        {
            **_values(each, ("file_name", "source", "lawful_basis")),
            **_values(met, ("row", "outcome")),
            "changes": {
                name: pair for name, pair in (met.changes or {}).items() if not name.endswith("_key")
            },
        }
        for each, met in rows
    ]


def _noted(session: Session, contact: Contact) -> Part:
    rows = _of(session, AuditRow, AuditRow.subject_id == contact.id, AuditRow.at)
    return [_values(each, ("at", "action", "payload")) for each in rows]


def _of(session: Session, model: Any, which: Any, order: Any) -> Sequence[Any]:
    query: Select[Any] = select(model).where(which).order_by(order)
    return session.scalars(query).all()


def _values(row: Base, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
