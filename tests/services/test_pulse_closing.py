"""Closing a pulse: what it keeps, what it forgets, and that dying anywhere in between changes neither."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import sealing
from app.errors import Conflict, NotFound
from app.models import (
    Invitation,
    Message,
    Pulse,
    PulseComment,
    PulseCount,
    PulseScore,
    SealedAnswer,
    Token,
)
from app.models.base import Base
from app.runtime import Runtime
from app.services.pulse_answers import show_question
from app.services.pulse_closing import close_due_pulses, close_pulse
from app.services.pulse_results import view_pulse
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import Clock, World, token_of


class Killed(Exception):
    """As if the process had died here."""


def dying_at(runtime: Runtime, point: str) -> Runtime:
    def reach(reached: str) -> None:
        if reached == point:
            raise Killed

    return replace(runtime, reach=reach)


def count(runtime: Runtime, table: type[Base]) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def state(runtime: Runtime, pulse: PulseWorld) -> str:
    with runtime.db.read() as session:
        return session.get_one(Pulse, pulse.pulse.id).state


def answered(world: World, scores: list[int]) -> PulseWorld:
    """A pulse of one employee more than scores, each score with a comment of its own."""
    pulse = open_pulse(world, len(scores) + 1)
    for number, score in enumerate(scores):
        pulse.answer(number, score, f"palavras {number}")
    return pulse


def test_a_pulse_closes_when_its_time_is_over_and_not_before(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    assert close_due_pulses(runtime) == 0
    clock.advance(days=14)
    assert close_due_pulses(runtime) == 1
    assert state(runtime, pulse) == "closed"
    assert close_due_pulses(runtime) == 0


def test_a_closed_pulse_keeps_scores_and_counts_and_no_box_and_no_key(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    with runtime.db.read() as session:
        scores = sorted(session.scalars(select(PulseScore.score)))
        counts = session.scalars(select(PulseCount)).one()
        assert (counts.cut, counts.promoters, counts.passives, counts.detractors) == ("whole", 3, 2, 1)
        row = session.get_one(Pulse, pulse.pulse.id)
        assert (row.asked, row.answered) == (7, 6)
    assert scores == [3, 7, 8, 9, 9, 10]
    assert count(runtime, SealedAnswer) == 0
    assert count(runtime, PulseComment) == 0  # six answers: no comments yet
    assert sealing.kept_keys(runtime.config.keys_dir) == []


def test_comments_are_kept_from_ten_answers_on(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9] * 10)
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    with runtime.db.read() as session:
        comments = set(session.scalars(select(PulseComment.comment)))
    assert comments == {f"palavras {number}" for number in range(10)}


def test_nine_answers_keep_no_comment(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9] * 9)
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    assert count(runtime, PulseComment) == 0
    assert count(runtime, PulseScore) == 9


def test_of_four_answers_nothing_is_kept_not_even_how_many(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9, 0, 10, 3])
    who = world.member(pulse.workspace)
    close_pulse(runtime, who, pulse.pulse.id)
    for table in (SealedAnswer, PulseScore, PulseComment, PulseCount):
        assert count(runtime, table) == 0
    with runtime.db.read() as session:
        row = session.get_one(Pulse, pulse.pulse.id)
        assert (row.state, row.asked, row.answered) == ("closed", None, None)
    shown = view_pulse(runtime, who, pulse.pulse.id)
    assert (shown.pulse.hidden, shown.pulse.result, shown.pulse.answered) == ("fewer_than_5", None, 0)
    assert shown.pulse.asked == 5


@pytest.mark.on_both
@pytest.mark.parametrize("point", ["closing_boxes_opened", "closing_before_commit", "closing_after_commit"])
def test_killed_while_closing_it_is_simply_run_again(
    world: World, runtime: Runtime, clock: Clock, point: str
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    clock.advance(days=14)
    with pytest.raises(Killed):
        close_due_pulses(dying_at(runtime, point))
    close_due_pulses(runtime)
    assert state(runtime, pulse) == "closed"
    assert (count(runtime, PulseScore), count(runtime, PulseCount), count(runtime, SealedAnswer)) == (6, 1, 0)
    assert sealing.kept_keys(runtime.config.keys_dir) == []


@pytest.mark.on_both
def test_what_changes_while_the_boxes_are_being_opened_counts_as_it_is_at_last(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    """One answer came over another, one for the first time, one went with its person."""
    pulse = answered(world, [9, 10, 7, 3, 8, 9, 2])

    def change(point: str) -> None:
        if point != "closing_boxes_opened":
            return
        with runtime.db.write() as session:
            row = session.get_one(Pulse, pulse.pulse.id)
            boxes = {number: sealing.seal(row.public_key, 0, "") for number in (1, 7)}
            session.get_one(SealedAnswer, pulse.invitations[1].id).box = boxes[1]
            late = SealedAnswer(invitation_id=pulse.invitations[7].id, pulse_id=row.id, box=boxes[7])
            session.add(late)
            session.delete(session.get_one(SealedAnswer, pulse.invitations[6].id))

    clock.advance(days=14)
    close_due_pulses(replace(runtime, reach=change))
    with runtime.db.read() as session:
        assert sorted(session.scalars(select(PulseScore.score))) == [0, 0, 3, 7, 8, 9, 9]


@pytest.mark.on_both
def test_the_one_transaction_opens_no_box_again_that_was_opened_before(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    """To open a box takes longer than to write what it said, and nobody else writes meanwhile."""
    pulse = answered(world, [9, 10, 7, 3, 8, 9])

    def empty(point: str) -> None:
        if point == "closing_boxes_opened":
            with runtime.db.write() as session:
                for each in session.scalars(select(SealedAnswer)):
                    each.box = sealing.mark(each.box)

    clock.advance(days=14)
    close_due_pulses(replace(runtime, reach=empty))
    assert state(runtime, pulse) == "closed"
    assert count(runtime, PulseScore) == 6


def test_closed_by_hand_and_killed_the_clock_finishes_it(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    with pytest.raises(Killed):
        close_pulse(dying_at(runtime, "closing_before_commit"), world.member(pulse.workspace), pulse.pulse.id)
    assert state(runtime, pulse) == "open"
    assert close_due_pulses(runtime) == 1
    assert count(runtime, PulseScore) == 6


def test_without_its_key_a_pulse_closes_void_and_says_so(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    sealing.destroy(runtime.config.keys_dir, pulse.pulse.id)
    clock.advance(days=14)
    assert close_due_pulses(runtime) == 1
    shown = view_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id).pulse
    assert (shown.state, shown.result, shown.hidden) == ("void", None, None)
    assert (count(runtime, SealedAnswer), count(runtime, PulseScore)) == (0, 0)


def test_a_key_of_another_pulse_under_its_name_is_no_key(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    sealing.destroy(runtime.config.keys_dir, pulse.pulse.id)
    sealing.make_key(runtime.config.keys_dir, pulse.pulse.id)
    clock.advance(days=14)
    close_due_pulses(runtime)
    assert state(runtime, pulse) == "void"


def test_a_box_that_was_tampered_with_does_not_stop_the_others(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    with runtime.db.write() as session:
        box = session.get_one(SealedAnswer, pulse.invitations[3].id)
        box.box = box.box[:-1] + bytes([box.box[-1] ^ 1])
    clock.advance(days=14)
    close_due_pulses(runtime)
    assert count(runtime, PulseScore) == 5


def test_the_key_of_a_pulse_of_another_database_is_left_alone(world: World, runtime: Runtime) -> None:
    sealing.make_key(runtime.config.keys_dir, "elsewhere")
    open_one = open_pulse(world)
    close_due_pulses(runtime)
    assert sealing.kept_keys(runtime.config.keys_dir) == sorted(["elsewhere", open_one.pulse.id])


def test_after_closing_every_link_leads_to_the_calm_page(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    with pytest.raises(NotFound):
        show_question(runtime, token_of(pulse.invitations[0], "pulse"))
    with pytest.raises(NotFound):
        pulse.answer(0, 10)


def test_a_pulse_closes_once(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8, 9])
    who = world.member(pulse.workspace)
    close_pulse(runtime, who, pulse.pulse.id)
    with pytest.raises(Conflict):
        close_pulse(runtime, who, pulse.pulse.id)


def test_nobody_closes_the_pulse_of_another_workspace(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    with pytest.raises(NotFound):
        close_pulse(runtime, world.member(world.workspace("people")), pulse.pulse.id)
    assert state(runtime, pulse) == "open"


def test_whoever_was_not_reached_by_closing_is_not_asked_any_more(world: World, runtime: Runtime) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8])
    late = pulse.invitations[5]
    with runtime.db.write() as session:
        session.get_one(Invitation, late.id).state = "queued"
        message = session.scalars(select(Message).where(Message.invitation_id == late.id)).one()
        message.state = "queued"
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    with runtime.db.read() as session:
        invitation = session.get_one(Invitation, late.id)
        assert (invitation.state, invitation.reason) == ("cancelled", "expired")
        assert session.get_one(Message, message.id).state == "cancelled"
        assert session.get_one(Pulse, pulse.pulse.id).asked == 5


def test_closing_forgets_who_was_reminded_and_every_way_out_still_works(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = answered(world, [9, 10, 7, 3, 8])
    clock.advance(days=3)
    reminder = pulse.remind(5)
    with runtime.db.read() as session:
        way_out = session.scalars(
            select(Token.token_hash).where(Token.message_id == reminder.id, Token.purpose == "unsubscribe")
        ).one()
    close_pulse(runtime, world.member(pulse.workspace), pulse.pulse.id)
    with runtime.db.read() as session:
        assert session.scalars(select(Message.purpose).distinct()).all() == ["invitation"]
        assert session.get_one(Token, way_out).invitation_id == pulse.invitations[5].id
        tokens = session.execute(
            select(Token.invitation_id, Token.created_at).where(Token.purpose == "unsubscribe")
        ).all()
    per_person = Counter(invitation_id for invitation_id, _ in tokens)
    assert set(per_person.values()) == {2}  # those who were never reminded have one that opens nothing
    assert len(per_person) == 6
    assert len({created_at for _, created_at in tokens}) == 1


def test_no_two_pulses_share_a_count(world: World, runtime: Runtime, clock: Clock) -> None:
    first, second = answered(world, [9] * 5), answered(world, [0] * 6)
    clock.advance(days=14, seconds=1)
    assert close_due_pulses(runtime) == 2
    shown = view_pulse(runtime, world.member(first.workspace), first.pulse.id).pulse
    assert shown.result is not None
    assert (shown.result.counts.n, shown.result.counts.upper) == (5, 5)
    other = view_pulse(runtime, world.member(second.workspace), second.pulse.id).pulse
    assert other.result is not None
    assert (other.result.counts.n, other.result.counts.lower) == (6, 6)
    assert timedelta(0) == (shown.closed_at or clock.now) - clock.now


def test_an_answer_that_was_acknowledged_while_the_pulse_closed_is_counted(
    world: World, runtime: Runtime
) -> None:
    pulse = open_pulse(world, 40)
    for number in range(5):
        pulse.answer(number, 9)
    who = world.member(pulse.workspace)

    def answer(number: int) -> bool:
        try:
            pulse.answer(number, 9)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(answer, number) for number in range(5, 20)]
        closing = pool.submit(close_pulse, runtime, who, pulse.pulse.id)
        later = [pool.submit(answer, number) for number in range(20, 40)]
        acknowledged = 5 + sum(each.result() for each in [*first, *later])
        closing.result()
    assert count(runtime, PulseScore) == acknowledged
    assert count(runtime, SealedAnswer) == 0


def test_once_a_channel_is_real_what_the_sandbox_asked_no_longer_counts(
    world: World, runtime: Runtime
) -> None:
    pulse = answered(world, [9] * 8)
    with runtime.db.write() as session:
        for number in range(3):
            session.get_one(Invitation, pulse.invitations[number].id).sandbox = True
    real = replace(runtime, config=replace(runtime.config, sandbox="off"))
    with pytest.raises(NotFound):
        show_question(real, token_of(pulse.invitations[0], "pulse"))
    assert show_question(real, token_of(pulse.invitations[3], "pulse"))
    close_pulse(real, world.member(pulse.workspace), pulse.pulse.id)
    with runtime.db.read() as session:
        row = session.get_one(Pulse, pulse.pulse.id)
        assert (row.asked, row.answered) == (6, 5)
