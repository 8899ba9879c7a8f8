"""Whom a run asks next, looked up while nobody waits, so that its writes are short."""

from dataclasses import dataclass

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.domain.audience_reading import read_audience
from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.engines import take_time
from app.models import Contact, Occurrence, Survey
from app.runtime import Runtime
from app.services import audiences, whose_turn


@dataclass(frozen=True)
class Next:
    """The next people whom a run names, or its filters mean, in the order of their ids."""

    after: str | None  # where it stood
    ids: tuple[str, ...]
    has_more: bool  # there may be others after them


def whom_next(runtime: Runtime, occurrence_id: str, people: int) -> Next | None:
    """Of a run that names its people, or has filters: who comes next. None where everybody does.

    A filter that few people meet walks over all the others; so may a list of names.
    """
    with runtime.db.read() as session:
        take_time(session.connection())
        run = session.get_one(Occurrence, occurrence_id)
        metric = Metric(session.get_one(Survey, run.survey_id).metric)
        most = most_of(run, people)
        ids = whose_turn.named(session, run, most)
        if ids is None:
            if not read_audience(run.audience, kept=True).members:
                return None
            some = people_of(session, runtime, run, metric).where(Contact.id > (run.expanded_to or ""))
            ids = session.scalars(some.with_only_columns(Contact.id).order_by(Contact.id).limit(most)).all()
        return Next(run.expanded_to, tuple(ids), has_more=len(ids) == most and run.contact_id is None)


def people_of(
    session: Session, runtime: Runtime, occurrence: Occurrence, metric: Metric, *, by_ids: bool = False
) -> Select[Contact]:
    """A step: everybody whom this run is about: its audience, frozen as it came due, and what narrows it."""
    audience = audiences.of_occurrence(session, runtime, occurrence, metric, by_ids=by_ids)
    return whose_turn.narrow(occurrence, audience)


def most_of(occurrence: Occurrence, people: int) -> int:
    """How many of so many come next: where so many an hour may leave, what five minutes are worth.

    Never more than the hour has left.
    """
    per_hour = Terms.from_json(occurrence.terms).per_hour
    if per_hour is None:
        return people
    return min(people, max(1, per_hour // 12), per_hour - occurrence.asked % per_hour)
