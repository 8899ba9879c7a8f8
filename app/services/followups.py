"""Working a follow-up: claim, assign, note, reply, close, reopen. Each leaves a row in its timeline."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.domain.followups import CLOSING_HOURS, Reason, closed_before, require_closable, text_problems
from app.errors import Conflict, Invalid, NotFound, Problem, problem
from app.models import Answer, Contact, FollowUp, FollowUpClosure, Member, User, Workspace, new_id
from app.runtime import Runtime
from app.services import audit, contact_rows, holding, outbox, reply_ways
from app.services.access import Visitor, own
from app.services.followup_acts import Act, act
from app.services.followup_opening import calendar_of, open_row
from app.services.followup_rows import is_contacted, is_open, next_due
from app.services.once import Once

TRIES = 5  # of claiming the next one while others do the same
ANYBODY = "anybody"  # assign whoever has it now


def open_by_hand(
    runtime: Runtime, who: Visitor, contact_id: str, answer_id: str | None = None, once: Once | None = None
) -> str:
    """A follow-up that no score opened: somebody called or wrote. Its id; the answer's own if it has one."""
    with runtime.db.write() as session:
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        if answer_id is not None and own(session, who, Answer, answer_id).contact_id != contact.id:
            raise Invalid([problem("answer", "This answer is another person's.")])
        opened = open_row(
            session,
            workspace_id=who.workspace_id,
            answer_id=answer_id,
            contact_id=contact.id,
            reason=Reason.ASKED,
            calendar=calendar_of(session.get_one(Workspace, who.workspace_id)),
            now=runtime.clock(),
            actor=who.name,
        )
        id = opened or session.scalars(select(FollowUp.id).where(FollowUp.answer_id == answer_id)).one()
        if once:
            once.keep(session, id)
        if opened:
            audit.note(session, who, runtime.clock(), "followup.opened", id)
        return id


def claim(runtime: Runtime, who: Visitor, id: str) -> None:
    """It is mine now. Twice is harmless; Conflict says who was quicker."""
    with runtime.db.write() as session:
        act(runtime, session, who, id).claim()


def claim_next(runtime: Runtime, who: Visitor) -> str | None:
    """The most urgent one that nobody has becomes mine; None when there is none."""
    waiting = (
        select(FollowUp.id)
        .where(FollowUp.workspace_id == who.workspace_id, is_open(), FollowUp.assignee_id.is_(None))
        .order_by(is_contacted(), next_due(), FollowUp.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # two who press at once get one each (PostgreSQL)
    )
    with runtime.db.write() as session:
        for _ in range(TRIES):
            id = session.scalar(waiting)
            if id is not None and act(runtime, session, who, id).take():
                return id
    return None


def assign(
    runtime: Runtime, who: Visitor, id: str, member_id: str | None, *, seen: str | None = ANYBODY
) -> None:
    """Give it to a member, or to nobody (None). The same twice is harmless.

    `seen` is who had it when the visitor looked (None: nobody). Conflict when that has changed, or when it
    is closed.
    """
    with runtime.db.write() as session:
        doing = act(runtime, session, who, id)
        found = doing.row()
        name = _name_of_worker(session, who, member_id) if member_id else None
        if found.assignee_id == member_id and found.closed_at is None:
            return
        still = [] if seen == ANYBODY else [FollowUp.assignee_id.is_not_distinct_from(seen)]
        if not doing.change(is_open(), *still, assignee_id=member_id):
            raise doing.why_not()
        doing.leave("assigned", text=name)


def note(
    runtime: Runtime, who: Visitor, id: str, text: str, contacted: bool = False, *, once: Once | None = None
) -> None:
    """Write something down; with `contacted` we spoke to them, and the clock of first contact stops."""
    text = _words(text, problem("text", "Write the note first."))
    kind = "contacted" if contacted else "noted"
    with runtime.db.write() as session:
        if once:
            once.keep(session, id)
        doing = act(runtime, session, who, id)
        doing.hold()
        if doing.repeats(kind, text):
            return
        doing.leave(kind, text)
        if contacted:
            doing.change(first_contact_at=func.coalesce(FollowUp.first_contact_at, doing.now))


def reply(runtime: Runtime, who: Visitor, id: str, text: str, once: Once | None = None) -> str | None:
    """Queue our words where the person answered; the message's id, or None for the same words again.

    A member answers what is theirs: an unclaimed one becomes theirs, somebody else's is a Conflict. The clock
    of first contact stops when the message has left.
    """
    text = _words(text, problem("text", "Write the reply first."))
    with runtime.db.write() as session:
        if once:
            once.keep(session, id)
        doing = act(runtime, session, who, id)
        found = doing.hold()
        if doing.repeats("replied", text):
            return None
        if found.closed_at is not None:
            raise Conflict("This follow-up is closed. Reopen it to reply.")
        if who.member_id is not None:
            doing.claim()
        message_id = _enqueue(runtime, doing, found, text)
        doing.leave("replied", text, message_id)
        return message_id


def close(
    runtime: Runtime,
    who: Visitor,
    id: str,
    *,
    summary: str,
    root_cause: str,
    ask_again: bool = True,
    once: Once | None = None,
) -> None:
    """Close it with what was done and why it came to this.

    The same twice is harmless; Conflict when somebody has closed it with other words.
    """
    summary, root_cause = _tidy(summary), " ".join(_tidy(root_cause).split())
    require_closable(summary, root_cause)
    with runtime.db.write() as session:
        if once:
            once.keep(session, id)
        doing = act(runtime, session, who, id)
        doing.hold()
        if not doing.change(is_open(), closed_at=doing.now):
            standing = doing.standing_closure()
            if standing is None or (standing.summary, standing.root_cause) == (summary, root_cause):
                return
            raise closed_before(standing.closed_by or "", standing.closed_at, doing.now)
        session.add(
            FollowUpClosure(
                id=new_id(),
                workspace_id=who.workspace_id,
                followup_id=id,
                closed_by=who.name,
                summary=summary,
                root_cause=root_cause,
                ask_again=ask_again and doing.row().answer_id is not None,
                closed_at=doing.now,
            )
        )
        doing.leave("closed", summary)


def reopen(runtime: Runtime, who: Visitor, id: str) -> None:
    """Open it again, with as long to close it as a new one; the closure stays, ended. Twice is harmless."""
    with runtime.db.write() as session:
        doing = act(runtime, session, who, id)
        doing.hold()
        calendar = calendar_of(session.get_one(Workspace, who.workspace_id))
        due_at = calendar.add_hours(doing.now, CLOSING_HOURS)
        if not doing.change(~is_open(), closed_at=None, close_due_at=due_at):
            return
        session.execute(
            update(FollowUpClosure)
            .where(FollowUpClosure.followup_id == id, FollowUpClosure.reopened_at.is_(None))
            .values(reopened_at=doing.now, reopened_by=who.name)
        )
        doing.leave("reopened")


def _enqueue(runtime: Runtime, doing: Act, followup: FollowUp, text: str) -> str:
    session, who = doing.session, doing.who
    contact = session.get_one(Contact, followup.contact_id)
    way = reply_ways.way_to(session, runtime, contact, followup.answer_id)
    if way is None:
        raise Conflict("We have no e-mail address of this person. Reach them another way, and note it here.")
    return outbox.enqueue_reply(
        session,
        workspace_id=who.workspace_id,
        followup_id=followup.id,
        contact_id=contact.id,
        member_user_id=who.user_id,
        channel=way.channel,
        to_address=way.address,
        address_key=way.key,
        locale=contact.locale or session.get_one(Workspace, who.workspace_id).locale,
        body=text,
        now=doing.now,
    )


def _name_of_worker(session: Session, who: Visitor, member_id: str) -> str:
    try:
        member = own(session, who, Member, member_id)
    except NotFound:
        raise Invalid([problem("assignee", "There is no such member here.")]) from None
    if not Role(member.role).reaches(Role.AGENT):
        raise Invalid([problem("assignee", "A viewer reads only: choose an agent.")])
    return session.get_one(User, member.user_id).name


def _words(text: str, missing: Problem) -> str:
    words = _tidy(text)
    problems = text_problems(missing.field, words, missing)
    if problems:
        raise Invalid(problems)
    return words


def _tidy(text: str) -> str:
    """What an agent typed: line ends as we store them, nothing that a database or a mail refuses."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return plain.encode("utf-8", "ignore").decode().strip()
