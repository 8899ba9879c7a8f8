"""The thresholds promised to those who are asked, and what they hide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.anonymity import Hidden, Thresholds, can_ever_show, disclose, in_steps

DEFAULT = Thresholds()


def test_an_open_pulse_shows_nothing_however_many_answered():
    assert disclose(500, DEFAULT, is_open=True).hidden is Hidden.OPEN
    assert not disclose(500, DEFAULT, is_open=True).comments


@pytest.mark.parametrize(
    ("answers", "shown", "comments"), [(0, False, False), (4, False, False), (5, True, False)]
)
def test_a_result_is_shown_from_five_answers(answers: int, shown: bool, comments: bool):
    told = disclose(answers, DEFAULT, is_open=False)
    assert (told.result, told.comments) == (shown, comments)
    assert told.hidden is (None if shown else Hidden.FEWER_THAN_5)


@pytest.mark.parametrize(("answers", "comments"), [(9, False), (10, True), (11, True)])
def test_comments_are_shown_from_ten_answers(answers: int, comments: bool):
    assert disclose(answers, DEFAULT, is_open=False).comments is comments


@given(st.integers(0, 10_000), st.integers(3, 50), st.integers(0, 50))
def test_nothing_is_ever_shown_below_the_promise(answers: int, least: int, more: int):
    told = disclose(answers, Thresholds(least, least + more), is_open=False)
    assert told.result == (answers >= least)
    assert told.comments == (answers >= least + more)


def test_nobody_can_promise_less_than_three():
    with pytest.raises(ValueError, match="at least 3"):
        Thresholds(answers=2)


def test_comments_never_come_before_the_result():
    with pytest.raises(ValueError, match="comments"):
        Thresholds(answers=8, comments=7)


@given(st.integers(0, 100_000))
def test_participation_is_told_in_steps_of_five_and_never_too_high(answered: int):
    shown = in_steps(answered)
    assert shown % 5 == 0
    assert 0 <= answered - shown < 5


def test_fewer_than_five_answers_are_told_as_none():
    assert [in_steps(n) for n in (0, 1, 4, 5, 9, 10)] == [0, 0, 0, 5, 5, 10]


def test_a_pulse_of_four_people_can_never_show_anything():
    assert not can_ever_show(4, DEFAULT)
    assert can_ever_show(5, DEFAULT)
