"""Opening a pulse: its key, its occurrence and everybody's invitation in one transaction."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import sealing
from app.domain.anonymity import Thresholds, can_ever_show
from app.domain.metrics import Metric
from app.domain.pulse_reminders import latest_question
from app.errors import Conflict, Invalid, problem
from app.models import Contact, Occurrence, Pulse, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import asking_terms, audiences, audit, eligible, inviting, segments
from app.services.access import Visitor, own
from app.services.once import Once

OPEN_FOR = timedelta(days=14)  # two working weeks: long enough for a holiday, short enough to remember
LONGEST = timedelta(days=90)  # until the next quarter's pulse


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
        pulse_id, people = _open(session, runtime, occurrence, until, now)
        if not people:
            raise Conflict("There is nobody who can be asked now.")
        if once:
            once.keep(session, pulse_id)
        audit.note(session, who, now, "pulse.opened", pulse_id, survey=survey.id)
        runtime.reach("pulse_before_commit")
    return pulse_id


def open_occurrence(session: Session, runtime: Runtime, occurrence: Occurrence) -> None:
    """A step: a schedule's e-NPS is due, so its pulse opens; with nobody to ask, the run is skipped."""
    now = runtime.clock()
    _open(session, runtime, occurrence, now + OPEN_FOR, now)


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
        return now + OPEN_FOR
    if closes_at <= now:
        raise Invalid([problem("closes_at", "This moment is over. Choose a later one.")])
    if closes_at > now + LONGEST:
        raise Invalid([problem("closes_at", "At most %(days)s days from now.", days=LONGEST.days)])
    return closes_at


def _open(
    session: Session, runtime: Runtime, occurrence: Occurrence, closes_at: datetime, now: datetime
) -> tuple[str, int]:
    """The pulse's id and how many people it asks; with nobody to ask there is none: the run is skipped."""
    inviting.one_at_a_time(session, occurrence.workspace_id)
    ask = asking_terms.asking(
        session, runtime, occurrence.workspace_id, Metric.ENPS,
        channels=occurrence.channels or ("email",), early_days=occurrence.early_days,
    )  # fmt: skip
    everybody = audiences.of_occurrence(session, runtime, occurrence, Metric.ENPS)
    decided = eligible.decide(session, ask, everybody.order_by(Contact.id))
    people = sum(verdict.reason is None for _, verdict in decided)
    pulse_id = new_id()
    if people:
        _add(session, runtime, occurrence, pulse_id, closes_at)
    locale = session.get_one(Workspace, occurrence.workspace_id).locale
    inviting.invite(session, occurrence, Metric.ENPS.value, decided, now, locale=locale, expires_at=closes_at)
    occurrence.state, occurrence.ended_at = "run" if people else "skipped", now
    occurrence.reason = None if people else "nobody"
    session.flush()
    return pulse_id, people


def _add(
    session: Session, runtime: Runtime, occurrence: Occurrence, pulse_id: str, closes_at: datetime
) -> None:
    """The key's file is there before the transaction commits: no pulse is ever open without one.

    A crash in between leaves a key that opens nothing.
    """
    promised = Thresholds()
    session.add(
        Pulse(
            id=pulse_id,
            workspace_id=occurrence.workspace_id,
            occurrence_id=occurrence.id,
            survey_id=occurrence.survey_id,
            version_id=occurrence.version_id,
            state="open",
            public_key=sealing.make_key(runtime.config.keys_dir, pulse_id),
            least_answers=promised.answers,
            least_comments=promised.comments,
            opened_at=runtime.clock(),
            closes_at=closes_at,
        )
    )
