"""What a pulse shows to members and API: participation in steps while open, the whole result once closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import Session

from app.domain.anonymity import Hidden, Thresholds, disclose, in_steps
from app.domain.metrics import Metric
from app.domain.statistics import Change, Counts, Score, compare, response_rate, score_of
from app.models import (
    Headline,
    Invitation,
    Pulse,
    PulseComment,
    PulseCount,
    PulseScore,
    SealedAnswer,
    Survey,
    Workspace,
)  # fmt: skip
from app.runtime import Runtime
from app.services import brakes, pulse_reminders
from app.services.access import Visitor, own
from app.services.brakes import Stopped
from app.services.paging import PAGE, Page, cut, in_order
from app.services.pulse_reminders import Reminder

WHOLE = "whole"  # the cut that is everybody
REACHED = ("planned", "queued", "sending", "sent", "delivered", "unknown")


@dataclass(frozen=True)
class PulseResult:
    """The whole of a closed pulse that had answers enough."""

    counts: Counts
    score: Score
    response_rate: Fraction | None


@dataclass(frozen=True)
class PulseView:
    """One pulse as anybody may see it. `answered` is in steps of five; the exact number is the result's n."""

    id: str
    survey_id: str
    survey_name: str
    state: str
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None
    thresholds: Thresholds
    asked: int
    answered: int
    hidden: Hidden | None
    result: PulseResult | None


@dataclass(frozen=True)
class PulseDetail:
    """A pulse with what it is compared to, its comments, why some were not asked, who has its headline."""

    pulse: PulseView
    before: PulseView | None
    change: Change | None
    comments: Sequence[str]
    not_asked: Sequence[tuple[str, int]]
    headlines: Sequence[tuple[str, str]]  # id and name of each workspace that shows it
    reminder: Reminder | None  # while it is open
    stopped: Stopped | None  # it was opened by hand, and paused itself


def list_pulses(runtime: Runtime, who: Visitor) -> list[PulseView]:
    """Every pulse of the workspace, the newest first."""
    with runtime.db.read() as session:
        pulses = session.scalars(
            select(Pulse)
            .where(Pulse.workspace_id == who.workspace_id)
            .order_by(Pulse.opened_at.desc(), Pulse.id)
        ).all()
        return [view_of(session, pulse) for pulse in pulses]


def listed(runtime: Runtime, who: Visitor, cursor: str | None = None, limit: int = PAGE) -> Page[PulseView]:
    """The same page by page, for the API."""
    query = select(Pulse).where(Pulse.workspace_id == who.workspace_id)
    query = in_order(query, cursor, Pulse.opened_at, Pulse.id, latest_first=True)
    with runtime.db.read() as session:
        rows = session.scalars(query.limit(limit + 1)).all()
        shown, more = cut(rows, limit, lambda pulse: (pulse.opened_at, pulse.id))
        return Page(tuple(view_of(session, pulse) for pulse in shown), more)


def view_pulse(runtime: Runtime, who: Visitor, pulse_id: str) -> PulseDetail:
    """One pulse with everything that may be told of it. Raises NotFound."""
    with runtime.db.read() as session:
        pulse = own(session, who, Pulse, pulse_id)
        view = view_of(session, pulse)
        before = shown_before(session, pulse) if view.result else None
        change = None
        if view.result and before and before.result:
            change = compare(Metric.ENPS, view.result.counts, before.result.counts)
        return PulseDetail(
            pulse=view,
            before=before,
            change=change,
            comments=_comments(session, pulse) if view.result else (),
            not_asked=_not_asked(session, pulse),
            headlines=_headlines(session, pulse),
            reminder=pulse_reminders.told(session, pulse, runtime.clock()) if pulse.state == "open" else None,
            stopped=_stopped(session, pulse),
        )


def view_of(session: Session, pulse: Pulse) -> PulseView:
    """A step: the one place that decides what of a pulse leaves the tables."""
    counts = counts_of(session, pulse.id) if pulse.state == "closed" else None
    thresholds = Thresholds(pulse.least_answers, pulse.least_comments)
    told = disclose(counts.n if counts else 0, thresholds, is_open=pulse.state == "open")
    result = None
    if counts and told.result and (score := score_of(Metric.ENPS, counts)):
        result = PulseResult(counts, score, response_rate(counts.n, pulse.asked or 0))
    return PulseView(
        id=pulse.id,
        survey_id=pulse.survey_id,
        survey_name=session.get_one(Survey, pulse.survey_id).name,
        state=pulse.state,
        opened_at=pulse.opened_at,
        closes_at=pulse.closes_at,
        closed_at=pulse.closed_at,
        thresholds=thresholds,
        asked=pulse.asked if pulse.asked is not None else asked_in(session, pulse),
        answered=in_steps(pulse.answered or _sealed(session, pulse)),
        hidden=None if pulse.state == "void" else told.hidden,
        result=result,
    )


def counts_of(session: Session, pulse_id: str) -> Counts | None:
    """A step: the counts of everybody, if the pulse kept any."""
    count = session.get(PulseCount, (pulse_id, WHOLE))
    if count is None:
        return None
    total = session.scalar(select(func.sum(PulseScore.score)).where(PulseScore.pulse_id == pulse_id))
    return Counts(count.promoters, count.passives, count.detractors, int(total or 0))


def asked_in(session: Session, pulse: Pulse, *, sandbox_on: bool = True) -> int:
    """A step: how many are being asked, or were; those whom nothing reached do not count.

    Nor, once the sandbox is off, those whom only it asked.
    """
    count = session.scalar(
        select(func.count())
        .select_from(Invitation)
        .where(
            Invitation.occurrence_id == pulse.occurrence_id,
            Invitation.state.in_(REACHED),
            or_(Invitation.sandbox.is_(False), literal(sandbox_on)),
        )
    )
    return count or 0


def _sealed(session: Session, pulse: Pulse) -> int:
    """Never shown as it is: see in_steps."""
    count = session.scalar(
        select(func.count()).select_from(SealedAnswer).where(SealedAnswer.pulse_id == pulse.id)
    )
    return count or 0


def shown_before(session: Session, pulse: Pulse) -> PulseView | None:
    """A step: the last pulse that closed before this one with a result."""
    before = session.scalars(
        select(Pulse)
        .join(PulseCount, PulseCount.pulse_id == Pulse.id)
        .where(
            Pulse.workspace_id == pulse.workspace_id,
            Pulse.closed_at < pulse.closed_at,
            PulseCount.cut == WHOLE,
        )
        .order_by(Pulse.closed_at.desc())
        .limit(1)
    ).one_or_none()
    return view_of(session, before) if before else None


def _comments(session: Session, pulse: Pulse) -> Sequence[str]:
    """In the order of their random keys, which is none."""
    return session.scalars(
        select(PulseComment.comment).where(PulseComment.pulse_id == pulse.id).order_by(PulseComment.key)
    ).all()


def _stopped(session: Session, pulse: Pulse) -> Stopped | None:
    here = pulse.workspace_id, None, pulse.occurrence_id
    return next((each for each in brakes.standing(session, *here) if each.schedule_id is None), None)


def _not_asked(session: Session, pulse: Pulse) -> Sequence[tuple[str, int]]:
    rows = session.execute(
        select(Invitation.reason, func.count())
        .where(Invitation.occurrence_id == pulse.occurrence_id, Invitation.state.not_in(REACHED))
        .group_by(Invitation.reason)
        .order_by(func.count().desc(), Invitation.reason)
    )
    return [(reason or "cancelled", count) for reason, count in rows]


def _headlines(session: Session, pulse: Pulse) -> Sequence[tuple[str, str]]:
    rows = session.execute(
        select(Workspace.id, Workspace.name)
        .join(Headline, Headline.workspace_id == Workspace.id)
        .where(Headline.pulse_id == pulse.id)
        .order_by(Workspace.name)
    )
    return [(id, name) for id, name in rows]
