"""Due times are counted in open hours, whatever the week, the holidays and the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.business_time import BusinessCalendar

SAO_PAULO = BusinessCalendar("America/Sao_Paulo", holidays=frozenset({date(2026, 11, 20)}))
ZONES = (
    "America/Sao_Paulo",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
)


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_the_published_example_is_due_on_thursday_and_friday_of_the_next_week() -> None:
    opened = at("America/Sao_Paulo", 2026, 11, 16, 13, 12)
    assert SAO_PAULO.add_hours(opened, 24) == at("America/Sao_Paulo", 2026, 11, 19, 10, 12)
    assert SAO_PAULO.add_hours(opened, 72) == at("America/Sao_Paulo", 2026, 11, 27, 13, 12)


def test_the_settings_of_a_workspace_make_the_same_calendar() -> None:
    stored = BusinessCalendar.from_settings(
        "America/Sao_Paulo", [0, 1, 2, 3, 4], "09:00", "18:00", ["2026-11-20"]
    )
    assert stored == SAO_PAULO


def test_what_is_opened_on_a_weekend_starts_counting_when_the_desk_opens() -> None:
    saturday = at("America/Sao_Paulo", 2026, 11, 14, 23, 50)
    assert SAO_PAULO.add_hours(saturday, 1) == at("America/Sao_Paulo", 2026, 11, 16, 10)
    assert SAO_PAULO.add_hours(saturday, 0) == at("America/Sao_Paulo", 2026, 11, 16, 9)


def test_a_full_day_is_due_when_the_desk_closes_and_not_when_it_next_opens() -> None:
    monday = at("America/Sao_Paulo", 2026, 11, 16, 9)
    assert SAO_PAULO.add_hours(monday, 9) == at("America/Sao_Paulo", 2026, 11, 16, 18)


def test_the_night_when_the_clocks_change_costs_no_business_hour() -> None:
    madrid = BusinessCalendar("Europe/Madrid")
    friday = at("Europe/Madrid", 2026, 3, 27, 17)  # summer time begins on Sunday the 29th
    assert madrid.add_hours(friday, 2) == at("Europe/Madrid", 2026, 3, 30, 10)


def test_a_day_of_23_hours_is_an_hour_shorter_for_a_desk_that_never_sleeps() -> None:
    whole_day = BusinessCalendar("Europe/Madrid", frozenset(range(7)), time(0), time(23))
    sunday, monday = at("Europe/Madrid", 2026, 3, 29), at("Europe/Madrid", 2026, 3, 30)
    assert whole_day.business_between(sunday, monday) == timedelta(hours=22)


def test_an_opening_time_that_does_not_exist_is_read_after_the_gap() -> None:
    night = BusinessCalendar("Europe/Madrid", frozenset(range(7)), time(2, 30), time(6))
    due = night.add_hours(at("Europe/Madrid", 2026, 3, 29, 0), 0)
    assert due.astimezone(ZoneInfo("Europe/Madrid")).time() == time(3, 30)


def test_an_opening_time_that_exists_twice_is_the_later_and_a_closing_time_the_earlier() -> None:
    sunday = at("Europe/Madrid", 2026, 10, 25, 0)  # 02:30 comes twice
    opening = BusinessCalendar("Europe/Madrid", frozenset(range(7)), time(2, 30), time(6))
    closing = BusinessCalendar("Europe/Madrid", frozenset(range(7)), time(1), time(2, 30))
    assert opening.add_hours(sunday, 0) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert closing.business_between(sunday, sunday + timedelta(days=1)) == timedelta(hours=1, minutes=30)


def test_time_backwards_is_negative() -> None:
    opened = at("America/Sao_Paulo", 2026, 11, 16, 13, 12)
    due = SAO_PAULO.add_hours(opened, 24)
    assert SAO_PAULO.business_between(due, opened) == -timedelta(hours=24)


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": frozenset()},
        {"days": frozenset({7})},
        {"opens": time(18), "closes": time(9)},
        {"opens": time(9), "closes": time(9)},
    ],
)
def test_a_calendar_that_is_never_open_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="day"):
        BusinessCalendar("UTC", **wrong)


def test_a_naive_start_and_a_negative_amount_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        SAO_PAULO.add_hours(datetime(2026, 11, 16), 1)
    with pytest.raises(ValueError, match="forwards"):
        SAO_PAULO.add_hours(datetime(2026, 11, 16, tzinfo=UTC), -1)


calendars = st.builds(
    BusinessCalendar,
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.times(max_value=time(11, 59)).map(lambda t: t.replace(second=0, microsecond=0)),
    closes=st.times(min_value=time(12)).map(lambda t: t.replace(second=0, microsecond=0)),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2027, 3, 1)), max_size=10),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 2, 1), timezones=st.just(UTC))
amounts = st.integers(0, 60 * 100).map(lambda minutes: timedelta(minutes=minutes))


@settings(deadline=None, max_examples=150)
@given(calendars, moments, amounts)
def test_what_is_due_is_always_within_business_hours(
    calendar: BusinessCalendar, start: datetime, amount: timedelta
) -> None:
    due = calendar.add(start, amount)
    wall = due.astimezone(ZoneInfo(calendar.zone))
    assert due >= start
    assert wall.weekday() in calendar.days
    assert wall.date() not in calendar.holidays
    assert calendar.opens <= wall.time() <= calendar.closes
    assert calendar.is_open(due)


@settings(deadline=None, max_examples=150)
@given(calendars, moments, amounts, amounts)
def test_adding_twice_is_adding_the_sum(
    calendar: BusinessCalendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    assert calendar.add(calendar.add(start, one), other) == calendar.add(start, one + other)


@settings(deadline=None, max_examples=150)
@given(calendars, moments, moments, amounts, amounts)
def test_a_later_start_or_a_larger_amount_is_never_due_earlier(
    calendar: BusinessCalendar, one: datetime, other: datetime, small: timedelta, large: timedelta
) -> None:
    earlier, later = sorted((one, other))
    less, more = sorted((small, large))
    assert calendar.add(earlier, less) <= calendar.add(later, more)


@settings(deadline=None, max_examples=150)
@given(calendars, moments, amounts)
def test_what_was_added_is_what_lies_between(
    calendar: BusinessCalendar, start: datetime, amount: timedelta
) -> None:
    assert calendar.business_between(start, calendar.add(start, amount)) == amount
