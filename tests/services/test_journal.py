"""The journal outside the database: after any crash and an older backup, who said no is not asked (M08)."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select
from sqlalchemy import event as happenings
from sqlalchemy.orm import Session

from app.db import LAST, when
from app.domain.access import Role
from app.journal import Journal
from app.models import Contact, OptOut, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    address_keys,
    backup,
    contact_imports,
    contacts,
    doctor,
    erasure,
    journal,
    journal_replay,
    opt_outs,
    switch,
)
from app.services.access import Visitor
from tests.world import World

ANA = {"name": "Ana Zibelina", "email": "ana@zibelina.example", "phone": "+5531988884417"}


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.MANAGER)


def lines(runtime: Runtime) -> list[dict[str, Any]]:
    found = []
    for path in sorted(runtime.config.journal_dir.glob("*.jsonl")):
        found += [json.loads(each) for each in path.read_text().splitlines()]
    return [each for each in found if each["what"] != "audit_end"]


def state(runtime: Runtime) -> list[tuple[object, ...]]:
    """What the table says: which opt-outs stand, and who is forgotten."""
    with runtime.db.read() as session:
        outs = session.execute(select(OptOut.id, OptOut.address_key, OptOut.kind, OptOut.lifted_at)).all()
        gone = session.execute(select(Contact.id, Contact.erased_at)).all()
    return sorted(map(str, (tuple(row) for row in (*outs, *gone))))


def is_out(runtime: Runtime, who: Visitor, id: str) -> bool:
    return contacts.detail(runtime, who, id).is_opted_out


@pytest.mark.on_both
def test_m08_an_older_copy_is_brought_up_to_date_before_anything_is_sent(
    runtime: Runtime, bea: Visitor, tmp_path: Path, database_url: str
):
    leaves, stays, back, goes = (
        contacts.create(runtime, bea, {"name": name, "email": f"{name}@zibelina.example"})
        for name in ("leaves", "stays", "back", "zulmira")
    )
    opt_outs.opt_out(runtime, bea, back, "console")
    backup.backup(runtime, tmp_path / "copy")
    opt_outs.opt_out(runtime, bea, leaves, "console")
    opt_outs.opt_in(runtime, bea, back, "she said so on the phone")
    erasure.erase(runtime, bea, goes)
    found = backup.restore(runtime, tmp_path / "copy", force=True)
    assert (found.journal.found, found.journal.liftings, found.journal.erasures) == (True, 1, 1)
    assert [is_out(runtime, bea, each) for each in (leaves, stays, back)] == [True, False, False]
    assert switch.status(runtime)
    again = contacts.create(runtime, bea, {"name": "Z", "email": "zulmira@zibelina.example"})
    assert is_out(runtime, bea, again), "who was erased is not asked under the same address"
    if runtime.db.is_sqlite:
        opt_outs.opt_in(runtime, bea, again, "z")
        erasure.erase(runtime, bea, again)
        file = Path(database_url.removeprefix("sqlite:///"))
        assert not any(b"zulmira" in each.read_bytes() for each in file.parent.glob(f"{file.name}*"))


def test_who_came_after_the_copy_is_not_asked_when_they_come_again(
    runtime: Runtime, bea: Visitor, tmp_path: Path
):
    backup.backup(runtime, tmp_path / "copy")
    opt_outs.opt_out(runtime, bea, contacts.create(runtime, bea, ANA), "console")
    backup.restore(runtime, tmp_path / "copy", force=True)
    assert is_out(runtime, bea, contacts.create(runtime, bea, ANA))


def test_a_copy_without_its_journal_says_so(runtime: Runtime, bea: Visitor, tmp_path: Path):
    opt_outs.opt_out(runtime, bea, contacts.create(runtime, bea, ANA), "console")
    backup.backup(runtime, tmp_path / "copy")
    elsewhere = replace(runtime, db=replace(runtime.db, journal=Journal(tmp_path / "nothing-here")))
    found = backup.restore(elsewhere, tmp_path / "copy", force=True)
    assert not found.journal.found


def test_the_journal_tells_no_address_and_no_words(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    opt_outs.opt_out(runtime, bea, id, "console")
    opt_outs.opt_in(runtime, bea, id, "Ana Zibelina wrote")
    erasure.erase(runtime, bea, id)
    text = json.dumps(lines(runtime)).lower()
    assert {"opt_out", "lifted", "erased"} == {each["what"] for each in lines(runtime)}
    assert not any(words in text for words in ("zibelina", "98888", "wrote"))


def test_an_opt_out_of_a_file_is_in_the_journal_as_it_is_committed(runtime: Runtime, bea: Visitor):
    file = io.BytesIO(b"nome;e-mail;optout\nAna;ana@zibelina.example;yes\nBia;b@zibelina.example;\n")
    contact_imports.run(runtime, bea, "a.csv", file, lawful_basis="consent", source="feira")
    with runtime.db.read() as session:
        (row,) = session.scalars(select(OptOut)).all()
    (line,) = lines(runtime)
    assert (line["what"], line["id"], line["contact"]) == ("opt_out", row.id, row.contact_id)
    assert (line["address"], line["origin"], line["channel"]) == (row.address_key, "import", None)
    assert journal_replay.keep(runtime) == 0, "nothing is left for the job"


def _dies(_: Session) -> None:
    raise RuntimeError("the machine stops")


@pytest.mark.parametrize("act", ["opt_out", "erase"])
def test_what_a_crash_leaves_in_doubt_is_done(runtime: Runtime, bea: Visitor, act: str):
    id = contacts.create(runtime, bea, ANA)
    with pytest.raises(RuntimeError), runtime.db.write() as session:
        contact = session.get_one(Contact, id)
        if act == "opt_out":
            given = {"kind": "own_wish", "origin": "console", "now": runtime.clock()}
            opt_outs.record(session, bea.workspace_id, id, [contact.email_key], **given)
        else:
            erasure.forget(session, contact, runtime.clock(), asked_at=runtime.clock())
        when(session, LAST, _dies)  # between the line and the commit
    with runtime.db.read() as session:
        assert session.scalars(select(OptOut)).all() == []
    assert journal_replay.keep(runtime) > 0
    with runtime.db.read() as session:
        assert session.scalars(select(OptOut)).all() != []
        assert (session.get_one(Contact, id).erased_at is not None) == (act == "erase")
    assert journal_replay.keep(runtime) == 0


def test_an_opt_in_that_a_crash_kept_from_the_journal_is_written_later(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    opt_outs.opt_out(runtime, bea, id, "console")
    dead = replace(runtime, db=replace(runtime.db, journal=None))
    opt_outs.opt_in(dead, bea, id, "on the phone")
    assert journal_replay.keep(runtime) == 2, "one row for each address"
    assert [each["what"] for each in lines(runtime)].count("lifted") == 2
    assert not is_out(runtime, bea, id)


def test_what_was_there_before_the_journal_is_written_into_it(runtime: Runtime, bea: Visitor):
    without = replace(runtime, db=replace(runtime.db, journal=None))
    id = contacts.create(without, bea, ANA)
    opt_outs.opt_out(without, bea, id, "console")
    erasure.erase(without, bea, contacts.create(without, bea, {"name": "Zoe"}))
    assert lines(runtime) == []
    journal_replay.keep(runtime)
    assert sorted(each["what"] for each in lines(runtime)) == ["erased", "opt_out", "opt_out"]


def test_a_folder_that_takes_nothing_stops_no_opt_out_and_fails_the_doctor(
    runtime: Runtime, bea: Visitor, tmp_path: Path
):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "journal"
    full = replace(
        runtime,
        db=replace(runtime.db, journal=Journal(folder)),
        config=replace(runtime.config, journal_dir=folder),
    )
    id = contacts.create(full, bea, ANA)
    opt_outs.opt_out(full, bea, id, "console")
    assert is_out(full, bea, id)
    assert next(each for each in doctor.examine(full) if each.name == "journal").state == "failed"
    assert journal_replay.keep(runtime) == 2, "once it can be written again"


def test_a_torn_last_line_spoils_nothing(runtime: Runtime, bea: Visitor):
    first, second = (contacts.create(runtime, bea, {"name": name}) for name in "ab")
    opt_outs.opt_out(runtime, bea, first, "console")
    (path,) = runtime.config.journal_dir.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"what":"opt_out","id":"torn')
    opt_outs.opt_out(runtime, bea, second, "console")
    with runtime.db.write() as session:
        session.execute(delete(OptOut))
    done = journal_replay.replay(runtime)
    assert (done.opt_outs, done.torn) == (2, 1)
    assert is_out(runtime, bea, first)
    assert is_out(runtime, bea, second)


def test_another_installations_lines_are_not_ours(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    Journal(runtime.config.journal_dir).append(
        "f" * 16,
        [{"what": "erased", "id": id, "workspace": bea.workspace_id, "at": "2026-11-16T13:00:00+00:00"}],
    )
    assert not journal_replay.replay(runtime).found
    assert contacts.one(runtime, bea, id).name == "Ana Zibelina"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_order_and_repetition_of_the_lines_mean_nothing(
    seed: int, runtime: Runtime, bea: Visitor, tmp_path_factory: pytest.TempPathFactory
):
    people = [contacts.create(runtime, bea, {"name": name}) for name in "abc"]
    opt_outs.opt_out(runtime, bea, people[0], "console")
    opt_outs.opt_in(runtime, bea, people[0], "said so")
    opt_outs.opt_out(runtime, bea, people[0], "console")
    opt_outs.opt_out(runtime, bea, people[1], "console")
    opt_outs.opt_in(runtime, bea, people[1], "said so")
    erasure.erase(runtime, bea, people[2])
    before, written = state(runtime), lines(runtime)
    chance = Random(seed)
    shuffled = chance.sample(written, len(written)) + chance.choices(written, k=5)
    with runtime.db.write() as session:
        session.execute(delete(OptOut))
    folder = Journal(tmp_path_factory.mktemp("journal"))
    again = replace(runtime, db=replace(runtime.db, journal=folder))
    (path,) = runtime.config.journal_dir.glob("*.jsonl")
    for each in shuffled:
        folder.append(path.name.split(".")[0], [each])
    journal_replay.replay(again)
    assert state(again) == before


def _append(folder: str, number: int) -> None:
    for each in range(50):
        Journal(Path(folder)).append("0" * 16, [{"from": number, "line": each, "filled": "x" * 3_000}])


def test_several_processes_append_whole_lines(tmp_path: Path):
    context = get_context("fork")  # it writes and ends: nothing of ours is asked of the child
    writers = [context.Process(target=_append, args=(str(tmp_path), number)) for number in range(4)]
    start: list[Callable[[], None]] = [each.start for each in writers]
    for each in start:
        each()
    for each in writers:
        each.join()
    found = list(Journal(tmp_path).lines("0" * 16))
    assert None not in found
    assert len({(each["from"], each["line"]) for each in found if each}) == 200


@pytest.mark.on_both
def test_a_replay_waits_for_others_in_their_order(runtime: Runtime, world: World, bea: Visitor) -> None:
    """Whoever holds many people takes them by id; the table has them in another order."""
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, bea.workspace_id)
    first, second = sorted(new_id() for _ in range(2))
    for id in (second, first):
        world.contact(workspace, id=id)
    with runtime.db.write() as session:
        name = address_keys.installation(session)
    lines = [journal.erased_line(id, workspace.id, world.now) for id in (second, first)]
    assert runtime.db.journal is not None
    runtime.db.journal.append(name, lines)
    replaying = Thread(target=journal_replay.replay, args=[runtime])
    with runtime.db.write() as session:
        for id in (first, second):
            session.scalars(select(Contact).where(Contact.id == id).with_for_update()).one()
            if id == first:
                replaying.start()
                replaying.join(0.5)
    replaying.join()
    with runtime.db.read() as session:
        assert None not in session.scalars(select(Contact.erased_at)).all()


@contextmanager
def counted_writes(runtime: Runtime) -> Iterator[list[str]]:
    """One entry for each transaction in which something may be written."""
    begun: list[str] = []

    def note(connection: Connection) -> None:
        if not connection.get_execution_options().get("reading"):
            begun.append("write")

    happenings.listen(runtime.db.engine, "begin", note)
    try:
        yield begun
    finally:
        happenings.remove(runtime.db.engine, "begin", note)


def test_what_is_known_already_is_read_and_written_nowhere(runtime: Runtime, bea: Visitor):
    leaves, back, goes = (contacts.create(runtime, bea, {"name": name}) for name in "abc")
    opt_outs.opt_out(runtime, bea, leaves, "console")
    opt_outs.opt_out(runtime, bea, back, "console")
    opt_outs.opt_in(runtime, bea, back, "said so")
    erasure.erase(runtime, bea, goes)
    journal_replay.keep(runtime)
    with counted_writes(runtime) as begun:
        assert journal_replay.keep(runtime) == 0
    assert len(begun) == 1, "only the one that knows the journal's name"


@pytest.mark.on_both
def test_each_erasure_of_a_replay_is_a_transaction_of_its_own(runtime: Runtime, bea: Visitor):
    people = [contacts.create(runtime, bea, {"name": f"Zulmira {number}"}) for number in range(20)]
    with runtime.db.write() as session:
        name = address_keys.installation(session)
    assert runtime.db.journal is not None
    at = runtime.clock()
    runtime.db.journal.append(name, [journal.erased_line(id, bea.workspace_id, at) for id in people * 2])
    with counted_writes(runtime) as begun:
        assert journal_replay.replay(runtime).erasures == 20
    scrubbed = int(runtime.db.is_sqlite)  # at its end, and noted
    assert len(begun) == 1 + 20 + scrubbed
