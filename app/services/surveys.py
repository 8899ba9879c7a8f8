"""Surveys: a draft in several languages that is edited, and versions that publishing freezes for ever."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric, metrics_for
from app.domain.placeholders import has_control_characters
from app.domain.ready_texts import ready_texts
from app.domain.survey_drafts import merge, publishing_problems
from app.errors import Conflict, Invalid, Problem, problem
from app.models import Occurrence, Schedule, Survey, SurveyVersion, Workspace, new_id
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import access, audit
from app.services.access import Visitor
from app.services.once import Once

LONGEST_NAME = 120  # characters: a heading of two lines


def create(
    runtime: Runtime,
    who: Visitor,
    name: str,
    metric: str,
    *,
    texts: Mapping[str, object] | None = None,
    once: Once | None = None,
) -> str:
    """A new draft with the ready-made texts of its metric in all our languages; gives its id.

    `texts` replaces some of them, as in `edit`. Raises Invalid.
    """
    problems = _name_problems(name)
    if metric not in metrics_for(who.workspace_kind):
        problems.append(problem("metric", "This workspace cannot ask that question."))
    if problems:
        raise Invalid(problems)
    chosen = Metric(metric)
    now = runtime.clock()
    with runtime.db.write() as session:
        survey = Survey(
            id=new_id(),
            workspace_id=who.workspace_id,
            name=name.strip(),
            metric=chosen.value,
            draft={locale: ready_texts(chosen, locale).to_json() for locale in LOCALES},
            opens_followup=chosen is not Metric.ENPS,
            created_at=now,
            updated_at=now,
        )
        survey.draft = _merged(session, who, survey, survey.name, texts or {})
        session.add(survey)
        if once:
            once.keep(session, survey.id)
        audit.note(session, who, now, "survey.created", survey.id, metric=metric)
        return survey.id


def edit(
    runtime: Runtime,
    who: Visitor,
    id: str,
    revision: int | None,
    *,
    name: str | None = None,
    opens_followup: bool | None = None,
    texts: Mapping[str, object] | None = None,
) -> int:
    """Change the draft; what is not given stays. Gives the revision that it has now.

    `texts` maps a locale to some of its texts, or to None to leave that language out. What is there already
    changes nothing. Raises Conflict when somebody else saved since `revision` (None: the last one wins),
    Invalid with fields named `locale.text`.
    """
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, id, lock=True)
        name = survey.name if name is None else name.strip()
        if opens_followup is None or survey.metric == Metric.ENPS:  # a pulse answer never opens one
            opens_followup = survey.opens_followup
        draft = _merged(session, who, survey, name, texts or {})
        if (name, opens_followup, draft) == (survey.name, survey.opens_followup, survey.draft):
            return survey.revision
        _refuse_change(survey, revision)
        survey.name, survey.opens_followup, survey.draft = name, opens_followup, draft
        audit.note(session, who, runtime.clock(), "survey.edited", id)
        return _touch(runtime, survey)


def publish(
    runtime: Runtime, who: Visitor, id: str, revision: int | None = None, once: Once | None = None
) -> int:
    """Freeze the draft as the next version and show that one from now on; gives its number.

    A draft that is live already stays as it is, so that pressing twice is harmless. Raises Conflict when
    somebody saved since `revision`, Invalid when a text is missing or wrong in any of its languages.
    """
    with runtime.db.write() as session:
        if once:
            once.keep(session, id)
        survey = access.own(session, who, Survey, id, lock=True)
        live = live_version(session, survey)
        if live and not differs(survey, live):
            return live.number
        _refuse_change(survey, revision)
        problems = publishing_problems(survey.draft, Metric(survey.metric), _workspace_locale(session, who))
        if problems:
            raise Invalid(problems)
        version = SurveyVersion(
            id=new_id(),
            workspace_id=survey.workspace_id,
            survey_id=survey.id,
            number=_last_number(session, survey) + 1,
            metric=survey.metric,
            texts=survey.draft,
            opens_followup=survey.opens_followup,
            published_at=runtime.clock(),
            published_by=who.user_id,
        )
        session.add(version)
        survey.published_version_id = version.id
        audit.note(session, who, runtime.clock(), "survey.published", id, version=version.number)
        _touch(runtime, survey)
        return version.number


def archive(runtime: Runtime, who: Visitor, id: str) -> None:
    """Put a survey away: nobody is asked it any more; its answers and open invitations stay."""
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, id, lock=True)
        if survey.archived_at is not None:
            return
        schedule = _still_asked_by(session, survey)
        if schedule is not None:
            raise Conflict("The schedule “%(name)s” still asks this survey. Cancel it first.", name=schedule)
        survey.archived_at = runtime.clock()
        audit.note(session, who, runtime.clock(), "survey.archived", id)
        _touch(runtime, survey)


def restore(runtime: Runtime, who: Visitor, id: str) -> None:
    """Take a survey out of the archive."""
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, id, lock=True)
        if survey.archived_at is not None:
            survey.archived_at = None
            audit.note(session, who, runtime.clock(), "survey.restored", id)
            _touch(runtime, survey)


def _still_asked_by(session: Session, survey: Survey) -> str | None:
    """The name of a schedule that goes on and asks it, at first or later, or has a run of it to finish."""
    goes_on = select(Schedule.name, Schedule.survey_id, Schedule.steps).where(
        Schedule.workspace_id == survey.workspace_id, Schedule.state.in_(("active", "paused"))
    )
    names = {
        name
        for name, first, steps in session.execute(goes_on)
        if survey.id in (first, *(step["survey"] for step in steps))
    }
    not_over = select(Schedule.name).where(
        Schedule.id == Occurrence.schedule_id,
        Occurrence.survey_id == survey.id,
        Occurrence.state.in_(("due", "running")),
    )
    return min(names.union(session.scalars(not_over.distinct())), default=None)


def _merged(
    session: Session, who: Visitor, survey: Survey, name: str, texts: Mapping[str, object]
) -> dict[str, Mapping[str, str]]:
    problems = _name_problems(name)
    try:
        draft = merge(
            survey.draft, texts, Metric(survey.metric), LOCALES, required=_workspace_locale(session, who)
        )
    except Invalid as error:
        raise Invalid([*problems, *error.problems]) from None
    if problems:
        raise Invalid(problems)
    return draft


def _refuse_change(survey: Survey, revision: int | None) -> None:
    if survey.archived_at is not None:
        raise Conflict("This survey is in the archive. Take it out first.")
    if revision is not None and revision != survey.revision:
        raise Conflict(
            "Somebody else has changed this survey since you opened it. Nothing of theirs was lost."
        )


def _touch(runtime: Runtime, survey: Survey) -> int:
    survey.revision += 1
    survey.updated_at = runtime.clock()
    return survey.revision


def _workspace_locale(session: Session, who: Visitor) -> str:
    return session.get_one(Workspace, who.workspace_id).locale


def _name_problems(name: str) -> list[Problem]:
    if not name.strip():
        return [problem("name", "Give the survey a name. Only your team sees it.")]
    if len(name.strip()) > LONGEST_NAME:
        return [problem("name", "At most %(limit)s characters.", limit=LONGEST_NAME)]
    if has_control_characters(name.strip()):
        return [problem("name", "Write this on one line, without control characters.")]
    return []


def live_version(session: Session, survey: Survey) -> SurveyVersion | None:
    """The version that people are shown now; none before the first publishing."""
    return session.get(SurveyVersion, survey.published_version_id) if survey.published_version_id else None


def differs(survey: Survey, live: SurveyVersion) -> bool:
    """Has the draft changed since it was published as `live`?"""
    return survey.draft != live.texts or survey.opens_followup != live.opens_followup


def _last_number(session: Session, survey: Survey) -> int:
    last = select(func.max(SurveyVersion.number)).where(SurveyVersion.survey_id == survey.id)
    return session.scalar(last) or 0
