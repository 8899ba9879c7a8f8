"""One visitor acting on one follow-up at one moment: the steps that the verbs of followups.py share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.domain.followups import claimed_before, closed_before
from app.errors import Conflict, Invalid, NotFound, problem
from app.models import Contact, FollowUp, FollowUpClosure, FollowUpEvent, Member, Message, User
from app.runtime import Runtime
from app.services import audit, holding
from app.services.access import Visitor, own
from app.services.followup_opening import leave_event
from app.services.followup_rows import is_open

AGAIN = timedelta(minutes=10)  # the same words by the same person within this: a form that was sent twice


@dataclass(frozen=True)
class Act:
    """Inside a transaction. Nothing here trusts what was read before: one conditional UPDATE decides."""

    session: Session
    who: Visitor
    id: str
    now: datetime

    def row(self, *, lock: bool = False) -> FollowUp:
        """The follow-up as it is now; NotFound for another workspace's."""
        found = own(self.session, self.who, FollowUp, self.id, lock=lock)
        self.session.refresh(found)
        return found

    def hold(self) -> FollowUp:
        """The follow-up for us alone, and before it its person, as an erasure takes them.

        Raises Conflict where they were erased: nothing more is written down about them.
        """
        found = own(self.session, self.who, FollowUp, self.id)
        try:
            holding.hold(self.session, self.session.get_one(Contact, found.contact_id))
        except NotFound:
            raise Conflict("This person was erased. Nothing more is kept about them.") from None
        return self.row(lock=True)

    def change(self, *conditions: ColumnElement[bool], **values: Any) -> bool:
        """Did this change it? False when it no longer meets the conditions, or is another workspace's."""
        statement = (
            update(FollowUp)
            .where(FollowUp.id == self.id, FollowUp.workspace_id == self.who.workspace_id, *conditions)
            .values(revision=FollowUp.revision + 1, **values)
        )
        return changed(self.session, statement) == 1

    def leave(self, kind: str, text: str | None = None, message_id: str | None = None) -> None:
        """A line in the timeline, by this visitor."""
        leave_event(
            self.session,
            self.who.workspace_id,
            self.id,
            self.now,
            kind,
            actor=self.who.name,
            member_id=self.who.member_id,
            message_id=message_id,
            text=text,
        )
        audit.note(self.session, self.who, self.now, f"followup.{kind}", self.id)

    def take(self) -> bool:
        """Did it become the visitor's by this call? Of two who ask at once, one."""
        if self.who.member_id is None:
            raise Invalid([problem("assignee", "A key is nobody to work on it: name a member.")])
        free = is_open(), FollowUp.assignee_id.is_(None)
        if not self.change(*free, assignee_id=self.who.member_id):
            return False
        self.leave("claimed")
        return True

    def claim(self) -> None:
        """It is the visitor's now, or already was; Conflict otherwise."""
        if self.take():
            return
        found = self.row()
        if found.assignee_id != self.who.member_id or found.closed_at is not None:
            raise self.why_not()

    def why_not(self) -> Conflict:
        """Why it could not be taken: it is closed, or somebody has it, and since when."""
        found = self.row()
        if found.closed_at is not None:
            closure = self.standing_closure()
            return closed_before((closure and closure.closed_by) or "", found.closed_at, self.now)
        taken = self._last_event("claimed", "assigned")
        name = self.session.scalar(select(User.name).join(Member).where(Member.id == found.assignee_id))
        if name is None or taken is None:
            return Conflict("Somebody else changed who works on this. Look again.")
        return claimed_before(name, taken.at, self.now)

    def repeats(self, kind: str, text: str) -> bool:
        """Has this visitor just left the same words? Ask with the row locked."""
        last = self._last_event(kind)
        if last is None or (last.actor, last.member_id, last.text) != (
            self.who.name,
            self.who.member_id,
            text,
        ):
            return False
        left = select(Message.state).where(Message.id == last.message_id)
        if self.session.scalar(left) == "failed":  # they are sent another way, at once
            return False
        return self.now - last.at < AGAIN

    def standing_closure(self) -> FollowUpClosure | None:
        """The closure that no reopening has ended."""
        standing = FollowUpClosure.followup_id == self.id, FollowUpClosure.reopened_at.is_(None)
        return self.session.scalars(select(FollowUpClosure).where(*standing)).first()

    def _last_event(self, *kinds: str) -> FollowUpEvent | None:
        query = (
            select(FollowUpEvent)
            .where(FollowUpEvent.followup_id == self.id, FollowUpEvent.kind.in_(kinds))
            .order_by(FollowUpEvent.at.desc())
            .limit(1)
        )
        return self.session.scalars(query).first()


def act(runtime: Runtime, session: Session, who: Visitor, id: str) -> Act:
    """The visitor's act, now."""
    return Act(session, who, id, runtime.clock())
