"""Surveys as pages read them: the list, and one survey with its draft and its versions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.domain.placeholders import check, fill, parse, values_for
from app.domain.survey_drafts import publishing_problems
from app.domain.survey_texts import SurveyTexts, choose_locale
from app.errors import Problem
from app.models import Survey, SurveyVersion, User, Workspace
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import access
from app.services.access import Visitor
from app.services.paging import PAGE, Page, cut, in_order
from app.services.surveys import differs, live_version


@dataclass(frozen=True)
class Version:
    """One frozen version, as lists show it."""

    number: int
    published_at: datetime
    published_by: str | None  # a member's name; none when a key published it


@dataclass(frozen=True)
class Sheet:
    """A survey with its draft and its versions, newest first."""

    id: str
    name: str
    metric: Metric
    opens_followup: bool
    revision: int
    texts: Mapping[str, SurveyTexts]
    versions: tuple[Version, ...]
    changed: bool  # since the newest version; true where there is none
    archived_at: datetime | None
    workspace_name: str
    workspace_locale: str
    problems: tuple[Problem, ...]  # what keeps the draft from being published; fields are named `locale.text`

    @property
    def live(self) -> Version | None:
        """The version that people are shown now."""
        return self.versions[0] if self.versions else None

    def problems_in(self, locale: str) -> list[Problem]:
        """What is missing or wrong in one language; fields are named as the texts are."""
        start = f"{locale}."
        return [
            replace(each, field=each.field.removeprefix(start))
            for each in self.problems
            if each.field.startswith(start)
        ]

    @property
    def next_number(self) -> int:
        return self.versions[0].number + 1 if self.versions else 1


@dataclass(frozen=True)
class Line:
    """A survey in the list of surveys."""

    id: str
    name: str
    metric: Metric
    question: str  # in the workspace's language
    locale: str  # of that question
    locales: tuple[str, ...]
    live_number: int | None
    published_at: datetime | None
    archived_at: datetime | None


def get(runtime: Runtime, who: Visitor, id: str) -> Sheet:
    """The survey as its editor shows it."""
    with runtime.db.read() as session:
        return _sheet(session, who, access.own(session, who, Survey, id))


def list_surveys(runtime: Runtime, who: Visitor, *, archived: bool = False) -> list[Line]:
    """The workspace's surveys, the last one touched first; or those that were put away."""
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
        away = Survey.archived_at.is_not(None) if archived else Survey.archived_at.is_(None)
        rows = session.execute(
            select(Survey, SurveyVersion.number, SurveyVersion.published_at)
            .outerjoin(SurveyVersion, SurveyVersion.id == Survey.published_version_id)
            .where(Survey.workspace_id == who.workspace_id, away)
            .order_by(Survey.updated_at.desc(), Survey.id)
        )
        return [_line(survey, workspace, number, at) for survey, number, at in rows]


def listed(runtime: Runtime, who: Visitor, cursor: str | None = None, limit: int = PAGE) -> Page[Sheet]:
    """Every survey for the API, those in the archive as well, in the order in which they were made."""
    query = select(Survey).where(Survey.workspace_id == who.workspace_id)
    query = in_order(query, cursor, Survey.created_at, Survey.id)
    with runtime.db.read() as session:
        rows = session.scalars(query.limit(limit + 1)).all()
        shown, more = cut(rows, limit, lambda row: (row.created_at, row.id))
        return Page(tuple(_sheet(session, who, row) for row in shown), more)


def _sheet(session: Session, who: Visitor, survey: Survey) -> Sheet:
    workspace = session.get_one(Workspace, who.workspace_id)
    versions = session.execute(
        select(SurveyVersion.number, SurveyVersion.published_at, User.name)
        .outerjoin(User, User.id == SurveyVersion.published_by)
        .where(SurveyVersion.survey_id == survey.id)
        .order_by(SurveyVersion.number.desc())
    )
    live = live_version(session, survey)
    return Sheet(
        id=survey.id,
        name=survey.name,
        metric=Metric(survey.metric),
        opens_followup=survey.opens_followup,
        revision=survey.revision,
        texts={locale: SurveyTexts.from_json(texts) for locale, texts in survey.draft.items()},
        versions=tuple(Version(number, at, name) for number, at, name in versions),
        changed=live is None or differs(survey, live),
        archived_at=survey.archived_at,
        workspace_name=workspace.name,
        workspace_locale=workspace.locale,
        problems=tuple(publishing_problems(survey.draft, Metric(survey.metric), workspace.locale)),
    )


def _line(survey: Survey, workspace: Workspace, number: int | None, at: datetime | None) -> Line:
    shown = choose_locale(survey.draft, workspace.locale)
    return Line(
        id=survey.id,
        name=survey.name,
        metric=Metric(survey.metric),
        question=_question(SurveyTexts.from_json(survey.draft[shown]), workspace),
        locale=shown,
        locales=tuple(each for each in LOCALES if each in survey.draft),
        live_number=number,
        published_at=at,
        archived_at=survey.archived_at,
    )


def _question(texts: SurveyTexts, workspace: Workspace) -> str:
    if check(texts.question, "question"):
        return texts.question  # a ready text of an older release, say: the editor tells what is wrong with it
    return fill(parse(texts.question), values_for(workspace.name))
