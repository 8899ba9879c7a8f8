"""Opening a pulse: its key, its occurrence and everybody's invitation in one transaction."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app import sealing
from app.domain.anonymity import Thresholds, can_ever_show
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, problem
from app.models import Contact, Occurrence, Pulse, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import audit, eligible, inviting
from app.services.access import Visitor, own
from app.services.attributes import attribute_text
from app.services.once import Once

OPEN_FOR = timedelta(days=14)  # two working weeks: long enough for a holiday, short enough to remember
LONGEST = timedelta(days=90)  # until the next quarter's pulse
Audience = Mapping[str, object]


@dataclass(frozen=True)
class Preview:
    """Whom a pulse would ask if it were opened now, until when, and what it would promise them."""

    people: int
    not_asked: list[tuple[str, int]]
    closes_at: datetime
    thresholds: Thresholds

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
    wanted, until = read_audience(audience), _closing(closes_at, now)
    with runtime.db.read() as session:
        _askable(session, who, survey_id)
        ask = eligible.asking(session, runtime, who.workspace_id, Metric.ENPS)
        counts = Counter(eligible.counts(session, ask, _people(who.workspace_id, wanted)))
    people = counts.pop(None, 0)
    not_asked = [(str(reason), number) for reason, number in counts.most_common()]
    return Preview(people, not_asked, until, Thresholds())


def open_pulse(
    runtime: Runtime,
    who: Visitor,
    survey_id: str,
    *,
    closes_at: datetime | None = None,
    audience: object = None,
    once: Once | None = None,
) -> str:
    """Ask all active employees, or those of the audience; the pulse's id.

    Raises NotFound, Invalid for a closing time or an audience that cannot be, Conflict for a survey that is
    not published and when nobody can be asked.
    """
    now = runtime.clock()
    wanted = read_audience(audience)
    until = _closing(closes_at, now)
    with runtime.db.write() as session:
        survey = _askable(session, who, survey_id)
        occurrence = Occurrence(
            id=new_id(), workspace_id=who.workspace_id, survey_id=survey.id,
            version_id=survey.published_version_id, origin="pulse", key=new_id(), audience=dict(wanted),
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


def open_occurrence(
    session: Session, runtime: Runtime, occurrence: Occurrence, repeat: str | None = None
) -> None:
    """A step: a schedule's e-NPS is due, so its pulse opens; with nobody to ask, the run is skipped."""
    now = runtime.clock()
    _open(session, runtime, occurrence, now + OPEN_FOR, now, repeat=repeat)


def read_audience(given: object) -> Audience:
    """Nothing or "all" is everybody; `{"attributes": {name: value}}` those who have all of them.

    Raises Invalid.
    """
    if given in (None, "", "all", {}):
        return {}
    attributes = given.get("attributes") if isinstance(given, Mapping) and len(given) == 1 else None
    fits = isinstance(attributes, Mapping) and all(
        isinstance(each, str) and each for pair in attributes.items() for each in pair
    )
    if not fits or not attributes:
        raise Invalid([problem("audience", "Say “all”, or which attributes have which value.")])
    return {"attributes": dict(attributes)}


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
    session: Session,
    runtime: Runtime,
    occurrence: Occurrence,
    closes_at: datetime,
    now: datetime,
    *,
    repeat: str | None = None,
) -> tuple[str, int]:
    """The pulse's id and how many people it asks; with nobody to ask there is none: the run is skipped."""
    inviting.one_at_a_time(session, occurrence.workspace_id)
    ask = eligible.asking(
        session, runtime, occurrence.workspace_id, Metric.ENPS,
        channels=occurrence.channels or ("email",), repeat=repeat,
    )  # fmt: skip
    decided = eligible.decide(session, ask, _people(occurrence.workspace_id, occurrence.audience))
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


def _people(workspace_id: str, audience: Audience) -> Select[Contact]:
    query = eligible.audience(workspace_id, Metric.ENPS).order_by(Contact.id)
    attributes = audience.get("attributes")
    if isinstance(attributes, Mapping):
        for name, value in attributes.items():
            query = query.where(attribute_text(Contact.attributes, name) == value)
    return query
