"""Surveys on both databases: drafts, versions, the archive, two people editing at once (J10, B23, L06)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.domain.ready_texts import ready_texts
from app.errors import Conflict, Invalid, NotFound
from app.models import Schedule, SurveyVersion, new_id
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import standing, survey_sheets, surveys
from app.services.access import Visitor
from tests.world import Clock, World


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"), Role.MANAGER)


@pytest.fixture
def hr(world: World) -> Visitor:
    return world.member(world.workspace("people", name="Aroeira"), Role.MANAGER)


def versions(runtime: Runtime, survey_id: str) -> list[SurveyVersion]:
    with runtime.db.read() as session:
        query = (
            select(SurveyVersion).where(SurveyVersion.survey_id == survey_id).order_by(SurveyVersion.number)
        )
        found = list(session.scalars(query))
        session.expunge_all()
        return found


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [each.field for each in error.value.problems]


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_a_name_and_a_metric_are_enough(runtime: Runtime, camila: Visitor, metric: str):
    id = surveys.create(runtime, camila, " Relationship ", metric)
    sheet = survey_sheets.get(runtime, camila, id)
    assert (sheet.name, sheet.metric, sheet.opens_followup) == ("Relationship", Metric(metric), True)
    assert {locale: sheet.texts[locale] for locale in LOCALES} == {
        locale: ready_texts(Metric(metric), locale) for locale in LOCALES
    }
    assert surveys.publish(runtime, camila, id) == 1


def test_a_pulse_survey_never_opens_a_followup(runtime: Runtime, hr: Visitor):
    id = surveys.create(runtime, hr, "Pulse", "enps")
    surveys.edit(runtime, hr, id, 1, opens_followup=True)
    surveys.publish(runtime, hr, id)
    assert not survey_sheets.get(runtime, hr, id).opens_followup
    assert not versions(runtime, id)[0].opens_followup


@pytest.mark.parametrize("metric", ["enps", "NPS", "", "stars"])
def test_a_metric_foreign_to_the_workspace_is_refused(runtime: Runtime, camila: Visitor, metric: str):
    with pytest.raises(Invalid) as caught:
        surveys.create(runtime, camila, "Relationship", metric)
    assert fields(caught) == ["metric"]


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_a_people_workspace_asks_only_enps(runtime: Runtime, hr: Visitor, metric: str):
    with pytest.raises(Invalid):
        surveys.create(runtime, hr, "Relationship", metric)


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\nb", "a\x00b"])
def test_a_survey_needs_a_name_of_one_short_line(runtime: Runtime, camila: Visitor, name: str):
    with pytest.raises(Invalid) as caught:
        surveys.create(runtime, camila, name, "nps")
    assert fields(caught) == ["name"]


def test_j10_two_people_edit_the_same_survey_and_nothing_is_overwritten(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    assert surveys.edit(runtime, camila, id, 1, texts={"en": {"question": "Mine?"}}) == 2
    with pytest.raises(Conflict):
        surveys.edit(runtime, camila, id, 1, texts={"en": {"question": "Theirs?"}})
    with pytest.raises(Conflict):
        surveys.publish(runtime, camila, id, 1)
    sheet = survey_sheets.get(runtime, camila, id)
    assert sheet.texts["en"].question == "Mine?"
    assert sheet.versions == ()


def test_j10_of_eight_edits_at_once_exactly_one_is_kept(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")

    def try_edit(number: int) -> int | None:
        try:
            return surveys.edit(runtime, camila, id, 1, name=f"Edit {number}") and number
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        kept = [each for each in pool.map(try_edit, range(1, 9)) if each is not None]
    assert len(kept) == 1
    sheet = survey_sheets.get(runtime, camila, id)
    assert (sheet.name, sheet.revision) == (f"Edit {kept[0]}", 2)


def test_saving_what_is_there_already_changes_nothing_and_conflicts_with_nothing(
    runtime: Runtime, camila: Visitor
):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    surveys.edit(runtime, camila, id, 1, name="Renamed")
    assert surveys.edit(runtime, camila, id, 1, name="Renamed", texts={"en": {}}) == 2


def test_a_wrong_text_is_refused_on_save_and_nothing_of_the_edit_is_kept(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    with pytest.raises(Invalid) as caught:
        surveys.edit(
            runtime, camila, id, 1, name="", texts={"en": {"question": "{{ config }}", "thanks_up": "Ta."}}
        )
    assert fields(caught) == ["name", "en.question"]
    assert survey_sheets.get(runtime, camila, id).texts["en"] == ready_texts(Metric.NPS, "en")


def test_publishing_refuses_what_is_missing_in_any_language(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    surveys.edit(runtime, camila, id, None, texts={"es": {"question": "", "thanks_up": " "}})
    with pytest.raises(Invalid) as caught:
        surveys.publish(runtime, camila, id)
    assert fields(caught) == ["es.question", "es.thanks_up"]
    surveys.edit(runtime, camila, id, None, texts={"es": None})
    assert surveys.publish(runtime, camila, id) == 1
    assert set(versions(runtime, id)[0].texts) == {"pt-BR", "en"}


def test_publishing_twice_makes_one_version(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    assert surveys.publish(runtime, camila, id, 1) == 1
    assert surveys.publish(runtime, camila, id, 1) == 1
    assert len(versions(runtime, id)) == 1


def test_b23_l06_a_version_stays_as_it_was_shown(runtime: Runtime, camila: Visitor, clock: Clock):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    surveys.publish(runtime, camila, id)
    before = versions(runtime, id)[0]
    clock.advance(days=1)
    surveys.edit(runtime, camila, id, None, opens_followup=False, texts={"en": {"question": "Changed?"}})
    assert versions(runtime, id)[0].texts == before.texts
    assert surveys.publish(runtime, camila, id) == 2
    first, second = versions(runtime, id)
    assert (first.texts, first.opens_followup, first.metric) == (before.texts, True, "nps")
    assert (second.texts["en"]["question"], second.opens_followup) == ("Changed?", False)
    sheet = survey_sheets.get(runtime, camila, id)
    assert [each.number for each in sheet.versions] == [2, 1]
    assert sheet.versions[0].published_by == camila.name
    assert not sheet.changed


def test_b25_a_version_speaks_the_nearest_language_that_it_has(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    surveys.edit(runtime, camila, id, None, texts={"en": None})
    surveys.publish(runtime, camila, id)
    version = versions(runtime, id)[0].id
    with runtime.db.read() as session:
        assert standing.words(session, version, "es", "pt-BR")[:2] == ("es", ready_texts(Metric.NPS, "es"))
        assert standing.words(session, version, "en", "pt-BR")[:2] == (
            "pt-BR",
            ready_texts(Metric.NPS, "pt-BR"),
        )


def test_a_survey_that_a_schedule_asks_is_not_put_away(runtime: Runtime, world: World, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    schedule = Schedule(
        id=new_id(), workspace_id=camila.workspace_id, survey_id=id, name="Monthly", audience={},
        repeat="monthly", starts_at="2026-12-01T10:00", time_zone="UTC", channels=["email"], state="active",
        created_at=world.now, updated_at=world.now,
    )  # fmt: skip
    world.add(schedule)
    with pytest.raises(Conflict, match="Monthly"):
        surveys.archive(runtime, camila, id)
    with runtime.db.write() as session:
        session.get_one(Schedule, schedule.id).state = "cancelled"
    surveys.archive(runtime, camila, id)
    assert survey_sheets.list_surveys(runtime, camila) == []


def test_the_archive_keeps_a_survey_as_it_is_until_it_is_taken_out(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    surveys.archive(runtime, camila, id)
    surveys.archive(runtime, camila, id)
    with pytest.raises(Conflict):
        surveys.edit(runtime, camila, id, None, name="Other")
    with pytest.raises(Conflict):
        surveys.publish(runtime, camila, id)
    assert [each.id for each in survey_sheets.list_surveys(runtime, camila, archived=True)] == [id]
    surveys.restore(runtime, camila, id)
    surveys.edit(runtime, camila, id, None, name="Other")
    assert [each.name for each in survey_sheets.list_surveys(runtime, camila)] == ["Other"]


def test_the_list_shows_the_question_and_what_is_live(runtime: Runtime, camila: Visitor, clock: Clock):
    first = surveys.create(runtime, camila, "First", "nps")
    clock.advance(minutes=1)
    surveys.create(runtime, camila, "Second", "ces")
    clock.advance(minutes=1)
    surveys.publish(runtime, camila, first)
    one, two = survey_sheets.list_surveys(runtime, camila)
    assert (one.name, one.live_number, one.published_at) == ("First", 1, clock.now)
    assert (two.name, two.live_number, two.locale) == ("Second", None, "pt-BR")
    assert one.question == "De 0 a 10, qual a chance de você recomendar Aroeira a um amigo ou colega?"
    assert one.locales == LOCALES


def test_another_workspaces_survey_does_not_exist(runtime: Runtime, world: World, camila: Visitor):
    theirs = surveys.create(runtime, world.member(world.workspace()), "Theirs", "nps")
    for verb in (
        lambda: survey_sheets.get(runtime, camila, theirs),
        lambda: surveys.edit(runtime, camila, theirs, 1, name="Mine"),
        lambda: surveys.publish(runtime, camila, theirs),
        lambda: surveys.archive(runtime, camila, theirs),
        lambda: surveys.restore(runtime, camila, theirs),
    ):
        with pytest.raises(NotFound):
            verb()
    assert survey_sheets.list_surveys(runtime, camila) == []
