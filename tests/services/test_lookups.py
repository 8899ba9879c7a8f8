"""What one person costs does not grow with all the others: each statement finds its rows by an index."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import event, select

from app.channels.sandbox import Sandbox
from app.db import Statement
from app.domain.access import Role
from app.errors import Invalid
from app.models import Contact, FollowUp, Workspace
from app.runtime import Runtime
from app.services import asking, complaints, followups, opt_outs, reminding, sending
from app.services.access import Visitor
from app.services.complained_about import Named
from app.services.complaints import Told
from bots import handle
from tests.services.chat_person import Person
from tests.world import Clock, World

LARGE = ("messages", "invitations", "contacts", "answers", "attempts", "tokens", "followups", "m", "i", "c")
PHONE = "+5531988884417"
pytestmark = pytest.mark.judged_on("sqlite")  # the plans are told in its words


@dataclass
class Asked:
    """Every statement that the service runs meanwhile, with its values."""

    runtime: Runtime
    statements: dict[str, Any] = field(default_factory=dict)

    def looks(self, table: str) -> list[str]:
        """How SQLite would look into this table for each of them."""
        found = []
        with self.runtime.db.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            for words, values in self.statements.items():
                plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {words}", values)]
                found += [line for line in plan if table in line.split()]
        return found

    def scans(self) -> list[str]:
        """Those that read a whole large table, as SQLite plans them."""
        found = []
        with self.runtime.db.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            for words, values in self.statements.items():
                plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {words}", values)]
                whole = [line for line in plan if line.startswith("SCAN ") and line.split()[1] in LARGE]
                found += [f"{line}: {words}" for line in whole]
        return found


@pytest.fixture
def asked(chats: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    seen = Asked(chats)
    on_sqlite, many = Statement.on_sqlite, Statement.run_many

    def run(statement: Statement, raw: Any, values: Mapping[str, Any]) -> Any:
        seen.statements[statement._sqlite] = dict.fromkeys(values)
        return on_sqlite(statement, raw, values)

    def run_many(statement: Statement, session: Any, rows: Any) -> None:
        for row in rows:
            seen.statements[statement._sqlite] = dict.fromkeys(row)
        many(statement, session, rows)

    monkeypatch.setattr(Statement, "on_sqlite", run)
    monkeypatch.setattr(Statement, "run_many", run_many)

    def note(_conn: Any, _cursor: Any, words: str, values: Any, _context: Any, is_many: bool) -> None:
        if words.lstrip().startswith(("SELECT", "UPDATE", "WITH", "DELETE")):
            seen.statements[words] = values[0] if is_many else values

    event.listen(chats.db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(chats.db.engine, "before_cursor_execute", note)


@pytest.fixture
def chats(runtime: Runtime) -> Runtime:
    pretend = Sandbox()
    return replace(runtime, channels=dict.fromkeys(("email", "sms", "telegram"), pretend), inbound=handle)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(daily_cap=2, weekly_cap=5)


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria", phone=PHONE, telegram_chat_id="77")


@pytest.mark.parametrize("channel", ["sms", "telegram"])
def test_nobody_who_writes_in_a_chat_makes_us_read_what_all_the_others_were_sent(
    chats: Runtime, world: World, workspace: Workspace, camila: Visitor, maria: Contact, asked: Asked,
    channel: str,
) -> None:  # fmt: skip
    asking.ask(chats, camila, world.survey(workspace).id, maria.id, [channel])
    sending.send_due(chats)
    person = Person(chats, channel, {"sms": PHONE, "telegram": "77"}[channel])
    asked.statements.clear()
    person.sends("2")
    person.sends("atrasou de novo")
    scans = asked.scans()
    with chats.db.read() as session:
        followup = session.scalars(select(FollowUp.id)).one()
    asked.statements.clear()
    followups.reply(chats, camila, followup, "Maria, sou a Camila. Posso ligar?")
    sending.send_urgent(chats)
    person.sends("Pode sim")
    person.sends("SAIR")
    assert scans + asked.scans() == []
    assert len(asked.statements) > 30
    assert len(person.heard) >= 3


@pytest.mark.parametrize("channel", ["email", "sms", "telegram"])
def test_nobody_who_is_asked_and_reminded_makes_us_read_what_all_the_others_were_sent(
    chats: Runtime, world: World, workspace: Workspace, camila: Visitor, maria: Contact, asked: Asked,
    clock: Clock, channel: str,
) -> None:  # fmt: skip
    asked.statements.clear()
    asking.ask(chats, camila, world.survey(workspace).id, maria.id, [channel])
    assert sending.send_due(chats) == 1
    clock.advance(days=4)
    assert reminding.remind(chats) == 1
    assert sending.send_due(chats) == 1
    assert len(asked.statements) > 20
    assert asked.scans() == []


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_complaint_makes_us_read_nobody_elses_messages(
    chats: Runtime, world: World, workspace: Workspace, camila: Visitor, maria: Contact, asked: Asked,
    channel: str,
) -> None:  # fmt: skip
    asking.ask(chats, camila, world.survey(workspace).id, maria.id, [channel])
    assert sending.send_due(chats) == 1
    asked.statements.clear()
    told = Told(Named(channel, address=maria.address_on(channel) or ""), "api")
    assert complaints.record(chats, camila, told)[1]
    with pytest.raises(Invalid):
        complaints.record(chats, camila, Told(Named(channel, provider_id="x"), "api"))
    assert len(asked.statements) > 8
    assert asked.scans() == []


def test_an_address_that_bounces_makes_us_read_no_other_one(
    chats: Runtime, workspace: Workspace, asked: Asked, clock: Clock
) -> None:
    for key in ("one", "another"):
        asked.statements.clear()
        with chats.db.write() as session:
            opt_outs.record(
                session, workspace.id, None, (key,), kind="bounce", origin="provider", now=clock()
            )
    looks = asked.looks("opt_outs")
    assert looks
    assert all("address_key=" in line for line in looks), looks
