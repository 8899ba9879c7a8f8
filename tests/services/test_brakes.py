"""A run whose mails come back pauses itself, says so to who looks after it, and stays mended once resumed."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event, func, insert, select, text, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.brakes import LATEST
from app.errors import NotFound, Unavailable
from app.models import Bounces, Invitation, Member, Message, Occurrence, Schedule, Stop, User, new_id
from app.runtime import Runtime
from app.services import brakes, events, run_ends, runs, schedule_sheets, schedules, sending, unsent
from app.services.events import Told
from tests.services.recurring import House
from tests.smtp import SmtpSink
from tests.world import Clock, World

GONE = "550 5.1.1 No such user"
PEOPLE = 150


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
    world.member(workspace, Role.AGENT)
    return House(world, clock, manager, world.survey(workspace))


def crowd(house: House, server: SmtpSink, every: int) -> None:
    """People of whom each so manyth, in the order in which they are asked, has an address that is none."""
    ids = house.crowd(PEOPLE)
    asked = sorted(range(PEOPLE), key=lambda place: ids[place])
    for place in asked[every - 1 :: every]:
        server.refuse_recipient[f"p{place}@b.example"] = GONE


def ends(house: House) -> dict[str, int]:
    query = select(Invitation.state)
    found: dict[str, int] = {}
    with house.runtime.db.read() as session:
        for state in session.scalars(query):
            found[state] = found.get(state, 0) + 1
    return found


def stops(house: House) -> list[Stop]:
    with house.runtime.db.write() as session:  # rows outlive a writing session
        return list(session.scalars(select(Stop).order_by(Stop.stopped_at)))


def test_c25_too_many_bounces_pause_the_run_and_alert_managers(house: House, smtp_server: SmtpSink) -> None:
    crowd(house, smtp_server, 7)
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    sheet = schedule_sheets.get(house.runtime, house.who, id)
    assert sheet.state == "paused"
    assert sheet.stopped is not None
    assert sheet.stopped.why == "bounces"
    assert sheet.stopped.failed * 20 > (sheet.stopped.known or 0) >= 20
    left = ends(house)
    assert left["planned"] > 75, "it stopped long before the end"
    assert sum(left.values()) == PEOPLE
    sending.send_due(house.runtime)
    told = [each for each in smtp_server.messages if each.recipient == "camila@aroeira.example"]
    assert len(told) == 1, "an alert to the manager, none to the agent"
    assert f"/w/{house.who.workspace_slug}/schedules/{id}" in told[0].text
    assert "voltaram" in told[0].text


def test_whoever_resumes_is_not_stopped_again_for_the_same_bounces(
    house: House, smtp_server: SmtpSink
) -> None:
    crowd(house, smtp_server, 7)
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    smtp_server.refuse_recipient.clear()
    one = next(iter(house_left(house)))
    smtp_server.refuse_recipient[one] = GONE
    schedules.resume(house.runtime, house.who, id)
    unsent.follow_all(house.runtime)
    assert [each.ended_at for each in stops(house)] == [house.clock.now]
    sending.send_due(house.runtime)
    sheet = schedule_sheets.get(house.runtime, house.who, id)
    assert (sheet.state, sheet.stopped, sheet.waiting) == ("ended", None, 0)
    assert len(stops(house)) == 1


def test_after_resuming_fresh_bounces_stop_it_again(house: House, smtp_server: SmtpSink) -> None:
    crowd(house, smtp_server, 7)
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    schedules.resume(house.runtime, house.who, id)
    sending.send_due(house.runtime)
    assert schedule_sheets.get(house.runtime, house.who, id).state == "paused"
    assert len(stops(house)) == 2
    schedules.cancel(house.runtime, house.who, id)
    run = runs.history(house.runtime, house.who, id).items[0]
    assert run.decided == PEOPLE
    assert all(each.ended_at for each in stops(house))


@pytest.mark.parametrize("act", [schedules.resume, schedules.cancel])
def test_to_end_a_stop_counts_nothing_and_what_was_known_by_then_weighs_no_more(
    house: House, smtp_server: SmtpSink, act: Callable[..., int]
) -> None:
    crowd(house, smtp_server, 7)
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    said: list[str] = []

    def listen(*given: object) -> None:
        said.append(str(given[2]))

    event.listen(house.runtime.db.engine, "before_cursor_execute", listen)
    act(house.runtime, house.who, id)
    event.remove(house.runtime.db.engine, "before_cursor_execute", listen)
    assert said
    assert not [each for each in said if "count(" in each and "messages" in each]
    with house.runtime.db.read() as session:
        row, stop = session.scalars(select(Bounces)).one(), session.scalars(select(Stop)).one()
        ended = session.scalar(
            select(func.count()).select_from(Message).where(Message.state.in_(run_ends.KNOWN))
        )
    assert row.forgiven == row.number >= stop.failed
    assert row.forgiven_known == stop.known <= (ended or 0)


def test_a_run_that_stopped_for_its_words_still_counts_what_came_back_before(
    house: House, smtp_server: SmtpSink
) -> None:
    house.crowd(40)
    house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    with house.runtime.db.write() as session:
        some = session.scalars(select(Invitation)).all()
        session.add(Bounces(occurrence_id=some[0].occurrence_id, number=4, look_at=5))
        session.add(
            Stop(
                id=new_id(), workspace_id=house.who.workspace_id, schedule_id=some[0].schedule_id,
                occurrence_id=some[0].occurrence_id, why="refused", reason="filtered", failed=3,
                stopped_at=house.clock.now,
            )
        )  # fmt: skip
        session.execute(update(Schedule).values(state="paused"))
    schedules.resume(house.runtime, house.who, str(some[0].schedule_id))
    with house.runtime.db.read() as session:
        row = session.scalars(select(Bounces)).one()
    assert (row.number, row.forgiven, row.forgiven_known) == (4, 0, 0)


def test_a_few_bounces_stop_nothing(house: House, smtp_server: SmtpSink) -> None:
    crowd(house, smtp_server, 25)  # 4 %
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    assert schedule_sheets.get(house.runtime, house.who, id).state == "ended"
    assert stops(house) == []
    with house.runtime.db.read() as session:
        assert session.scalars(select(Bounces.number)).one() == PEOPLE // 25


def test_a_passing_failure_is_no_bounce(house: House, smtp_server: SmtpSink) -> None:
    house.crowd(40)
    for place in range(40):
        smtp_server.refuse_recipient[f"p{place}@b.example"] = "450 4.2.2 Mailbox full"
    house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    with house.runtime.db.read() as session:
        assert session.scalars(select(Bounces.number)).all() == []


def test_a_repeated_schedule_pauses_for_its_next_runs_as_well(house: House, smtp_server: SmtpSink) -> None:
    crowd(house, smtp_server, 5)
    id = house.plans(repeat="weekly")
    house.tick()
    sending.send_due(house.runtime)
    house.clock.advance(days=7)
    house.tick()
    assert ("skipped", "paused") in house.outcomes(id)


def test_an_alert_goes_where_the_member_wants_it_and_waits_for_their_quiet_hours(
    house: House, smtp_server: SmtpSink
) -> None:
    crowd(house, smtp_server, 5)
    with house.runtime.db.write() as session:
        session.execute(
            update(User)
            .where(User.id == house.who.user_id)
            .values(telegram_chat_id="771", quiet_from="09:00", quiet_until="12:00")
        )
        session.execute(
            update(Member).where(Member.user_id == house.who.user_id).values(alerts_by="telegram")
        )
    house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    with house.runtime.db.read() as session:
        alert = session.scalars(select(Message).where(Message.purpose == "alert")).one()
        assert (alert.channel, alert.to_address) == ("telegram", "771")
        assert (alert.due_at - house.clock.now).total_seconds() == 2 * 3600


def happens(house: House, ids: list[str], name: str) -> None:
    """The same event to each of these people, whose questions leave one after the other."""
    for id in ids:
        events.tell(house.runtime, house.who, Told(f"{name}-{id}", "ticket.solved", id, None, {}))
        house.tick()
        sending.send_due(house.runtime)


def rests(house: House, schedule_id: str, person: str, times: int) -> None:
    """So many events after which this one rested, written quickly."""
    now = house.clock.now
    with house.runtime.db.write() as session:
        session.execute(
            insert(Occurrence),
            [
                {
                    "id": new_id(), "workspace_id": house.who.workspace_id, "schedule_id": schedule_id,
                    "survey_id": house.survey.id, "contact_id": person, "origin": "trigger", "key": new_id(),
                    "audience": {}, "channels": ["email"], "state": "skipped", "due_at": now,
                    "created_at": now, "ended_at": now,
                }
                for _ in range(times)
            ],
        )  # fmt: skip
    house.clock.advance(seconds=1)


def test_c25_questions_after_events_that_come_back_pause_their_schedule(
    house: House, smtp_server: SmtpSink
) -> None:
    ids = house.crowd(60)
    for place in range(60):
        if place % 4 == 0:
            smtp_server.refuse_recipient[f"p{place}@b.example"] = GONE
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    happens(house, ids[:16], "first")
    assert schedule_sheets.get(house.runtime, house.who, id).state == "active", "too few to tell"
    rests(house, id, ids[0], LATEST)
    happens(house, ids[16:30], "first")
    sheet = schedule_sheets.get(house.runtime, house.who, id)
    assert sheet.state == "paused"
    assert sheet.stopped is not None
    assert (sheet.stopped.why, sheet.stopped.failed, sheet.stopped.known) == ("bounces", 6, 21)
    house.clock.advance(hours=1)
    schedules.resume(house.runtime, house.who, id)
    happens(house, ids[30:46], "second")
    assert schedule_sheets.get(house.runtime, house.who, id).state == "active", "these are few again"
    happens(house, ids[46:], "second")
    assert schedule_sheets.get(house.runtime, house.who, id).state == "paused"
    assert len(stops(house)) == 2


def test_c25_each_in_their_turn_are_counted_over_the_days(house: House, smtp_server: SmtpSink) -> None:
    house.crowd(30)
    for place in range(30):
        smtp_server.refuse_recipient[f"p{place}@b.example"] = GONE
    id = house.plans(repeat="each_person", every_days=5)
    states = []
    for _ in range(4):
        house.tick()
        sending.send_due(house.runtime)
        states.append(schedule_sheets.get(house.runtime, house.who, id).state)
        house.clock.advance(days=1)
    assert states == ["active", "active", "active", "paused"]
    (stop,) = stops(house)
    assert (stop.why, stop.failed, stop.known) == ("bounces", 20, 20)


def test_bounces_of_long_ago_stop_no_questions_after_events(house: House, smtp_server: SmtpSink) -> None:
    ids = house.crowd(40)
    for place in range(16):
        smtp_server.refuse_recipient[f"p{place}@b.example"] = GONE
    id = house.plans(repeat="event", trigger={"event": "ticket.solved"})
    happens(house, ids[:15], "old")
    house.clock.advance(days=31)
    happens(house, [*ids[16:40], ids[15]], "new")
    assert schedule_sheets.get(house.runtime, house.who, id).state == "active"
    assert stops(house) == []


@pytest.mark.judged_on("postgresql")
def test_whoever_counts_what_was_refused_waits_for_the_brake_before_the_schedule(
    house: House, smtp_server: SmtpSink
) -> None:
    """Else two workers wait for each other: one has a refusal and then a bounce, the other a bounce."""
    if house.runtime.db.is_sqlite:
        pytest.skip("SQLite has one writer")
    house.crowd(1)
    id = house.plans(repeat="once")
    house.tick()
    with house.runtime.db.read() as session:
        message = session.scalars(select(Message.id)).one()
    with house.runtime.db.write() as other:
        brakes.alone(other, id)
        with pytest.raises(Unavailable), house.runtime.db.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            brakes.stop_run(session, message, "provider_refused", house.clock.now)


def test_another_workspace_sees_no_stop_of_ours(house: House, smtp_server: SmtpSink) -> None:
    crowd(house, smtp_server, 5)
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    stranger = house.world.member(house.world.workspace(), Role.OWNER)
    with pytest.raises(NotFound):
        schedule_sheets.get(house.runtime, stranger, id)


def house_left(house: House) -> list[str]:
    """The addresses of those who wait."""
    query = (
        select(Message.to_address)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(Invitation.state == "planned")
        .order_by(Message.to_address)
    )
    with house.runtime.db.read() as session:
        return list(session.scalars(query))
