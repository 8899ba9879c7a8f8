"""The one moment of a pulse's reminder: three days after the last question that leaves in time for it."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.pulse_reminders import Questions, latest_question, may_still_leave, remind_at

OPENED = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
CLOSES = OPENED + timedelta(days=14)


def after(**by: float) -> datetime:
    return OPENED + timedelta(**by)


def test_it_comes_three_days_after_the_last_question_left() -> None:
    assert remind_at(Questions(after(hours=80), wait=False), CLOSES, after(days=4)) == after(days=3, hours=80)


def test_nobody_knows_it_while_a_question_waits_that_may_leave_in_time() -> None:
    questions = Questions(OPENED, wait=True)
    assert remind_at(questions, CLOSES, after(days=10)) is None
    assert may_still_leave(questions, CLOSES, after(days=10))


def test_a_question_that_is_too_late_anyway_keeps_nobody_waiting() -> None:
    questions = Questions(OPENED, wait=True)
    assert remind_at(questions, CLOSES, after(days=10, hours=13)) == after(days=3)
    assert not may_still_leave(questions, CLOSES, after(days=10, hours=13))


def test_it_leaves_them_half_a_day_to_answer() -> None:
    last = latest_question(CLOSES)
    assert remind_at(Questions(last, wait=False), CLOSES, last) == CLOSES - timedelta(hours=12)


@pytest.mark.parametrize("wait", [True, False])
def test_without_a_question_in_time_there_is_none(wait: bool) -> None:
    assert remind_at(Questions(None, wait), OPENED + timedelta(days=3), OPENED) is None
