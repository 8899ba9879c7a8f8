"""Follow-ups as they are read: with the person, what they said, who has it, and the state that follows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select

from app.domain.followups import Moments, State, state
from app.models import Answer, Contact, FollowUp, FollowUpClosure, Member, User
from app.services.access import Visitor

Whose = Literal["all", "mine", "unassigned"]
Found = Select[FollowUp, Contact, Answer, str, str]  # with its assignee's name and root cause
COMPANY = ("company", "empresa")  # the attributes that say where somebody works, as files call them


@dataclass(frozen=True)
class Record:
    """One follow-up, without what only its own page shows."""

    id: str
    state: State
    reason: str
    revision: int
    moments: Moments
    contact_id: str
    contact_name: str
    company: str | None
    locale: str | None
    answer_id: str | None
    metric: str | None
    score: int | None
    band: str | None
    comment: str | None
    channel: str | None
    assignee_id: str | None
    assignee_name: str | None
    root_cause: str | None

    def to_json(self) -> dict[str, object]:
        """What the API answers; references are ids."""
        moments = self.moments
        return {
            "id": self.id,
            "state": self.state.value,
            "reason": self.reason,
            "answer": self.answer_id,
            "contact": self.contact_id,
            "assignee": self.assignee_id,
            "opened_at": moments.opened_at,
            "first_contact_due_at": moments.first_contact_due_at,
            "first_contact_at": moments.first_contact_at,
            "close_due_at": moments.close_due_at,
            "closed_at": moments.closed_at,
            "root_cause": self.root_cause,
        }


def records_query(who: Visitor) -> Found:
    """Everything that a Record needs, of the visitor's workspace."""
    return (
        select(FollowUp, Contact, Answer, User.name, FollowUpClosure.root_cause)
        .join(Contact, Contact.id == FollowUp.contact_id)
        .outerjoin(Answer, Answer.id == FollowUp.answer_id)
        .outerjoin(Member, Member.id == FollowUp.assignee_id)
        .outerjoin(User, User.id == Member.user_id)
        .outerjoin(
            FollowUpClosure,
            and_(FollowUpClosure.followup_id == FollowUp.id, FollowUpClosure.reopened_at.is_(None)),
        )
        .where(FollowUp.workspace_id == who.workspace_id)
    )


def records(rows: Iterable[Row[FollowUp, Contact, Answer, str, str]]) -> tuple[Record, ...]:
    """The rows of `records_query` as Records."""
    return tuple(_record(*row) for row in rows)


def moments_of(followup: FollowUp, heard_at: datetime) -> Moments:
    """What the domain needs to know of a row."""
    return Moments(
        opened_at=followup.opened_at,
        heard_at=heard_at,
        first_contact_due_at=followup.first_contact_due_at,
        close_due_at=followup.close_due_at,
        assigned=followup.assignee_id is not None,
        first_contact_at=followup.first_contact_at,
        replied_at=followup.replied_at,
        closed_at=followup.closed_at,
    )


def is_open() -> ColumnElement[bool]:
    """Not closed, or opened again."""
    return FollowUp.closed_at.is_(None)


def of_whom(who: Visitor, whose: Whose) -> ColumnElement[bool]:
    """Everybody's, the visitor's own, or nobody's."""
    if whose == "mine":
        return FollowUp.assignee_id == (who.member_id or "")
    if whose == "unassigned":
        return FollowUp.assignee_id.is_(None)
    return FollowUp.workspace_id == who.workspace_id


def next_due() -> ColumnElement[datetime]:
    """The due time of the clock that matters now."""
    return case(
        (FollowUp.first_contact_at.is_(None), FollowUp.first_contact_due_at), else_=FollowUp.close_due_at
    )


def is_contacted() -> ColumnElement[int]:
    """1 once the first contact is made: the second half of the inbox."""
    return case((FollowUp.first_contact_at.is_(None), 0), else_=1)


def is_overdue(now: datetime) -> ColumnElement[bool]:
    """Open, and the clock that matters has run out."""
    return and_(is_open(), next_due() < now)


def is_waiting_for_them() -> ColumnElement[bool]:
    """We replied last: the same rule as `domain.followups.state`, over the rows of `records_query`."""
    heard_at = func.coalesce(Answer.updated_at, FollowUp.opened_at)
    return and_(is_open(), FollowUp.replied_at.is_not(None), FollowUp.replied_at > heard_at)


def in_state(wanted: State) -> ColumnElement[bool]:
    """The rows that `domain.followups.state` puts in this state."""
    if wanted is State.CLOSED:
        return FollowUp.closed_at.is_not(None)
    if wanted is State.WAITING:
        return is_waiting_for_them()
    assigned = FollowUp.assignee_id.is_not(None)
    return and_(is_open(), ~is_waiting_for_them(), assigned if wanted is State.CLAIMED else ~assigned)


def company_of(contact: Contact) -> str | None:
    """Where somebody works, if their attributes say it."""
    named = (contact.attributes.get(name) for name in COMPANY)
    return next((str(value) for value in named if value), None)


def _record(
    followup: FollowUp, contact: Contact, answer: Answer | None, assignee: str | None, root_cause: str | None
) -> Record:
    moments = moments_of(followup, answer.updated_at if answer else followup.opened_at)
    return Record(
        id=followup.id,
        state=state(moments),
        reason=followup.reason,
        revision=followup.revision,
        moments=moments,
        contact_id=contact.id,
        contact_name=contact.label,
        company=company_of(contact),
        locale=contact.locale,
        answer_id=followup.answer_id,
        metric=answer.metric if answer else None,
        score=answer.score if answer else None,
        band=answer.band if answer else None,
        comment=answer.comment if answer else None,
        channel=answer.channel if answer else None,
        assignee_id=followup.assignee_id,
        assignee_name=assignee,
        root_cause=root_cause,
    )
