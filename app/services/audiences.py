"""Audiences as statements: whom a tree means here and now, how many they are, and some of them by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.domain.audience import Group
from app.domain.audience_matching import Scene
from app.domain.audience_reading import read_audience
from app.domain.metrics import Metric
from app.errors import Invalid, NotFound, problem
from app.models import Contact, Occurrence, Schedule, Segment, Workspace
from app.runtime import Runtime
from app.services import access, eligible
from app.services.access import Visitor
from app.services.attributes import attribute_names
from app.services.audience_sql import Filter
from app.services.in_time import in_time

SAMPLE = 10  # people shown by name: enough to see whether it is they who were meant
LOOKED_AT = 2_000  # people whose attributes and tags are offered; ids are random, so it is a fair sample


@dataclass(frozen=True)
class Someone:
    """One of the people of an audience."""

    id: str
    label: str
    email: str | None


@dataclass(frozen=True)
class Found:
    """Whom an audience means now."""

    number: int
    everybody: int  # who is there at all
    sample: tuple[Someone, ...]


@dataclass(frozen=True)
class Vocabulary:
    """What can be said of the people here."""

    attributes: tuple[str, ...]
    tags: tuple[str, ...]


def people(
    session: Session,
    runtime: Runtime,
    workspace_id: str,
    audience: Mapping[str, object],
    metric: Metric | None = None,
    *,
    run_id: str | None = None,
    by_ids: bool = False,
) -> Select[Contact]:
    """Everybody of an audience who is there, as eligible.audience says it: the one way to a run's people."""
    everybody = eligible.audience(workspace_id, metric, by_ids=by_ids)
    tree = read_audience(audience, kept=True)
    if not tree.members:
        return everybody
    return everybody.where(condition(session, runtime, workspace_id, tree, run_id))


def of_occurrence(
    session: Session, runtime: Runtime, run: Occurrence, metric: Metric | None = None, *, by_ids: bool = False
) -> Select[Contact]:
    """The people of a run: of the audience that it came due with, whatever became of its segment since."""
    return people(session, runtime, run.workspace_id, run.audience, metric, run_id=run.id, by_ids=by_ids)


def condition(
    session: Session, runtime: Runtime, workspace_id: str, tree: Group, run_id: str | None = None
) -> ColumnElement[bool]:
    """A step: what a statement over Contact asks for, by today and the zone of this workspace."""
    zone = ZoneInfo(session.get_one(Workspace, workspace_id).time_zone)
    return Filter(Scene(runtime.clock(), zone), runtime.config.sandbox_on, run_id).of(tree)


def of_schedule(session: Session, schedule: Schedule) -> dict[str, object]:
    """A step: the audience of a schedule as it is now, to be frozen into a run."""
    if schedule.segment_id is None:
        return schedule.audience
    return session.get_one(Segment, schedule.segment_id).audience


def chosen(session: Session, who: Visitor, given: object) -> tuple[dict[str, object], str | None]:
    """A step: the filters that were sent, or the id of the segment that was named. Raises Invalid."""
    if not isinstance(given, str) or given in ("", "all"):
        return read_audience(given).to_json(), None
    try:
        return {}, access.own(session, who, Segment, given).id
    except NotFound:
        raise _unknown() from None


def hold(session: Session, schedule: Schedule) -> None:
    """A step: nobody deletes the segment of this schedule until the transaction ends. Raises Invalid."""
    query = select(Segment.id).where(Segment.id == schedule.segment_id)
    held = query.with_for_update(read=True)
    if schedule.segment_id is not None and session.scalars(held).one_or_none() is None:
        raise _unknown()


def _unknown() -> Invalid:
    return Invalid([problem("audience", "There is no such saved audience here.")])


def preview(runtime: Runtime, who: Visitor, given: object) -> Found:
    """How many people an audience means now, and some of them.

    Raises Invalid as saving it would, and Unavailable when to count them takes too long.
    """
    with runtime.db.read() as session, in_time(session):
        return found(session, runtime, who, read_audience(given))


def found(session: Session, runtime: Runtime, who: Visitor, tree: Group, most: int | None = None) -> Found:
    """A step: the count (of one more than `most`, if there are more) and the sample, by their random ids."""
    people = eligible.audience(who.workspace_id)
    everybody = _number(session, people)
    if tree.members:
        fitting = people.where(condition(session, runtime, who.workspace_id, tree))
        number, some = _fitting(session, fitting if most is None else fitting.limit(most + 1))
    else:
        number = everybody if most is None else min(everybody, most + 1)
        some = session.scalars(people.order_by(Contact.id).limit(SAMPLE)).all()
    return Found(number, everybody, tuple(Someone(each.id, each.label, each.email) for each in some))


def _fitting(session: Session, people: Select[Contact]) -> tuple[int, Sequence[Contact]]:
    """How many they are and some of them, in one pass: to find few again is as slow as to count."""
    those = people.with_only_columns(Contact.id).cte().prefix_with("MATERIALIZED")
    number = select(func.count()).select_from(those).scalar_subquery()
    first = select(those.c.id).order_by(those.c.id).limit(SAMPLE)
    rows = session.execute(select(Contact, number).where(Contact.id.in_(first)).order_by(Contact.id)).all()
    return (rows[0][1] if rows else 0), [row[0] for row in rows]


def vocabulary(runtime: Runtime, who: Visitor) -> Vocabulary:
    """The attributes and the tags that occur among the people here, for a form."""
    some = (
        select(Contact.id)
        .where(Contact.workspace_id == who.workspace_id, Contact.erased_at.is_(None))
        .order_by(Contact.id)
        .limit(LOOKED_AT)
    )
    with runtime.db.read() as session:
        names = attribute_names(session, Contact.attributes, [Contact.id.in_(some)])
        tagged = select(Contact.tags).where(Contact.id.in_(some))
        tags = {tag for row in session.scalars(tagged) for tag in row}
    return Vocabulary(names, tuple(sorted(tags)))


def _number(session: Session, people: Select[Contact]) -> int:
    each = people.with_only_columns(Contact.id).subquery()
    return session.scalar(select(func.count()).select_from(each)) or 0
