"""Segments: audiences that are kept under a name. Made, changed, deleted, and read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.domain.audience import EVERYBODY, Group
from app.domain.audience_reading import read_audience
from app.domain.segments import Changes, read_changes
from app.errors import Conflict, Invalid, problem
from app.models import Schedule, Segment, new_id
from app.runtime import Runtime
from app.services import access, audit
from app.services.access import Visitor
from app.services.once import Once
from app.services.paging import PAGE, Page, cut, in_order

MOST = 200  # in one workspace: more than anybody chooses from


@dataclass(frozen=True)
class Sheet:
    """A segment as it is read."""

    id: str
    name: str
    audience: Group
    used_by: tuple[tuple[str, str], ...]  # schedules that go on: id and name
    revision: int
    created_at: datetime
    updated_at: datetime


def create(runtime: Runtime, who: Visitor, raw: Mapping[str, object], once: Once | None = None) -> str:
    """Keep an audience under a name; gives its id. Raises Invalid."""
    given = read_changes(raw)
    missing = [
        problem(name, words)
        for name, words in (("name", "Give it a name."), ("audience", "Say who is meant."))
        if name not in given
    ]
    if missing:
        raise Invalid(missing)
    now = runtime.clock()
    with runtime.db.write() as session:
        access.held_workspace(session, who)  # names are counted and compared by one at a time
        _refuse_name(session, who, given["name"])
        if _number(session, who) >= MOST:
            raise Invalid([problem("name", "There are %(most)s saved audiences. Delete one.", most=MOST)])
        segment = Segment(
            id=new_id(), workspace_id=who.workspace_id, name=given["name"],
            audience=given["audience"].to_json(), revision=1, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(segment)
        audit.note(session, who, now, "segment.created", segment.id)
        if once:
            once.keep(session, segment.id)
        return segment.id


def edit(
    runtime: Runtime, who: Visitor, id: str, raw: Mapping[str, object], revision: int | None = None
) -> int:
    """Change what is given; runs under way keep the audience that they began with. Gives the revision.

    Raises Invalid, and Conflict when somebody saved since `revision` (None: the last one wins).
    """
    given: Changes = read_changes(raw)
    with runtime.db.write() as session:
        access.held_workspace(session, who)
        segment = access.own(session, who, Segment, id, lock=True)
        if revision is not None and revision != segment.revision:
            raise Conflict(
                "Somebody else has changed this audience since you opened it. Nothing of theirs was lost."
            )
        if "name" in given:
            _refuse_name(session, who, given["name"], but=id)
            segment.name = given["name"]
        if "audience" in given:
            segment.audience = given["audience"].to_json()
        segment.revision += 1
        segment.updated_at = runtime.clock()
        audit.note(session, who, segment.updated_at, "segment.edited", id)
        return segment.revision


def delete(runtime: Runtime, who: Visitor, id: str) -> None:
    """Take it away for good; schedules that are over keep whom they meant.

    Raises Conflict while a schedule uses it.
    """
    with runtime.db.write() as session:
        segment = access.own(session, who, Segment, id, lock=True)
        if users := _users(session, [id])[id]:
            names = ", ".join(f"“{name}”" for _, name in users[:3])
            raise Conflict("A schedule still asks this audience: %(names)s. Change it first.", names=names)
        session.execute(
            update(Schedule)
            .where(Schedule.segment_id == id)
            .values(segment_id=None, audience=segment.audience)
        )
        session.delete(segment)
        audit.note(session, who, runtime.clock(), "segment.deleted", id)


def get(runtime: Runtime, who: Visitor, id: str) -> Sheet:
    """One segment. Raises NotFound."""
    with runtime.db.read() as session:
        return _sheet(access.own(session, who, Segment, id), _users(session, [id]))


def list_segments(
    runtime: Runtime, who: Visitor, *, cursor: str | None = None, limit: int = PAGE
) -> Page[Sheet]:
    """Every segment of the workspace, by name."""
    query = select(Segment).where(Segment.workspace_id == who.workspace_id)
    with runtime.db.read() as session:
        rows = session.scalars(in_order(query, cursor, Segment.name, Segment.id).limit(limit + 1)).all()
        shown, more = cut(rows, limit, lambda row: (row.name, row.id))
        users = _users(session, [row.id for row in shown])
        return Page(tuple(_sheet(row, users) for row in shown), more)


def names(runtime: Runtime, who: Visitor) -> list[tuple[str, str]]:
    """Id and name of every segment, by name: what somebody chooses from."""
    query = select(Segment.id, Segment.name).where(Segment.workspace_id == who.workspace_id)
    with runtime.db.read() as session:
        return [(row.id, row.name) for row in session.execute(query.order_by(Segment.name, Segment.id))]


def audience_of(session: Session, who: Visitor, id: str | None) -> Group:
    """A step: whom a segment means; without one, everybody. Raises NotFound."""
    return read_audience(access.own(session, who, Segment, id).audience, kept=True) if id else EVERYBODY


def _users(session: Session, ids: list[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The schedules that go on and use each of these."""
    query = (
        select(Schedule.segment_id, Schedule.id, Schedule.name)
        .where(Schedule.segment_id.in_(ids), Schedule.state.in_(("active", "paused")))
        .order_by(Schedule.name, Schedule.id)
    )
    rows = session.execute(query).all()
    return {id: tuple((row[1], row[2]) for row in rows if row[0] == id) for id in ids}


def _sheet(row: Segment, users: Mapping[str, tuple[tuple[str, str], ...]]) -> Sheet:
    return Sheet(
        row.id, row.name, read_audience(row.audience, kept=True), users[row.id], row.revision, row.created_at,
        row.updated_at,
    )  # fmt: skip


def _refuse_name(session: Session, who: Visitor, name: str, but: str | None = None) -> None:
    taken = select(Segment.id).where(Segment.workspace_id == who.workspace_id, Segment.name == name)
    if session.scalars(taken).one_or_none() not in (None, but):
        raise Invalid([problem("name", "Another saved audience has this name.")])


def _number(session: Session, who: Visitor) -> int:
    query = select(func.count(Segment.id)).where(Segment.workspace_id == who.workspace_id)
    return session.scalar(query) or 0
