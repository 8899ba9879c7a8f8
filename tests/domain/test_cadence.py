"""When schedules are due: clock changes, short months, downtime."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count, cycle, groupby, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cadence import (
    LATEST,
    LATEST_ONCE,
    Cadence,
    Repeat,
    add_months,
    due_runs,
    late_runs,
    moment_of,
)
from app.domain.days_off import DaysOff, OffDays
from app.domain.rrules import read_rule

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "UTC", "Pacific/Apia"]
SIMPLE = [Repeat.DAILY, Repeat.WEEKLY, Repeat.MONTHLY, Repeat.QUARTERLY]
THIRTY = [
    "Africa/Cairo", "Africa/Casablanca", "America/Argentina/Buenos_Aires", "America/Asuncion",
    "America/Bogota", "America/Havana", "America/Manaus", "America/Mexico_City", "America/New_York",
    "America/Santiago", "America/Sao_Paulo", "America/St_Johns", "Asia/Baghdad", "Asia/Beirut",
    "Asia/Gaza", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores",
    "Australia/Adelaide", "Australia/Lord_Howe", "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon",
    "Europe/London", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "UTC",
]  # fmt: skip


def local(text: str) -> datetime:
    """A time on the wall, with or without its hour."""
    return datetime.fromisoformat(text)


def test_once_is_due_once() -> None:
    cadence = Cadence(Repeat.ONCE, local("2026-12-01T10:00"), SAO_PAULO)
    assert [run.due_at for run in cadence.runs()] == [datetime(2026, 12, 1, 13, tzinfo=UTC)]
    assert cadence.next_run(datetime(2026, 12, 1, 13, tzinfo=UTC)) is None


def test_a_time_that_the_clocks_skip_is_due_right_after_the_gap() -> None:
    """D02: Berlin, 29 March 2026, 02:30 does not exist."""
    assert moment_of(local("2026-03-29T02:30"), BERLIN) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    """D03."""
    assert moment_of(local("2026-10-25T02:30"), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_day_after_a_change_keeps_the_time_on_the_wall() -> None:
    """D04."""
    cadence = Cadence(Repeat.DAILY, local("2026-03-28T09:00"), BERLIN)
    hours = [run.due_at.hour for run in cadence.next_runs(datetime(2026, 3, 28, tzinfo=UTC), 3)]
    assert hours == [8, 7, 7]


@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (Repeat.MONTHLY, ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        (Repeat.QUARTERLY, ["2027-01-31", "2027-04-30", "2027-07-31", "2027-10-31"]),
        (Repeat.WEEKLY, ["2027-01-31", "2027-02-07", "2027-02-14", "2027-02-21"]),
    ],
)
def test_months_that_are_too_short_take_their_last_day(repeat: Repeat, expected: list[str]) -> None:
    """D06."""
    cadence = Cadence(repeat, local("2027-01-31T10:00"), SAO_PAULO)
    runs = cadence.next_runs(datetime(2027, 1, 1, tzinfo=UTC), 4)
    assert [run.local[:10] for run in runs] == expected


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(SIMPLE),
    st.datetimes(local("2020-01-01"), local("2035-01-01")).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    st.sampled_from(ZONES),
    st.datetimes(local("2019-01-01"), local("2040-01-01")),
)
def test_the_next_run_is_the_first_of_all_that_come_later(
    repeat: Repeat, starts_at: datetime, zone: str, after: datetime
) -> None:
    cadence = Cadence(repeat, starts_at, ZoneInfo(zone))
    moment = after.replace(tzinfo=UTC)
    found = cadence.next_run(moment)
    assert found is not None
    assert found.due_at > moment
    again = next(run for run in cadence.runs() if run.due_at > moment)
    assert found == again


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([Repeat.ONCE, *SIMPLE]),
    st.datetimes(local("2024-01-01"), local("2026-01-01")).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    st.sampled_from(ZONES),
)
def test_runs_come_in_order_and_each_local_time_once(repeat: Repeat, starts_at: datetime, zone: str) -> None:
    runs = Cadence(repeat, starts_at, ZoneInfo(zone)).next_runs(datetime(2023, 1, 1, tzinfo=UTC), 40)
    moments = [run.due_at for run in runs]
    assert moments == sorted(set(moments))
    assert len({run.local for run in runs}) == len(runs)


def late(cadence: Cadence, since: str, now: datetime) -> tuple[list[str], str | None]:
    """What of the moments after `since` is missed at this moment, and what runs."""
    missed, run = late_runs(due_runs(cadence, local(since), now), now, cadence.latest)
    return [each.local for each in missed], run.local if run else None


def test_after_a_short_time_away_the_run_still_happens() -> None:
    """D01."""
    cadence = Cadence(Repeat.DAILY, local("2026-11-16T10:00"), ZoneInfo("UTC"))
    assert late(cadence, "2026-11-16T09:59", datetime(2026, 11, 16, 13, tzinfo=UTC)) == (
        [],
        "2026-11-16T10:00",
    )


def test_after_five_days_away_one_runs_and_the_others_are_missed() -> None:
    """D01: never a burst."""
    cadence = Cadence(Repeat.DAILY, local("2026-11-16T10:00"), ZoneInfo("UTC"))
    missed, run = late(cadence, "2026-11-16T09:59", datetime(2026, 11, 20, 11, tzinfo=UTC))
    assert (len(missed), run) == (4, "2026-11-20T10:00")


def test_what_is_too_late_is_missed_altogether() -> None:
    cadence = Cadence(Repeat.ONCE, local("2026-11-16T10:00"), ZoneInfo("UTC"))
    assert cadence.latest == LATEST_ONCE
    assert late(cadence, "2026-11-16T09:59", datetime(2026, 11, 24, 10, tzinfo=UTC)) == (
        ["2026-11-16T10:00"],
        None,
    )


def test_a_rule_of_ones_own_may_be_as_late_as_its_frequency_allows() -> None:
    cadence = Cadence(
        Repeat.CUSTOM, local("2026-11-16T10:00"), ZoneInfo("UTC"), read_rule("FREQ=WEEKLY;INTERVAL=2")
    )
    assert (cadence.latest, cadence.early_days) == (LATEST["WEEKLY"], 0)
    assert Cadence(Repeat.MONTHLY, local("2026-11-16T10:00"), ZoneInfo("UTC")).early_days == 7


def by_hand(repeat: Repeat, starts_at: datetime) -> Iterator[datetime]:
    """The simple rules once more, counted without any library."""
    for step in count():
        match repeat:
            case Repeat.DAILY:
                yield starts_at + timedelta(days=step)
            case Repeat.WEEKLY:
                yield starts_at + timedelta(days=7 * step)
            case _:
                yield add_months(starts_at, step * (3 if repeat is Repeat.QUARTERLY else 1))


@pytest.mark.parametrize(
    ("zone", "starts_at"),
    list(zip(THIRTY, cycle(["2024-02-29T02:30", "2026-01-31T00:00", "2026-03-29T01:30"]), strict=False)),
)
def test_d06_twenty_years_of_the_simple_rules_are_what_one_counts_by_hand(zone: str, starts_at: str) -> None:
    """D02 to D06: every local time once, in order, whatever the clocks do; rules underneath are RRULEs."""
    start, where = local(starts_at), ZoneInfo(zone)
    end = start.replace(year=start.year + 20, day=28)
    for repeat in SIMPLE:
        wanted = [moment_of(each, where) for each in takewhile(lambda at: at < end, by_hand(repeat, start))]
        runs = takewhile(lambda run: local(run.local) < end, Cadence(repeat, start, where).moments())
        assert [run.due_at for run in runs] == wanted


def business_days(month: list[date]) -> list[date]:
    return [day for day in month if day.weekday() < 5]


def fridays(month: list[date]) -> list[date]:
    return [day for day in month if day.weekday() == 4]


def every_other_thursday(month: list[date]) -> list[date]:
    return [day for day in month if (day - date(2024, 2, 1)).days % 14 == 0]


@pytest.mark.parametrize(
    ("rule", "off_days", "begins", "of_month"),
    [
        ("FREQ=MONTHLY;BYDAY=-1FR", OffDays.RUN, 1, lambda month: fridays(month)[-1:]),
        ("FREQ=MONTHLY", OffDays.NEXT, 1, lambda month: business_days(month)[:1]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", OffDays.PREVIOUS, 1, lambda month: business_days(month)[-1:]),
        ("FREQ=YEARLY", OffDays.RUN, 29, lambda month: month[-1:] if month[0].month == 2 else []),
        ("FREQ=WEEKLY;INTERVAL=2", OffDays.RUN, 1, every_other_thursday),
    ],
    ids=["last Friday", "first business day", "last business day", "29 February", "across each week 53"],
)
def test_d06_twenty_years_of_the_other_rules_are_what_a_calendar_on_the_wall_shows(
    rule: str, off_days: OffDays, begins: int, of_month: Callable[[list[date]], list[date]]
) -> None:
    start, end = date(2024, 2, begins), date(2044, 2, 1)
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    months = (list(month) for _, month in groupby(days, key=lambda day: (day.year, day.month)))
    week = DaysOff(business_days=frozenset(range(5)))
    at = local(f"{start}T10:00")
    cadence = Cadence(Repeat.CUSTOM, at, BERLIN, read_rule(rule), off_days, week)
    due = (run.due_at.astimezone(BERLIN).date() for run in cadence.runs())
    assert list(takewhile(lambda day: day < end, due)) == [day for month in months for day in of_month(month)]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(
        [
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR",
            "FREQ=MONTHLY;BYDAY=-1FR",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
            "FREQ=MONTHLY;INTERVAL=5;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "FREQ=DAILY;INTERVAL=9",
            "FREQ=MONTHLY",
        ]
    ),
    st.datetimes(local("2020-01-01"), local("2035-01-01")).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    st.datetimes(local("2019-01-01"), local("2055-01-01")),
)
def test_a_rule_is_the_same_from_wherever_one_looks(text: str, starts_at: datetime, after: datetime) -> None:
    """The short cut to the time after `after` skips and repeats nothing."""
    rule = read_rule(text)
    near = next(rule.locals(starts_at, after))
    assert near == next(at for at in rule.locals(starts_at) if at > after)


FRIDAY_CLOSED = DaysOff(
    business_days=frozenset(range(5)),
    holidays=frozenset({date(2026, 12, 25)}),
    blackouts=frozenset({date(2027, 1, 4)}),
)  # fmt: skip


def on_days_off(repeat: Repeat, starts_at: str, off_days: OffDays, rule: str | None = None) -> Cadence:
    own = read_rule(rule) if rule else None
    return Cadence(repeat, local(starts_at), SAO_PAULO, own, off_days, FRIDAY_CLOSED)


@pytest.mark.parametrize(
    ("off_days", "expected"),
    [
        (OffDays.RUN, ["2026-12-25", "2027-01-29"]),
        (OffDays.NEXT, ["2026-12-28", "2027-01-29"]),
        (OffDays.PREVIOUS, ["2026-12-24", "2027-01-29"]),
        (OffDays.SKIP, ["2027-01-29", "2027-02-26"]),
    ],
)
def test_the_last_friday_on_a_holiday_moves_as_the_schedule_says(
    off_days: OffDays, expected: list[str]
) -> None:
    cadence = on_days_off(Repeat.CUSTOM, "2026-12-01T10:00", off_days, "FREQ=MONTHLY;BYDAY=-1FR")
    runs = cadence.next_runs(datetime(2026, 12, 1, tzinfo=UTC), 2)
    assert [run.due_at.astimezone(SAO_PAULO).date().isoformat() for run in runs] == expected
    assert all(run.local[:10] in ("2026-12-25", "2027-01-29", "2027-02-26") for run in runs)


def test_the_first_business_day_of_each_quarter() -> None:
    """1 January is a Friday and open here, 1 April and 1 July are, 2 October 2027 follows a Friday."""
    cadence = on_days_off(Repeat.QUARTERLY, "2026-11-01T10:00", OffDays.NEXT)
    runs = cadence.next_runs(datetime(2026, 10, 1, tzinfo=UTC), 4)
    assert [str(run.due_at.date()) for run in runs] == [
        "2026-11-02",
        "2027-02-01",
        "2027-05-03",
        "2027-08-02",
    ]


def test_nobody_is_asked_on_a_blackout_date_whatever_the_schedule_says() -> None:
    at = "2027-01-04T10:00"
    for off_days, expected in [
        (OffDays.RUN, "2027-01-05"), (OffDays.NEXT, "2027-01-05"), (OffDays.PREVIOUS, "2027-01-01"),
    ]:  # fmt: skip
        run = next(on_days_off(Repeat.ONCE, at, off_days).moments())
        assert (str(run.due_at.date()), run.moved, run.off) == (expected, True, None)
    skipped = next(on_days_off(Repeat.ONCE, at, OffDays.SKIP).moments())
    assert skipped.off == "blackout"


def test_saturday_sunday_and_monday_on_monday_are_one_run_and_two_that_say_why_not() -> None:
    cadence = on_days_off(Repeat.DAILY, "2026-12-05T10:00", OffDays.NEXT)
    runs = [next(each) for each in [cadence.moments()] for _ in range(3)]
    assert [(run.local[:10], run.off) for run in runs] == [
        ("2026-12-05", "day_off"), ("2026-12-06", "day_off"), ("2026-12-07", None),
    ]  # fmt: skip
    assert len({run.due_at for run in runs}) == 1


def test_a_rule_that_only_names_days_off_never_runs() -> None:
    cadence = on_days_off(Repeat.WEEKLY, "2026-12-06T10:00", OffDays.SKIP)
    assert cadence.next_run(datetime(2026, 12, 1, tzinfo=UTC)) is None


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(
        ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,SA", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=DAILY;INTERVAL=3"]
    ),
    st.sampled_from(list(OffDays)),
    st.sampled_from(ZONES),
    st.lists(st.integers(1, 60 * 24 * 40), min_size=1, max_size=12),
)
def test_d16_however_the_ticks_fall_every_moment_comes_due_once(
    rule: str, off_days: OffDays, zone: str, pauses: list[int]
) -> None:
    """Seconds or weeks apart: what one tick leaves the next one finds, in order and nothing twice."""
    start = local("2026-10-01T09:00")
    cadence = Cadence(Repeat.CUSTOM, start, ZoneInfo(zone), read_rule(rule), off_days, FRIDAY_CLOSED)
    planned_to, now = start - timedelta(minutes=1), datetime(2026, 10, 1, tzinfo=UTC)
    found = []
    for minutes in pauses:
        now += timedelta(minutes=minutes)
        due = due_runs(cadence, planned_to, now)
        found += due
        planned_to = local(due[-1].local) if due else planned_to
    assert found == list(takewhile(lambda run: run.due_at <= now, cadence.moments()))


@pytest.mark.parametrize(
    ("policy", "before", "days", "expected"),
    [
        (OffDays.RUN, "2026-11-16", 5, "2026-11-21"),
        (OffDays.NEXT, "2026-11-16", 5, "2026-11-23"),
        (OffDays.PREVIOUS, "2026-11-16", 5, "2026-11-19"),  # Friday is a holiday
        (OffDays.SKIP, "2026-11-16", 5, "2026-11-23"),  # left out it would end the sequence
        (OffDays.PREVIOUS, "2026-11-27", 1, "2026-11-30"),  # back it would fall together with the one before
        (OffDays.RUN, "2026-11-16", 8, "2026-11-25"),  # a date of silence
        (OffDays.PREVIOUS, "2026-11-23", 1, "2026-11-25"),
    ],
)
def test_a_step_that_falls_on_a_day_off_moves_and_is_never_left_out(
    policy: OffDays, before: str, days: int, expected: str
) -> None:
    week = DaysOff(frozenset(range(5)), frozenset({date(2026, 11, 20)}), frozenset({date(2026, 11, 24)}))
    cadence = Cadence(Repeat.ONCE, datetime(2026, 11, 16, 10), SAO_PAULO, off_days=policy, days_off=week)
    found = cadence.step_after(datetime.fromisoformat(f"{before}T10:00"), days)
    assert found == datetime.fromisoformat(f"{expected}T10:00")


@pytest.mark.parametrize(
    ("policy", "days", "number"),
    [(OffDays.RUN, 14, 14), (OffDays.SKIP, 14, 10), (OffDays.NEXT, 14, 10), (OffDays.PREVIOUS, 14, 10),
     (OffDays.RUN, 1, 1), (OffDays.SKIP, 1, 1), (OffDays.SKIP, 90, 65), (OffDays.RUN, 400, 400)],
)  # fmt: skip
def test_the_days_of_a_cycle_are_those_on_which_it_runs(policy: OffDays, days: int, number: int) -> None:
    cadence = Cadence(
        Repeat.EACH_PERSON,
        datetime(2026, 11, 2, 10),
        BERLIN,
        off_days=policy,
        days_off=DaysOff(frozenset(range(5))),
    )
    assert cadence.runs_in(datetime(2026, 11, 2, 8, tzinfo=UTC), days) == number
