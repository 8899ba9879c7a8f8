"""Why somebody was asked, or not: every run of a survey says what it made of them, in words."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.domain.access import Role
from app.domain.looks import Look
from app.domain.metrics import Metric
from app.errors import NotFound
from app.models import Contact, Workspace
from app.rendering.languages import language_of
from app.rendering.look_words import look_words, now_words
from app.services import asking, contacts, looks, schedules
from tests.services.recurring import House
from tests.world import Clock, World

PREMIUM = {"all": [{"field": "attributes.plan", "op": "is", "value": "premium"}]}


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    survey = world.survey(workspace, name="Relationship")
    return House(world, clock, world.member(workspace, Role.OWNER), survey)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria", attributes={"plan": "basic"})


def told(house: House, person: Contact) -> list[tuple[str, str]]:
    """Every look, the latest first, as its code and in English words."""
    found = looks.explain(house.runtime, house.who, person.id, house.survey.id)
    return [(each.code, words(each)) for each in found.looks]


def words(look: Look, name: str = "Maria") -> str:
    return look_words(language_of("en"), name, look, "America/Sao_Paulo")


def now(house: House, person: Contact, code: str = "en") -> str:
    found = looks.explain(house.runtime, house.who, person.id, house.survey.id)
    return now_words(language_of(code), found.eligibility, "America/Sao_Paulo")


def test_who_answered_rests_and_the_sentence_says_from_what_and_until_when(
    house: House, workspace: Workspace, maria: Contact
) -> None:
    assert now(house, maria) == "Maria may be asked now."
    house.world.answer(workspace, 9, survey=house.survey, contact=maria)
    house.clock.advance(days=12)
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    because = "answered “Relationship” (NPS) 12 days"
    assert now(house, maria) == f"Maria is not asked now: {because} ago, rests until 14 February 2027."
    assert now(house, maria, "pt-BR") == (
        "Não perguntamos a Maria agora: respondeu “Relationship” (NPS) há 12 dias "
        "e descansa até 14 de fevereiro de 2027."
    )
    house.clock.advance(days=1)
    assert [text for _, text in told(house, maria)] == [
        f"Maria was not asked: {because} before, rests until 14 February 2027.",
        "Maria was asked by e-mail: answered.",
    ]


def test_who_was_never_in_the_audience_is_told_which_condition_they_do_not_meet(
    house: House, maria: Contact
) -> None:
    house.plans(repeat="once", audience=PREMIUM)
    house.tick()
    assert told(house, maria) == [("not_meant", "The audience did not include Maria: plan is not “premium”.")]
    contacts.edit(house.runtime, house.who, maria.id, {"attributes": {"plan": "premium"}})
    assert told(house, maria)[0][0] == "not_meant_then"


def test_what_was_answered_after_a_run_did_not_keep_them_out_of_it(
    house: House, workspace: Workspace, maria: Contact
) -> None:
    house.plans(repeat="once", audience={"all": [{"field": "answered", "op": "has", "metric": "nps"}]})
    house.tick()
    house.clock.advance(days=1)
    house.world.answer(workspace, 9, survey=house.survey, contact=maria)
    code, text = told(house, maria)[-1]
    assert code == "not_meant"
    assert text == (
        "The audience did not include Maria. It means only people of whom this is true: have answered NPS."
    )


def test_runs_to_come_paused_missed_and_skipped_say_so(house: House, maria: Contact) -> None:
    id = house.plans(repeat="daily", at="2026-11-17T10:00", audience={})
    assert told(house, maria) == [("to_come", "Maria will be looked at on 17 November, 10:00.")]
    schedules.pause(house.runtime, house.who, id)
    assert [code for code, _ in told(house, maria)] == ["paused"]
    house.clock.advance(days=2)
    house.tick()
    schedules.resume(house.runtime, house.who, id)
    house.clock.advance(days=3)
    house.tick()
    found = told(house, maria)
    assert ("run_skipped", "Skipped: the schedule was paused.") in found
    assert "run_missed" in {code for code, _ in found}
    assert found[0][0] == "to_come"


def test_a_run_that_is_to_come_says_whom_it_will_not_include(house: House, maria: Contact) -> None:
    house.plans(repeat="daily", at="2026-11-17T10:00", audience=PREMIUM)
    assert told(house, maria)[0][1] == (
        "As it stands, the run of 17 November, 10:00 does not include Maria: plan is not “premium”."
    )
    contacts.set_active(house.runtime, house.who, maria.id, active=False)
    assert told(house, maria)[0][0] == "will_be_inactive"


def test_a_drip_a_sequence_and_an_event_say_whose_turn_it_is(
    house: House, workspace: Workspace, maria: Contact
) -> None:
    other = house.world.survey(workspace, Metric.CSAT, name="After")
    house.plans(repeat="once", audience=PREMIUM, steps=[{"survey": other.id, "after_days": 1}])
    house.plans(
        repeat="event", trigger={"event": "ticket.solved"}, survey=house.survey.id, channels=["email"]
    )
    house.tick()
    assert told(house, maria)[0][1] == "Maria is asked after “ticket.solved” happens."
    house.clock.advance(days=1, hours=1)
    house.tick()
    step = looks.explain(house.runtime, house.who, maria.id, other.id).looks[0]
    assert step.code == "not_asked_before"


def test_the_steps_of_a_daily_sequence_do_not_drown_what_was_and_will_be(
    house: House, world: World, workspace: Workspace, maria: Contact
) -> None:
    """A row for each day of two months to come: told are what was, and the step that is about her."""
    with world.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=40, rest_days_by_metric={}))
    ces = world.survey(workspace, Metric.CES)
    ana = world.contact(workspace, name="Ana")
    house.plans(repeat="daily", at="2026-11-16T10:00", steps=[{"survey": ces.id, "after_days": 60}])
    asking.ask(house.runtime, house.who, ces.id, ana.id)
    house.live(days=30)

    def of(person: Contact) -> list[str]:
        return [look.code for look in looks.explain(house.runtime, house.who, person.id, ces.id).looks]

    assert of(maria) == ["will_not_be_asked", "to_come"]
    assert of(ana) == ["will_not_be_asked", "will_not_be_asked", "asked"]
    found = looks.explain(house.runtime, house.who, ana.id, ces.id).looks[0]
    assert words(found, "Ana") == (
        "The run of 17 January, 10:00 does not ask Ana, whom the step before did not ask."
    )


def test_a_drip_says_that_their_turn_comes_on_another_day(house: House, maria: Contact) -> None:
    people = house.crowd(40)
    house.plans(repeat="each_person", every_days=400, at="2026-11-16T10:00")
    house.tick()
    with house.runtime.db.read() as session:
        rows = [session.get_one(Contact, each) for each in [*people, maria.id]]
    codes = [told(house, each)[-1][0] for each in rows]
    assert codes.count("asked") == 1
    assert codes.count("not_their_turn") == 40


def test_in_a_people_workspace_nobody_learns_who_has_answered(world: World, clock: Clock) -> None:
    place = world.workspace("people")
    who, survey = world.member(place, Role.OWNER), world.survey(place, Metric.ENPS)
    found = []
    for state in ("sent", "answered", "expired"):
        person = world.contact(place)
        world.invitation(place, survey, person, state=state)
        clock.advance(days=1)
        explained = looks.explain(world.runtime, who, person.id, survey.id)
        clock.advance(days=-1)
        (look,) = explained.looks
        found.append((look.code, look.state, explained.eligibility.reason, words(look)))
    assert len(set(found)) == 1


def test_another_workspaces_person_or_survey_is_unknown(house: House, world: World, maria: Contact) -> None:
    elsewhere = world.workspace()
    stranger, survey = world.member(elsewhere, Role.OWNER), world.survey(elsewhere)
    with pytest.raises(NotFound):
        looks.explain(house.runtime, stranger, maria.id, survey.id)
    with pytest.raises(NotFound):
        looks.explain(house.runtime, house.who, maria.id, survey.id)


def test_somebody_who_came_later_was_not_there_yet(
    house: House, world: World, workspace: Workspace, clock: Clock
) -> None:
    house.plans(repeat="once")
    house.tick()
    clock.advance(days=1)
    late = world.contact(workspace, name="Ana", created_at=clock.now - timedelta(hours=1))
    assert told(house, late) == [("not_here_yet", "Maria was not among the contacts yet.")]
