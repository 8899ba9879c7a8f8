"""What came back of runs that come again and again: a day's share of everybody, a question after an event."""

from datetime import datetime, timedelta

import pytest

from app.domain.access import Role
from app.domain.brakes import LATEST
from app.models import Invitation, Message, Occurrence, Schedule, new_id
from app.runtime import Runtime
from app.services import brakes, many_rows, run_ends, schedule_sheets
from tests.services.recurring import House
from tests.world import Clock, World


@pytest.fixture
def house(runtime: Runtime, world: World, clock: Clock) -> House:
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


def ran(house: House, id: str, at: datetime, people: list[str]) -> list[str]:
    """A run of this schedule that asked them at this moment; the ids of its messages, none came back."""
    here = {"workspace_id": house.who.workspace_id, "created_at": at}
    survey = {"survey_id": house.survey.id, "version_id": house.survey.published_version_id}
    with house.runtime.db.read() as session:
        days = session.get_one(Schedule, id).every_days
    run = Occurrence(
        **here, **survey, id=new_id(), schedule_id=id, origin="schedule", key=new_id(), audience={},
        every_days=days, channels=["email"], state="run", asked=len(people), due_at=at, ended_at=at,
        contact_id=people[0] if len(people) == 1 else None,
    )  # fmt: skip
    house.world.add(run)
    asks = [
        here | survey | {
            "id": new_id(), "occurrence_id": run.id, "schedule_id": id, "metric": "nps", "contact_id": each,
            "locale": "en", "channel": "email", "state": "sent", "sandbox": False, "sent_at": at,
            "expires_at": at + timedelta(days=30),
        }
        for each in people
    ]  # fmt: skip
    messages = [
        here | {
            "id": new_id(), "purpose": "invitation", "priority": 1, "level": 0, "channel": "email",
            "invitation_id": ask["id"], "contact_id": ask["contact_id"], "to_address": "x", "locale": "en",
            "state": "sent", "tries": 1, "due_at": at, "sent_at": at,
        }
        for ask in asks
    ]  # fmt: skip
    with house.runtime.db.write() as session:
        many_rows.insert_many(session, Invitation, asks)
        many_rows.insert_many(session, Message, messages)
    return [str(each["id"]) for each in messages]


def come_back(house: House, messages: list[str]) -> None:
    for id in messages:
        with house.runtime.db.write() as session:
            message = session.get_one(Message, id)
            message.state, message.reason = "failed", "invalid_address"
            session.flush()
            brakes.bounced(session, id, "invalid_address", house.clock.now)


def stands(house: House, id: str) -> tuple[str, int | None, int | None]:
    sheet = schedule_sheets.get(house.runtime, house.who, id)
    return sheet.state, sheet.stopped and sheet.stopped.failed, sheet.stopped and sheet.stopped.known


@pytest.mark.on_both
def test_of_a_large_days_share_no_few_speak_for_the_others(house: House) -> None:
    """All of them are due at one moment, and those with the largest ids are not the latest."""
    people = house.crowd(600)
    id = house.plans(repeat="each_person", every_days=30)
    messages = ran(house, id, house.clock.now, people)
    come_back(house, sorted(messages)[-15:])
    assert stands(house, id) == ("active", None, None)


@pytest.mark.on_both
def test_a_large_days_share_of_which_too_many_come_back_stops(house: House) -> None:
    people = house.crowd(600)
    id = house.plans(repeat="each_person", every_days=30)
    come_back(house, ran(house, id, house.clock.now, people)[:60])
    state, failed, known = stands(house, id)
    assert (state, known) == ("paused", 600)
    assert failed is not None
    assert 47 <= failed <= 50, "5 % are 30, and chance alone might bring some more"


@pytest.mark.on_both
def test_small_shares_count_with_those_before_them_and_not_with_what_left_since(house: House) -> None:
    people = house.crowd(190)
    id = house.plans(repeat="each_person", every_days=30)
    days = [ran(house, id, house.clock.now - timedelta(days=each), people) for each in (3, 2, 1, 0)]
    come_back(house, days[0][:9])
    assert stands(house, id) == ("active", None, None), "of 190, and none of those that left since"
    come_back(house, days[1][:25])
    assert stands(house, id) == ("paused", 32, 380)


@pytest.mark.on_both
def test_after_events_the_latest_count_by_when_they_left(house: House) -> None:
    people = house.crowd(250)
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    latest = solved(house, id, people)[-LATEST:]
    come_back(house, latest[-20:-1])
    assert stands(house, id) == ("active", None, None), "a tenth, nearly: that may be chance"
    come_back(house, latest[-1:])
    assert stands(house, id) == ("paused", 20, LATEST)


@pytest.mark.on_both
def test_what_comes_back_in_the_wrong_order_counts_up_to_the_last_of_it(house: House) -> None:
    """A mailbox of reports is read from its end, or they took days: what left since is not known yet."""
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    messages = solved(house, id, house.crowd(120))
    come_back(house, messages[39:29:-1])
    assert stands(house, id) == ("paused", 7, 40)


@pytest.mark.on_both
def test_what_may_be_chance_in_the_latest_is_looked_at_in_many_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_ends, "MORE", 2 * LATEST)
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    messages = solved(house, id, house.crowd(320))
    come_back(house, [*messages[: 15 * 13 : 13], *messages[LATEST : LATEST + 10 * 11 : 11]])
    assert stands(house, id) == ("active", None, None), "25 of 300"
    come_back(house, messages[310:320:2])
    assert stands(house, id) == ("paused", 28, 315), "never twenty of two hundred"


def solved(house: House, id: str, people: list[str]) -> list[str]:
    """An event of each of them, one each minute; the messages."""
    begin = house.clock.now - timedelta(minutes=len(people))
    runs = [ran(house, id, begin + timedelta(minutes=at), [each]) for at, each in enumerate(people)]
    return [message for run in runs for message in run]


@pytest.mark.on_both
def test_a_run_of_few_is_looked_at_without_reading_those_long_before(house: House) -> None:
    people = house.crowd(3)
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    old = ran(house, id, house.clock.now - timedelta(days=31), people[:1])
    (message,) = ran(house, id, house.clock.now, people[1:2])
    with house.runtime.db.read() as session:
        run = run_ends.run_of(session, message)
        assert run is not None
        found = run_ends.returned(session, run, house.clock.now)
    assert old
    assert found is not None
    assert found.known == 1
