"""C25: a run that too many call spam pauses itself, tells who looks after it, and goes on once resumed."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Complaint, Contact, Invitation, Message, Occurrence, Stop, new_id
from app.runtime import Runtime
from app.services import brakes, complaints, events, runs, schedule_sheets, schedules, sending
from app.services.complained_about import Named
from app.services.complaints import Told
from app.services.events import Told as Event
from tests.services.recurring import House
from tests.smtp import SmtpSink
from tests.world import Clock, World

PEOPLE = 90


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Mails over a real server."""
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    for each in made.channels.values():
        each.close()


@pytest.fixture
def house(place: Runtime, clock: Clock) -> House:
    world = World(place)
    workspace = world.workspace(name="Aroeira")
    manager = world.member(workspace, Role.MANAGER, world.user(email="camila@aroeira.example"))
    return House(world, clock, manager, world.survey(workspace))


def begun(house: House, repeat: str = "once") -> str:
    """A schedule whose run has asked some, and the others wait for their hour."""
    house.crowd(PEOPLE)
    id = house.plans(repeat=repeat, terms={"per_hour": PEOPLE // 3})
    house.tick()
    for _ in range(8):
        sending.send_due(house.runtime)
        house.clock.advance(minutes=2)
    return id


def asked(house: House) -> list[str]:
    """The ids of the questions that left, the first first."""
    left = Message.purpose == "invitation", Message.state == "sent"
    with house.runtime.db.read() as session:
        return list(session.scalars(select(Message.id).where(*left).order_by(Message.sent_at, Message.id)))


def complain(house: House, *messages: str) -> None:
    for id in messages:
        complaints.record(house.runtime, house.who, Told(Named("email", message_id=id), "api"))


def state(house: House, id: str) -> str:
    return schedule_sheets.get(house.runtime, house.who, id).state


def stops(house: House) -> list[Stop]:
    with house.runtime.db.write() as session:  # rows outlive a writing session
        return list(session.scalars(select(Stop).order_by(Stop.stopped_at)))


def test_c25_complaints_pause_the_run_and_alert_managers(house: House, smtp_server: SmtpSink) -> None:
    id = begun(house)
    left = asked(house)
    assert 8 <= len(left) < PEOPLE / 2
    complain(house, left[0], left[0])
    assert state(house, id) == "active" or state(house, id) == "ended", (
        "one person may press the wrong button"
    )
    complain(house, left[1])
    sheet = schedule_sheets.get(house.runtime, house.who, id)
    assert sheet.state == "paused"
    assert sheet.stopped is not None
    assert (sheet.stopped.why, sheet.stopped.failed, sheet.stopped.known) == ("complaints", 2, len(left))
    sending.send_due(house.runtime)
    told = [each for each in smtp_server.messages if each.recipient == "camila@aroeira.example"]
    assert len(told) == 1
    assert f"/w/{house.who.workspace_slug}/schedules/{id}" in told[0].text
    assert "spam" in told[0].text
    house.clock.advance(hours=2)
    sending.send_due(house.runtime)
    assert len(asked(house)) == len(left), "nothing more leaves"


@pytest.mark.on_both
def test_of_many_complaints_at_once_the_run_stops_once(house: House, smtp_server: SmtpSink) -> None:
    id = begun(house)
    threads = [threading.Thread(target=complain, args=(house, each)) for each in asked(house)[:6]]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert state(house, id) == "paused"
    assert [each.failed for each in stops(house)] == [2]
    assert runs.history(house.runtime, house.who, id).items[0].complaints == 6


def test_what_waits_to_leave_to_them_there_does_not(house: House, smtp_server: SmtpSink) -> None:
    begun(house)
    first = asked(house)[0]
    with house.runtime.db.read() as session:
        ask = session.get_one(Invitation, session.get_one(Message, first).invitation_id)
        person = session.get_one(Contact, ask.contact_id)
    reminder = house.world.message(ask, person, purpose="reminder")
    complain(house, first)
    sending.send_due(house.runtime)
    with house.runtime.db.read() as session:
        waited = session.get_one(Message, reminder.id)
        assert (waited.state, waited.reason) == ("cancelled", "opted_out")
        assert session.get_one(Invitation, ask.id).state == "sent"


def test_numbers_add_up_a_complaint_is_no_failure(house: House, smtp_server: SmtpSink) -> None:
    id = begun(house)
    left = asked(house)
    complain(house, *left[:2])
    run = runs.history(house.runtime, house.who, id).items[0]
    assert (run.asked, run.waiting, run.not_asked, run.decided) == (len(left), PEOPLE - len(left), (), PEOPLE)
    assert run.complaints == 2
    theirs = runs.people(house.runtime, house.who, id, run.id, reason=brakes.COMPLAINED)
    assert {each.state for each in theirs.items} == {"sent"}
    assert len(theirs.items) == 2


def test_whoever_resumes_is_not_stopped_again_for_what_had_left_and_is_for_what_leaves(
    house: House, smtp_server: SmtpSink
) -> None:
    id = begun(house)
    before = asked(house)
    complain(house, *before[:2])
    house.clock.advance(hours=2)
    schedules.resume(house.runtime, house.who, id)
    assert [each.ended_at for each in stops(house)] == [house.clock.now]
    complain(house, *before[2:6])
    assert state(house, id) != "paused", "they complain late of what left before"
    sending.send_due(house.runtime)
    fresh = [each for each in asked(house) if each not in before]
    assert len(before) >= 6
    complain(house, fresh[0])
    assert state(house, id) != "paused"
    complain(house, fresh[1])
    assert state(house, id) == "paused"
    assert [each.failed for each in stops(house)] == [2, 2]


def test_a_repeated_schedule_stays_paused_for_its_next_runs(house: House, smtp_server: SmtpSink) -> None:
    id = begun(house, "weekly")
    complain(house, *asked(house)[:2])
    house.clock.advance(days=7)
    house.tick()
    assert ("skipped", "paused") in house.outcomes(id)
    schedules.resume(house.runtime, house.who, id)
    sending.send_due(house.runtime)
    assert state(house, id) == "active"


def arrived_elsewhere(house: House, run_id: str, number: int) -> None:
    """So many more of this run arrived, written quickly."""
    ids = house.crowd(number)
    now = house.clock.now
    with house.runtime.db.write() as session:
        run = session.get_one(Occurrence, run_id)
        asks = [
            {
                "id": new_id(), "workspace_id": run.workspace_id, "occurrence_id": run.id,
                "schedule_id": run.schedule_id, "survey_id": run.survey_id, "version_id": run.version_id,
                "metric": "nps", "contact_id": each, "locale": "pt-BR", "channel": "email", "state": "sent",
                "created_at": now, "sent_at": now, "expires_at": now,
            }
            for each in ids
        ]  # fmt: skip
        session.execute(insert(Invitation), asks)
        session.execute(
            insert(Message),
            [
                {
                    "id": new_id(), "workspace_id": run.workspace_id, "purpose": "invitation", "priority": 1,
                    "channel": "email", "invitation_id": ask["id"], "contact_id": ask["contact_id"],
                    "to_address": "x@b.example", "locale": "pt-BR", "state": "sent", "due_at": now,
                    "created_at": now, "sent_at": now,
                }
                for ask in asks
            ],
        )  # fmt: skip


def test_one_in_a_thousand_is_borne(house: House, smtp_server: SmtpSink) -> None:
    id = begun(house)
    run = runs.history(house.runtime, house.who, id).items[0]
    arrived_elsewhere(house, run.id, 2_000)
    left = asked(house)
    complain(house, *left[:2])
    assert state(house, id) != "paused"
    complain(house, left[2])
    assert state(house, id) == "paused"
    (stop,) = stops(house)
    assert (stop.failed, stop.known) == (3, len(left))


def happens(house: House, ids: list[str], name: str = "e") -> None:
    for id in ids:
        events.tell(house.runtime, house.who, Event(f"{name}-{id}", "ticket.solved", id, None, {}))
        house.tick()
        sending.send_due(house.runtime)


def test_c25_questions_after_events_are_counted_together(house: House, smtp_server: SmtpSink) -> None:
    ids = house.crowd(12)
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    happens(house, ids[:8])
    left = asked(house)
    complain(house, left[0])
    assert state(house, id) == "active"
    complain(house, left[1])
    assert state(house, id) == "paused"
    house.clock.advance(hours=1)
    schedules.resume(house.runtime, house.who, id)
    complain(house, left[2], left[3])
    assert state(house, id) == "active"
    happens(house, ids[8:])
    fresh = [each for each in asked(house) if each not in left]
    complain(house, *fresh[:2])
    assert state(house, id) == "paused"
    assert len(stops(house)) == 2


def test_c25_each_in_their_turn_complaints_are_counted_over_the_days(
    house: House, smtp_server: SmtpSink
) -> None:
    house.crowd(4)
    id = house.plans(repeat="each_person", every_days=4)
    for _ in range(2):
        house.tick()
        sending.send_due(house.runtime)
        house.clock.advance(days=1)
    complain(house, *asked(house))
    assert [each.failed for each in stops(house)] == [2]
    assert state(house, id) == "paused"


def test_complaints_of_long_ago_stop_no_questions_after_events(house: House, smtp_server: SmtpSink) -> None:
    ids = house.crowd(4)
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    happens(house, ids[:2])
    complain(house, asked(house)[0])
    house.clock.advance(days=31)
    happens(house, ids[2:])
    complain(house, asked(house)[-1])
    assert state(house, id) == "active"
    with house.runtime.db.read() as session:
        assert len(session.scalars(select(Complaint)).all()) == 2


def test_questions_asked_by_hand_stop_no_schedule_of_their_survey(house: House) -> None:
    schedule = begun(house)
    workspace = house.world.workspace_of(house.survey)
    for _ in range(3):
        contact = house.world.contact(workspace)
        ask = house.world.invitation(workspace, house.survey, contact)
        with house.runtime.db.read() as session:
            id = session.scalars(select(Message.id).where(Message.invitation_id == ask.id)).one()
        complain(house, id)
    assert [stop.schedule_id for stop in stops(house) if stop.ended_at is None] == []
    assert state(house, schedule) != "paused"
