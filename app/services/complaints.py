"""Somebody told their mail program or provider that what we sent is spam: kept, obeyed, counted (C25).

The ask stays asked: a complaint is no failure. Nothing asks them there again; too many stop the schedule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain import feedback_reports
from app.domain.channel_choice import CHANNELS
from app.domain.contacts import read_evidence
from app.errors import Invalid, Refusal, problem
from app.models import Complaint, Contact, Invitation, Message, Occurrence, OptOut, new_id
from app.runtime import Runtime
from app.services import access, audit, brakes, complained_about, holding, opt_outs, settling, wishes
from app.services.access import Visitor
from app.services.complained_about import About, Named
from app.services.once import Once
from app.services.paging import PAGE, Page, cut, in_order

LONGEST_ID = 200
EVERYWHERE = ("report", "provider")  # who speaks of their sender, in whatever workspace it wrote
AHEAD = timedelta(minutes=5)  # a caller's clock may be a little before ours


@dataclass(frozen=True)
class Told:
    """What somebody tells of a complaint. `id`: by which they know it, so that told twice it is one."""

    named: Named
    source: str
    at: datetime | None = None  # by default now
    id: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Shown:
    """A complaint as it is shown."""

    id: str
    contact: str | None
    channel: str
    invitation: str | None
    schedule: str | None
    source: str
    complained_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class _Kept:
    id: str
    is_new: bool
    silences: bool  # new, or more than a repetition; and of somebody who is still there
    at: datetime  # what stands on all that comes of it


def record(runtime: Runtime, who: Visitor, told: Told, once: Once | None = None) -> tuple[str, bool]:
    """Keep it, ask them nothing there any more, and count it. Its id, and whether it is new.

    Twice changes nothing; of what came after they took it back, or told by hand, it holds once more. It
    holds in this workspace. Raises Invalid, NotFound for an unknown contact.
    """
    now = runtime.clock()
    _refuse(told, now)
    proof = read_evidence(told.evidence) if told.evidence.strip() else None
    with runtime.db.write() as session:
        about = complained_about.find(session, who, told.named, told.at or now)
        kept = _keep(session, who.workspace_id, about, told, now)
        if once:
            once.keep(session, kept.id, 201 if kept.is_new else 200)
        if kept.silences:
            opt_outs.record(
                session, who.workspace_id, about.contact_id, (about.address_key,), kind="complaint",
                origin=told.source, now=kept.at, channel=about.channel, evidence=proof,
            )  # fmt: skip
        if kept.is_new or kept.silences:
            facts = {"channel": about.channel, "source": told.source}
            audit.note(session, who, now, "contact.complained", _named(about), **facts)
        return kept.id, kept.is_new


def report(runtime: Runtime, raw: bytes) -> bool:
    """A feedback report (ARF) that came by mail; True when it is new.

    It holds wherever its sender wrote to that address from. Raises Refusal for one that does not name a
    message of ours by a word that only its reader could know: nothing of it is believed.
    """
    found, now = feedback_reports.read(raw), runtime.clock()
    with runtime.db.write() as session:
        about = complained_about.by_report(session, found.message_ids, found.ways_out)
        if about is None or about.message is None or about.message.workspace_id is None:
            raise Refusal("This report names no message that left from here: nothing is recorded.")
        workspace_id = about.message.workspace_id
        kept = _keep(session, workspace_id, about, Told(Named("email"), "report"), now)
        _opt_out_everywhere(session, about, "report", kept)
        if kept.is_new or kept.silences:
            facts = {"channel": "email", "source": "report"}
            audit.note(
                session, None, now, "contact.complained", _named(about), workspace_id=workspace_id, **facts
            )
        return kept.is_new


def shut_out(session: Session, message: Message, now: datetime) -> None:
    """A step: a provider says that they shut us out. What they complained of is what reached them before."""
    about = complained_about.before(session, message)
    if about is None or about.message is None:
        return
    if about.opened_at is not None and message.purpose == "reminder":
        return  # of a pulse: it would tell that they were silent; that nothing reaches them is kept anyway
    invitations = (message.invitation_id, about.message.invitation_id)
    for brake in _brakes(session, invitations):  # in one order for all, as its own bounce counts too
        brakes.alone(session, brake)
    kept = _keep(session, str(message.workspace_id), about, Told(Named(about.channel), "provider"), now)
    _opt_out_everywhere(session, about, "provider", kept)


def get(runtime: Runtime, who: Visitor, id: str) -> Shown:
    """One complaint. Raises NotFound."""
    with runtime.db.read() as session:
        row = access.own(session, who, Complaint, id)
        return _shown(row, session.scalar(select(Message.invitation_id).where(Message.id == row.message_id)))


def listed(runtime: Runtime, who: Visitor, cursor: str | None = None, limit: int = PAGE) -> Page[Shown]:
    """The complaints of a workspace, the latest first."""
    query = (
        select(Complaint, Message.invitation_id)
        .outerjoin(Message, Message.id == Complaint.message_id)
        .where(Complaint.workspace_id == who.workspace_id)
    )
    query = in_order(query, cursor, Complaint.recorded_at, Complaint.id, latest_first=True)
    with runtime.db.read() as session:
        rows = session.execute(query.limit(limit + 1)).all()
    shown, more = cut(rows, limit, lambda row: (row[0].recorded_at, row[0].id))
    return Page(tuple(_shown(row, invitation_id) for row, invitation_id in shown), more)


def _refuse(told: Told, now: datetime) -> None:
    if told.named.channel not in CHANNELS:
        message = "%(channel)s is not a channel."
        raise Invalid([problem("channel", message, channel=told.named.channel[:40])])
    named = told.named
    words = {"message_id": named.message_id, "provider_id": named.provider_id, "address": named.address}
    for field, said in {**words, "external_id": told.id}.items():
        if not said.isprintable():
            raise Invalid([problem(field, "This contains a character that nobody can see.")])
    if told.source == "console" and not told.evidence.strip():
        raise Invalid([problem("evidence", "Say when, and how you know that they complained.")])
    if len(told.id) > LONGEST_ID:
        raise Invalid([problem("external_id", "At most %(most)s characters.", most=LONGEST_ID)])
    if told.at is not None and told.at > now + AHEAD:
        raise Invalid([problem("complained_at", "This moment is still to come.")])


def _keep(session: Session, workspace_id: str, about: About, told: Told, now: datetime) -> _Kept:
    """The row, if it is the first about its message and by its name; then the run is looked at."""
    is_there = _is_there(session, about.contact_id)
    run = session.get(Occurrence, about.invitation.occurrence_id) if about.invitation else None
    if run is not None:
        brakes.alone(session, brakes.brake_of(run))
    at = about.opened_at or min(told.at or now, now)
    row = Complaint(
        id=new_id(), workspace_id=workspace_id, contact_id=about.contact_id, channel=about.channel,
        message_id=about.message and about.message.id, schedule_id=run and run.schedule_id,
        occurrence_id=run and run.id, source=told.source, complained_at=at,
        recorded_at=about.opened_at or now,
    )  # fmt: skip
    row.name = _name(about, told, at) if is_there else row.id  # theirs may say who it was
    values = {column.key: getattr(row, column.key) for column in Complaint.__table__.columns}
    adding = insert_into(session, Complaint).values(values).on_conflict_do_nothing().returning(Complaint.id)
    if session.scalar(adding) is None:
        here = Complaint.workspace_id == workspace_id
        same: list[ColumnElement[bool]] = [Complaint.name == row.name]
        if row.message_id is not None:
            same.append(Complaint.message_id == row.message_id)
        known = select(Complaint.id).where(here, or_(*same))
        first = session.scalars(known.order_by(Complaint.recorded_at, Complaint.id)).first() or row.id
        is_wider = _holds_wider(session, first, told.source)
        again = is_there and (is_wider or _says_more(session, row, about))
        return _Kept(first, False, again, about.opened_at or now)
    if about.message is not None and about.invitation is not None:
        settling.arrived(session, about.message.id, about.invitation.id, now)
    brakes.complained(session, row, now)
    return _Kept(row.id, True, is_there, about.opened_at or now)


def _holds_wider(session: Session, complaint_id: str, source: str) -> bool:
    """Did it hold in this workspace alone until now? Told so once more, it is known."""
    if source not in EVERYWHERE:
        return False
    here_alone = Complaint.id == complaint_id, Complaint.source.not_in(EVERYWHERE)
    return bool(changed(session, update(Complaint).where(*here_alone).values(source=source)))


def _says_more(session: Session, told: Complaint, about: About) -> bool:
    """A provider repeats itself; a person says it anew. Or it was taken back before what they speak of."""
    if told.source == "console":
        return True
    lifted = select(func.max(OptOut.lifted_at)).where(
        OptOut.workspace_id == told.workspace_id, OptOut.kind == "complaint",
        OptOut.channel == told.channel, OptOut.address_key == about.address_key,
    )  # fmt: skip
    taken_back = session.scalar(lifted)
    return taken_back is not None and about.left_at is not None and about.left_at > taken_back


def _name(about: About, told: Told, at: datetime) -> str:
    if told.id:
        return f"{told.source}:{told.id}"
    if about.message is not None:
        return f"message:{about.message.id}"
    return f"{about.channel}:{about.contact_id}:{at.date()}"


def _named(about: About) -> str | None:
    """Whom the audit names. It says when: in a pulse, after its reminder, that would tell who was silent."""
    return about.contact_id if about.opened_at is None else None


def _opt_out_everywhere(session: Session, about: About, origin: str, kept: _Kept) -> None:
    if about.message is not None and kept.silences:
        said = {"kind": "complaint", "channel": about.channel}
        wishes.opt_out_by_message(session, about.message.id, origin, kept.at, **said)


def _is_there(session: Session, contact_id: str | None) -> bool:
    """Held from here on. Whoever was erased has their opt-out already, and no address that we know."""
    if contact_id is not None:
        holding.those_held(session, {contact_id})
    there = select(Contact.id).where(Contact.id == contact_id, Contact.erased_at.is_(None))
    return session.scalar(there) is not None


def _brakes(session: Session, invitation_ids: tuple[str | None, ...]) -> list[str]:
    runs = (
        select(Occurrence)
        .join(Invitation, Invitation.occurrence_id == Occurrence.id)
        .where(Invitation.id.in_([id for id in invitation_ids if id]))
    )
    return sorted({brakes.brake_of(run) for run in session.scalars(runs)})


def _shown(row: Complaint, invitation_id: str | None) -> Shown:
    return Shown(
        row.id, row.contact_id, row.channel, invitation_id, row.schedule_id, row.source, row.complained_at,
        row.recorded_at,
    )  # fmt: skip
