"""The pulses in the console: what members see of an open, closed, hidden or void one, and who may do what."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import sealing
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Headline, Pulse, Stop, Workspace, new_id
from app.runtime import Runtime
from app.services import schedules, segments
from app.services.access import Visitor
from app.services.pulse_closing import close_due_pulses
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import Clock, World

SignIn = Callable[[Visitor], FlaskClient]


@pytest.fixture
def english(world: World) -> Callable[[Workspace], Visitor]:
    """An owner who reads English."""
    return lambda workspace: world.member(workspace, Role.OWNER, world.user(locale="en"))


def page(pulse: PulseWorld) -> str:
    return f"/w/{pulse.workspace.slug}/pulses/{pulse.pulse.id}"


def answered(world: World, scores: list[int], **values: object) -> PulseWorld:
    pulse = open_pulse(world, len(scores), **values)  # type: ignore[arg-type]
    for number, score in enumerate(scores):
        pulse.answer(number, score, f"<b>said</b> {number}")
    return pulse


def closed(world: World, scores: list[int], **values: object) -> PulseWorld:
    pulse = answered(world, scores, **values)
    world.runtime.clock.advance(days=15)  # type: ignore[attr-defined]
    close_due_pulses(world.runtime)
    return pulse


def test_before_the_first_pulse_the_page_says_what_will_be_here(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    workspace = world.workspace("people")
    found = client_for(english(workspace)).get(f"/w/{workspace.slug}/pulses")
    assert "Nobody in the team has been asked yet." in found.text
    assert "Plan the first pulse" in found.text


@pytest.mark.parametrize("is_first", [True, False])
def test_a_schedule_that_paused_itself_says_so_on_the_home_of_a_people_workspace(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor], is_first: bool
) -> None:
    people = world.workspace("people", slug="gente")
    hr = english(people)
    survey = world.survey(people, Metric.ENPS)
    if not is_first:
        open_pulse(world, 8, workspace=people)
    given = {"survey": survey.id, "repeat": "quarterly", "name": "Quarter"}
    id = schedules.create(world.runtime, hr, given)
    schedules.pause(world.runtime, hr, id)
    world.add(
        Stop(
            id=new_id(), workspace_id=people.id, schedule_id=id, occurrence_id=world.occurrence(survey).id,
            why="bounces", reason="invalid_address", failed=7, known=100, stopped_at=world.now,
        )
    )  # fmt: skip
    home = client_for(hr).get("/w/gente/", follow_redirects=True).text
    assert "Paused by itself: 7 of 100 messages came back." in home
    assert f'href="/w/gente/schedules/{id}"' in home


def test_an_open_pulse_tells_participation_in_steps_of_five_and_the_promise(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    pulse = answered(world, [9, 9, 9, 9])
    client = client_for(english(pulse.workspace))
    assert "Fewer than five of 4 people have answered so far." in client.get(page(pulse)).text
    larger = answered(world, [9] * 8)
    seen = client_for(english(larger.workspace)).get(page(larger)).text
    assert "At least 5 of 8 people have answered." in seen
    assert "every answer is sealed" in seen
    assert "e-NPS is" not in seen


def test_opening_shows_whom_it_would_ask_before_anybody_is_asked(
    world: World, runtime: Runtime, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    for _ in range(6):
        world.contact(workspace)
    world.contact(workspace, email=None)
    client = client_for(english(workspace))
    new = f"/w/{workspace.slug}/pulses/new"
    assert client.get(new).status_code == 200
    asked = {"survey": survey.id, "closes_at": "2026-12-01T18:00"}
    confirm = client.get(new, query_string=asked).text
    assert "Ask 6 people, until 1 December, 18:00?" in confirm
    assert "No address: 1." in confirm
    with runtime.db.read() as session:
        assert session.scalars(select(Pulse.id)).all() == []
    opened = client.post(new, data=asked)
    assert opened.status_code == 303
    assert "The pulse is open until 1 December, 18:00." in client.get(opened.headers["Location"]).text


def test_a_pulse_for_too_few_warns_that_it_will_never_show_anything(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    world.contact(workspace)
    client = client_for(english(workspace))
    seen = client.get(f"/w/{workspace.slug}/pulses/new", query_string={"survey": survey.id}).text
    assert "Too few to show anything" in seen


@pytest.mark.parametrize(
    "wrong",
    [{"closes_at": "2020-01-01T10:00"}, {"closes_at": "soon"}, {"attribute": "team"}, {"survey": "nothing"}],
)
def test_what_is_wrong_with_a_plan_stands_beside_its_field(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor], wrong: dict[str, str]
) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    world.contact(workspace)
    client = client_for(english(workspace))
    given = {"survey": survey.id} | wrong
    new = f"/w/{workspace.slug}/pulses/new"
    expected = 404 if "survey" in wrong else 422
    assert client.get(new, query_string=given).status_code == expected
    assert client.post(new, data=given).status_code == expected


def test_a_closed_pulse_tells_the_whole_with_its_certainty_and_the_words(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    pulse = closed(world, [9, 10, 9, 10, 9, 7, 8, 7, 3, 0])
    seen = client_for(english(pulse.workspace)).get(page(pulse)).text
    assert "10 of 10 people answered. e-NPS is +30." in seen
    assert "There is no earlier result to compare it with." in seen
    assert "with 95% confidence" in seen
    assert seen.count("&lt;b&gt;said&lt;/b&gt;") == 10
    assert "Maria" not in seen


def test_a_closed_pulse_is_compared_with_the_one_before(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor], clock: Clock
) -> None:
    first = closed(world, [0] * 20)
    clock.advance(days=90)
    second = closed(world, [10] * 20, workspace=first.workspace)
    client = client_for(english(first.workspace))
    assert "It was −100 in the pulse before" in client.get(page(second)).text
    assert "It really rose." in client.get(page(second)).text
    overview = client.get(f"/w/{first.workspace.slug}/pulses").text
    assert "The last result is +100." in overview
    assert "Pulse after pulse" in overview


def test_of_fewer_than_five_answers_nothing_is_told(
    world: World, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    pulse = closed(world, [9, 10, 9, 3])
    client = client_for(english(pulse.workspace))
    seen = client.get(page(pulse)).text
    assert "Fewer than 5 people answered." in seen
    assert "e-NPS is" not in seen
    assert "said" not in seen.lower().replace("what was said", "")
    assert "fewer than 5" in client.get(f"/w/{pulse.workspace.slug}/pulses").text


def test_a_void_pulse_says_why(
    world: World, runtime: Runtime, client_for: SignIn, english: Callable[[Workspace], Visitor], clock: Clock
) -> None:
    pulse = answered(world, [9] * 6)
    sealing.destroy(runtime.config.keys_dir, pulse.pulse.id)
    clock.advance(days=15)
    close_due_pulses(runtime)
    client = client_for(english(pulse.workspace))
    assert "Its key was not there any more" in client.get(page(pulse)).text
    assert "its key was gone" in client.get(f"/w/{pulse.workspace.slug}/pulses").text


def test_a_manager_closes_it_by_hand(world: World, runtime: Runtime, client_for: SignIn) -> None:
    pulse = answered(world, [9] * 6)
    client = client_for(world.member(pulse.workspace, Role.MANAGER, world.user(locale="en")))
    assert "Close the pulse for good" in client.get(page(pulse)).text
    assert client.post(f"{page(pulse)}/closure").status_code == 303
    assert "6 of 6 people answered." in client.get(page(pulse)).text
    assert client.post(f"{page(pulse)}/closure").status_code == 409


def test_an_owner_hands_the_headline_over_and_takes_it_back(
    world: World, runtime: Runtime, client_for: SignIn
) -> None:
    pulse = closed(world, [9] * 6)
    user = world.user(locale="en")
    customers = world.workspace(name="Aroeira Clientes")
    world.member(customers, Role.AGENT, user)
    client = client_for(world.member(pulse.workspace, Role.OWNER, user))
    assert "Aroeira Clientes" in client.get(page(pulse)).text
    client.post(f"{page(pulse)}/headline", data={"workspace": customers.id})
    assert "Shown in Aroeira Clientes." in client.get(page(pulse)).text
    client.post(f"{page(pulse)}/headline/withdrawal", data={"workspace": customers.id})
    with runtime.db.read() as session:
        assert session.scalars(select(Headline.id)).all() == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.MANAGER])
def test_roles_reach_as_far_as_they_should(world: World, client_for: SignIn, role: Role) -> None:
    pulse = closed(world, [9] * 6)
    client = client_for(world.member(pulse.workspace, role))
    assert client.get(page(pulse)).status_code == 200
    assert client.post(f"{page(pulse)}/headline", data={"workspace": "x"}).status_code == 403
    expected = 200 if role is Role.MANAGER else 403
    assert client.get(f"/w/{pulse.workspace.slug}/pulses/new").status_code == expected


def test_a_customers_workspace_has_no_pulses(world: World, client_for: SignIn) -> None:
    workspace = world.workspace()
    client = client_for(world.member(workspace))
    assert client.get(f"/w/{workspace.slug}/pulses").status_code == 404


@pytest.mark.parametrize("locale", ["pt-BR", "es"])
def test_every_page_speaks_the_readers_language(world: World, client_for: SignIn, locale: str) -> None:
    pulse = closed(world, [9] * 12)
    client = client_for(world.member(pulse.workspace, Role.OWNER, world.user(locale=locale)))
    for path in ("", f"/{pulse.pulse.id}", "/new"):
        seen = client.get(f"/w/{pulse.workspace.slug}/pulses{path}").text
        assert "pulse" not in seen.split("<main", 1)[1].lower().replace("/pulses", "")


def test_a_pulse_asks_a_saved_audience(
    world: World, runtime: Runtime, client_for: SignIn, english: Callable[[Workspace], Visitor]
) -> None:
    workspace = world.workspace("people")
    survey, who = world.survey(workspace, Metric.ENPS), english(workspace)
    for tags in (["remote"], []):
        world.contact(workspace, tags=tags)
    remote = {"all": [{"field": "tags", "op": "has_any", "value": "remote"}]}
    id = segments.create(runtime, who, {"name": "Remote team", "audience": remote})
    client, here = client_for(who), f"/w/{workspace.slug}/pulses/new"
    assert "Remote team" in client.get(here).text
    confirm = client.get(here, query_string={"survey": survey.id, "segment": id}).text
    assert "Ask 1 person" in confirm
    assert f'name="segment" value="{id}"' in confirm
    both = {"survey": survey.id, "segment": id, "attribute": "team", "value": "x"}
    assert "not both" in client.post(here, data=both).text
    assert client.post(here, data={"survey": survey.id, "segment": id}).status_code == 303
