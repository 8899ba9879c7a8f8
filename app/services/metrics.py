"""One metric with everything that page, API and file say of it: nothing else turns answers into a score."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.anonymity import Hidden
from app.domain.metrics import RULES, Metric, metrics_for
from app.domain.statistics import (
    Change,
    Counts,
    Score,
    compare,
    response_rate,
    score_of,
    shown,
    shown_mean,
)
from app.errors import Invalid, NotFound, Problem, problem
from app.models import Pulse
from app.runtime import Runtime
from app.services.access import Visitor, own
from app.services.counting import (
    ATTRIBUTE,
    GROUPS,
    Cohort,
    Filters,
    Scope,
    cohorts_by,
    counts_by,
    scope_of,
)
from app.services.pulse_results import shown_before, view_of

MOST_GROUPS = 200  # more is a list of people, not a comparison, and a page that nobody reads
NO_CHANGE = Change(None, "unclear", None)


@dataclass(frozen=True)
class Reading:
    """A metric over some answers: exact values; `to_json` rounds them as every page does."""

    metric: Metric
    counts: Counts
    before: Counts
    cohort: Cohort
    score: Score | None
    change: Change
    group: str | None = None  # the value that these answers share, where they were grouped
    hidden: Hidden | None = None  # why there is nothing to show; pulses only

    @property
    def response_rate(self) -> Fraction | None:
        """Of those who were asked in the period, how many have answered."""
        return response_rate(self.cohort.answered, self.cohort.delivered)

    @property
    def score_before(self) -> Score | None:
        """Of the time that this is compared with."""
        return score_of(self.metric, self.before)

    def to_json(self) -> dict[str, object]:
        """What the API answers."""
        rate = self.response_rate
        found = {
            "metric": self.metric.value,
            **_score_json(self.score),
            **dict(zip(RULES[self.metric].count_names, _cells(self.counts), strict=True)),
            "response_rate": None if rate is None else float(rate),
            "change": _change_json(self.change),
        }
        if self.metric is Metric.CES:
            found["mean"] = None if self.score is None else shown_mean(self.score.mean)
        if self.hidden is not None:
            found |= {"n": None, "hidden": self.hidden.value}
            found |= dict.fromkeys(RULES[self.metric].count_names)
        return found


@dataclass(frozen=True)
class Report:
    """The whole, and where it was asked for, its groups: the largest first."""

    whole: Reading
    groups: tuple[Reading, ...] | None = None

    def to_json(self) -> dict[str, object]:
        """What the API answers."""
        found = self.whole.to_json()
        if self.groups is not None:
            found["groups"] = [{"group": each.group} | each.to_json() for each in self.groups]
        return found


def metric(
    runtime: Runtime, who: Visitor, name: str, filters: Filters, group_by: str | None = None
) -> Report:
    """A metric of a customers workspace, compared to the same time before `since`.

    `group_by`: survey, channel, or `attribute.` and its name. Raises NotFound for a metric that this kind of
    workspace does not ask, Invalid for filters that cannot be, or too many groups.
    """
    asked = _known(who, name)
    if asked is Metric.ENPS:
        raise NotFound  # sealed pulses have no answers to filter: see pulse_metric
    _check(filters, group_by)
    scope, now = scope_of(runtime, who), runtime.clock()
    with runtime.db.read() as session:
        (whole,) = _readings(session, scope, asked, filters, now=now, group=None).values()
        if group_by is None:
            return Report(whole)
        groups = _readings(session, scope, asked, filters, now=now, group=group_by).values()
    if len(groups) > MOST_GROUPS:
        raise Invalid([problem("group_by", "More than %(most)s groups.", most=MOST_GROUPS)])
    ordered = sorted(groups, key=lambda each: (-each.counts.n, each.group is None, each.group or ""))
    return Report(whole, tuple(ordered))


def pulse_metric(runtime: Runtime, who: Visitor, pulse_id: str | None = None) -> Report:
    """e-NPS of one pulse, by default the last that closed. Raises NotFound, also when none has closed yet."""
    _known(who, Metric.ENPS)
    with runtime.db.read() as session:
        pulse = own(session, who, Pulse, pulse_id) if pulse_id is not None else _last_closed(session, who)
        view = view_of(session, pulse)
        if view.result is None:
            hidden = view.hidden or Hidden.FEWER_THAN_5
            empty = Reading(Metric.ENPS, Counts(), Counts(), Cohort(), None, NO_CHANGE, hidden=hidden)
            return Report(empty)
        before = shown_before(session, pulse)
        return Report(
            read(
                Metric.ENPS,
                view.result.counts,
                Cohort(view.asked, view.result.counts.n),
                before.result.counts if before and before.result else Counts(),
            )
        )


def read(metric: Metric, counts: Counts, cohort: Cohort, before: Counts, group: str | None = None) -> Reading:
    """A step: counts as a reading; every score that anybody sees is made here."""
    return Reading(
        metric, counts, before, cohort, score_of(metric, counts), compare(metric, counts, before), group
    )


def _known(who: Visitor, name: str) -> Metric:
    if name not in metrics_for(who.workspace_kind):
        raise NotFound
    return Metric(name)


def _check(filters: Filters, group_by: str | None) -> None:
    problems: list[Problem] = []
    given: Mapping[str, str | None] = {
        "survey": filters.survey,
        "contact": filters.contact,
        "channel": filters.channel,
        "attribute": "".join([*filters.attributes, *filters.attributes.values()]),
        "group_by": group_by,
    }
    for field, value in given.items():
        if "\0" in (value or ""):  # PostgreSQL's text cannot hold one
            problems.append(problem(field, "This cannot be read."))
    if filters.since is not None and filters.until is not None and filters.since >= filters.until:
        problems.append(problem("until", "The end must be after the beginning."))
    if group_by is not None and group_by not in GROUPS and not group_by.startswith(ATTRIBUTE):
        problems.append(problem("group_by", "Group by survey, channel, or attribute. and its name."))
    if problems:
        raise Invalid(problems)


def _readings(
    session: Session, scope: Scope, metric: Metric, filters: Filters, *, now: datetime, group: str | None
) -> dict[str | None, Reading]:
    counts = counts_by(session, scope, metric, filters, group)
    cohorts = cohorts_by(session, scope, metric, filters, group)
    before: dict[str | None, Counts] = {}
    if filters.since is not None:
        length = (filters.until or now) - filters.since
        past = filters.during(filters.since - length, filters.since)
        before = counts_by(session, scope, metric, past, group)
    return {
        key: read(
            metric, counts.get(key, Counts()), cohorts.get(key, Cohort()), before.get(key, Counts()), key
        )
        for key in ({*counts, *cohorts} if group is not None else {None})
    }


def _last_closed(session: Session, who: Visitor) -> Pulse:
    query = (
        select(Pulse)
        .where(Pulse.workspace_id == who.workspace_id, Pulse.state == "closed")
        .order_by(Pulse.closed_at.desc(), Pulse.id)
        .limit(1)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def _cells(counts: Counts) -> tuple[int, int, int]:
    return counts.upper, counts.middle, counts.lower


def _score_json(score: Score | None) -> dict[str, object]:
    if score is None:
        return {"score": None, "n": 0, "low": None, "high": None}
    return {"score": shown(score.value), "n": score.n, "low": shown(score.low), "high": shown(score.high)}


def _change_json(change: Change) -> dict[str, object]:
    return {
        "difference": None if change.difference is None else shown(change.difference),
        "verdict": change.verdict,
        "needed": change.needed,
    }
