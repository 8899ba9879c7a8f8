"""The room of schedules: planning, looking first, changing, pausing, cancelling, and what it has done."""

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Unavailable
from app.models import Occurrence, Survey, Workspace
from app.runtime import Runtime
from app.services import expanding, planning, runs, schedule_previews, schedule_sheets, schedules, sending
from app.services.access import Visitor
from tests.world import Clock, World

SignIn = Callable[[Visitor], FlaskClient]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def console(client_for: SignIn, camila: Visitor) -> FlaskClient:
    return client_for(camila)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


def form(survey: Survey, **changed: str) -> dict[str, str]:
    base = {
        "survey": survey.id, "name": "", "repeat": "once", "at": "", "time_zone": "America/Sao_Paulo",
        "action": "save",
    }  # fmt: skip
    return base | changed


def tick(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def make(runtime: Runtime, who: Visitor, survey: Survey, **given: object) -> str:
    return schedules.create(runtime, who, {"survey": survey.id, "repeat": "weekly"} | given)


def test_an_empty_room_says_what_will_be_here(console: FlaskClient) -> None:
    page = console.get("/w/aroeira/schedules").text
    assert "Nothing is planned yet." in page
    assert page.count("button-go") == 1


def test_without_a_published_survey_there_is_nothing_to_plan(console: FlaskClient) -> None:
    page = console.get("/w/aroeira/schedules/new").text
    assert "There is no question to plan yet." in page
    assert "Go to the surveys" in page


def test_one_looks_first_and_nothing_is_made(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    survey: Survey,
    camila: Visitor,
) -> None:
    world.contact(workspace)
    world.contact(workspace, email=None)
    answer = console.post("/w/aroeira/schedules/new", data=form(survey, action="look"))
    assert answer.status_code == 200
    assert "On 16 November 2026 at 10:00, ask everybody “Relationship”." in answer.text
    assert "If it ran now, 1 person would be asked" in answer.text
    assert "No address" in answer.text
    assert "Check it before the launch" in answer.text
    assert answer.text.count("button-go") == 1
    assert schedule_sheets.list_schedules(runtime, camila).items == ()


def test_asking_everybody_now_takes_two_presses(
    console: FlaskClient, runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    world.contact(workspace)
    answer = console.post("/w/aroeira/schedules/new", data=form(survey))
    assert answer.status_code == 303
    page = console.get(answer.location).text
    assert "The schedule is in place." in page
    tick(runtime)
    page = console.get(answer.location).text
    assert "It is asking: 1 person still waits." in page
    assert "1 person waits to be asked." in page


def test_a_step_that_is_still_to_come_is_planned_on_its_own_page_as_well(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    survey: Survey,
    camila: Visitor,
    clock: Clock,
) -> None:
    world.contact(workspace)
    steps = [{"survey": world.survey(workspace).id, "after_days": 5}]
    id = make(runtime, camila, survey, repeat="once", steps=steps)
    tick(runtime)
    step, _first = runs.history(runtime, camila, id).items
    page = console.get(f"/w/aroeira/schedules/{id}/runs/{step.id}").text
    assert "<h1>Planned.</h1>" in page
    assert "It comes due in 5 days." in page
    assert "Under way" not in page
    assert "Planned." in console.get(f"/w/aroeira/schedules/{id}").text
    clock.advance(days=5)
    assert "Under way" in console.get(f"/w/aroeira/schedules/{id}/runs/{step.id}").text


def test_the_room_says_what_leaves_next_however_many_were_made_after_it(
    console: FlaskClient, runtime: Runtime, survey: Survey, camila: Visitor
) -> None:
    make(runtime, camila, survey, at="2026-11-17T10:00", name="Tomorrow's")
    for _ in range(51):
        make(runtime, camila, survey, at="2030-01-07T10:00")
    page = console.get("/w/aroeira/schedules").text
    assert "<h1>The next question leaves tomorrow.</h1>" in page
    older = re.search(r'href="(/w/aroeira/schedules[?]over=no&amp;cursor=[^"]+)"', page)
    assert older
    further = console.get(html.unescape(older[1])).text
    assert "<h1>Schedules</h1>" in further
    assert "2030" in further
    assert "Tomorrow&#39;s" in page
    assert "Tomorrow&#39;s" not in further


def test_the_room_says_that_a_question_is_leaving_until_it_has_left(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    survey: Survey,
    camila: Visitor,
    clock: Clock,
) -> None:
    world.contact(workspace)
    steps = [{"survey": world.survey(workspace).id, "after_days": 5}]
    make(runtime, camila, survey, repeat="once", name="All at once", steps=steps)
    tick(runtime)
    room = "/w/aroeira/schedules"
    page = console.get(room).text
    assert "<h1>A question is leaving.</h1>" in page
    assert "1 person waits to be asked." in page
    assert ">running<" in page
    assert "All at once" not in console.get(f"{room}?over=yes").text
    sending.send_due(runtime)
    assert "<h1>The next question of a sequence is planned.</h1>" in console.get(room).text
    clock.advance(days=6)
    tick(runtime)
    sending.send_due(runtime)
    assert "Nothing is planned yet." in console.get(room).text
    assert "All at once" in console.get(f"{room}?over=yes").text


def test_what_was_typed_stays_when_it_is_refused(console: FlaskClient, survey: Survey) -> None:
    sent = form(survey, repeat="weekly", at="2026-11-01T10:00", name="Mondays", time_zone="Mars/Base")
    answer = console.post("/w/aroeira/schedules/new", data=sent)
    assert answer.status_code == 422
    assert "Choose a time zone from the list." in answer.text
    assert 'value="Mondays"' in answer.text
    assert 'value="2026-11-01T10:00"' in answer.text
    answer = console.post("/w/aroeira/schedules/new", data=sent | {"time_zone": "UTC"})
    assert "This time has passed. Choose a later one." in answer.text


def test_a_schedule_tells_its_rule_its_runs_and_whom_it_would_ask(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    survey: Survey,
    camila: Visitor,
) -> None:
    world.invitation(workspace, survey, world.contact(workspace))
    id = make(runtime, camila, survey, repeat="monthly", at="2026-12-31T10:00")
    page = console.get(f"/w/aroeira/schedules/{id}").text
    assert "On the last day of every month at 10:00, ask everybody “Relationship”." in page
    assert "Thursday, 31 December 2026, 10:00" in page
    assert "in 45 days" in page
    assert "31 days later" in page
    assert "4 weeks later" in page
    assert "Was asked NPS in the last 83 days, or anything in the last 23." in page
    assert "It has not run yet." in page
    listed = console.get("/w/aroeira/schedules").text
    assert "The next question leaves in 45 days." in listed


def test_a_schedule_can_be_paused_though_to_count_its_people_takes_too_long(
    console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = make(runtime, camila, survey)

    def too_long(*_: object) -> None:
        raise Unavailable("the database: it took too long")

    monkeypatch.setattr(schedule_previews, "preview", too_long)
    page = console.get(f"/w/aroeira/schedules/{id}")
    assert page.status_code == 200
    assert "takes too long just now" in page.text
    assert "Pause" in page.text


def test_saving_changes_it_and_the_second_to_save_keeps_what_they_typed(
    console: FlaskClient, runtime: Runtime, survey: Survey, camila: Visitor
) -> None:
    id = make(runtime, camila, survey, at="2026-12-01T10:00")
    sent = form(survey, repeat="weekly", at="2026-12-02T09:30", name="Wednesdays", revision="1")
    answer = console.post(f"/w/aroeira/schedules/{id}", data=sent)
    assert answer.status_code == 303
    assert "Every Wednesday at 9:30" in console.get(answer.location).text
    again = console.post(f"/w/aroeira/schedules/{id}", data=sent | {"name": "Mine"})
    assert again.status_code == 409
    assert "Somebody else has changed this schedule" in again.text
    assert "Yours stands below and is not saved" in again.text
    assert "Every Wednesday at 9:30" in again.text
    assert 'value="Mine"' in again.text
    assert 'name="revision" value="2"' in again.text
    decided = console.post(f"/w/aroeira/schedules/{id}", data=sent | {"name": "Mine", "revision": "2"})
    assert decided.status_code == 303
    assert 'value="Mine"' in console.get(decided.location).text


def test_whoever_is_refused_by_the_state_of_a_run_is_not_told_to_save_again(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    survey: Survey,
    camila: Visitor,
) -> None:
    """It would be refused again, as long as the run asks."""
    world.contact(workspace)
    id = make(runtime, camila, survey)
    planning.plan_schedules(runtime)
    with runtime.db.write() as session:
        session.execute(update(Occurrence).values(state="running"))
    sent = form(survey, repeat="each_person", every_days="90", name="Mine", revision="1")
    for _ in range(2):
        refused = console.post(f"/w/aroeira/schedules/{id}", data=sent)
        assert refused.status_code == 409
        assert "A run of this schedule has not asked everybody yet." in refused.text
        assert "Yours stands below and is not saved. <a" in refused.text
        assert "save again" not in refused.text
        assert 'value="Mine"' in refused.text


def test_whoever_saves_one_that_was_cancelled_meanwhile_is_told(
    console: FlaskClient, runtime: Runtime, survey: Survey, camila: Visitor
) -> None:
    id = make(runtime, camila, survey, at="2026-12-01T10:00")
    schedules.cancel(runtime, camila, id)
    late = console.post(f"/w/aroeira/schedules/{id}", data=form(survey, repeat="weekly", revision="1"))
    assert late.status_code == 409
    assert "This schedule is cancelled. Make a new one." in late.text
    assert "Yours stands below" not in late.text


@pytest.mark.parametrize(
    ("act", "asked", "said"),
    [
        ("pause", "2 people who have not been asked yet wait until it is resumed.", "Paused. 2 people wait."),
        (
            "cancel",
            "2 people who have not been asked yet will not be asked.",
            "Cancelled. 2 people are not asked after all.",
        ),
    ],
)
def test_stopping_says_first_how_many_it_concerns(
    console: FlaskClient, runtime: Runtime, world: World, workspace: Workspace, survey: Survey,
    camila: Visitor, act: str, asked: str, said: str,
) -> None:  # fmt: skip
    world.contact(workspace)
    world.contact(workspace)
    id = make(runtime, camila, survey)
    tick(runtime)
    assert asked in console.get(f"/w/aroeira/schedules/{id}/{act}").text
    answer = console.post(f"/w/aroeira/schedules/{id}/{act}")
    assert said in console.get(answer.location).text


def test_a_paused_one_goes_on(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    survey: Survey,
    camila: Visitor,
) -> None:
    world.contact(workspace)
    id = make(runtime, camila, survey)
    tick(runtime)
    console.post(f"/w/aroeira/schedules/{id}/pause")
    page = console.get(f"/w/aroeira/schedules/{id}").text
    assert "Paused. What comes due meanwhile is skipped." in page
    assert "1 person who waits is asked in turn." in console.get(f"/w/aroeira/schedules/{id}/resume").text
    answer = console.post(f"/w/aroeira/schedules/{id}/resume")
    assert "It goes on. 1 person who waited is asked in turn." in console.get(answer.location).text


def test_a_run_tells_whom_it_asked_and_why_not_the_others(
    console: FlaskClient, runtime: Runtime, world: World, workspace: Workspace, survey: Survey,
    camila: Visitor, clock: Clock,
) -> None:  # fmt: skip
    world.contact(workspace, name="Ana <b>Prado</b>")
    world.contact(workspace, name="Rita Sem Endereço", email=None)
    id = make(runtime, camila, survey)
    tick(runtime)
    page = console.get(f"/w/aroeira/schedules/{id}").text
    assert "Not asked: no address (1)." in page
    run = page.split(f"/w/aroeira/schedules/{id}/runs/")[1].split('"')[0]
    asked = console.get(f"/w/aroeira/schedules/{id}/runs/{run}").text
    assert "Ana &lt;b&gt;Prado" in asked
    assert "Rita" not in asked
    skipped = console.get(f"/w/aroeira/schedules/{id}/runs/{run}?reason=no_address").text
    assert "Rita Sem Endereço" in skipped
    now = console.get(f"/w/aroeira/schedules/{id}/people?reason=no_address").text
    assert "Rita Sem Endereço" in now
    assert console.get(f"/w/aroeira/schedules/{id}/people").status_code == 200
    clock.advance(days=11)
    tick(runtime)
    assert "Missed: nothing ran at that time" in console.get(f"/w/aroeira/schedules/{id}").text


def test_a_viewer_reads_and_cannot_change(
    client_for: SignIn, runtime: Runtime, world: World, workspace: Workspace, survey: Survey, camila: Visitor
) -> None:
    id = make(runtime, camila, survey, at="2026-12-01T10:00")
    reader = client_for(world.member(workspace, Role.VIEWER, world.user(locale="en")))
    page = reader.get(f"/w/aroeira/schedules/{id}").text
    assert "button" not in page.split("<main")[1]
    for path in ("", "/pause", "/resume", "/cancel"):
        assert reader.post(f"/w/aroeira/schedules/{id}{path}", data=form(survey)).status_code == 403
    assert reader.get("/w/aroeira/schedules/new").status_code == 403


def test_another_workspaces_schedule_does_not_exist(
    console: FlaskClient, runtime: Runtime, world: World
) -> None:
    other = world.workspace()
    id = make(runtime, world.member(other), world.survey(other))
    for path in ("", "/people", "/pause", "/cancel"):
        assert console.get(f"/w/aroeira/schedules/{id}{path}").status_code == 404
    for path in ("", "/pause", "/resume", "/cancel"):
        assert console.post(f"/w/aroeira/schedules/{id}{path}").status_code == 404


@pytest.mark.parametrize("locale", ["pt-BR", "en", "es"])
@pytest.mark.parametrize("kind", ["customers", "people"])
def test_the_room_is_good_in_every_language(
    client_for: SignIn, runtime: Runtime, world: World, kind: str, locale: str
) -> None:
    place = world.workspace(kind)
    who = world.member(place, Role.MANAGER, world.user(locale=locale))
    survey = world.survey(place, Metric.ENPS if kind == "people" else Metric.CES)
    for _ in range(5):
        world.contact(place)
    ids = [
        make(runtime, who, survey, repeat=repeat)
        for repeat in ("once", "daily", "weekly", "monthly", "quarterly")
    ]
    tick(runtime)
    console = client_for(who)
    base = f"/w/{place.slug}/schedules"
    for path in (
        "",
        "?over=yes",
        "/new",
        *(f"/{id}" for id in ids),
        *(f"/{ids[1]}/{act}" for act in ("pause", "cancel")),
    ):
        assert console.get(base + path).status_code == 200
    assert console.post(f"{base}/new", data=form(survey, action="look")).status_code == 200
