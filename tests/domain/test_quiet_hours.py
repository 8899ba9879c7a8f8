"""Nobody's phone rings at night, whatever their zone and its clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.quiet_hours import USUAL, Quiet, next_moment, quiet_until, read_quiet, seconds_left

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = ("America/Sao_Paulo", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_the_evening_waits_for_the_next_morning() -> None:
    assert quiet_until(at("America/Sao_Paulo", 2026, 11, 28, 21, 0), SAO_PAULO) == at(
        "America/Sao_Paulo", 2026, 11, 29, 9, 0
    )


def test_the_small_hours_wait_for_the_same_morning() -> None:
    assert quiet_until(at("America/Sao_Paulo", 2026, 11, 29, 2, 0), SAO_PAULO) == at(
        "America/Sao_Paulo", 2026, 11, 29, 9, 0
    )


def test_nine_in_the_morning_is_no_longer_quiet() -> None:
    now = at("America/Sao_Paulo", 2026, 11, 29, 9, 0)
    assert quiet_until(now, SAO_PAULO) is None
    assert next_moment(now, SAO_PAULO, USUAL) == now


def test_a_provider_is_given_until_the_night_begins_and_nothing_within_it() -> None:
    assert seconds_left(at("America/Sao_Paulo", 2026, 11, 28, 19, 55), SAO_PAULO) == 65 * 60
    assert seconds_left(at("America/Sao_Paulo", 2026, 11, 28, 23, 0), SAO_PAULO) == 0


def test_a_nap_at_noon_does_not_cross_midnight() -> None:
    nap = Quiet(time(12), time(14))
    assert nap.until(at("UTC", 2026, 11, 28, 13, 0), ZoneInfo("UTC")) == at("UTC", 2026, 11, 28, 14, 0)
    assert nap.until(at("UTC", 2026, 11, 28, 23, 0), ZoneInfo("UTC")) is None


def test_somebody_who_wants_no_quiet_hears_at_once() -> None:
    now = at("UTC", 2026, 11, 28, 3, 0)
    assert next_moment(now, ZoneInfo("UTC"), None) == now


HALVES = [("21:00", ""), ("", "9"), ("24:00", "09:00"), ("9", "10"), ("09:00", "09:00")]


@pytest.mark.parametrize(("begins", "ends"), HALVES)
def test_half_a_quiet_and_no_time_are_refused(begins: str, ends: str) -> None:
    with pytest.raises(ValueError, match="two different times"):
        read_quiet(begins, ends)


def test_two_empty_times_are_no_quiet() -> None:
    assert read_quiet("", "") is None
    assert read_quiet("20:30", "07:15") == Quiet(time(20, 30), time(7, 15))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
    st.times().map(lambda each: each.replace(second=0, microsecond=0)),
    st.times().map(lambda each: each.replace(second=0, microsecond=0)),
)
def test_after_the_quiet_it_is_not_quiet_and_it_is_never_longer_than_a_day(
    now: datetime, name: str, begins: time, ends: time
) -> None:
    if begins == ends:
        return
    quiet, zone = Quiet(begins, ends), ZoneInfo(name)
    until = quiet.until(now, zone)
    if until is None:
        assert quiet.seconds_left(now, zone) > 0 or now.microsecond
        return
    assert now < until <= now + timedelta(hours=25)
    assert quiet.seconds_left(now, zone) == 0
    assert quiet.until(until, zone) is None
