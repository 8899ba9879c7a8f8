"""Everything to know before a schedule begins or goes on: messages, numbers, costs, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.domain.cadence import Repeat
from app.domain.preflight import Budget, Facts, Finding, Texts, findings
from app.domain.survey_texts import SurveyTexts
from app.errors import Unavailable
from app.models import Contact, Schedule, Survey, SurveyVersion, Workspace
from app.runtime import Runtime
from app.services import access, preflight_counts, preflight_samples, schedule_previews, sms_rules, switch
from app.services.access import Visitor
from app.services.asking_terms import Asking
from app.services.in_time import in_time
from app.services.preflight_counts import Counted, Group
from app.services.preflight_samples import Made, Maker, Sample
from app.services.schedule_previews import Preview
from app.services.schedule_sheets import Sheet, sheet_of
from app.services.schedules import drafted

A_FEW, SECONDS = 500, 5  # people whose messages are looked for, and how long, where all cannot be counted


@dataclass(frozen=True)
class Report:
    """What would happen. `groups` are those who may be asked now, by channel and language.

    Without a preview to count them takes too long: there are messages of some, and no numbers.
    """

    sheet: Sheet
    preview: Preview | None
    groups: tuple[Group, ...]
    samples: tuple[Sample, ...]
    texts: tuple[Texts, ...]
    budget: Budget | None
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        """Does nothing serious stand in the way?"""
        return not any(each.is_serious for each in self.findings)


def of_schedule(runtime: Runtime, who: Visitor, id: str) -> Report:
    """Of one that is there, whether it asks or is paused. Writes nothing. Raises NotFound."""
    with runtime.db.read() as session:
        return _report(session, runtime, access.own(session, who, Schedule, id))


def of_draft(runtime: Runtime, who: Visitor, raw: Mapping[str, object]) -> Report:
    """Of one that would be created with these fields. Raises Invalid as creating it would."""
    with runtime.db.read() as session:
        return _report(session, runtime, drafted(session, who, raw, runtime.clock()))


def _report(session: Session, runtime: Runtime, schedule: Schedule) -> Report:
    survey = session.get_one(Survey, schedule.survey_id)
    workspace = session.get_one(Workspace, schedule.workspace_id)
    version = session.get(SurveyVersion, survey.published_version_id) if survey.published_version_id else None
    written = (
        {locale: SurveyTexts.from_json(each) for locale, each in version.texts.items()} if version else {}
    )
    names = preflight_counts.placeholder_names(written.values())
    ask, people = schedule_previews.audience_of(session, runtime, schedule)
    maker = Maker(session, runtime, workspace, survey) if written else None
    facts = replace(_facts(session, runtime, schedule, survey, version), has_texts=bool(written))
    sheet = sheet_of(session, schedule, survey)
    try:
        with in_time(session):
            counted = preflight_counts.count(session, ask, people, names, workspace.locale)
            preview = schedule_previews.told_of(session, schedule, ask, people, counted.reasons)
    except Unavailable:
        return _uncounted(sheet, facts, maker, _of_a_few(session, ask, people, workspace.locale))
    if preview.asked < counted.reasons.get(None, 0):  # whom a run draws, or a day brings
        counted = replace(counted, groups=preflight_counts.drawn(counted.groups, preview.asked))
    samples = _samples(maker, counted.groups)
    made = _texts(maker, ask, people, counted)
    facts = replace(
        facts,
        total=preview.total,
        asked=preview.asked,
        no_address=counted.reasons.get("no_address", 0),
        missing=preflight_counts.missing_translations(counted.groups, written.keys(), workspace.locale),
        unfilled=preflight_counts.unfilled(names, counted.groups),
        without_template=_templates(session, runtime, survey, counted),
        refused_countries=made.refused,
        unwritable=sum(each is None for each in samples),
        texts=made.texts,
        budget=_budget(session, runtime) if made.texts else None,
    )
    return _told(sheet, preview, counted.groups, samples, facts)


def _uncounted(sheet: Sheet, facts: Facts, maker: Maker | None, groups: Sequence[Group]) -> Report:
    """What can be said without a number of anybody."""
    samples = [each and replace(each, people=None) for each in _samples(maker, groups)]
    facts = replace(facts, counted=False, unwritable=sum(each is None for each in samples))
    return _told(sheet, None, (), samples, facts)


def _told(
    sheet: Sheet,
    preview: Preview | None,
    groups: tuple[Group, ...],
    samples: Sequence[Sample | None],
    facts: Facts,
) -> Report:
    written = tuple(each for each in samples if each is not None)
    return Report(sheet, preview, groups, written, facts.texts, facts.budget, findings(facts))


def _samples(maker: Maker | None, groups: Sequence[Group]) -> list[Sample | None]:
    return [maker.sample(each) for each in preflight_samples.shown(groups)] if maker else []


def _of_a_few(session: Session, ask: Asking, people: Select[Contact], locale: str) -> tuple[Group, ...]:
    """The channels and languages that some people have, whoever comes first; none where that takes long."""
    try:
        with in_time(session, SECONDS):
            few = people.limit(A_FEW)
            return preflight_counts.count(session, ask, few, (), locale, whole=False).groups
    except Unavailable:
        return ()


def _facts(
    session: Session, runtime: Runtime, schedule: Schedule, survey: Survey, version: SurveyVersion | None
) -> Facts:
    """What needs no look at the people."""
    ready = tuple(each for each in schedule.channels if each in runtime.channels)
    return Facts(
        published=version is not None and survey.archived_at is None,
        has_texts=False,
        changed=version is not None and survey.draft != version.texts,
        waits_for_events=schedule.repeat == Repeat.EVENT,
        total=0,
        asked=0,
        no_address=0,
        ready=ready,
        not_ready=tuple(each for each in schedule.channels if each not in ready),
        sandbox=any(runtime.channels[each].pretends for each in ready),
        sending_paused=switch.is_paused(session),
    )


def _texts(maker: Maker | None, ask: Asking, people: Select[Contact], counted: Counted) -> Made:
    channel = maker.runtime.channels.get("sms") if maker else None
    if maker is None or channel is None:
        return Made()
    made = preflight_samples.texts(maker, ask, people, counted.groups)
    return replace(made, refused=0) if channel.pretends else made


def _budget(session: Session, runtime: Runtime) -> Budget | None:
    """What is left of the day; the sandbox has no limits."""
    if runtime.channels["sms"].pretends:
        return None
    today = sms_rules.today(session, runtime, runtime.clock())
    money = None if today.spend is None else today.spend - (today.spent or 0)
    return Budget(today.most_segments - today.segments, money, today.unpriced)


def _templates(
    session: Session, runtime: Runtime, survey: Survey, counted: Counted
) -> tuple[tuple[str, int], ...]:
    channel = runtime.channels.get("whatsapp")
    if channel is None or channel.pretends:
        return ()
    return preflight_counts.without_template(session, survey.id, counted.groups)
