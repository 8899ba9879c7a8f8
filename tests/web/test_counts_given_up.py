"""Where counting takes too long: a schedule is planned, checked, launched and stopped all the same."""

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.domain.access import Role
from app.models import Survey, Workspace
from app.runtime import Runtime
from app.services import (
    contact_lists,
    expanding,
    planning,
    runs,
    schedule_sheets,
    schedules,
    segments,
    tagging,
)
from app.services.access import Visitor
from tests.services.test_planning import crowd
from tests.world import World

pytestmark = pytest.mark.on_both

HERE = "/w/aroeira/schedules"
PEOPLE = 3_000


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def console(client_for: Callable[[Visitor], FlaskClient], camila: Visitor) -> FlaskClient:
    return client_for(camila)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


@pytest.fixture
def impatient(runtime: Runtime, world: World, workspace: Workspace, hurry: Callable[[], None]) -> None:
    """Many people, and no time to count them: each look at the clock finds that it is over."""
    crowd(world, workspace, PEOPLE)
    hurry()


def form(survey: Survey, **more: str) -> dict[str, str]:
    return {
        "survey": survey.id, "name": "Everybody", "repeat": "monthly", "every": "2", "at": "2026-12-01T10:00",
        "time_zone": "America/Sao_Paulo", "channel": "email", "reminders": "3",
    } | more  # fmt: skip


@pytest.mark.usefixtures("impatient")
def test_a_schedule_for_too_many_to_count_is_looked_at_checked_and_launched(
    console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    looked = console.post(f"{HERE}/new", data=form(survey, action="look"))
    assert looked.status_code == 200
    assert 'value="Everybody"' in looked.text
    assert "Tuesday, 1 December 2026, 10:00" in looked.text
    assert (
        "To count whom it would ask takes too long just now. It can be launched all the same." in looked.text
    )
    checked = console.post(f"{HERE}/preflight", data=form(survey))
    assert checked.status_code == 200
    assert "so there are no numbers here" in checked.text
    assert "Nobody would be asked" not in checked.text
    assert "What they will read" in checked.text
    assert re.search(r"<bdi>P[0-9]+</bdi>", checked.text)  # one of them, without a number beside it
    assert "3,000" not in checked.text
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', checked.text))
    launched = console.post(
        f"{HERE}/new", data={k: html.unescape(v) for k, v in sent.items()} | {"action": "save"}
    )
    assert launched.status_code == 303
    (made,) = schedule_sheets.list_schedules(runtime, camila).items
    assert (made.name, made.rrule) == ("Everybody", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1")
    page = console.get(f"{HERE}/{made.id}/preflight")
    assert page.status_code == 200
    assert "so there are no numbers here" in page.text


@pytest.mark.usefixtures("impatient")
def test_a_mistake_in_the_form_is_said_whether_or_not_anybody_is_counted(
    console: FlaskClient, survey: Survey
) -> None:
    answer = console.post(f"{HERE}/new", data=form(survey, action="look", time_zone="Mars/Base"))
    assert answer.status_code == 422
    assert "Choose a time zone from the list." in answer.text


@pytest.fixture
def asking(runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey) -> str:
    """A schedule whose only run has decided about everybody, and nobody has been asked yet."""
    crowd(world, workspace, PEOPLE)
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "once", "name": "Everybody"})
    planning.plan_schedules(runtime)
    assert expanding.expand_occurrences(runtime) == PEOPLE
    return id


def test_a_schedule_with_runs_too_large_to_count_is_seen_and_stopped(
    console: FlaskClient,
    runtime: Runtime,
    camila: Visitor,
    asking: str,
    hurry: Callable[[], None],
) -> None:
    (run,) = runs.history(runtime, camila, asking).items
    assert (run.waiting, run.counted) == (PEOPLE, True)
    hurry()
    page = console.get(f"{HERE}/{asking}")
    assert page.status_code == 200
    assert "It has run. To count whom it asked takes too long just now." in page.text
    assert f"{HERE}/{asking}/pause" in page.text and f"{HERE}/{asking}/cancel" in page.text
    listed = console.get(HERE)
    assert "It has run. To count whom it asked takes too long just now." in listed.text
    for act, said in (
        ("pause", "not been asked yet waits until"),
        ("cancel", "not been asked yet will not be"),
    ):
        confirm = console.get(f"{HERE}/{asking}/{act}").text
        assert said in confirm
        assert "Nobody is waiting" not in confirm
    shown = console.get(f"{HERE}/{asking}/runs/{run.id}")
    assert shown.status_code == 200
    assert "Nobody was asked by this run." not in shown.text
    assert console.post(f"{HERE}/{asking}/pause").status_code == 303
    assert "people who wait is asked" not in console.get(f"{HERE}/{asking}/resume").text


def test_the_list_counts_everybody_who_waits_at_once(
    console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey, asking: str
) -> None:
    def statements(path: str) -> int:
        said: list[str] = []

        @event.listens_for(runtime.db.engine, "before_cursor_execute")
        def hear(*given: object) -> None:
            said.append(str(given[2]))

        assert console.get(path).status_code == 200
        event.remove(runtime.db.engine, "before_cursor_execute", hear)
        return sum("FROM occurrences JOIN invitations" in each for each in said)

    for _ in range(3):
        schedules.create(runtime, camila, {"survey": survey.id, "repeat": "daily", "at": "2026-12-01T10:00"})
    assert statements(HERE) == 1
    assert "3,000 people wait to be asked." in console.get(HERE).text


@pytest.fixture
def never_asked(runtime: Runtime, camila: Visitor) -> str:
    tree = {"all": [{"field": "asked", "op": "has_not"}]}
    return segments.create(runtime, camila, {"name": "Never asked", "audience": tree})


@pytest.mark.usefixtures("impatient")
def test_the_list_of_contacts_does_without_its_numbers(console: FlaskClient, never_asked: str) -> None:
    for address in ("/w/aroeira/contacts", f"/w/aroeira/contacts?segment={never_asked}"):
        page = console.get(address)
        assert page.status_code == 200
        assert "To count them takes too long just now." in page.text
        assert "choices-count" not in page.text
        assert page.text.count("p0@bemtevi.example") == 1
        assert "3,000" not in page.text


@pytest.mark.usefixtures("impatient")
def test_people_whom_nobody_finds_in_time_are_given_up_and_the_search_stays(
    console: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_lists, "SECONDS", 0.001)
    page = console.get("/w/aroeira/contacts?q=zzz&show=active")
    assert page.status_code == 200
    assert "To find them takes too long just now. Look for fewer people." in page.text
    assert 'value="zzz"' in page.text
    assert "Nobody matches." not in page.text


@pytest.mark.usefixtures("impatient")
def test_an_audience_of_too_many_to_count_keeps_what_was_typed_and_is_saved(
    console: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    typed = {
        "name": "Those in Recife", "t.join": "all", "t-0.field": "external_id", "t-0.op": "is_not_set",
    }  # fmt: skip
    looked = console.post("/w/aroeira/audiences/new", data=typed | {"act": "look"})
    assert looked.status_code == 200
    assert "Counting takes too long just now. It can be saved without." in looked.text
    assert 'value="Those in Recife"' in looked.text
    assert "t-0.op" in looked.text
    assert console.post("/w/aroeira/audiences/new", data=typed | {"act": "save"}).status_code == 303
    (kept,) = segments.list_segments(runtime, camila).items
    assert len(kept.audience.members) == 1


@pytest.mark.usefixtures("impatient")
def test_whom_a_schedule_would_ask_by_name_is_given_up_and_leads_back(
    console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    given = {"survey": survey.id, "repeat": "daily", "at": "2026-12-01T10:00"}
    id = schedules.create(runtime, camila, given)
    for reason in ("", "?reason=resting"):
        page = console.get(f"{HERE}/{id}/people{reason}")
        assert page.status_code == 200
        assert "To count whom it would ask takes too long just now." in page.text
        assert f'<a href="{HERE}/{id}">Back to the schedule</a>' in page.text


def test_the_people_of_a_run_are_there_page_by_page_however_many_they_are(
    console: FlaskClient, runtime: Runtime, camila: Visitor, asking: str, hurry: Callable[[], None]
) -> None:
    (run,) = runs.history(runtime, camila, asking).items
    said: list[str] = []

    @event.listens_for(runtime.db.engine, "before_cursor_execute")
    def hear(*given: object) -> None:
        said.append(str(given[2]))

    first = runs.people(runtime, camila, asking, run.id)
    event.remove(runtime.db.engine, "before_cursor_execute", hear)
    assert any("ORDER BY invitations.contact_id" in each for each in said)  # a unique index has this order
    second = runs.people(runtime, camila, asking, run.id, cursor=first.next_cursor)
    found = [each.contact_id for each in (*first.items, *second.items)]
    assert found == sorted(set(found))
    assert len(found) == 100
    hurry()
    page = console.get(f"{HERE}/{asking}/runs/{run.id}")
    assert page.status_code == 200
    assert all(f"/contacts/{each.contact_id}" in page.text for each in first.items)


@pytest.mark.usefixtures("impatient")
def test_tags_are_not_offered_for_people_who_cannot_be_counted(
    console: FlaskClient, never_asked: str
) -> None:
    page = console.get(f"/w/aroeira/audiences/{never_asked}/tags")
    assert page.status_code == 200
    assert "<h1>Tag these people?</h1>" in page.text
    assert "To count them takes too long just now." in page.text
    assert 'name="tags"' not in page.text


def test_tags_are_not_offered_for_more_people_than_are_changed_at_once(
    console: FlaskClient,
    world: World,
    workspace: Workspace,
    never_asked: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tagging, "MOST", 3)
    for _ in range(3):
        world.contact(workspace)
    assert "Change 3 people" in console.get(f"/w/aroeira/audiences/{never_asked}/tags").text
    world.contact(workspace)
    page = console.get(f"/w/aroeira/audiences/{never_asked}/tags").text
    assert "At most 3 people at once. Take a file for more." in page
    assert 'name="tags"' not in page
