"""Opening a pulse by hand, and whom it would ask."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.domain.anonymity import Thresholds, can_ever_show
from app.domain.metrics import Metric
from app.domain.pulse_reminders import latest_question
from app.errors import Conflict, Invalid, Unavailable, problem
from app.models import Occurrence, Survey, new_id
from app.runtime import Runtime
from app.services import asking_terms, audiences, audit, eligible, portions, pulse_opening, segments
from app.services.access import Visitor, own
from app.services.once import Once
from app.services.pulse_opening import Opening

LONGEST = timedelta(days=90)  # until the next quarter's pulse
PATIENCE = 2.0  # seconds: whoever opens it waits so long for all of its people to be decided about


@dataclass(frozen=True)
class Preview:
    """Whom a pulse would ask if it were opened now, until when, and what it would promise them."""

    people: int
    not_asked: list[tuple[str, int]]
    closes_at: datetime
    thresholds: Thresholds
    reminds: bool  # there is time for it

    @property
    def can_ever_show(self) -> bool:
        """Even if everybody answers, would there be a result?"""
        return can_ever_show(self.people, self.thresholds)


def preview_pulse(
    runtime: Runtime,
    who: Visitor,
    survey_id: str,
    audience: object = None,
    closes_at: datetime | None = None,
) -> Preview:
    """How many people would be asked, and why the others would not. Raises as open_pulse does."""
    now = runtime.clock()
    until = _closing(closes_at, now)
    with runtime.db.read() as session:
        _askable(session, who, survey_id)
        wanted = _frozen(session, who, audience)
        ask = asking_terms.asking(session, runtime, who.workspace_id, Metric.ENPS)
        everybody = audiences.people(session, runtime, who.workspace_id, wanted, Metric.ENPS)
        counts = Counter(eligible.counts(session, ask, everybody))
    people = counts.pop(None, 0)
    not_asked = [(str(reason), number) for reason, number in counts.most_common()]
    return Preview(people, not_asked, until, Thresholds(), reminds=latest_question(until) > now)


def open_pulse(
    runtime: Runtime,
    who: Visitor,
    survey_id: str,
    *,
    closes_at: datetime | None = None,
    audience: object = None,
    once: Once | None = None,
) -> str:
    """Ask all active employees, or those of the audience (filters, or a segment's id); the pulse's id.

    Raises NotFound, Invalid for a closing time or an audience that cannot be, Conflict for a survey that is
    not published and when nobody can be asked.
    """
    now = runtime.clock()
    until = _closing(closes_at, now)
    if not preview_pulse(runtime, who, survey_id, audience, until).people:
        raise Conflict("There is nobody who can be asked now.")
    key = pulse_opening.make_key(runtime)
    with runtime.db.write() as session:
        survey = _askable(session, who, survey_id)
        occurrence = Occurrence(
            id=new_id(), workspace_id=who.workspace_id, survey_id=survey.id,
            version_id=survey.published_version_id, origin="pulse", key=new_id(),
            audience=_frozen(session, who, audience),
            channels=["email"], state="running", due_at=now, created_at=now,
        )  # fmt: skip
        session.add(occurrence)
        session.flush()
        pulse_opening.add(session, occurrence, key, now, until)
        if once:
            once.keep(session, key.pulse_id)
        audit.note(session, who, now, "pulse.opened", key.pulse_id, survey=survey.id)
        course = pulse_opening.opening(runtime, occurrence.audience)
        runtime.reach("pulse_before_commit")
    _go_on(runtime, occurrence.id, course)
    return key.pulse_id


def _go_on(runtime: Runtime, occurrence_id: str, course: Opening) -> None:
    """Most pulses are open by the time that somebody looks; the worker goes on with a large one."""
    until, more = time.monotonic() + PATIENCE, True
    while more and time.monotonic() < until:
        try:
            _, more = pulse_opening.open_some(runtime, occurrence_id, course)
        except Unavailable:
            return
        if more:
            time.sleep(portions.PAUSE)


def _frozen(session: Session, who: Visitor, audience: object) -> dict[str, Any]:
    """The filters as they are now: whatever becomes of the segment, this pulse asks these people."""
    filters, segment_id = audiences.chosen(session, who, audience)
    return segments.audience_of(session, who, segment_id).to_json() if segment_id else filters


def _askable(session: Session, who: Visitor, survey_id: str) -> Survey:
    survey = own(session, who, Survey, survey_id)
    if Metric(survey.metric) is not Metric.ENPS:
        raise Invalid([problem("survey", "Only an e-NPS survey opens a pulse.")])
    if survey.archived_at is not None or survey.published_version_id is None:
        raise Conflict("Publish this survey first: only then can people be asked.")
    return survey


def _closing(closes_at: datetime | None, now: datetime) -> datetime:
    if closes_at is None:
        return now + pulse_opening.OPEN_FOR
    if closes_at <= now:
        raise Invalid([problem("closes_at", "This moment is over. Choose a later one.")])
    if closes_at > now + LONGEST:
        raise Invalid([problem("closes_at", "At most %(days)s days from now.", days=LONGEST.days)])
    return closes_at
