"""Counts answers and those who were asked: the steps on which every score stands, of page, API and file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, null, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.domain.metrics import RULES, Metric
from app.domain.statistics import Counts
from app.models import Answer, Contact, Invitation
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.attributes import attribute_text

# Accepted by the provider and not failed or bounced since. An attempt whose end is unknown becomes `sent`
# when it is presumed so; an answer implies that the question arrived.
REACHED = ("sent", "delivered", "answered", "expired")
ATTRIBUTE = "attribute."
GROUPS = ("survey", "channel")  # or an attribute: "attribute.plan"


@dataclass(frozen=True)
class Filters:
    """Which answers: from `since` (included) to `until` (not), both aware; attributes by their text."""

    survey: str | None = None
    contact: str | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def during(self, since: datetime | None, until: datetime | None) -> "Filters":
        """The same filters over another time."""
        return replace(self, since=since, until=until)


@dataclass(frozen=True)
class Cohort:
    """Those whom a question reached, by the moment of sending, and how many of them have answered since."""

    delivered: int = 0
    answered: int = 0


@dataclass(frozen=True)
class Scope:
    """Whose answers count: one workspace's, and the pretend ones only while the sandbox is on."""

    workspace_id: str
    with_sandbox: bool

    def answers(self) -> list[ColumnElement[bool]]:
        """Conditions of an answer that counts: not too late, not suspect until a person confirms it."""
        found = [
            Answer.workspace_id == self.workspace_id,
            Answer.suspect.is_(False),
            Answer.late.is_(False),
        ]
        return found if self.with_sandbox else [*found, Answer.sandbox.is_(False)]

    def asked(self) -> list[ColumnElement[bool]]:
        """Conditions of an invitation whose question arrived."""
        found = [
            Invitation.workspace_id == self.workspace_id,
            Invitation.state.in_(REACHED),
            or_(Invitation.sent_at.is_not(None), Invitation.state == "answered"),
        ]
        return found if self.with_sandbox else [*found, Invitation.sandbox.is_(False)]


def scope_of(runtime: Runtime, who: Visitor) -> Scope:
    """A step: what counts for this visitor."""
    return Scope(who.workspace_id, with_sandbox=runtime.config.sandbox_on)


def of_answers(filters: Filters) -> list[ColumnElement[bool]]:
    """A step: the filters as conditions of an answer, by the moment it was recorded."""
    return _filtered(filters, Answer, Answer.recorded_at, Answer.attributes)


def counts_by(
    session: Session, scope: Scope, metric: Metric, filters: Filters, group: str | None = None
) -> dict[str | None, Counts]:
    """A step: the answers to one metric, apart for each value of the group; without a group under None."""
    key = _group_column(group, Answer, Answer.attributes).label("key")
    rows = session.execute(
        select(key, Answer.band, func.count(), func.sum(Answer.score))
        .where(
            *scope.answers(),
            Answer.metric == metric.value,
            *of_answers(filters),
        )
        .group_by("key", Answer.band)
    )
    return _by_key(metric, rows)


def counts_in_steps(
    session: Session, scope: Scope, metric: Metric, edges: Sequence[datetime]
) -> list[Counts]:
    """A step: the answers to one metric between each edge and the next, in order."""
    steps = range(len(edges) - 1)
    key = case(
        *((Answer.recorded_at < edges[step + 1], step) for step in steps[:-1]), else_=len(edges) - 2
    ).label("key")
    rows = session.execute(
        select(key, Answer.band, func.count(), func.sum(Answer.score))
        .where(
            *scope.answers(),
            Answer.metric == metric.value,
            Answer.recorded_at >= edges[0],
            Answer.recorded_at < edges[-1],
        )
        .group_by("key", Answer.band)
    )
    found = _by_key(metric, rows)
    return [found.get(step, Counts()) for step in steps]


def cohorts_by(
    session: Session, scope: Scope, metric: Metric, filters: Filters, group: str | None = None
) -> dict[str | None, Cohort]:
    """A step: whom one metric's question reached and who answered, apart for each value of the group.

    Both are counted over the same invitations, so that no filter makes the rate pass 1. By attribute, both
    take the contact's present ones: those who did not answer have none of another moment.
    """
    key = _group_column(group, Invitation, Contact.attributes).label("key")
    # an attempt whose end we never heard has no moment of sending, yet it may be answered
    asked_at = func.coalesce(Invitation.sent_at, Invitation.created_at)
    query = (
        select(key, func.count(), func.sum(case((Invitation.state == "answered", 1), else_=0)))
        .where(
            *scope.asked(),
            Invitation.metric == metric.value,
            *_filtered(filters, Invitation, asked_at, Contact.attributes),
        )
        .group_by("key")
    )
    if filters.attributes or (group or "").startswith(ATTRIBUTE):
        query = query.join(Contact, Contact.id == Invitation.contact_id)
    return {key: Cohort(delivered, int(answered)) for key, delivered, answered in session.execute(query)}


def _by_key(metric: Metric, rows: Iterable[Row[Any, str, int, int]]) -> dict[Any, Counts]:
    upper, middle, lower = RULES[metric].bands
    found: defaultdict[Any, Counts] = defaultdict(Counts)
    for key, band, n, total in rows:
        found[key] += Counts(
            upper=n if band == upper else 0,
            middle=n if band == middle else 0,
            lower=n if band == lower else 0,
            total=int(total),
        )
    return found


def _group_column(
    group: str | None,
    table: type[Answer] | type[Invitation],
    attributes: InstrumentedAttribute[dict[str, Any]],
) -> ColumnElement[Any]:
    if group is None:
        return null()
    if group.startswith(ATTRIBUTE):
        return attribute_text(attributes, group.removeprefix(ATTRIBUTE))
    return {"survey": table.survey_id, "channel": table.channel}[group].expression


def _filtered(
    filters: Filters,
    table: type[Answer] | type[Invitation],
    moment: ColumnElement[datetime] | InstrumentedAttribute[datetime],
    attributes: InstrumentedAttribute[dict[str, Any]],
) -> list[ColumnElement[bool]]:
    given = (
        (table.survey_id, filters.survey),
        (table.contact_id, filters.contact),
        (table.channel, filters.channel),
    )
    found: list[ColumnElement[bool]] = [column == value for column, value in given if value is not None]
    if filters.since is not None:
        found.append(moment >= filters.since)
    if filters.until is not None:
        found.append(moment < filters.until)
    return found + [attribute_text(attributes, name) == value for name, value in filters.attributes.items()]
