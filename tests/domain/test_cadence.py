"""When schedules are due: clock changes, short months, downtime."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cadence import Cadence, Repeat, late_runs, moment_of

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin", "UTC", "Pacific/Apia"]


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
    st.sampled_from([each for each in Repeat if each is not Repeat.ONCE]),
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
    st.sampled_from(list(Repeat)),
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


def test_after_a_short_time_away_the_run_still_happens() -> None:
    """D01."""
    cadence = Cadence(Repeat.DAILY, local("2026-11-16T10:00"), ZoneInfo("UTC"))
    due = datetime(2026, 11, 16, 10, tzinfo=UTC)
    missed, now = late_runs(cadence, due, due + timedelta(hours=3))
    assert (missed, now and now.due_at) == ([], due)


def test_after_five_days_away_one_runs_and_the_others_are_missed() -> None:
    """D01: never a burst."""
    cadence = Cadence(Repeat.DAILY, local("2026-11-16T10:00"), ZoneInfo("UTC"))
    due = datetime(2026, 11, 16, 10, tzinfo=UTC)
    missed, now = late_runs(cadence, due, due + timedelta(days=4, hours=1))
    assert len(missed) == 4
    assert now is not None
    assert now.due_at == due + timedelta(days=4)


def test_what_is_too_late_is_missed_altogether() -> None:
    cadence = Cadence(Repeat.ONCE, local("2026-11-16T10:00"), ZoneInfo("UTC"))
    due = datetime(2026, 11, 16, 10, tzinfo=UTC)
    missed, now = late_runs(cadence, due, due + timedelta(days=8))
    assert (len(missed), now) == (1, None)
