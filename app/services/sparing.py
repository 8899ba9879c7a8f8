"""Whom the runs of a cancelled schedule had not come to: counted afterwards, when nobody waits for it."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.domain.metrics import Metric
from app.engines import take_time
from app.models import Contact, Occurrence, Survey
from app.models.schedule import NOT_COUNTED
from app.runtime import Runtime
from app.services.at_leisure import people_of


def count_spared(runtime: Runtime) -> int:
    """A job: keep that number with each run that was cancelled half-way, so that its numbers add up.

    How many runs. To count an audience may take minutes; to cancel must not, and holds what others wait for.
    """
    done = 0
    failures: list[Exception] = []
    for id in _uncounted(runtime):
        if runtime.stopping():
            break
        try:
            done += _count(runtime, id)
        except Exception as error:  # it keeps no other waiting, and is counted at the next tick
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def _uncounted(runtime: Runtime) -> Sequence[str]:
    with runtime.db.read() as session:
        return session.scalars(select(Occurrence.id).where(NOT_COUNTED).order_by(Occurrence.ended_at)).all()


def _count(runtime: Runtime, occurrence_id: str) -> int:
    with runtime.db.read() as session:
        take_time(session.connection())
        number = _not_come_to(session, runtime, session.get_one(Occurrence, occurrence_id))
    with runtime.db.write() as session:
        only_once = update(Occurrence).where(Occurrence.id == occurrence_id, NOT_COUNTED)
        return changed(session, only_once.values(spared=number))


def _not_come_to(session: Session, runtime: Runtime, occurrence: Occurrence) -> int:
    after = occurrence.expanded_to or ""
    metric = Metric(session.get_one(Survey, occurrence.survey_id).metric)
    if occurrence.chosen is not None:
        return sum(each > after for each in occurrence.chosen)
    left = people_of(session, runtime, occurrence, metric).where(Contact.id > after)
    return session.scalar(left.with_only_columns(func.count(Contact.id))) or 0
