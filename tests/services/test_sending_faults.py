"""What goes wrong while mail leaves, and what must come of it (C01, C03, C04, C20, C28)."""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.channels.email import Email
from app.channels.registry import open_channels
from app.channels.smtp_connection import Patience, Server
from app.db import changed
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Attempt, Contact, Invitation, Message, OptOut, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import asking, contacts, departing, opt_outs, sending, settling, unsubscribing
from app.services.access import Visitor
from app.services.arrival import Given, record
from tests.pulse_world import open_pulse
from tests.scripted_smtp import SILENT, ScriptedServer, scripted
from tests.smtp import SmtpSink
from tests.world import Clock, World, token_of

FROM = "pergunta@aroeira.example"


def over(runtime: Runtime, server: ScriptedServer, patience: Patience | None = None) -> Runtime:
    """The same installation with this mail server."""
    config = replace(runtime.config, smtp_url=f"smtp://127.0.0.1:{server.port}", mail_from=FROM)
    channel = Email(Server("127.0.0.1", server.port), patience=patience)
    return replace(runtime, config=config, channels={"email": channel})


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


@pytest.fixture
def people(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, manager: Visitor
) -> list[Contact]:
    """Three, who are being asked."""
    found = [world.contact(workspace) for _ in range(3)]
    for each in found:
        asking.ask(runtime, manager, survey.id, each.id)
    return found


def states(runtime: Runtime) -> list[tuple[str, str]]:
    """Each invitation's state with its message's."""
    with runtime.db.read() as session:
        query = select(Invitation.state, Message.state).join(Message, Message.invitation_id == Invitation.id)
        return sorted((asked, message) for asked, message in session.execute(query))


def leave_alone(runtime: Runtime, clock: Clock, **time: float) -> None:
    """Some time goes by with everything that a worker does besides sending."""
    clock.advance(**time)
    settling.end_leases(runtime)
    settling.presume_sent(runtime)


def test_c04_a_server_that_takes_the_mail_and_never_says_so_gets_it_once(
    runtime: Runtime, people: list[Contact], clock: Clock
) -> None:
    """The one that was under way is unknown and stays so; the rest of the group was not tried."""
    with scripted({".": SILENT}, {}) as server:
        impatient = over(runtime, server, Patience(reply=5, final_dot=0.3))
        assert sending.send_due(impatient) == 0
        assert states(runtime) == [("queued", "queued")] * 2 + [("unknown", "unknown")]
        leave_alone(runtime, clock, minutes=11)
        assert sending.send_due(impatient) == 2
        for _ in range(3):
            leave_alone(runtime, clock, hours=25)
            assert sending.send_due(impatient) == 0
        taken = [re.findall(rb"To: .*?<(.+?)>", each)[0] for each in server.accepted]
    assert sorted(taken) == sorted(str(each.email).encode() for each in people)
    assert states(runtime) == [("sent", "sent")] * 3
    with runtime.db.read() as session:
        assert session.scalars(select(Invitation.reason).where(Invitation.reason.is_not(None))).all() == [
            "presumed"
        ]
        assert (
            len(session.scalars(select(Attempt)).all()) == 5
        )  # two of them written before they were not tried


@pytest.mark.parametrize("evidence", ["an answer", "an opt-out"])
def test_c03_whoever_uses_a_link_settles_what_nobody_heard(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, clock: Clock, evidence: str
) -> None:
    asked = world.invitation(workspace, survey, world.contact(workspace), state="unknown", sent_at=None)
    attempted = clock.now
    with runtime.db.write() as session:
        message = session.scalars(select(Message)).one()
        message.state, message.sent_at, message.lease_until = "unknown", None, clock.now
        session.add(Attempt(id=new_id(), message_id=message.id, number=1, started_at=attempted))
    clock.advance(hours=3)
    if evidence == "an answer":
        record(runtime, token_of(asked), Given(score="9"))
    else:
        unsubscribing.unsubscribe(runtime, token_of(asked, "unsubscribe"), one_click=True)
    state = "answered" if evidence == "an answer" else "delivered"
    assert states(runtime) == [(state, "delivered")]
    with runtime.db.read() as session:
        assert session.scalars(select(Invitation.sent_at)).one() == attempted
    leave_alone(runtime, clock, hours=25)
    assert states(runtime) == [(state, "delivered")]


def test_c03_a_worker_that_was_slow_says_that_its_mail_was_refused(
    runtime: Runtime, people: list[Contact], clock: Clock
) -> None:
    """It is known not to have left: it is tried again, and never presumed to have arrived."""

    def slow(name: str) -> None:
        if name == "handed_over":
            leave_alone(runtime, clock, minutes=20)

    with scripted({"RCPT": "452 4.2.2 Mailbox full"}) as server:
        sending.send_due(replace(over(runtime, server), reach=slow))
        assert states(runtime) == [("queued", "queued")] * 3
    clock.advance(hours=1)
    with scripted() as server:
        assert sending.send_due(over(runtime, server)) == 3
    assert states(runtime) == [("sent", "sent")] * 3


@pytest.mark.on_both
def test_c01_a_claim_is_given_to_nobody_else_while_its_attempt_is_written(
    runtime: Runtime, people: list[Contact], clock: Clock
) -> None:
    """A worker may stall between looking and writing, for longer than its lease."""
    with runtime.db.write() as session:
        until = clock.now + timedelta(seconds=4)
        held = update(Message).values(state="claimed", lease_token="mine", lease_until=until)
        assert changed(session, held) == 3
    other = threading.Thread(target=settling.end_leases, args=[runtime])
    with runtime.db.write() as session:
        assert len(departing.load(session, "mine", clock.now, 10)) == 3
        clock.advance(seconds=10)
        other.start()
        time.sleep(0.3)
        mine = update(Message).where(Message.lease_token == "mine", Message.state == "claimed")
        assert changed(session, mine.values(state="attempting")) == 3
    other.join(10)
    assert [message for _, message in states(runtime)] == ["unknown"] * 3


def saying_no(runtime: Runtime, manager: Visitor, person: Contact, how: str) -> None:
    if how == "opts out":
        opt_outs.opt_out(runtime, manager, person.id, "console")
    elif how == "is put away":
        contacts.set_active(runtime, manager, person.id, False)
    else:
        with runtime.db.write() as session:  # said to another message at the same address
            session.add(
                OptOut(
                    id=new_id(), workspace_id=manager.workspace_id, address_key=person.email_key,
                    kind="own_wish", origin="one_click", created_at=runtime.clock(),
                )
            )  # fmt: skip


@pytest.mark.parametrize("how", ["opts out", "is put away", "opts out by address"])
def test_c20_whoever_says_no_after_the_claim_gets_nothing(
    runtime: Runtime, people: list[Contact], manager: Visitor, smtp_server: SmtpSink, how: str
) -> None:
    """I4: looked at once more in the transaction that writes the attempt."""

    def meanwhile(name: str) -> None:
        if name == "claimed":
            saying_no(runtime, manager, people[1], how)

    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from=FROM)
    real = replace(runtime, config=config, channels=open_channels(config), reach=meanwhile)
    assert sending.send_due(real) == 2
    assert people[1].email not in {each.recipient for each in smtp_server.messages}
    reason = "inactive" if how == "is put away" else "opted_out"
    with runtime.db.read() as session:
        refused = select(Invitation.state, Invitation.reason).where(Invitation.contact_id == people[1].id)
        assert session.execute(refused).all() == [("skipped", reason)]


@pytest.fixture
def every_ask(runtime: Runtime, world: World, smtp_server: SmtpSink) -> Iterator[SmtpSink]:
    """Each kind of mail that asks, sent by a worker: three surveys in three languages, a pulse's reminder."""
    config = replace(
        runtime.config, smtp_url=smtp_server.url, mail_from=FROM, public_url="https://retorno.example"
    )
    real = replace(runtime, config=config, channels=open_channels(config))
    for metric in (Metric.NPS, Metric.CSAT, Metric.CES):
        workspace = world.workspace()
        manager = world.member(workspace, Role.MANAGER)
        survey = world.survey(workspace, metric)
        for locale in ("pt-BR", "en", "es"):
            asking.ask(real, manager, survey.id, world.contact(workspace, locale=locale).id)
    pulse = open_pulse(world)
    with runtime.db.write() as session:
        again = update(Message).where(Message.workspace_id == pulse.workspace.id)
        assert changed(session, again.values(state="queued", purpose="reminder")) == 6
    assert sending.send_due(real) == 15
    yield smtp_server


def test_c28_every_mail_that_asks_carries_one_click_and_a_link_in_both_parts(every_ask: SmtpSink) -> None:
    """RFC 8058, 2 and 3.1: one header with an https address, the other to the letter."""
    for arrived in every_ask.messages:
        mail = arrived.mail
        (listed,) = mail.get_all("List-Unsubscribe")
        (post,) = mail.get_all("List-Unsubscribe-Post")
        assert post == "List-Unsubscribe=One-Click"
        address = re.fullmatch(r"<(https://retorno\.example/u/[a-z2-7]{26})>", listed)
        assert address
        assert address[1] in arrived.text
        assert f'href="{address[1]}"' in arrived.html
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
        assert len(arrived.raw) < 102_000


def test_c28_each_of_these_addresses_ends_it_by_one_post_and_nothing_else_does(
    every_ask: SmtpSink, runtime: Runtime
) -> None:
    tokens = [
        each.mail["List-Unsubscribe"].removeprefix("<https://retorno.example/u/").removesuffix(">")
        for each in every_ask.messages
    ]
    assert len(set(tokens)) == 15
    for token in tokens:
        unsubscribing.look(runtime, token)
    with runtime.db.read() as session:
        assert session.scalars(select(OptOut)).all() == []
    for token in tokens:
        unsubscribing.unsubscribe(runtime, token, one_click=True)
    with runtime.db.read() as session:
        stopped = set(session.scalars(select(OptOut.contact_id).where(OptOut.contact_id.is_not(None))))
        assert stopped == set(session.scalars(select(Message.contact_id)))
