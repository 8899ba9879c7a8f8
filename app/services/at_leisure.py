"""What a run looks up while nobody waits, so that its writes are short: whose turn it is, lots, whom next."""

from dataclasses import dataclass

from sqlalchemy import Select, null, update
from sqlalchemy.orm import Session

from app.domain.audience_reading import read_audience
from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.engines import take_time
from app.models import Contact, Occurrence, Schedule, Survey
from app.runtime import Runtime
from app.services import audiences, eligible_sql, lots, whose_turn


@dataclass(frozen=True)
class Next:
    """The next people whom the filters of a run mean, in the order of their ids; `after`: where it stood."""

    after: str | None
    ids: tuple[str, ...]
    most: int

    @property
    def horizon(self) -> str | None:
        """How far the step sees that asks them, where more may follow; else None."""
        return self.ids[-1] if len(self.ids) == self.most else None


def choose(runtime: Runtime, occurrence_id: str) -> None:
    """Of a run that asks each person by their own clock: whose turn it is."""
    with runtime.db.read() as session:
        take_time(session.connection())
        ids = whose_turn.choose(session, runtime, occurrence_id)
    with runtime.db.write() as session:
        whose_turn.keep(session, occurrence_id, ids)


def draw_lots(runtime: Runtime, occurrence_id: str) -> None:
    """Before the first person of a run that asks only some: who is left out."""
    with runtime.db.read() as session:
        take_time(session.connection())
        occurrence = session.get_one(Occurrence, occurrence_id)
        if occurrence.lots is not None or occurrence.expanded_to:
            return
        schedule = session.get_one(Schedule, occurrence.schedule_id)
        metric = Metric(session.get_one(Survey, occurrence.survey_id).metric)
        ask = whose_turn.asking(session, runtime, schedule, metric, occurrence)
        if ask.terms.sample is None:  # of a pulse, whatever an older row says
            return
        parts = whose_turn.in_parts(occurrence, audiences.of_occurrence(session, runtime, occurrence, metric))
        limits = lots.limits(session, ask, (eligible_sql.told(ask, each) for each in parts))
    with runtime.db.write() as session:
        session.execute(
            update(Occurrence)
            .where(Occurrence.id == occurrence_id, Occurrence.lots.is_(null()))
            .values(lots=limits)
        )


def whom_next(runtime: Runtime, occurrence_id: str, people: int) -> Next | None:
    """Of a run with filters: whom they mean next. None where everybody, or whom somebody chose, comes next.

    A filter that few people meet walks over all the others.
    """
    with runtime.db.read() as session:
        take_time(session.connection())
        run = session.get_one(Occurrence, occurrence_id)
        metric = Metric(session.get_one(Survey, run.survey_id).metric)
        has_filters = bool(read_audience(run.audience, kept=True).members)
        if not has_filters or run.contact_id or run.chosen is not None or metric is Metric.ENPS:
            return None
        most = most_of(run, people)
        some = people_of(session, runtime, run, metric).where(Contact.id > (run.expanded_to or ""))
        ids = session.scalars(some.with_only_columns(Contact.id).order_by(Contact.id).limit(most))
        return Next(run.expanded_to, tuple(ids), most)


def people_of(session: Session, runtime: Runtime, occurrence: Occurrence, metric: Metric) -> Select[Contact]:
    """A step: everybody whom this run is about: its audience, frozen as it came due, and what narrows it."""
    return whose_turn.narrow(occurrence, audiences.of_occurrence(session, runtime, occurrence, metric))


def most_of(occurrence: Occurrence, people: int) -> int:
    """How many of so many come next: where so many an hour may leave, what five minutes are worth.

    Never more than the hour has left.
    """
    per_hour = Terms.from_json(occurrence.terms).per_hour
    if per_hour is None:
        return people
    return min(people, max(1, per_hour // 12), per_hour - occurrence.asked % per_hour)
