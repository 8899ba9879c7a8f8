"""Who is owed a person, by when, and what it takes to say that it is done."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.business_time import BusinessCalendar
from app.domain.followups import (
    LONGEST_TEXT,
    Clock,
    Group,
    Moments,
    Reason,
    State,
    claimed_before,
    clock,
    closed_before,
    closing_problems,
    due,
    group,
    reason_to_open,
    require_closable,
    state,
)
from app.domain.metrics import RULES, Band, Metric
from app.errors import Invalid

CALENDAR = BusinessCalendar("America/Sao_Paulo", holidays=frozenset({date(2026, 11, 20)}))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(CALENDAR.zone)).astimezone(UTC)


OPENED = at(16, 13, 12)


def moments(**changes: object) -> Moments:
    owed = due(OPENED, CALENDAR)
    given = {
        "opened_at": OPENED,
        "heard_at": OPENED,
        "first_contact_due_at": owed.first_contact,
        "close_due_at": owed.closing,
    }
    return Moments(**(given | changes))


OPENING_SCORES = {Metric.NPS: range(7), Metric.CSAT: range(1, 3), Metric.CES: range(1, 4)}


@pytest.mark.parametrize("metric", OPENING_SCORES)
def test_exactly_the_unhappy_end_of_each_scale_opens_a_follow_up(metric: Metric) -> None:
    rule = RULES[metric]
    opening = [score for score in rule.scores if reason_to_open(metric, rule.band(score), contact_me=False)]
    assert opening == list(OPENING_SCORES[metric])


def test_whoever_asks_for_somebody_gets_one_whatever_the_score() -> None:
    assert reason_to_open(Metric.NPS, Band.PROMOTER, contact_me=True) is Reason.ASKED
    assert reason_to_open(Metric.NPS, Band.DETRACTOR, contact_me=True) is Reason.DETRACTOR


def test_a_survey_may_leave_it_to_those_who_ask() -> None:
    assert reason_to_open(Metric.CES, Band.HIGH_EFFORT, contact_me=False, opens_followup=False) is None
    assert reason_to_open(Metric.CES, Band.HIGH_EFFORT, True, opens_followup=False) is Reason.ASKED


@pytest.mark.parametrize("contact_me", [True, False])
@pytest.mark.parametrize("score", range(11))
def test_a_pulse_answer_never_opens_one(score: int, contact_me: bool) -> None:
    assert reason_to_open(Metric.ENPS, RULES[Metric.ENPS].band(score), contact_me) is None


def test_due_times_are_24_and_72_business_hours_away() -> None:
    owed = due(OPENED, CALENDAR)
    assert (owed.first_contact, owed.closing) == (at(19, 10, 12), at(27, 13, 12))


def test_the_state_follows_from_what_happened() -> None:
    later = OPENED + timedelta(hours=1)
    assert state(moments()) is State.OPEN
    assert state(moments(assigned=True)) is State.CLAIMED
    assert state(moments(assigned=True, replied_at=later)) is State.WAITING
    assert (
        state(moments(replied_at=later, heard_at=later + timedelta(minutes=1), assigned=True))
        is State.CLAIMED
    )
    assert state(moments(assigned=True, replied_at=later, closed_at=later)) is State.CLOSED


def test_the_inbox_groups_by_the_first_contact() -> None:
    assert group(moments(), at(19, 12, 14), CALENDAR) is Group.LATE
    assert group(moments(), at(19, 8), CALENDAR) is Group.TODAY
    assert group(moments(), at(18, 23), CALENDAR) is Group.LATER
    assert group(moments(first_contact_at=at(18, 9)), at(28, 9), CALENDAR) is Group.CONTACTED


def test_today_is_the_day_of_the_workspace_and_not_of_utc() -> None:
    owed_at_22_utc = moments(first_contact_due_at=at(18, 22))  # already the 19th in UTC
    assert group(owed_at_22_utc, at(18, 12), CALENDAR) is Group.TODAY


def read(now: datetime, **changes: object) -> Clock:
    found = clock(moments(**changes), now, CALENDAR)
    assert found is not None
    return found


def test_the_clock_is_of_first_contact_until_it_is_made_and_then_of_closing() -> None:
    assert read(at(18, 9)).of == "contact"
    after = read(at(18, 9), first_contact_at=at(17, 9))
    assert (after.of, after.due_at) == ("closing", at(27, 13, 12))
    assert clock(moments(closed_at=at(18, 9)), at(18, 10), CALENDAR) is None


@pytest.mark.parametrize(
    ("now", "unit", "number", "minutes"),
    [
        (at(17, 9), "days", 2, 0),
        (at(18, 17, 59), "days", 1, 0),
        (at(19, 8, 22), "hours", 1, 50),
        (at(19, 9, 12), "hours", 1, 0),
        (at(19, 10), "minutes", 12, 0),
        (at(19, 10, 12), "minutes", 1, 0),
    ],
)
def test_time_left_is_in_hours_today_and_in_days_before(
    now: datetime, unit: str, number: int, minutes: int
) -> None:
    found = read(now)
    assert not found.late
    assert (found.unit, found.number, found.minutes) == (unit, number, minutes)


@pytest.mark.parametrize(
    ("now", "unit", "number"),
    [
        (at(19, 10, 13), "minutes", 1),
        (at(19, 10, 52), "minutes", 40),
        (at(19, 12, 14), "hours", 2),
        (at(21, 12), "hours", 7),  # Saturday, after a holiday: only Thursday afternoon counts
        (at(23, 12), "days", 1),
        (at(25, 12), "days", 3),
    ],
)
def test_lateness_is_in_business_hours(now: datetime, unit: str, number: int) -> None:
    found = read(now)
    assert found.late
    assert (found.unit, found.number, found.minutes) == (unit, number, 0)
    assert found.gone == 1.0


def test_the_ring_shows_the_share_of_business_hours_gone() -> None:
    assert read(OPENED).gone == 0
    assert read(at(18, 16, 12)).gone == pytest.approx(21 / 24)
    assert read(at(18, 23)).gone == read(at(19, 7)).gone  # nothing passes at night


def test_soon_is_within_half_a_days_work() -> None:
    assert read(at(19, 6, 12)).soon
    assert not read(at(19, 6, 11)).soon
    assert not read(at(19, 12)).soon


@pytest.mark.parametrize(
    ("summary", "cause", "fields"),
    [
        ("We called her.", "Outage", []),
        (" \n ", "Outage", ["summary"]),
        ("We called her.", "  ", ["root_cause"]),
        ("", "", ["summary", "root_cause"]),
        ("x" * (LONGEST_TEXT + 1), "y" * 121, ["summary", "root_cause"]),
    ],
)
def test_closing_needs_what_was_done_and_why_it_came_to_this(
    summary: str, cause: str, fields: list[str]
) -> None:
    assert [each.field for each in closing_problems(summary, cause)] == fields


def test_an_empty_record_closes_nothing() -> None:
    with pytest.raises(Invalid):
        require_closable("", "")
    require_closable("We called her.", "Outage")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-3), "just now"),  # another machine's clock
        (timedelta(seconds=119), "just now"),
        (timedelta(minutes=2), "2 minutes ago"),
        (timedelta(minutes=119), "119 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=9), "9 days ago"),
    ],
)
def test_who_was_quicker_is_said_with_since_when(ago: timedelta, words: str) -> None:
    assert str(claimed_before("Rafael", OPENED, OPENED + ago)) == f"Rafael claimed it {words}."
    assert str(closed_before("Rafael", OPENED, OPENED + ago)) == f"Rafael closed it {words}."


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 60 * 24 * 40), st.booleans())
def test_a_clock_always_shows_something_and_never_more_than_the_whole_ring(
    minutes: int, contacted: bool
) -> None:
    now = OPENED + timedelta(minutes=minutes)
    found = read(now, first_contact_at=OPENED if contacted else None)
    assert found.number >= 1
    assert 0 <= found.gone <= 1
    assert found.late == (found.due_at < now)
