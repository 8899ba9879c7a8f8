"""The home page of a customers workspace in one snapshot: four scores, who waits, what was said today."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric, metrics_for
from app.domain.statistics import Counts, Score, score_of
from app.models import Answer, Contact, Headline, Invitation
from app.runtime import Runtime
from app.services import followup_inbox
from app.services.access import Visitor
from app.services.counting import Cohort, Filters, Scope, cohorts_by, counts_in_steps, scope_of
from app.services.followup_inbox import Tally, Waiting
from app.services.followup_rows import company_of
from app.services.metrics import Reading, read

STEPS = 12  # points of a trend between the ends of a period: weekly for a quarter, monthly for a year
MOST_PULSES = 12  # in the trend of e-NPS: three years of quarters
MOST_SAID = 4
MOST_URGENT = 3


@dataclass(frozen=True)
class Stage:
    """One metric of the journey: the period, and the score of an equally long time up to each moment."""

    reading: Reading
    trend: tuple[Score | None, ...]
    moments: tuple[datetime, ...]
    since: datetime  # of what it is compared with, the moment it ended


@dataclass(frozen=True)
class Said:
    """One answer of today, with its words if it has any."""

    contact_name: str
    company: str | None
    metric: str
    score: int
    band: str
    comment: str | None
    locale: str  # in which they were asked, so most likely wrote
    channel: str
    recorded_at: datetime


@dataclass(frozen=True)
class Journey:
    """Everything on the page. `begun` is false until somebody has been asked."""

    begun: bool
    anybody_answered: bool
    days: int
    since: datetime
    now: datetime
    team: Stage | None  # e-NPS, once HR has published a pulse here
    stages: tuple[Stage, ...]
    tally: Tally
    urgent: tuple[Waiting, ...]
    said: tuple[Said, ...]
    answered_today: int


def journey(runtime: Runtime, who: Visitor, days: int) -> Journey:
    """The last `days` days, today included, against as many before."""
    now = runtime.clock()
    midnight = _midnight_after(now, ZoneInfo(who.time_zone))
    since = midnight - timedelta(days=days)
    scope = scope_of(runtime, who)
    with runtime.db.read() as session:
        return Journey(
            begun=_begun(session, who),
            anybody_answered=bool(session.scalar(select(exists().where(*scope.answers())))),
            days=days,
            since=since,
            now=now,
            team=_team(session, who),
            stages=tuple(
                _stage(session, scope, metric, midnight, days) for metric in metrics_for(who.workspace_kind)
            ),
            tally=followup_inbox.tally(session, who, now, since),
            urgent=followup_inbox.urgent(session, who, now, MOST_URGENT),
            said=_said(session, scope, midnight - timedelta(days=1)),
            answered_today=_answered_since(session, scope, midnight - timedelta(days=1)),
        )


def _midnight_after(now: datetime, zone: ZoneInfo) -> datetime:
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, zone).astimezone(UTC)


def _begun(session: Session, who: Visitor) -> bool:
    asked = exists().where(Invitation.workspace_id == who.workspace_id)
    answered = exists().where(Answer.workspace_id == who.workspace_id)
    told = exists().where(Headline.workspace_id == who.workspace_id)
    return bool(session.scalar(select(asked | answered | told)))


def _stage(session: Session, scope: Scope, metric: Metric, until: datetime, days: int) -> Stage:
    """Twice the period in steps of whole days: each point of the trend is the sum of one period up to it."""
    offsets = [timedelta(days=round(days * step / STEPS)) for step in range(STEPS + 1)]
    since = until - offsets[-1]
    edges = [since - offsets[-1] + offset for offset in offsets[:-1]] + [since + offset for offset in offsets]
    sums = list(accumulate(counts_in_steps(session, scope, metric, edges), initial=Counts()))
    points = [sums[end] - sums[end - STEPS] for end in range(STEPS, 2 * STEPS + 1)]
    cohort = cohorts_by(session, scope, metric, Filters(since=since, until=until)).get(None, Cohort())
    return Stage(
        reading=read(metric, points[-1], cohort, points[0]),
        trend=tuple(score_of(metric, counts) for counts in points),
        moments=tuple(edges[STEPS:]),
        since=since,
    )


def _team(session: Session, who: Visitor) -> Stage | None:
    """The pulses that HR has handed over, the latest against the one before; nothing else is known here."""
    query = (
        select(Headline)
        .where(Headline.workspace_id == who.workspace_id)
        .order_by(Headline.closed_at.desc(), Headline.id)
        .limit(MOST_PULSES)
    )
    pulses = list(reversed(session.scalars(query).all()))
    if not pulses:
        return None
    counted = [Counts(each.promoters, each.passives, each.detractors) for each in pulses]
    last, before = counted[-1], counted[-2] if len(counted) > 1 else Counts()
    return Stage(
        reading=read(Metric.ENPS, last, Cohort(pulses[-1].asked, last.n), before),
        trend=tuple(score_of(Metric.ENPS, counts) for counts in counted),
        moments=tuple(each.closed_at for each in pulses),
        since=pulses[-2].closed_at if len(pulses) > 1 else pulses[-1].closed_at,
    )


def _said(session: Session, scope: Scope, since: datetime) -> tuple[Said, ...]:
    """Those with words first, each kind latest first."""
    query = (
        select(Answer, Contact, Invitation.locale)
        .join(Contact, Contact.id == Answer.contact_id)
        .join(Invitation, Invitation.id == Answer.invitation_id)
        .where(*scope.answers(), Answer.recorded_at >= since)
        .order_by(Answer.comment.is_(None), Answer.recorded_at.desc(), Answer.id)
        .limit(MOST_SAID)
    )
    return tuple(
        Said(
            contact_name=contact.label,
            company=company_of(contact),
            metric=answer.metric,
            score=answer.score,
            band=answer.band,
            comment=answer.comment,
            locale=locale,
            channel=answer.channel,
            recorded_at=answer.recorded_at,
        )
        for answer, contact, locale in session.execute(query)
    )


def _answered_since(session: Session, scope: Scope, since: datetime) -> int:
    query = select(func.count()).where(*scope.answers(), Answer.recorded_at >= since)
    return session.scalar(query) or 0
