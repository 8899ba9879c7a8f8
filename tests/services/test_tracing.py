"""Texts whose end nobody saw are looked for at Twilio: sent, failed, or sent again where none is there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.channels.base import Event, Kind
from app.channels.sms import Sms
from app.channels.twilio_account import Account, Patience
from app.channels.twilio_api import TwilioApi
from app.channels.whatsapp import WhatsApp
from app.domain.access import Role
from app.domain.delivery import ATTEMPT_LEASE
from app.domain.tracing import SURE_AFTER
from app.jobs.timetable import TIMETABLE
from app.models import (
    Attempt,
    Contact,
    FollowUp,
    Invitation,
    Message,
    OptOut,
    WhatsAppTemplate,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import asking, followups, inbound, sending, settling, tracing
from app.services.access import Visitor
from bots import handle
from tests.peers.twilio.peer import TwilioPeer
from tests.scripted_twilio import Reply, scripted
from tests.world import Clock, World

pytestmark = pytest.mark.xdist_group("twilio")
OURS = "+551140028922"
MARIA, JOAO = "+5531988884417", "+5531988884418"


def over(runtime: Runtime, account: Account, patience: Patience | None = None) -> Runtime:
    config = replace(
        runtime.config, twilio_account_sid=account.sid, twilio_auth_token=account.token, twilio_sms_from=OURS,
        twilio_api_url=account.url, sms_countries=("BR",),
    )  # fmt: skip
    channel = Sms(account, TwilioApi(account, patience))
    return replace(runtime, config=config, channels={"sms": channel}, inbound=handle)


@pytest.fixture
def place(runtime: Runtime, twilio: TwilioPeer, clock: Clock) -> Iterator[Runtime]:
    """SMS for real, over a line that waits for half a second."""
    twilio.stands_at(clock())
    account = Account(twilio.account_sid, twilio.auth_token, sms=OURS, url=twilio.url)
    made = over(runtime, account, Patience(connect=2, read=0.7, whole=3))
    yield made
    made.channels["sms"].close()


def test_c03_on_whatsapp_it_is_looked_for_by_the_address_that_it_has_there(
    runtime: Runtime, world: World, manager: Visitor, maria: Contact, workspace: Workspace, clock: Clock,
    twilio: TwilioPeer,
) -> None:  # fmt: skip
    twilio.stands_at(clock())
    account = Account(twilio.account_sid, twilio.auth_token, whatsapp=OURS, url=twilio.url)
    channel = WhatsApp(account, TwilioApi(account, Patience(connect=2, read=0.7, whole=3)))
    place = replace(runtime, channels={"whatsapp": channel})
    survey = world.survey(workspace)
    world.add(
        WhatsAppTemplate(
            id=new_id(), workspace_id=workspace.id, survey_id=survey.id, locale="pt-BR",
            content_sid="HX" + "5a" * 16,
        )
    )  # fmt: skip
    twilio.hangs()
    asking.ask(place, manager, survey.id, maria.id, ["whatsapp"])
    sending.send_due(place)
    assert states(place) == [("unknown", "unknown")]
    assert goes_by(place, twilio, minutes=3) == 1
    assert states(place) == [("sent", "sent")]
    channel.close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=MARIA, email=None)


def ask(place: Runtime, world: World, workspace: Workspace, manager: Visitor, contact: Contact) -> str:
    asked = asking.ask(place, manager, world.survey(workspace).id, contact.id, ["sms"])
    sending.send_due(place)
    return asked


def states(place: Runtime) -> list[tuple[str, str]]:
    with place.db.read() as session:
        query = select(Invitation.state, Message.state).join(Message, Message.invitation_id == Invitation.id)
        return sorted((asked, message) for asked, message in session.execute(query))


def goes_by(place: Runtime, twilio: TwilioPeer, **time: float) -> int:
    """Some time, with what the clock's worker does in it; how many were settled at its end."""
    assert isinstance(place.clock, Clock)
    place.clock.advance(**time)
    twilio.stands_at(place.clock())
    settling.end_leases(place)
    settled = tracing.ask_providers(place)
    sending.send_due(place)
    return settled


Asked = tuple[Runtime, World, Workspace, Visitor, Contact]


@pytest.fixture
def asked(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact
) -> tuple[Runtime, World, Workspace, Visitor, Contact]:
    return place, world, workspace, manager, maria


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("queued", None, ("sent", "sent")),
        ("delivered", None, ("delivered", "delivered")),
        ("undelivered", 30006, ("failed", "failed")),
    ],
)
def test_c03_what_twilio_took_is_settled_as_it_stands_there_and_sent_once(
    asked: Asked, twilio: TwilioPeer, status: str, code: int | None, state: tuple[str, str]
) -> None:
    place = asked[0]
    twilio.hangs()
    ask(*asked)
    assert states(place) == [("unknown", "unknown")]
    (taken,) = twilio.sent_to(MARIA)
    if status != "queued":
        twilio.status(taken.sid, status, error_code=code, tell=False)
    assert goes_by(place, twilio, minutes=1) == 0, "a list may lag: nobody looks yet"
    assert goes_by(place, twilio, minutes=1) == 1
    assert states(place) == [state]
    assert goes_by(place, twilio, minutes=60) == 0
    assert len(twilio.sent_to(MARIA)) == 1
    with place.db.read() as session:
        message = session.scalars(select(Message)).one()
        assert message.provider_id == taken.sid
        assert session.scalars(select(Attempt.outcome)).all() == ["sent"]


def test_c03_what_twilio_surely_never_took_is_sent_again_once(asked: Asked, twilio: TwilioPeer) -> None:
    place = asked[0]
    twilio.cuts(taken=False)
    ask(*asked)
    assert states(place) == [("unknown", "unknown")]
    assert goes_by(place, twilio, minutes=2) == 0, "not there yet is not: not there"
    assert goes_by(place, twilio, minutes=9) == 0
    assert states(place) == [("unknown", "unknown")]
    assert twilio.sent == []
    assert goes_by(place, twilio, minutes=1) == 1
    assert states(place) == [("sent", "sent")]
    assert len(twilio.sent_to(MARIA)) == 1
    with place.db.read() as session:
        outcomes = session.scalars(select(Attempt.outcome).order_by(Attempt.number)).all()
    assert outcomes == ["not_taken", "sent"], "who looks later sees why it went twice"


def test_c03_a_list_that_lags_costs_no_second_text(asked: Asked, twilio: TwilioPeer) -> None:
    place = asked[0]
    assert isinstance(place.clock, Clock)
    hidden = replace(place, channels={"sms": Blind(place.channels["sms"])})  # type: ignore[arg-type]
    twilio.hangs()
    ask(*asked)
    place.clock.advance(minutes=3)
    assert tracing.ask_providers(hidden) == 0, "it is not listed yet"
    assert goes_by(place, twilio, minutes=10) == 1
    assert states(place) == [("sent", "sent")]
    assert len(twilio.sent_to(MARIA)) == 1


class Blind:
    """A list on which nothing stands yet."""

    pretends = False

    def __init__(self, channel: Sms) -> None:
        self.identity = channel.identity

    def trace(self, address: str, since: object) -> list[object]:
        return []


def test_c03_clocks_that_are_apart_never_send_a_text_twice(asked: Asked, twilio: TwilioPeer) -> None:
    """Ours is ten minutes ahead: what was taken seems to be from before our attempt."""
    place = asked[0]
    twilio.stands_at(place.clock() - timedelta(minutes=10))
    twilio.hangs()
    ask(*asked)
    for _ in range(4):
        assert goes_by(place, twilio, minutes=20) == 0
    assert states(place) == [("unknown", "unknown")]
    assert len(twilio.sent_to(MARIA)) == 1
    place.clock.advance(days=1)  # type: ignore[attr-defined]
    settling.presume_sent(place)
    assert states(place) == [("sent", "sent")]


def test_c03_an_attempt_that_died_with_its_worker_is_settled_within_fifteen_minutes(
    asked: Asked, twilio: TwilioPeer
) -> None:
    place, world, workspace, manager, maria = asked

    class Killed(BaseException):
        """As kill -9 leaves it."""

    def die(name: str) -> None:
        if name == "attempting":
            raise Killed

    asking.ask(place, manager, world.survey(workspace).id, maria.id, ["sms"])
    with pytest.raises(Killed):
        sending.send_due(replace(place, reach=die))
    settled = [goes_by(place, twilio, minutes=1) for _ in range(15)]
    assert sum(settled) == 1
    assert states(place) == [("sent", "sent")]
    assert len(twilio.sent_to(MARIA)) == 1


def test_c03_a_worker_that_stood_still_hands_nothing_over_after_its_time(
    asked: Asked, twilio: TwilioPeer
) -> None:
    place, world, workspace, manager, maria = asked
    assert isinstance(place.clock, Clock)
    clock = place.clock

    def stand_still(name: str) -> None:
        if name == "attempting":
            clock.advance(minutes=9, seconds=1)

    asking.ask(place, manager, world.survey(workspace).id, maria.id, ["sms"])
    assert sending.send_due(replace(place, reach=stand_still)) == 0
    assert twilio.sent == []
    assert states(place) == [("queued", "queued")], "it has surely not left, so it goes again"
    assert timedelta(minutes=9, seconds=1) < SURE_AFTER


def test_a_kill_between_asking_and_settling_changes_nothing(asked: Asked, twilio: TwilioPeer) -> None:
    place = asked[0]

    class Killed(BaseException):
        """As kill -9 leaves it."""

    def die(name: str) -> None:
        if name == "traced":
            raise Killed

    twilio.hangs()
    ask(*asked)
    place.clock.advance(minutes=3)  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        tracing.ask_providers(replace(place, reach=die))
    assert states(place) == [("unknown", "unknown")]
    assert tracing.ask_providers(place) == 1


def test_a_list_that_cannot_be_had_leaves_everything_as_it_is(asked: Asked, twilio: TwilioPeer) -> None:
    place = asked[0]
    twilio.cuts(taken=False)
    ask(*asked)
    twilio.fail_next(20503, 503, times=3, on="list")
    assert [goes_by(place, twilio, minutes=20) for _ in range(3)] == [0, 0, 0]
    assert states(place) == [("unknown", "unknown")], "no answer is not: not there"
    assert [goes_by(place, twilio, minutes=20) for _ in range(2)] == [0, 1]
    assert len(twilio.sent_to(MARIA)) == 1


def test_what_may_not_leave_any_more_does_not_go_again(asked: Asked, twilio: TwilioPeer) -> None:
    """Put back, it passes every check again: who opted out meanwhile gets nothing."""
    place, world, workspace, _, maria = asked
    twilio.cuts(taken=False)
    ask(*asked)
    goes_by(place, twilio, minutes=3)
    world.add(
        OptOut(
            id=new_id(), workspace_id=workspace.id, contact_id=maria.id, address_key=maria.phone_key,
            kind="own_wish", origin="person", created_at=place.clock(),
        )
    )  # fmt: skip
    goes_by(place, twilio, minutes=10)
    assert twilio.sent == []
    assert states(place) == [("skipped", "cancelled")]


def test_a_status_that_comes_first_leaves_nothing_to_ask(asked: Asked, twilio: TwilioPeer) -> None:
    place = asked[0]
    twilio.hangs()
    ask(*asked)
    with place.db.write() as session:
        session.execute(update(Message).values(state="delivered"))
    assert goes_by(place, twilio, minutes=3) == 0


def test_while_another_text_to_them_is_under_way_nothing_is_decided(asked: Asked, twilio: TwilioPeer) -> None:
    place, world, workspace, _, _ = asked
    twilio.cuts(taken=False)
    ask(*asked)
    goes_by(place, twilio, minutes=3)
    with place.db.read() as session:
        doubt = session.scalars(select(Message)).one()
    world.add(
        Message(
            id=new_id(), workspace_id=workspace.id, sender_id=doubt.sender_id, purpose="dialogue", priority=0,
            channel="sms", to_address=MARIA, locale="pt-BR", body="Anotado.", state="attempting", tries=1,
            due_at=place.clock(), created_at=place.clock(), lease_until=place.clock() + ATTEMPT_LEASE,
        )
    )  # fmt: skip
    assert goes_by(place, twilio, minutes=9.5) == 0


def test_an_agents_reply_that_twilio_had_taken_stops_the_clock_of_first_contact(
    asked: Asked, twilio: TwilioPeer, world: World
) -> None:
    place, _, workspace, _, _ = asked
    ask(*asked)
    with place.db.write() as session:
        said = Event(OURS, "SM" + "9" * 32, Kind.TEXT, MARIA, text="2")
        assert inbound.keep(session, "sms", said, place.clock())
    inbound.handle_new(place)
    sending.send_due(place)
    camila = world.member(workspace, Role.AGENT)
    with place.db.read() as session:
        followup_id = session.scalars(select(FollowUp.id)).one()
    place.clock.advance(seconds=30)  # type: ignore[attr-defined]
    followups.reply(place, camila, followup_id, "Maria, posso ligar?")
    twilio.hangs()
    sending.send_due(place)
    assert contacted(place) is None
    assert goes_by(place, twilio, minutes=3) == 1
    assert contacted(place) is not None


def contacted(place: Runtime) -> object:
    with place.db.read() as session:
        return session.scalars(select(FollowUp.first_contact_at)).one()


def test_it_is_looked_for_often_enough_to_be_settled_in_a_quarter_of_an_hour() -> None:
    (job,) = [each for each in TIMETABLE if each.name == "trace_unknown"]
    assert job.every_seconds <= 60
    assert SURE_AFTER.total_seconds() <= 13 * 60


def test_for_somebody_who_was_erased_nobody_is_asked(asked: Asked, twilio: TwilioPeer) -> None:
    """Their address is gone, and a list without one would be everybody's."""
    place = asked[0]
    twilio.cuts(taken=False)
    ask(*asked)
    twilio.receives("+5531988884419", OURS, "oi", deliver=False)
    with place.db.write() as session:
        session.execute(update(Message).values(to_address="", address_key=None))
    assert [goes_by(place, twilio, minutes=20) for _ in range(3)] == [0, 0, 0]
    assert states(place) == [("unknown", "unknown")]


# C34


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, '{"code": 20003, "message": "no"}'),
        Reply(201, "<html>welcome</html>"),
        Reply(200, b" "),
        Reply(201, '{"sid": "SM' + "1" * 32 + '"}'),
    ],
    ids=["an error", "a page", "nothing", "a known id"],
)
def test_c34_a_yes_that_says_nothing_is_unknown_and_is_not_sent_again(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact, reply: Reply
) -> None:
    joao = world.contact(workspace, name="João", phone=JOAO, email=None)
    with scripted() as server:
        place = over(runtime, Account("AC" + "5a" * 16, "9d1f6c0b7e2a4835", sms=OURS, url=server.url))
        server.every = Reply(201, {"sid": "SM" + "1" * 32})
        ask(place, world, workspace, manager, joao)
        server.every = reply
        ask(place, world, workspace, manager, maria)
        assert states(place) == [("sent", "sent"), ("unknown", "unknown")]
        sending.send_due(place)
        assert len(server.created) == 2
        place.channels["sms"].close()
