"""When a run stops by itself, and how seldom its messages are counted to know that."""

import random
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from app.domain.brakes import (
    LATEST,
    LEAST_BOUNCED,
    LEAST_OUTCOMES,
    MORE,
    Complained,
    Returned,
    is_worth_a_look,
    next_look,
    worth_counting,
    worth_counting_arrived,
)


def test_more_than_one_in_twenty_is_too_much() -> None:
    assert Returned(bounced=7, known=100).is_too_much
    assert not Returned(bounced=5, known=100).is_too_much
    assert Returned(bounced=6, known=119).is_too_much
    assert not Returned(bounced=6, known=120).is_too_much


def test_few_say_nothing() -> None:
    assert not Returned(bounced=LEAST_BOUNCED, known=LEAST_OUTCOMES - 1).is_too_much
    assert not Returned(bounced=LEAST_BOUNCED - 1, known=LEAST_OUTCOMES).is_too_much
    assert Returned(bounced=LEAST_BOUNCED, known=LEAST_OUTCOMES).is_too_much


def test_of_runs_that_come_again_and_again_what_may_be_chance_stops_none() -> None:
    def is_too_much(bounced: int, known: int) -> bool:
        return Returned(bounced, known, is_one_of_many=True).is_too_much

    assert (is_too_much(5, 20), is_too_much(7, 100), is_too_much(12, 100)) == (True, False, True)
    assert (is_too_much(19, 200), is_too_much(20, 200)) == (False, True)
    assert (is_too_much(70, 1_000), is_too_much(71, 1_000)) == (False, True)
    assert Returned(70, 1_000, is_one_of_many=True).may_be_chance
    assert not Returned(50, 1_000, is_one_of_many=True).may_be_chance


def test_a_list_half_as_bad_as_the_line_is_stopped_in_no_month_and_a_bad_one_at_once() -> None:
    """One question after the other, 300 a day, looked at whenever one comes back."""

    def stopped_at(share: float, seed: int) -> int | None:
        chance, few, more = random.Random(seed), deque[bool](maxlen=LATEST), deque[bool](maxlen=MORE)
        for number in range(9_000):
            came_back = chance.random() < share
            few.append(came_back)
            more.append(came_back)
            looks = (Returned(sum(each), len(each), is_one_of_many=True) for each in (few, more))
            if came_back and any(look.is_too_much for look in looks):
                return number
        return None

    assert [stopped_at(0.025, seed) for seed in range(10)] == [None] * 10
    assert all((stopped_at(0.2, seed) or 9_000) < LATEST for seed in range(10))


@given(st.integers(0, 10_000), st.integers(0, 200_000), st.booleans())
def test_counting_no_further_than_it_takes_tells_the_same(bounced: int, known: int, is_one: bool) -> None:
    counted = min(known, worth_counting(bounced) + 1)
    assert Returned(bounced, counted, is_one).is_too_much == Returned(bounced, known, is_one).is_too_much


@given(st.integers(LEAST_BOUNCED, 5_000), st.integers(20, 100_000), st.integers(0, 50_000))
def test_nothing_is_missed_between_two_looks(bounced: int, known: int, more: int) -> None:
    """Whatever arrives meanwhile, the share is at most a little over the line before we look again."""
    looked = Returned(bounced, max(known, bounced))
    if looked.is_too_much:
        return
    before = next_look(looked) - 1
    late = Returned(before, looked.known + more)
    assert before <= bounced or before * 100 <= late.known * 5 * 1.06 or before < LEAST_BOUNCED


def test_a_long_run_just_below_the_line_is_counted_a_few_hundred_times_not_thousands() -> None:
    looks, at = 0, LEAST_BOUNCED
    for bounced in range(1, 5_001):
        if bounced >= at:
            looks, at = looks + 1, next_look(Returned(bounced, bounced * 20))
    assert looks < 200


def test_more_than_one_complaint_in_a_thousand_is_too_much_and_one_alone_never() -> None:
    assert Complained(complaints=2, arrived=1_999).is_too_much
    assert not Complained(complaints=2, arrived=2_000).is_too_much
    assert Complained(complaints=2, arrived=20).is_too_much
    assert not Complained(complaints=1, arrived=20).is_too_much
    assert not Complained(complaints=1, arrived=1).is_too_much


@given(st.integers(0, 2_000), st.integers(0, 3_000_000))
def test_of_complaints_too_it_suffices_to_count_a_little(complaints: int, arrived: int) -> None:
    counted = min(arrived, worth_counting_arrived(complaints) + 1)
    assert Complained(complaints, counted).is_too_much == Complained(complaints, arrived).is_too_much


@given(st.integers(2, 2_000), st.integers(1, 1_000_000))
def test_a_share_that_is_too_much_is_seen_within_a_twentieth_more_complaints(
    first: int, arrived: int
) -> None:
    """However few arrive meanwhile: the next look is never far."""
    at = next(number for number in range(first, first * 2 + 2) if is_worth_a_look(number))
    assert at - first <= max(0, at // 20 - 1)
    if Complained(first, arrived).is_too_much:
        assert Complained(at, arrived).is_too_much


def test_a_million_messages_just_below_the_line_are_counted_some_dozens_of_times() -> None:
    assert sum(is_worth_a_look(number) for number in range(1_001)) < 150
    assert [number for number in range(10) if is_worth_a_look(number)] == list(range(2, 10))
