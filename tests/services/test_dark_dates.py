"""On a date on which nobody is asked nothing leaves that asks, whatever it is; the day after it does."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.domain.access import Role
from app.domain.days_off import dark_until
from app.models import Contact, Invitation, Message, Workspace
from app.rendering.languages import language_of
from app.rendering.look_words import look_words
from app.services import (
    asking,
    events,
    looking_again,
    looks,
    reminding,
    runs,
    schedules,
    sending,
    survey_tests,
    timeline,
    workspace_settings,
)
from app.services.access import Visitor
from app.services.events import Told
from app.services.survey_tests import Wanted
from app.services.timeline_moments import Asked
from tests.services.recurring import House
from tests.world import START, Clock, World

ZONE = ZoneInfo("America/Sao_Paulo")
TODAY, TOMORROW = "2026-11-16", "2026-11-17"
MIDNIGHT = datetime(2026, 11, 17, 3, tzinfo=START.tzinfo)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    owner = world.member(workspace, Role.OWNER, world.user(locale="en"))
    return House(world, clock, owner, world.survey(workspace, name="Relationship"))


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria")


def darken(house: House, *dates: str) -> None:
    workspace_settings.update(house.runtime, house.who, {"blackout_dates": list(dates)})


def messages(house: House) -> list[tuple[str, str, str | None, datetime]]:
    with house.runtime.db.read() as session:
        rows = session.scalars(select(Message).order_by(Message.created_at, Message.id))
        return [(row.purpose, row.state, row.reason, row.due_at) for row in rows]


def leaves_after(house: House, purpose: str = "invitation") -> None:
    """Nothing leaves until the workspace's midnight, and then it does."""
    assert sending.send_due(house.runtime) == 0
    assert (purpose, "queued", "blackout", MIDNIGHT) in messages(house)
    house.clock.now = MIDNIGHT - timedelta(minutes=1)
    assert sending.send_due(house.runtime) == 0
    house.clock.now = MIDNIGHT
    assert sending.send_due(house.runtime) == 1


def test_a_run_that_had_come_due_waits(house: House, maria: Contact) -> None:
    house.plans(repeat="once")
    house.tick()
    darken(house, TODAY)
    leaves_after(house)


def test_a_question_to_one_person_waits(house: House, maria: Contact) -> None:
    darken(house, TODAY)
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    leaves_after(house)


def test_a_question_after_an_event_whose_day_was_set_before_waits(house: House, maria: Contact) -> None:
    house.plans(repeat="event", trigger={"event": "ticket.solved", "after_hours": 2})
    events.tell(house.runtime, house.who, Told("t-1", "ticket.solved", maria.id, None, {}))
    darken(house, TODAY)
    house.clock.advance(hours=2)
    house.tick()
    leaves_after(house)


def test_a_reminder_waits(house: House, maria: Contact) -> None:
    house.clock.advance(days=-3)
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    sending.send_due(house.runtime)
    darken(house, TODAY)
    house.clock.now = START
    assert reminding.remind(house.runtime) == 1
    leaves_after(house, "reminder")


def test_what_is_left_of_a_run_that_lets_few_leave_in_an_hour_waits(house: House) -> None:
    house.crowd(20)
    house.clock.now = MIDNIGHT - timedelta(days=1, hours=2)
    house.plans(repeat="once", terms={"per_hour": 1})
    house.tick()
    darken(house, TODAY)
    left = []
    for _ in range(30):
        left.append(sending.send_due(house.runtime))
        house.clock.advance(hours=1)
    assert left == [1, 1] + [0] * 24 + [1] * 4


def test_whoever_got_a_turn_after_the_silence_keeps_it_whatever_settings_are_saved(house: House) -> None:
    house.crowd(3)
    house.plans(repeat="once", terms={"per_hour": 1})
    house.tick()
    with house.runtime.db.write() as session:  # as it is when the date is over
        session.execute(update(Message).values(due_at=house.clock.now, reason="blackout"))
    assert sending.send_due(house.runtime) == 1
    turns = messages(house)
    darken(house, TOMORROW)
    assert looking_again.look_at_held(house.runtime) == 0
    assert messages(house) == turns


def test_two_such_dates_are_one_silence_and_say_when_it_ends(house: House, maria: Contact) -> None:
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    darken(house, TODAY, TOMORROW)
    assert sending.send_due(house.runtime) == 0
    assert messages(house)[0][3] == MIDNIGHT + timedelta(days=1)


def test_whoever_takes_the_date_back_lets_it_leave_at_once(house: House, maria: Contact) -> None:
    darken(house, TODAY)
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    assert sending.send_due(house.runtime) == 0
    darken(house)
    assert looking_again.look_at_held(house.runtime) == 1
    assert sending.send_due(house.runtime) == 1


def test_whoever_takes_the_date_back_while_a_schedule_is_paused_asks_as_it_is_resumed(
    house: House, maria: Contact
) -> None:
    id = house.plans(repeat="once")
    house.tick()
    darken(house, TODAY, TOMORROW)
    assert sending.send_due(house.runtime) == 0
    schedules.pause(house.runtime, house.who, id)
    darken(house)
    looking_again.look_at_held(house.runtime)
    schedules.resume(house.runtime, house.who, id)
    assert sending.send_due(house.runtime) == 1


def test_a_date_that_still_is_one_as_a_schedule_is_resumed_is_told_again(
    house: House, maria: Contact
) -> None:
    id = house.plans(repeat="once")
    house.tick()
    darken(house, TODAY)
    sending.send_due(house.runtime)
    before = messages(house)
    schedules.pause(house.runtime, house.who, id)
    schedules.resume(house.runtime, house.who, id)
    assert sending.send_due(house.runtime) == 0
    assert messages(house) == before
    with house.runtime.db.read() as session:
        told = session.execute(select(Invitation.state, Invitation.reason, Invitation.until)).one()
    assert tuple(told) == ("queued", "blackout", MIDNIGHT)


def test_a_holiday_holds_nothing_back(house: House, maria: Contact) -> None:
    """What holidays do is the schedule's choice, about its runs."""
    workspace_settings.update(house.runtime, house.who, {"holidays": [TODAY]})
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    assert sending.send_due(house.runtime) == 1


def test_a_member_tests_a_survey_on_any_date(house: House) -> None:
    darken(house, TODAY)
    survey_tests.send(house.runtime, house.who, house.survey.id, Wanted("email", "pt-BR"))
    assert sending.send_due(house.runtime) == 1


def test_the_explanation_and_the_pages_say_why_it_waits(house: House, maria: Contact) -> None:
    id = house.plans(repeat="once")
    house.tick()
    darken(house, TODAY)
    sending.send_due(house.runtime)
    look = looks.explain(house.runtime, house.who, maria.id, house.survey.id).looks[0]
    assert look_words(language_of("en"), "Maria", look, ZONE.key) == (
        "Maria is about to be asked, and waits. "
        "Nobody is asked on this date; what waits leaves on 17 November 2026."
    )
    moment = timeline.timeline(house.runtime, house.who, maria.id).items[0]
    assert isinstance(moment, Asked)
    assert (moment.state, moment.reason) == ("queued", "blackout")
    run = runs.history(house.runtime, house.who, id).items[0]
    (person,) = runs.people(house.runtime, house.who, id, run.id).items
    assert (person.state, person.reason, person.until) == ("queued", "blackout", MIDNIGHT)
    house.clock.now = MIDNIGHT
    sending.send_due(house.runtime)
    with house.runtime.db.read() as session:
        row = session.scalars(select(Invitation)).one()
        assert (row.state, row.reason, row.until) == ("sent", None, None)


def test_the_pages_of_the_run_and_of_the_person_say_it_as_well(
    house: House, maria: Contact, client_for: Callable[[Visitor], FlaskClient]
) -> None:
    id = house.plans(repeat="once")
    house.tick()
    darken(house, TODAY)
    sending.send_due(house.runtime)
    run = runs.history(house.runtime, house.who, id).items[0]
    console, base = client_for(house.who), f"/w/{house.who.workspace_slug}"
    page = console.get(f"{base}/schedules/{id}/runs/{run.id}").text
    assert "Queued. Nobody is asked on this date; what waits leaves on 17 November 2026." in page
    assert "Nobody is asked on this date." in console.get(f"{base}/contacts/{maria.id}").text


@given(
    st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 30)), max_size=9),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 30)),
    st.sampled_from(["America/Sao_Paulo", "Europe/Madrid", "Asia/Kathmandu", "America/Havana", "UTC"]),
)
def test_a_date_is_dark_from_midnight_to_midnight_there(dates: set[date], at: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    now = at.replace(tzinfo=ZoneInfo("UTC"))
    until = dark_until([day.isoformat() for day in dates], now, zone)
    today = now.astimezone(zone).date()
    assert (until is not None) == (today in dates)
    if until is not None:
        assert until.astimezone(zone).date() == today + timedelta(days=1)
        assert (until - timedelta(seconds=1)).astimezone(zone).date() == today
