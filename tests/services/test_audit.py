"""The audit: every deed once, in a chain that shows what was altered or taken away (I10, N06–N08)."""

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy import event as happenings

from app.db import BEFORE, when
from app.domain.access import Role
from app.models import AuditChain, AuditRow, Contact, Workspace
from app.runtime import Runtime
from app.services import (
    api_keys,
    audit,
    audit_log,
    backup,
    contacts,
    erasure,
    followups,
    journal_replay,
    members,
    opt_outs,
    resuming,
    surveys,
    switch,
)
from app.services.access import Visitor
from tests.services.loop import opened
from tests.world import World

ANA = {"name": "Ana Zibelina", "email": "ana@zibelina.example"}


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


def deeds(runtime: Runtime, who: Visitor, **which: Any) -> list[str]:
    return [each.action for each in audit_log.log(runtime, who, **which).page.items]


def breaks(runtime: Runtime) -> tuple[str, ...]:
    return audit_log.check(runtime).breaks


def test_each_deed_is_there_once_with_who_did_it(runtime: Runtime, world: World, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    contacts.edit(runtime, bea, id, {"phone": "+5531988884417"})
    opt_outs.opt_out(runtime, bea, id, "console")
    opt_outs.opt_in(runtime, bea, id, "said so")
    api_keys.create(runtime, bea, "CRM", None)
    assert deeds(runtime, bea) == [
        "key.created", "contact.opted_in", "contact.opted_out", "contact.edited", "contact.created",
    ]  # fmt: skip
    edited = audit_log.log(runtime, bea, kind="contact").page.items[2]
    assert (edited.actor, edited.subject, edited.facts) == (bea.name, "Ana Zibelina", (("fields", "phone"),))
    assert deeds(runtime, bea, actor_id="nobody") == []
    assert breaks(runtime) == ()


def test_another_workspace_sees_nothing_of_it(runtime: Runtime, world: World, bea: Visitor):
    contacts.create(runtime, bea, ANA)
    assert deeds(runtime, world.member(world.workspace(), Role.OWNER)) == []


def test_what_changed_nothing_leaves_no_trace(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    contacts.set_active(runtime, bea, id, True)
    with pytest.raises(Exception, match="name"):
        contacts.edit(runtime, bea, id, {"name": "", "email": None})
    assert deeds(runtime, bea) == ["contact.created"]


def test_the_log_tells_no_address_and_no_words(runtime: Runtime, world: World, bea: Visitor):
    id = contacts.create(runtime, bea, ANA | {"phone": "+5531988884417"})
    with runtime.db.read() as session:
        person = session.get_one(Contact, id)
    followup = opened(world, _workspace(runtime, bea), 3, contact=person, comment="segredo")
    followups.note(runtime, bea, followup, "segredo")
    opt_outs.opt_out(runtime, bea, id, "console")
    opt_outs.opt_in(runtime, bea, id, "segredo")
    with runtime.db.read() as session:
        stored = str(session.execute(text("SELECT * FROM audit_rows")).all())
    assert not any(words in stored for words in ("ibelina", "98888", "segredo"))


def _workspace(runtime: Runtime, who: Visitor) -> Workspace:
    with runtime.db.read() as session:
        return session.get_one(Workspace, who.workspace_id)


def test_n07_what_cannot_be_noted_does_not_happen(runtime: Runtime, bea: Visitor):
    with runtime.db.write() as session:
        session.execute(text("ALTER TABLE audit_rows RENAME TO elsewhere"))
    try:
        with pytest.raises(Exception, match="audit_rows"):
            contacts.create(runtime, bea, ANA)
        assert contacts.find(runtime, bea).items == ()
    finally:
        with runtime.db.write() as session:
            session.execute(text("ALTER TABLE elsewhere RENAME TO audit_rows"))


@pytest.mark.parametrize(
    ("tampering", "says"),
    [
        (
            update(AuditRow).where(AuditRow.number == 2).values(action="contact.looked_at"),
            "row 2 was altered",
        ),
        (
            update(AuditRow).where(AuditRow.number == 2).values(payload={"fields": []}),
            "payload that was alter",
        ),
        (update(AuditRow).where(AuditRow.number == 2).values(salt=None), "does not belong"),
        (delete(AuditRow).where(AuditRow.number == 2), "row 2 is missing"),
        (delete(AuditRow).where(AuditRow.number == 4), "rows are missing"),
        (delete(AuditRow).where(AuditRow.number == 1), "row 1 is missing"),
        (delete(AuditChain), "its end is missing"),
    ],
)
def test_n06_what_was_altered_or_taken_away_shows(runtime: Runtime, bea: Visitor, tampering: Any, says: str):
    id = contacts.create(runtime, bea, ANA)
    for phone in ("+5531988884417", "+5531988884418", "+5531988884419"):
        contacts.edit(runtime, bea, id, {"phone": phone})
    assert breaks(runtime) == ()
    with runtime.db.write() as session:
        session.execute(tampering)
    assert says in "\n".join(breaks(runtime))


def test_n06_a_chain_that_was_cut_with_its_end_differs_from_the_journal(runtime: Runtime, bea: Visitor):
    ids = [contacts.create(runtime, bea, {"name": name}) for name in "abc"]
    journal_replay.keep(runtime)
    assert audit_log.check(runtime).compared == 1
    with runtime.db.write() as session:
        session.execute(delete(AuditRow).where(AuditRow.number == 3))
        last = session.scalars(select(AuditRow).where(AuditRow.number == 2)).one()
        session.execute(update(AuditChain).values(length=2, hash=last.hash))
    assert "journal" in breaks(runtime)[0]
    contacts.edit(runtime, bea, ids[0], {"name": "d"})
    assert "journal" in breaks(runtime)[0], "another third row does not hide it"


def test_a_long_chain_is_followed_in_short_readings(
    runtime: Runtime, bea: Visitor, monkeypatch: pytest.MonkeyPatch
):
    """None of them lasts longer for a longer chain, and what is noted on the way breaks nothing."""
    monkeypatch.setattr(audit_log, "AT_ONCE", 50)
    with runtime.db.write() as session:
        for number in range(600):
            audit.note(session, bea, runtime.clock(), "contact.edited", str(number))
    readings: list[int] = []

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("reading"):
            readings.append(0)
            if len(readings) == 8:  # some pages into the chain
                contacts.create(runtime, bea, ANA)

    def count(connection: Connection, *_: object) -> None:
        if connection.get_execution_options().get("reading"):
            readings[-1] += 1

    happenings.listen(runtime.db.engine, "begin", begin)
    happenings.listen(runtime.db.engine, "before_cursor_execute", count)
    try:
        found = audit_log.check(runtime)
    finally:
        happenings.remove(runtime.db.engine, "begin", begin)
        happenings.remove(runtime.db.engine, "before_cursor_execute", count)
    assert (found.breaks, found.rows) == ((), 601)
    assert len(readings) > 600 / 50
    assert max(readings) < 6


def test_a_row_beyond_the_end_shows(runtime: Runtime, bea: Visitor):
    for name in "abc":
        contacts.create(runtime, bea, {"name": name})
    with runtime.db.write() as session:
        second = session.scalars(select(AuditRow).where(AuditRow.number == 2)).one()
        session.execute(update(AuditChain).values(length=2, hash=second.hash))
    assert "ends at row 3, of 2" in breaks(runtime)[0]


def test_an_honest_restore_breaks_no_chain(runtime: Runtime, bea: Visitor, tmp_path: Path):
    contacts.create(runtime, bea, {"name": "a"})
    backup.backup(runtime, tmp_path / "copy")
    contacts.create(runtime, bea, {"name": "b"})
    journal_replay.keep(runtime)
    backup.restore(runtime, tmp_path / "copy", force=True)
    contacts.create(runtime, bea, {"name": "c"})
    journal_replay.keep(runtime)
    found = audit_log.check(runtime)
    assert (found.breaks, found.compared) == ((), 2)


def test_what_was_noted_of_an_erased_person_goes_and_the_chain_holds(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    contacts.edit(runtime, bea, id, {"attributes": {"zibelina": 1}})
    erasure.erase(runtime, bea, id)
    with runtime.db.read() as session:
        earlier = select(AuditRow.payload, AuditRow.salt).where(
            AuditRow.subject_id == id, AuditRow.number < 3
        )
        assert session.execute(earlier).all() == [(None, None), (None, None)]
    assert breaks(runtime) == ()
    assert deeds(runtime, bea)[0] == "contact.erased"


def test_n08_no_line_can_be_forged_with_what_somebody_types(runtime: Runtime, bea: Visitor):
    with runtime.db.write() as session:
        audit.note(session, bea, runtime.clock(), "key.created", None, name="a\r\nb\x1b[31m\0c")
    (deed,) = audit_log.log(runtime, bea).page.items
    assert deed.facts == (("name", r"a\r\nb\x1b[31m\x00c"),)


@pytest.mark.on_both
def test_deeds_at_once_make_one_chain(runtime: Runtime, bea: Visitor):
    def act(number: int) -> None:
        for each in range(5):
            contacts.create(runtime, bea, {"name": f"{number} {each}"})

    threads = [threading.Thread(target=act, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert breaks(runtime) == ()
    with runtime.db.read() as session:
        assert list(session.scalars(select(AuditRow.number).order_by(AuditRow.number))) == list(range(1, 21))


def test_a_deed_that_is_taken_back_leaves_no_gap(runtime: Runtime, bea: Visitor):
    def dies(_: Any) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError), runtime.db.write() as session:
        audit.note(session, bea, runtime.clock(), "key.created", None)
        when(session, BEFORE, dies)
    contacts.create(runtime, bea, ANA)
    assert breaks(runtime) == ()


def test_commands_and_accounts_are_noted_where_they_belong(runtime: Runtime, world: World, bea: Visitor):
    switch.pause(runtime, "by command")
    resuming.resume(runtime)
    survey = surveys.create(runtime, bea, "NPS", "nps")
    members.invite(runtime, bea, "new@aroeira.example", "viewer")
    assert deeds(runtime, bea) == ["member.invited", "survey.created"]
    assert audit_log.log(runtime, bea).page.items[1].subject_id == survey
    with runtime.db.read() as session:
        of_all = select(AuditRow.action).where(AuditRow.chain == audit.INSTALLATION).order_by(AuditRow.number)
        assert list(session.scalars(of_all)) == ["sending.paused", "sending.resumed"]
