"""What a list says of attempts in doubt: only lasting silence is "not there", and nothing is guessed."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.delivery import ATTEMPT_LEASE, HAND_OVER
from app.domain.tracing import (
    BETWEEN,
    SKEW,
    SURE_AFTER,
    WIDER,
    Doubt,
    Listed,
    LookAgain,
    NotThere,
    Taken,
    judge,
)

BEGAN = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
PROVIDER_PATIENCE = timedelta(minutes=1)  # the longest that one request to Twilio lives


def minutes(number: float) -> datetime:
    return BEGAN + timedelta(minutes=number)


def doubt(name: str = "m1", at: float = 0, *, seen: bool = False) -> Doubt:
    return Doubt(name, minutes(at), seen)


def test_what_is_listed_once_was_taken() -> None:
    assert judge([doubt()], [Listed("SM1", minutes(0.1))], minutes(2)) == {"m1": Taken("SM1")}


def test_a_message_that_still_waits_over_there_has_no_time_and_was_taken() -> None:
    assert judge([doubt()], [Listed("SM1", None)], minutes(2)) == {"m1": Taken("SM1")}


def test_silence_is_not_believed_at_once_nor_the_first_time() -> None:
    assert judge([doubt()], [], minutes(2)) == {"m1": LookAgain(BEGAN + SURE_AFTER)}
    assert judge([doubt()], [], minutes(30)) == {"m1": LookAgain(minutes(30) + BETWEEN)}
    assert judge([doubt(seen=True)], [], minutes(11.9)) == {"m1": LookAgain(minutes(11.9) + BETWEEN)}


def test_silence_that_lasts_is_certain() -> None:
    assert judge([doubt(seen=True)], [], BEGAN + SURE_AFTER) == {"m1": NotThere()}


def test_when_silence_is_certain_no_worker_and_no_request_can_be_under_way() -> None:
    assert HAND_OVER + PROVIDER_PATIENCE <= ATTEMPT_LEASE < SURE_AFTER


def test_a_clock_that_is_ahead_never_makes_a_message_seem_not_there() -> None:
    early = Listed("SM1", BEGAN - SKEW - timedelta(seconds=1))
    assert isinstance(judge([doubt(seen=True)], [early], minutes(40))["m1"], LookAgain)


def test_two_doubts_and_two_messages_belong_together_in_their_order() -> None:
    listed = [Listed("SM2", minutes(5)), Listed("SM1", minutes(0.1))]
    found = judge([doubt("m2", 5), doubt("m1")], listed, minutes(8))
    assert found == {"m1": Taken("SM1"), "m2": Taken("SM2")}


def test_which_of_two_was_taken_is_not_guessed() -> None:
    found = judge(
        [doubt("m1", seen=True), doubt("m2", 5, seen=True)], [Listed("SM1", minutes(5))], minutes(40)
    )
    assert all(isinstance(each, LookAgain) for each in found.values())


@given(
    began=st.lists(st.floats(0, 600), min_size=1, max_size=4),
    listed=st.lists(st.floats(-60, 700), max_size=4),
    seen=st.booleans(),
    now=st.floats(0, 1500),
)
def test_whatever_is_listed_nothing_goes_again_while_anything_might_be_it(
    began: list[float], listed: list[float], seen: bool, now: float
) -> None:
    doubts = [doubt(f"m{number}", at, seen=seen) for number, at in enumerate(began)]
    names = [Listed(f"SM{number}", minutes(at)) for number, at in enumerate(listed)]
    found = judge(doubts, names, minutes(now))
    assert set(found) == {each.id for each in doubts}
    taken = [each.name for each in found.values() if isinstance(each, Taken)]
    assert len(taken) == len(set(taken))
    for each in doubts:
        verdict = found[each.id]
        if isinstance(verdict, NotThere):
            assert not names
            assert seen
            assert minutes(now) - each.began_at >= SURE_AFTER
        if isinstance(verdict, LookAgain):
            assert verdict.at > minutes(now)
    assert WIDER > SKEW
