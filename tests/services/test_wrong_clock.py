"""D08: a clock that was a day ahead goes back, and nobody waits a day for what it wrote."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.channels.base import DeliveryError, Kind
from app.channels.base import Event as ProviderEvent
from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.clock_jumps import Waiting, waits_for_nothing
from app.domain.delivery import ATTEMPT_LEASE, CLAIM_LEASE
from app.models import (
    Attempt,
    Contact,
    ContactImport,
    Heartbeat,
    InboundMark,
    Message,
    Setting,
    Workspace,
    new_id,
)
from app.runtime import Runtime, now
from app.services import (
    absent_channels,
    asking,
    channels_page,
    contact_imports,
    doctor,
    health,
    heartbeats,
    import_jobs,
    inbound,
    listening,
    outcomes,
    pacing,
    retention,
    sending,
    settling,
    wrong_clock,
)
from app.services.access import Visitor
from tests.services.recurring import House
from tests.smtp import SmtpSink
from tests.world import START, Clock, World

DAY = timedelta(days=1)


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Runtime:
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    return replace(runtime, config=config, channels=open_channels(config))


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, email="maria@b.example")


@pytest.fixture
def asked(runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact) -> str:
    """Maria's invitation, which is due."""
    return asking.ask(runtime, manager, world.survey(workspace).id, maria.id)


def killed_at(runtime: Runtime, point: str) -> Runtime:
    def reach(here: str) -> None:
        if here == point:
            raise Killed

    return replace(runtime, reach=reach)


def ahead(clock: Clock, do: Callable[[], object], by: timedelta = DAY) -> None:
    """This happens while the clock is ahead; then somebody sets it right, and a minute passes."""
    clock.now += by
    do()
    clock.now -= by
    clock.advance(minutes=1)


def dies(work: Callable[[Runtime], object], runtime: Runtime, point: str) -> Callable[[], None]:
    def die() -> None:
        with pytest.raises(Killed):
            work(killed_at(runtime, point))

    return die


def message(runtime: Runtime) -> Message:
    with runtime.db.read() as session:
        return session.scalars(select(Message)).one()


@pytest.mark.on_both
def test_another_worker_takes_the_clock_of_a_dead_one_though_its_lease_ends_tomorrow(
    runtime: Runtime, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead(clock, lambda: heartbeats.hold_clock(runtime))
    monkeypatch.setattr(heartbeats, "worker_name", lambda: "another:2")
    assert heartbeats.hold_clock(runtime)
    monkeypatch.setattr(heartbeats, "worker_name", lambda: "behind:3")
    clock.advance(seconds=-30)
    assert not heartbeats.hold_clock(runtime), "two clocks that differ a little take it from each other"


@pytest.mark.on_both
def test_what_a_dead_worker_claimed_tomorrow_leaves_today(
    place: Runtime, asked: str, clock: Clock, smtp_server: SmtpSink
) -> None:
    ahead(clock, dies(sending.send_due, place, "claimed"))
    settling.end_leases(place)
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == ["maria@b.example"]


@pytest.mark.on_both
def test_what_it_attempted_tomorrow_is_unknown_today_is_never_sent_again_and_presumed_in_a_day(
    place: Runtime, asked: str, clock: Clock, smtp_server: SmtpSink
) -> None:
    ahead(clock, dies(sending.send_due, place, "attempting"), timedelta(days=20))
    settling.end_leases(place)
    assert message(place).state == "unknown"
    assert settling.end_leases(place) == 0
    clock.advance(hours=23)
    settling.presume_sent(place)
    assert message(place).state == "unknown"
    clock.advance(hours=2)
    settling.presume_sent(place)
    found = message(place)
    assert (found.state, found.reason) == ("sent", "presumed")
    sending.send_due(place)
    assert smtp_server.messages == []


def test_an_attempt_that_ended_unknown_tomorrow_is_presumed_a_day_from_now(
    place: Runtime, asked: str, clock: Clock
) -> None:
    """Its lease was over when the clock went back, or nearly: it counts from now."""
    values = {"state": "unknown", "lease_token": "x", "lease_until": clock.now + timedelta(days=300)}
    with place.db.write() as session:
        session.execute(update(Message).values(values))
        session.add(Attempt(id=new_id(), message_id=message(place).id, number=1, started_at=clock.now))
    settling.end_leases(place)
    clock.advance(hours=25)
    assert settling.presume_sent(place) == 1


def test_a_right_lease_is_left_to_its_worker(place: Runtime, asked: str, clock: Clock) -> None:
    for lease, state in ((CLAIM_LEASE, "claimed"), (ATTEMPT_LEASE, "attempting")):
        held = {"state": state, "lease_token": "x", "lease_until": clock.now + lease}
        with place.db.write() as session:
            session.execute(update(Message).values(held))
        assert settling.end_leases(place) == 0


def test_an_import_of_a_worker_that_died_tomorrow_is_taken_over(
    runtime: Runtime, workspace: Workspace, manager: Visitor, clock: Clock
) -> None:
    id = contact_imports.receive(runtime, manager, "a.csv", io.BytesIO(b"e-mail\nmaria@b.example\n"))
    contact_imports.choose_columns(runtime, manager, id, ["email"])
    with runtime.db.write() as session:
        session.execute(update(ContactImport).values(state="checking"))
    ahead(clock, lambda: import_jobs._claim(runtime, id))
    import_jobs.run_due(runtime)
    with runtime.db.read() as session:
        assert session.get_one(ContactImport, id).state == "checked"


def test_a_channel_that_was_to_rest_tomorrow_works_today(
    place: Runtime, manager: Visitor, asked: str, clock: Clock, smtp_server: SmtpSink
) -> None:
    def rest() -> None:
        with place.db.write() as session:
            outcomes.rest_channel(session, "email", clock.now, 60)

    ahead(clock, rest)
    there = channels_page.show(place, manager)
    assert {each.rests_until for each in there} == {None}
    assert sending.send_due(place) == 1


def test_no_word_of_a_provider_makes_a_channel_rest_for_longer_than_an_hour(
    runtime: Runtime, clock: Clock
) -> None:
    with runtime.db.write() as session:
        outcomes.rest_channel(session, "sms", clock.now, 10**7)
    with runtime.db.read() as session:
        assert outcomes.rests_until(session, "sms", clock.now) == clock.now + timedelta(hours=1)


def test_what_somebody_wrote_tomorrow_is_handled_today(runtime: Runtime, clock: Clock) -> None:
    def write() -> None:
        with runtime.db.write() as session:
            event = ProviderEvent("bot", "1", Kind.TEXT, "77", text="9")
            inbound.keep(session, "telegram", event, clock.now)

    ahead(clock, write)
    assert inbound.handle_new(runtime) == 1


def test_what_a_provider_lists_is_asked_for_though_somebody_asked_tomorrow(
    runtime: Runtime, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    since: list[object] = []

    class Lists:
        identity, pretends = "+551140028922", False

        def fetch(self, begins: object, _after: str) -> list[object]:
            since.append(begins)
            return []

    there = replace(runtime, channels={"sms": Lists()})  # type: ignore[dict-item]
    ahead(clock, lambda: listening.catch_up(there))
    listening.catch_up(there)
    assert since[1:] == [clock.now - inbound.FIRST_LOOK], "from tomorrow on they list nothing"
    listening.catch_up(there)
    assert len(since) == 2, "the quarter of an hour counts again"
    with runtime.db.read() as session:
        assert session.scalars(select(InboundMark.fetched_at)).all() == [clock.now]


def test_a_chat_that_got_something_tomorrow_gets_more_today(
    runtime: Runtime, world: World, workspace: Workspace, clock: Clock
) -> None:
    asked = world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    with runtime.db.write() as session:
        session.execute(update(Message).values(channel="telegram", to_address="77"))
        before = session.scalars(select(Message.id)).one()
        session.add(Attempt(id=new_id(), message_id=before, number=1, started_at=clock.now + DAY))
    group = [_Leaving(asked.id, "77")]
    with runtime.db.read() as session:
        assert pacing.too_soon(session, "telegram", group, clock.now) == {}  # type: ignore[arg-type]


class _Leaving:
    def __init__(self, id: str, to_address: str) -> None:
        self.id, self.to_address = id, to_address


def test_what_is_too_old_is_let_go_though_somebody_looked_tomorrow(
    runtime: Runtime, workspace: Workspace, clock: Clock
) -> None:
    ahead(clock, lambda: retention.let_go(runtime))
    with runtime.db.read() as session:
        passed = session.get_one(Setting, retention.PASSED).value
    retention.let_go(runtime)
    with runtime.db.read() as session:
        assert session.get_one(Setting, retention.PASSED).value < passed


def test_ten_minutes_of_an_absent_channel_begin_anew(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    with runtime.db.write() as session:
        session.execute(update(Contact).values(phone="+5531988884417", phone_key="k"))
    survey = world.survey(workspace)
    asking.ask(runtime, manager, survey.id, maria.id, ("sms",))
    place = replace(runtime, channels={})
    ahead(clock, lambda: absent_channels.give_up_waiting(place))
    assert absent_channels.give_up_waiting(place) == 0
    clock.advance(minutes=10)
    assert absent_channels.give_up_waiting(place) == 1


def test_a_worker_that_died_tomorrow_is_not_alive_today(runtime: Runtime, clock: Clock) -> None:
    ahead(clock, lambda: heartbeats.beat(runtime))
    assert not health.check(runtime).ready
    with runtime.db.write() as session:
        session.execute(update(Heartbeat).values(name="dead:1"))
    heartbeats.beat(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(Heartbeat.name)).all() == [heartbeats.worker_name()]


def test_the_doctor_says_when_leases_stand_in_the_future(place: Runtime, asked: str, clock: Clock) -> None:
    today = replace(place, clock=now)

    def says() -> tuple[str, str]:
        found = next(each for each in doctor.examine(today) if each.name == "leases")
        return found.state, found.says

    assert says() == ("ok", "none stands in the future")
    heartbeats.beat(today)
    assert says()[0] == "failed"
    assert "none holds the clock" in says()[1]
    heartbeats.hold_clock(today)
    assert says()[0] == "ok"
    tomorrow = replace(place, clock=lambda: now() + DAY)
    heartbeats.hold_clock(tomorrow)
    with pytest.raises(Killed):
        sending.send_due(killed_at(tomorrow, "claimed"))
    assert says()[0] == "warning"
    assert says()[1].startswith("2 stand further in the future than any lasts")


BEGUN = START - timedelta(hours=2)
LATER = START + DAY
CASES = {
    "held back": (Waiting(BEGUN, LATER), True),
    "due in a minute": (Waiting(BEGUN, START + timedelta(minutes=1)), False),
    "written tomorrow": (Waiting(LATER, LATER, by_day=True, planned_to=LATER + DAY), True),
    "failed today": (Waiting(BEGUN, LATER, tried_at=START, retried=True), False),
    "failed tomorrow": (Waiting(BEGUN, LATER, tried_at=LATER, retried=True), True),
    "an hour's turn": (Waiting(BEGUN, LATER, planned_to=LATER), False),
    "an hour's turn after the last": (Waiting(BEGUN, LATER + DAY, planned_to=LATER), True),
    "somebody's night": (Waiting(BEGUN, START + timedelta(hours=10), by_day=True), False),
    "no night is so long": (Waiting(BEGUN, LATER + DAY, by_day=True), True),
}


@pytest.mark.parametrize("case", CASES)
def test_what_waits_is_due_where_a_clock_that_was_ahead_may_have_made_it_wait(case: str) -> None:
    waiting, is_due = CASES[case]
    assert waits_for_nothing(waiting, START) is is_due


def refused_tomorrow(place: Runtime, clock: Clock) -> Callable[[], None]:
    """A mail that has to be tried again, with the clock ahead for the try and for the worker's beat."""

    def refuse() -> None:
        heartbeats.beat(place)

        class Full:
            pretends, identity = False, "pergunta@aroeira.example"

            def deliver(self, batch: object) -> object:
                for each in batch:  # type: ignore[attr-defined]
                    yield each.id, DeliveryError("mailbox_full")

        sending.send_due(replace(place, channels={"email": Full()}))  # type: ignore[dict-item]

    return refuse


@pytest.mark.on_both
@pytest.mark.parametrize("end", ["killed", "stopped in good order"])
def test_what_failed_tomorrow_is_tried_today(
    place: Runtime, asked: str, clock: Clock, smtp_server: SmtpSink, end: str
) -> None:
    ahead(clock, refused_tomorrow(place, clock))
    if end != "killed":
        heartbeats.leave(place)
    assert message(place).due_at > clock.now + timedelta(hours=20)
    heartbeats.beat(place)
    assert wrong_clock.look_at_waiting(place) == 1
    assert wrong_clock.look_at_waiting(place) == 0, "once is enough"
    assert sending.send_due(place) == 1


def elsewhere(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr(heartbeats, "machine_name", lambda: machine)


@pytest.mark.on_both
def test_of_machines_whose_clocks_differ_none_has_everything_looked_at_again_and_again(
    place: Runtime, asked: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    for _ in range(4):
        elsewhere(monkeypatch, "ahead")
        clock.advance(seconds=90)
        heartbeats.beat(place)
        clock.advance(seconds=-90)
        elsewhere(monkeypatch, "behind")
        heartbeats.beat(place)
        with place.db.read() as session:
            looked.append(session.get(Setting, wrong_clock.WENT_BACK) is not None)
        wrong_clock.look_at_waiting(place)
        clock.advance(seconds=5)
    assert looked == [True, False, False, False]


@pytest.mark.on_both
@pytest.mark.parametrize("machine", ["the same", "a container made anew"])
def test_a_clock_set_right_between_two_workers_is_noticed_by_the_first_beat(
    place: Runtime, asked: str, clock: Clock, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    elsewhere(monkeypatch, "the same")
    ahead(clock, refused_tomorrow(place, clock))
    heartbeats.leave(place)
    elsewhere(monkeypatch, machine)
    heartbeats.beat(place)
    assert wrong_clock.look_at_waiting(place) == 1


def test_machines_of_long_ago_leave_no_row(
    runtime: Runtime, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their names may be as long as any."""
    for machine in ("a" * 64, "b" * 64, "c" * 64):
        elsewhere(monkeypatch, machine)
        heartbeats.beat(runtime)
        clock.advance(days=31)
    with runtime.db.read() as session:
        beats = select(Setting.name).where(Setting.name.startswith(wrong_clock.LATEST))
        assert len(session.scalars(beats).all()) == 1


def test_what_failed_today_waits_for_its_time_though_a_clock_went_back(
    place: Runtime, asked: str, clock: Clock
) -> None:
    refused_tomorrow(place, clock)()
    due = message(place).due_at
    with place.db.write() as session:
        wrong_clock.watch(session, clock.now + DAY, "here")
        wrong_clock.watch(session, clock.now, "here")
        session.execute(update(Message).values(due_at=due + timedelta(hours=12)))
    assert wrong_clock.look_at_waiting(place) == 0
    assert message(place).due_at == due + timedelta(hours=12)


def test_what_was_held_back_tomorrow_is_judged_today_and_what_has_its_turn_keeps_it(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, clock: Clock
) -> None:
    house = House(world, clock, manager, world.survey(workspace))
    house.crowd(4)
    house.plans(repeat="once", terms={"per_hour": 1})
    for _ in range(4):
        house.tick()
        clock.advance(hours=1)
    clock.advance(hours=-4)
    with runtime.db.write() as session:
        found = session.scalars(select(Message).order_by(Message.due_at)).all()
        found[0].reason, found[0].due_at, found[0].priority = "quiet_hours", clock.now + DAY, 1
        turns = {each.id: each.due_at for each in found[1:]}
        wrong_clock.watch(session, clock.now + DAY, "here")
        wrong_clock.watch(session, clock.now, "here")
    assert wrong_clock.look_at_waiting(runtime) == 1
    with runtime.db.read() as session:
        now_due = {each.id: each.due_at for each in session.scalars(select(Message))}
    assert now_due == turns | {found[0].id: clock.now}


def test_a_look_that_is_stopped_goes_on_with_the_next(runtime: Runtime, clock: Clock) -> None:
    with runtime.db.write() as session:
        wrong_clock.watch(session, clock.now + DAY, "here")
        wrong_clock.watch(session, clock.now, "here")
    wrong_clock.look_at_waiting(replace(runtime, stopping=lambda: True))
    with runtime.db.read() as session:
        assert session.get(Setting, wrong_clock.WENT_BACK) is not None


@pytest.mark.parametrize("seconds", [0, 30, 59])
def test_two_clocks_that_differ_a_little_are_both_right(runtime: Runtime, clock: Clock, seconds: int) -> None:
    with runtime.db.write() as session:
        wrong_clock.watch(session, clock.now + timedelta(seconds=seconds), "here")
        wrong_clock.watch(session, clock.now, "here")
        assert session.get(Setting, wrong_clock.WENT_BACK) is None
