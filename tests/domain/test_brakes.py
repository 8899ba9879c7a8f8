"""When a run stops by itself, and how seldom its messages are counted to know that."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.brakes import LEAST_BOUNCED, LEAST_OUTCOMES, Returned, next_look, worth_counting


def test_more_than_one_in_twenty_is_too_much() -> None:
    assert Returned(bounced=7, known=100).is_too_much
    assert not Returned(bounced=5, known=100).is_too_much
    assert Returned(bounced=6, known=119).is_too_much
    assert not Returned(bounced=6, known=120).is_too_much


def test_few_say_nothing() -> None:
    assert not Returned(bounced=LEAST_BOUNCED, known=LEAST_OUTCOMES - 1).is_too_much
    assert not Returned(bounced=LEAST_BOUNCED - 1, known=LEAST_OUTCOMES).is_too_much
    assert Returned(bounced=LEAST_BOUNCED, known=LEAST_OUTCOMES).is_too_much


@given(st.integers(0, 10_000), st.integers(0, 200_000))
def test_counting_no_further_than_it_takes_tells_the_same(bounced: int, known: int) -> None:
    counted = min(known, worth_counting(bounced) + 1)
    assert Returned(bounced, counted).is_too_much == Returned(bounced, known).is_too_much


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
