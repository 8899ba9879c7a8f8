"""Nobody's phone rings at night, whatever their zone and its clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.quiet_hours import Quiet, next_moment, read_quiet

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = (
    "America/Sao_Paulo", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/Havana", "Atlantic/Azores", "Pacific/Chatham",
)  # fmt: skip
USUAL = Quiet(time(21), time(9))
MINUTE = timedelta(minutes=1)


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_the_evening_waits_for_the_next_morning() -> None:
    assert USUAL.until(at("America/Sao_Paulo", 2026, 11, 28, 21, 0), SAO_PAULO) == at(
        "America/Sao_Paulo", 2026, 11, 29, 9, 0
    )


def test_the_small_hours_wait_for_the_same_morning() -> None:
    assert USUAL.until(at("America/Sao_Paulo", 2026, 11, 29, 2, 0), SAO_PAULO) == at(
        "America/Sao_Paulo", 2026, 11, 29, 9, 0
    )


def test_nine_in_the_morning_is_no_longer_quiet() -> None:
    now = at("America/Sao_Paulo", 2026, 11, 29, 9, 0)
    assert USUAL.until(now, SAO_PAULO) is None
    assert next_moment(now, SAO_PAULO, USUAL) == now


def test_a_provider_is_given_until_the_night_begins_and_nothing_within_it() -> None:
    assert USUAL.seconds_left(at("America/Sao_Paulo", 2026, 11, 28, 19, 55), SAO_PAULO) == 65 * 60
    assert USUAL.seconds_left(at("America/Sao_Paulo", 2026, 11, 28, 23, 0), SAO_PAULO) == 0


def test_a_nap_at_noon_does_not_cross_midnight() -> None:
    nap = Quiet(time(12), time(14))
    assert nap.until(at("UTC", 2026, 11, 28, 13, 0), ZoneInfo("UTC")) == at("UTC", 2026, 11, 28, 14, 0)
    assert nap.until(at("UTC", 2026, 11, 28, 23, 0), ZoneInfo("UTC")) is None


def test_somebody_who_wants_no_quiet_hears_at_once() -> None:
    now = at("UTC", 2026, 11, 28, 3, 0)
    assert next_moment(now, ZoneInfo("UTC"), None) == now


def test_a_quiet_weekend_ends_on_monday_morning() -> None:
    quiet = read_quiet("21:00", "09:00", [5, 6])
    assert quiet is not None
    friday, monday = (2026, 11, 27), at("America/Sao_Paulo", 2026, 11, 30, 9, 0)
    assert quiet.until(at("America/Sao_Paulo", *friday, 20, 59), SAO_PAULO) is None
    for day, hour in ((27, 21), (28, 3), (28, 15), (29, 20), (30, 8)):
        assert quiet.until(at("America/Sao_Paulo", 2026, 11, day, hour, 0), SAO_PAULO) == monday


def test_quiet_days_without_hours_end_at_midnight() -> None:
    quiet = read_quiet("", "", [6])
    assert quiet is not None
    now = at("Asia/Kathmandu", 2026, 11, 29, 0, 0)
    assert quiet.until(now, ZoneInfo("Asia/Kathmandu")) == at("Asia/Kathmandu", 2026, 11, 30, 0, 0)
    assert quiet.until(now - MINUTE, ZoneInfo("Asia/Kathmandu")) is None


def test_a_provider_is_given_until_the_quiet_days_begin() -> None:
    quiet = Quiet(days=frozenset({6}))
    assert quiet.seconds_left(at("UTC", 2026, 11, 27, 12, 0), ZoneInfo("UTC")) == 36 * 3600


def test_a_quiet_that_never_ends_is_none() -> None:
    for forever in ({"days": frozenset(range(7))}, {"begins": time(9), "ends": time(9)}):
        with pytest.raises(ValueError, match="never ends"):
            Quiet(**forever)


def test_the_quiet_holds_until_the_second_of_two_equal_times() -> None:
    """New York on 1 November 2026: 01:30 comes at 05:30 and again at 06:30 UTC."""
    quiet = Quiet(time(21), time(1, 30))
    now = datetime(2026, 11, 1, 5, 40, tzinfo=UTC)
    assert quiet.until(now, ZoneInfo("America/New_York")) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_a_quiet_whose_end_is_skipped_by_the_clock_ends_with_the_skip() -> None:
    """New York on 8 March 2026: 02:00 becomes 03:00, at 07:00 UTC."""
    quiet = Quiet(time(21), time(2, 30))
    now = datetime(2026, 3, 8, 6, 0, tzinfo=UTC)
    assert quiet.until(now, ZoneInfo("America/New_York")) == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


HALVES = [("21:00", ""), ("", "9"), ("24:00", "09:00"), ("9", "10"), ("09:00", "09:00")]


@pytest.mark.parametrize(("begins", "ends"), HALVES)
def test_half_a_quiet_and_no_time_are_refused(begins: str, ends: str) -> None:
    with pytest.raises(ValueError, match="two different times"):
        read_quiet(begins, ends)


def test_two_empty_times_are_no_quiet() -> None:
    assert read_quiet("", "") is None
    assert read_quiet("20:30", "07:15") == Quiet(time(20, 30), time(7, 15))


minutes = st.times().map(lambda each: each.replace(second=0, microsecond=0))
hours = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])
quiets = st.builds(
    lambda pair, days: Quiet(*(pair or (None, None)), frozenset(days)),
    st.none() | hours,
    st.sets(st.integers(0, 6), max_size=6),
)
# Days on which the clocks of these zones change, and ordinary ones
changes = st.sampled_from(
    [
        datetime(2026, *day, tzinfo=UTC)
        for day in [(3, 8), (3, 29), (4, 4), (9, 26), (10, 3), (10, 25), (11, 1)]
    ]
    + [
        datetime(2017, 10, 15, tzinfo=UTC),
        datetime(2018, 2, 18, tzinfo=UTC),
        datetime(2026, 7, 1, tzinfo=UTC),
    ]
)
moments = st.builds(
    lambda day, minutes: day + minutes * MINUTE, changes, st.integers(-4 * 24 * 60, 2 * 24 * 60)
)


def is_quiet_on_the_wall(quiet: Quiet, local: datetime) -> bool:
    """The rule as somebody would read it off a clock."""
    if local.weekday() in quiet.days:
        return True
    if quiet.begins is None or quiet.ends is None:
        return False
    now = local.time()
    if quiet.begins < quiet.ends:
        return quiet.begins <= now < quiet.ends
    return now >= quiet.begins or now < quiet.ends


def comes_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@settings(max_examples=150, deadline=None)
@given(moments, st.sampled_from(ZONES), quiets)
def test_no_moment_allowed_is_quiet_and_the_moment_offered_is_the_first(
    now: datetime, name: str, quiet: Quiet
) -> None:
    zone = ZoneInfo(name)
    until = quiet.until(now, zone)
    if until is None:
        assert not is_quiet_on_the_wall(quiet, now.astimezone(zone))
        return
    assert quiet.until(until, zone) is None
    assert not is_quiet_on_the_wall(quiet, until.astimezone(zone))
    moment = now
    while moment < until:  # only what the clock shows twice may be left alone without being quiet by the wall
        local = moment.astimezone(zone)
        assert is_quiet_on_the_wall(quiet, local) or comes_twice(local), moment
        moment += 10 * MINUTE


@settings(deadline=None)
@given(moments, st.sampled_from(ZONES), quiets)
def test_nothing_may_be_delivered_in_the_quiet(now: datetime, name: str, quiet: Quiet) -> None:
    zone = ZoneInfo(name)
    left = quiet.seconds_left(now, zone)
    assert (left == 0) == (quiet.until(now, zone) is not None)
    for part in (0, 0.25, 0.5, 0.75, 0.999):
        if left:
            assert quiet.until(now + part * timedelta(seconds=left), zone) is None
    if left and (quiet.days or quiet.begins):
        assert quiet.until(now + timedelta(seconds=left), zone) is not None
