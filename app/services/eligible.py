"""The same question as domain.eligibility, asked of many people at once.

Planning reads the facts of some people and lets the pure rule decide; a preview counts reasons in SQL. A
property test holds the two equal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Label,
    Row,
    Select,
    Subquery,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
)  # fmt: skip
from sqlalchemy.orm import Session, aliased

from app.domain.cadence import EARLY_DAYS, Repeat
from app.domain.eligibility import CLOSED, Facts, Rest, Verdict, Way, may_ask
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Pulse, Workspace
from app.runtime import Runtime
from app.services import opt_outs

# An ask that left, or is about to: what a rest is counted from. Skipped, failed and cancelled ones are none.
COUNTED = ("planned", "queued", "sending", "sent", "delivered", "unknown", "answered", "expired")
SOME = 500  # people whose facts one statement gathers; databases take so many values and far more
Decided = list[tuple[Contact, Verdict]]


@dataclass(frozen=True)
class Asking:
    """One question to many: everything that decides, but the people."""

    workspace_id: str
    metric: Metric
    rest: Rest
    now: datetime
    ways: tuple[Way, ...]  # the channels in order, and which of them we can send on
    sandbox_on: bool  # once it is off, nobody rests from what it asked
    occurrence_id: str | None = None  # being asked by this very run is no reason to rest


def asking(
    session: Session,
    runtime: Runtime,
    workspace_id: str,
    metric: Metric,
    *,
    channels: Iterable[str] = ("email",),
    repeat: str | None = None,
    occurrence_id: str | None = None,
) -> Asking:
    """With the workspace's resting periods; a monthly or quarterly rule may come a few days early."""
    workspace = session.get_one(Workspace, workspace_id)
    days = workspace.rest_days
    rest = Rest(
        days=days,
        metric_days=int(workspace.rest_days_by_metric.get(metric.value, days)),
        zone=ZoneInfo(workspace.time_zone),
        early_days=EARLY_DAYS.get(Repeat(repeat), 0) if repeat else 0,
    )
    return Asking(
        workspace_id=workspace_id,
        metric=metric,
        rest=rest,
        now=runtime.clock(),
        ways=tuple(Way(each, ready=each in runtime.channels) for each in channels),
        sandbox_on=runtime.config.sandbox_on,
        occurrence_id=occurrence_id,
    )


def audience(workspace_id: str, metric: Metric | None = None) -> Select[Contact]:
    """Everybody who is there: the active contacts of the workspace; for e-NPS, those who are employees."""
    query = select(Contact).where(
        Contact.workspace_id == workspace_id, Contact.active.is_(True), Contact.erased_at.is_(None)
    )
    return query.where(Contact.kind == "employee") if metric is Metric.ENPS else query


def verdicts(session: Session, ask: Asking, people: Select[Contact]) -> Decided:
    """The verdict for each of these people, in their order."""
    # Who first, their facts then: a sorted and limited statement would gather those of everybody
    contacts = session.scalars(people).all()
    known: dict[str, Facts] = {}
    for start in range(0, len(contacts), SOME):
        ids = [contact.id for contact in contacts[start : start + SOME]]
        rows = session.execute(select(Contact, *_columns(ask)).where(Contact.id.in_(ids)))
        known |= {row[0].id: _facts(ask, row) for row in rows}
    return [(contact, may_ask(known[contact.id], ask.rest, ask.now)) for contact in contacts]


def decide(session: Session, ask: Asking, people: Select[Contact]) -> Decided:
    """The same for one run: of several people with one address only the first is asked."""
    decided = verdicts(session, ask, people)
    keys = [_key(contact, verdict.channel) for contact, verdict in decided]
    taken = _taken(session, ask, keys)
    for place, (contact, verdict) in enumerate(decided):
        if verdict.reason is None and keys[place] in taken:
            decided[place] = (contact, Verdict("duplicate"))
        elif verdict.reason is None:
            taken.add(keys[place])
    return decided


def _key(contact: Contact, channel: str | None) -> str | None:
    return contact.key_on(channel) if channel else None


def counts(session: Session, ask: Asking, people: Select[Contact]) -> dict[str | None, int]:
    """How many of these people would be asked now (under None), and how many not, by reason."""
    told = _told(ask, people)
    found = session.execute(select(told.c.code, func.count()).group_by(told.c.code))
    return {row[0]: row[1] for row in found}


def because(ask: Asking, people: Select[Contact], code: str | None) -> Select[str]:
    """The ids of those of these people who would not be asked for this reason; without one, who would."""
    told = _told(ask, people)
    return select(told.c.id).where(told.c.code.is_(None) if code is None else told.c.code == code)


def _told(ask: Asking, people: Select[Contact]) -> Subquery:
    """Each of these people with the reason why not; of several with one address only the first has none."""
    each = people.with_only_columns(Contact.id, _chosen_key(ask), reason(ask)).subquery()
    turn = func.row_number().over(partition_by=(each.c.chosen, each.c.reason), order_by=each.c.id)
    turns = select(each.c.id, each.c.reason, turn.label("turn")).subquery()
    again = and_(turns.c.reason.is_(None), turns.c.turn > 1)
    code = case((again, literal("duplicate")), else_=turns.c.reason).label("code")
    return select(turns.c.id, code).subquery()


def facts(session: Session, ask: Asking, contact_id: str) -> Facts:
    """What the pure rule needs to know of one person."""
    query = select(Contact).where(Contact.id == contact_id, Contact.workspace_id == ask.workspace_id)
    return _facts(ask, session.execute(query.add_columns(*_columns(ask))).one())


def reason(ask: Asking) -> Label[str | None]:
    """The first reason not to ask this contact, or NULL, as a column of a statement over Contact."""
    rest = ask.rest
    rests = or_(
        _rests(asked_at(ask), rest, rest.days, ask.now),
        _rests(asked_at(ask, ask.metric), rest, rest.metric_days, ask.now),
    )
    return case(
        (Contact.erased_at.is_not(None), literal("erased")),
        (Contact.active.is_(False), literal("inactive")),
        (Contact.lawful_basis == "none", literal("no_lawful_basis")),
        (opt_outs.is_opted_out(), literal("opted_out")),
        *_ways_closed(ask),
        (in_another_pulse(ask), literal("in_another_pulse")),
        (rests, literal("resting")),
        else_=None,
    ).label("reason")


def _ways_closed(ask: Asking) -> list[tuple[ColumnElement[bool], ColumnElement[str]]]:
    """The same as domain's way_out: no address at all, every address closed, none that we can send on."""
    absent = [Contact.key_of(way.channel).is_(None) for way in ask.ways]
    closed = [opt_outs.is_shut(way.channel) for way in ask.ways]
    lost = [or_(none, dead) for none, dead in zip(absent, closed, strict=True)]
    shut = [each if way.ready else true() for way, each in zip(ask.ways, lost, strict=True)]
    first = [
        (and_(~none, holds), literal(code))
        for way, none in zip(ask.ways, absent, strict=True)
        for holds, code in (
            (opt_outs.is_unwanted(way.channel), "opted_out"),
            (true(), CLOSED.get(way.channel, "bounced")),
        )
    ]
    return [
        (and_(*absent), literal("no_address")),
        (and_(*lost), case(*first)),
        (and_(*shut), literal("channel_not_configured")),
    ]


def _chosen_key(ask: Asking) -> Label[str | None]:
    """The address of the first way that is open."""
    open_ways = [
        (
            and_(Contact.key_of(way.channel).is_not(None), ~opt_outs.is_shut(way.channel)),
            Contact.key_of(way.channel),
        )
        for way in ask.ways
        if way.ready
    ]
    return (case(*open_ways, else_=None) if open_ways else literal(None, Contact.email_key.type)).label(
        "chosen"
    )


def asked_at(ask: Asking, metric: Metric | None = None) -> ColumnElement[datetime]:
    """When this person, or anybody with their address, was last asked in this workspace."""
    theirs = aliased(Invitation)
    moment = func.coalesce(theirs.sent_at, theirs.created_at)
    query = select(func.max(moment, type_=Invitation.created_at.type)).where(
        _is_theirs(theirs), theirs.state.in_(COUNTED)
    )
    if metric is not None:
        query = query.where(theirs.metric == metric.value)
    return query.where(*_counts_for(ask, theirs)).scalar_subquery()


def in_another_pulse(ask: Asking) -> ColumnElement[bool]:
    """Is this person, or anybody with their address, being asked by a pulse that is open?"""
    if ask.metric is not Metric.ENPS:
        return false()
    theirs = aliased(Invitation)
    query = (
        select(theirs.id)
        .join(Pulse, Pulse.occurrence_id == theirs.occurrence_id)
        .where(
            Pulse.workspace_id == Contact.workspace_id,
            Pulse.state == "open",
            theirs.state.in_(COUNTED),
            _is_theirs(theirs),
        )
    )
    return query.where(*_counts_for(ask, theirs)).exists()


def _is_theirs(theirs: type[Invitation]) -> ColumnElement[bool]:
    """An ask of this person, or of anybody in the workspace with their address: one index for each half.

    With the workspace beside both, SQLite would read all of its invitations for every person.
    """
    keys = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    by_address = and_(theirs.workspace_id == Contact.workspace_id, theirs.address_key.in_(keys))
    return or_(theirs.contact_id == Contact.id, by_address)


def _counts_for(ask: Asking, theirs: type[Invitation]) -> list[ColumnElement[bool]]:
    """Which earlier asks weigh on this one."""
    found: list[ColumnElement[bool]] = [] if ask.sandbox_on else [theirs.sandbox.is_(False)]
    return found if ask.occurrence_id is None else [*found, theirs.occurrence_id != ask.occurrence_id]


def _columns(ask: Asking) -> tuple[ColumnElement[Any], ...]:
    names = [way.channel for way in ask.ways]
    return (
        opt_outs.is_opted_out().label("opted_out"),
        *(opt_outs.is_bounced(Contact.key_of(each)).label(f"closed_{each}") for each in names),
        *(opt_outs.is_unwanted(each).label(f"unwanted_{each}") for each in names),
        in_another_pulse(ask).label("elsewhere"),
        asked_at(ask).label("asked_at"),
        asked_at(ask, ask.metric).label("asked_metric_at"),
    )


def _facts(ask: Asking, row: Row[*tuple[Any, ...]]) -> Facts:
    contact: Contact = row[0]
    return Facts(
        active=contact.active,
        erased=contact.erased_at is not None,
        lawful_basis=contact.lawful_basis,
        opted_out=bool(row.opted_out),
        ways=tuple(
            replace(
                way,
                has_address=contact.key_on(way.channel) is not None,
                closed=bool(getattr(row, f"closed_{way.channel}")),
                unwanted=bool(getattr(row, f"unwanted_{way.channel}")),
            )
            for way in ask.ways
        ),
        in_another_pulse=bool(row.elsewhere),
        asked_at=row.asked_at,
        asked_metric_at=row.asked_metric_at,
    )


def _rests(asked: ColumnElement[datetime], rest: Rest, days: int, now: datetime) -> ColumnElement[bool]:
    return asked >= rest.cutoff(days, now)  # whoever was never asked: NULL, which is no reason


def _taken(session: Session, ask: Asking, keys: Sequence[str | None]) -> set[str | None]:
    """Those of these addresses that this run has asked already."""
    if ask.occurrence_id is None:
        return set()
    query = select(Invitation.address_key).where(
        Invitation.occurrence_id == ask.occurrence_id,
        Invitation.address_key.in_([key for key in keys if key]),
        Invitation.state != "skipped",
    )
    return set(session.scalars(query))
