"""What somebody with the whole database in hand learns of a pulse: nothing while open, no person once closed.

On SQLite the raw files are read, on PostgreSQL the system columns and the server's own files as well.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.db import Database
from app.models import Attempt, Message, PulseComment, PulseScore, SealedAnswer, Token
from app.runtime import Runtime
from app.services.pulse_closing import close_pulse
from app.services.pulse_reminders import remind_pulses
from tests.postgres import PostgresServer
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import Clock, World

PEOPLE = 20
PULSES = 5
SECRET = "unmistakable"
PERSONAL = ("invitations", "contacts", "messages", "tokens", "attempts")


def files(runtime: Runtime, request: pytest.FixtureRequest) -> list[bytes]:
    """Every byte that the database keeps on disk, logs and free pages included."""
    if runtime.db.is_sqlite:
        path = Path(runtime.db.engine.url.database or "")
        return [each.read_bytes() for each in path.parent.glob(f"{path.name}*")]
    with runtime.db.write() as session:
        session.execute(text("CHECKPOINT"))
    server: PostgresServer = request.getfixturevalue("postgres")
    return [each.read_bytes() for each in (server.home / "data").rglob("*") if each.is_file()]


def answer_all(pulse: PulseWorld, order: list[int], words: str = SECRET) -> None:
    for number in order:
        pulse.answer(number, number % 11, f"{words} {number}")


def closed(world: World, order: list[int]) -> PulseWorld:
    pulse = open_pulse(world, PEOPLE)
    answer_all(pulse, order)
    close_pulse(world.runtime, world.member(pulse.workspace), pulse.pulse.id)
    return pulse


def as_stored(db: Database, table: str, column: str, pulse: PulseWorld) -> list[object]:
    """One column in the order in which the file has its rows."""
    place = "" if db.is_sqlite else "ORDER BY ctid"
    with db.read() as session:
        query = text(f"SELECT {column} FROM {table} WHERE pulse_id = :id {place}")
        return list(session.scalars(query, {"id": pulse.pulse.id}))


@pytest.mark.on_both
def test_while_open_no_comment_lies_anywhere_in_clear(
    world: World, runtime: Runtime, request: pytest.FixtureRequest
) -> None:
    pulse = open_pulse(world, PEOPLE)
    words = f"only here {pulse.pulse.id}"  # other tests' closed pulses leave theirs on PostgreSQL's pages
    answer_all(pulse, list(range(PEOPLE)), words)
    assert not any(words.encode() in content for content in files(runtime, request))


def test_while_open_equal_answers_lie_there_unequal(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world, PEOPLE)
    for number in range(PEOPLE):
        pulse.answer(number, 7, "o mesmo")
    with runtime.db.read() as session:
        boxes = session.scalars(select(SealedAnswer.box)).all()
    blocks = [box[at : at + 16] for box in boxes for at in range(0, len(box) - 16, 16)]
    assert len(set(blocks)) == len(blocks)


@pytest.mark.on_both
def test_after_closing_no_box_is_left_even_in_free_pages(
    world: World, runtime: Runtime, request: pytest.FixtureRequest
) -> None:
    pulse = open_pulse(world, PEOPLE)
    answer_all(pulse, list(range(PEOPLE)))
    with runtime.db.read() as session:
        beginnings = [box[:24] for box in session.scalars(select(SealedAnswer.box))]
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    if runtime.db.is_sqlite:
        kept = files(runtime, request)
        assert not any(beginning in content for content in kept for beginning in beginnings)
    else:
        with runtime.db.read() as session:
            assert session.scalar(text("SELECT pg_relation_size('sealed_answers')")) == 0


def test_after_closing_no_order_of_rows_leads_to_a_person(world: World, runtime: Runtime) -> None:
    """A matcher tries every order of people against every order of rows; it must not beat chance.

    By chance each pair of orders guesses one person of each pulse: 5 in all. A kept order would give 100.
    """
    orders = [[(start + step * 7) % PEOPLE for step in range(PEOPLE)] for start in range(PULSES)]
    hits: dict[tuple[str, str], int] = {}
    for order in orders:
        pulse = closed(world, order)
        for person_order, row_order, right in _guesses(runtime, pulse, order):
            hits[person_order, row_order] = hits.get((person_order, row_order), 0) + right
    assert max(hits.values()) < 30, hits


def _guesses(runtime: Runtime, pulse: PulseWorld, order: list[int]) -> Iterator[tuple[str, str, int]]:
    ids = [invitation.id for invitation in pulse.invitations]
    people = {
        "planned": list(range(PEOPLE)),
        "answered": order,
        "answered last first": order[::-1],
        "by invitation": sorted(range(PEOPLE), key=lambda number: ids[number]),
        "by contact": sorted(range(PEOPLE), key=lambda number: pulse.contacts[number].id),
    }
    stored = as_stored(runtime.db, "pulse_comments", "comment", pulse)
    with runtime.db.read() as session:
        keyed = select(PulseComment.comment).where(PulseComment.pulse_id == pulse.pulse.id)
        by_key = list(session.scalars(keyed.order_by(PulseComment.key)))
    for person_order, numbers in people.items():
        for row_order, rows in (("stored", stored), ("by key", by_key)):
            right = sum(f"{SECRET} {number}" == row for number, row in zip(numbers, rows, strict=True))
            yield person_order, row_order, right


@pytest.mark.on_both
def test_after_closing_no_order_of_rows_leads_from_a_comment_to_its_score(
    world: World, runtime: Runtime
) -> None:
    """By chance about two of twenty fit, as scores repeat: 10 in all. A kept order would give 100."""
    hits = 0
    for _ in range(PULSES):
        pulse = closed(world, list(range(PEOPLE)))
        scores = as_stored(runtime.db, "pulse_scores", "score", pulse)
        comments = as_stored(runtime.db, "pulse_comments", "comment", pulse)
        numbers = [int(str(comment).split()[1]) for comment in comments]
        hits += sum(number % 11 == score for number, score in zip(numbers, scores, strict=True))
    assert hits < 45


def test_no_column_of_a_closed_answer_could_lead_to_a_person(world: World) -> None:
    assert {column.name for column in PulseScore.__table__.columns} == {"pulse_id", "key", "score"}
    assert {column.name for column in PulseComment.__table__.columns} == {"pulse_id", "key", "comment"}
    for table in (PulseScore.__table__, PulseComment.__table__):
        assert {key.column.table.name for key in table.foreign_keys} == {"pulses"}


@pytest.mark.on_both
def test_neither_database_keeps_a_number_of_its_own_that_joins_a_score_to_a_person(
    world: World, runtime: Runtime
) -> None:
    """SQLite would number the rows as they come, PostgreSQL notes the transaction that wrote each."""
    closed(world, list(range(PEOPLE)))
    with runtime.db.read() as session:
        if runtime.db.is_sqlite:
            made = text("SELECT sql FROM sqlite_master WHERE name IN ('pulse_scores', 'pulse_comments')")
            assert ["WITHOUT ROWID" in sql for sql in session.scalars(made)] == [True, True]
            return
        written = set(session.scalars(text("SELECT xmin::text FROM pulse_scores")))
        assert len(written) == 1
        for table in PERSONAL:
            assert not written & set(session.scalars(text(f"SELECT xmin::text FROM {table}"))), table


@pytest.mark.on_both
def test_answering_leaves_no_mark_in_the_rows_of_those_who_answered(world: World, runtime: Runtime) -> None:
    """A foreign key would make PostgreSQL lock the invitation, and its row keeps who locked it last."""
    pulse = open_pulse(world, 6)
    before = marks(runtime.db)
    pulse.answer(0, 9)
    pulse.answer(3, 2, "duas vezes")
    assert marks(runtime.db) == before


@pytest.mark.judged_on("postgresql")
@pytest.mark.parametrize("reminded_by", ["us", "a version before this one"])
def test_no_row_of_a_person_keeps_the_mark_of_a_reminder(
    world: World, runtime: Runtime, clock: Clock, reminded_by: str
) -> None:
    """A reminder points to its person and invitation alone, and PostgreSQL notes who locked their rows."""
    if runtime.db.is_sqlite:
        pytest.skip("SQLite notes no transaction beside a row")
    pulse = open_pulse(world, 8)
    answer_all(pulse, [0, 2, 3, 5, 6])
    clock.advance(days=3)
    if reminded_by == "us":
        assert remind_pulses(runtime) == 1
        assert [lockers(runtime.db, table) for table in ("contacts", "invitations")] == [1, 1]
    else:
        for number in (1, 4, 7):
            pulse.remind(number)
        assert lockers(runtime.db, "contacts") > 1
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    assert [lockers(runtime.db, table) for table in ("contacts", "invitations", "messages")] == [1, 1, 1]


def lockers(db: Database, table: str) -> int:
    with db.read() as session:
        return session.scalar(text(f"SELECT count(DISTINCT xmax::text) FROM {table}")) or 0


def marks(db: Database) -> dict[str, list[object]]:
    """What the database itself notes beside each row of a person."""
    columns = "rowid" if db.is_sqlite else "ctid::text, xmin::text, xmax::text"
    with db.read() as session:
        return {
            table: sorted(tuple(row) for row in session.execute(text(f"SELECT {columns} FROM {table}")))
            for table in PERSONAL
        }


def test_after_closing_nothing_tells_who_took_part_and_who_was_reminded(
    world: World, runtime: Runtime
) -> None:
    pulse = open_pulse(world, 8)
    for number in range(5):
        pulse.answer(number, 9)
    for number in range(4, 8):  # the fifth answered after the reminder
        pulse.remind(number)
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    with runtime.db.read() as session:
        for rows in (
            select(Token.invitation_id, Token.purpose, func.count()).group_by(
                Token.invitation_id, Token.purpose
            ),
            select(Message.invitation_id, Message.purpose, func.count()).group_by(
                Message.invitation_id, Message.purpose
            ),
        ):
            counted = {(purpose, number) for _, purpose, number in session.execute(rows)}
            assert len(counted) == len({purpose for purpose, _ in counted}), counted
        assert session.scalars(select(Attempt.id)).all() == []
        assert set(session.scalars(select(Message.purpose))) == {"invitation"}
