"""Which answers are meant, and an answer with its person and survey: shared by page, API and file."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, or_, select

from app.domain.metrics import RULES, Metric, metrics_for
from app.errors import Invalid, Problem, problem
from app.models import Answer, Contact, FollowUp, Invitation, Survey
from app.services.counting import Filters, Scope, of_answers
from app.services.followup_rows import company_of

Shown = Literal["counted", "set_aside"]
Conditions = list[ColumnElement[bool]]
Found = Select[Answer, Contact, str, str, str]  # with its survey's name, its locale and its follow-up


@dataclass(frozen=True)
class Wanted:
    """Which answers. `counted` are those that make the scores; `set_aside` the suspect and the late ones."""

    filters: Filters = field(default_factory=Filters)
    metric: str | None = None
    band: str | None = None
    changed_since: datetime | None = None
    shown: Shown = "counted"


@dataclass(frozen=True)
class Line:
    """One answer with its person and survey."""

    id: str
    metric: str
    score: int
    band: str
    comment: str | None
    channel: str
    contact_me: bool
    suspect: bool
    late: bool
    sandbox: bool
    survey_id: str
    survey_name: str
    contact_id: str
    contact_name: str
    company: str | None
    locale: str  # in which they were asked, so most likely wrote
    invitation_id: str
    followup_id: str | None
    recorded_at: datetime
    updated_at: datetime
    attributes: dict[str, Any]

    def to_json(self) -> dict[str, object]:
        """What the API answers; references are ids."""
        return {
            "id": self.id,
            "survey": self.survey_id,
            "metric": self.metric,
            "score": self.score,
            "band": self.band,
            "comment": self.comment,
            "channel": self.channel,
            "contact": self.contact_id,
            "invitation": self.invitation_id,
            "recorded_at": self.recorded_at,
            "updated_at": self.updated_at,
        }


def check(wanted: Wanted) -> None:
    """Raises Invalid for filters that cannot be."""
    problems: list[Problem] = []
    known = {metric.value for metric in metrics_for("customers")}
    if wanted.metric is not None and wanted.metric not in known:
        problems.append(problem("metric", "There is no such metric here."))
    elif wanted.band is not None and wanted.band not in _bands(wanted.metric):
        problems.append(problem("band", "There is no such band."))
    if wanted.filters.since and wanted.filters.until and wanted.filters.since >= wanted.filters.until:
        problems.append(problem("until", "The end is before the beginning."))
    if problems:
        raise Invalid(problems)


def _bands(metric: str | None) -> set[str]:
    rules = [RULES[Metric(metric)]] if metric else RULES.values()
    return {band.value for rule in rules for band in rule.bands}


def ours(scope: Scope) -> Conditions:
    """Every answer that may be shown, counted or not."""
    found = [Answer.workspace_id == scope.workspace_id]
    return found if scope.with_sandbox else [*found, Answer.sandbox.is_(False)]


def is_set_aside() -> ColumnElement[bool]:
    """Kept, and not counted."""
    return or_(Answer.suspect.is_(True), Answer.late.is_(True))


def conditions_of(scope: Scope, wanted: Wanted) -> Conditions:
    """The answers that are meant; `counted` by the one rule that every score stands on."""
    found = scope.answers() if wanted.shown == "counted" else [*ours(scope), is_set_aside()]
    found += of_answers(wanted.filters)
    if wanted.metric is not None:
        found.append(Answer.metric == wanted.metric)
    if wanted.band is not None:
        found.append(Answer.band == wanted.band)
    if wanted.changed_since is not None:
        found.append(Answer.updated_at >= wanted.changed_since)
    return found


def lines_query(conditions: Conditions) -> Found:
    """Everything that a Line needs."""
    return (
        select(Answer, Contact, Survey.name, Invitation.locale, FollowUp.id)
        .join(Contact, Contact.id == Answer.contact_id)
        .join(Survey, Survey.id == Answer.survey_id)
        .join(Invitation, Invitation.id == Answer.invitation_id)
        .outerjoin(FollowUp, FollowUp.answer_id == Answer.id)
        .where(*conditions)
    )


def line(row: Row[Answer, Contact, str, str, str]) -> Line:
    """A row of `lines_query` as a Line."""
    answer, contact, survey_name, locale, followup_id = row
    return Line(
        id=answer.id,
        metric=answer.metric,
        score=answer.score,
        band=answer.band,
        comment=answer.comment,
        channel=answer.channel,
        contact_me=answer.contact_me,
        suspect=answer.suspect,
        late=answer.late,
        sandbox=answer.sandbox,
        survey_id=answer.survey_id,
        survey_name=survey_name,
        contact_id=contact.id,
        contact_name=contact.label,
        company=company_of(contact),
        locale=locale,
        invitation_id=answer.invitation_id,
        followup_id=followup_id,
        recorded_at=answer.recorded_at,
        updated_at=answer.updated_at,
        attributes=dict(answer.attributes),
    )
