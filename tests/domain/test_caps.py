"""Nobody is asked more often in a day, or in seven, than the workspace allows."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.caps import Caps, first_allowed
from app.domain.eligibility import Facts, Rest, may_ask
from app.domain.quiet_hours import Quiet

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
ZONES = ("America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana")


def days_ago(*days: float) -> list[datetime]:
    return [NOW - timedelta(days=each) for each in days]


def test_one_a_day_waits_for_the_workspaces_midnight() -> None:
    assert Caps(daily=1).until(days_ago(0.1), NOW, SAO_PAULO) == datetime(2026, 11, 17, 3, tzinfo=UTC)
    assert Caps(daily=1).until(days_ago(1), NOW, SAO_PAULO) is None
    assert Caps(daily=2).until(days_ago(0.1), NOW, SAO_PAULO) is None


def test_a_week_is_the_day_and_the_six_before_it() -> None:
    assert Caps(weekly=1).until(days_ago(7), NOW, SAO_PAULO) is None
    assert Caps(weekly=1).until(days_ago(6), NOW, SAO_PAULO) == datetime(2026, 11, 17, 3, tzinfo=UTC)
    assert Caps(weekly=2).until(days_ago(1, 3, 6), NOW, SAO_PAULO) == datetime(2026, 11, 20, 3, tzinfo=UTC)


def test_without_caps_nobody_waits() -> None:
    assert Caps().until(days_ago(0, 0, 0, 1, 2, 3), NOW, SAO_PAULO) is None


def test_what_a_clock_that_went_back_left_in_the_future_counts_as_today() -> None:
    assert Caps(daily=1).until(days_ago(-3), NOW, SAO_PAULO) == datetime(2026, 11, 17, 3, tzinfo=UTC)


def test_a_rest_weighs_more_than_a_cap_and_a_cap_is_said_when_the_rest_is_over() -> None:
    caps = Caps(daily=1)
    facts = Facts(asked_at=NOW - timedelta(days=5), messages_at=(NOW,))
    assert may_ask(facts, Rest(30, 30, SAO_PAULO, caps=caps), NOW).reason == "resting"
    verdict = may_ask(facts, Rest(0, 0, SAO_PAULO, caps=caps), NOW)
    assert (verdict.reason, verdict.until) == ("capped", datetime(2026, 11, 17, 3, tzinfo=UTC))


@settings(deadline=None)
@given(
    st.lists(st.integers(-12 * 24 * 60, 0), max_size=12),
    st.none() | st.integers(1, 3),
    st.none() | st.integers(1, 5),
    st.sampled_from(ZONES),
    st.none() | st.just(Quiet(time(21), time(9), frozenset({5, 6}))),
)
def test_the_moment_offered_is_the_first_that_breaks_no_cap_and_no_quiet(
    minutes: list[int], daily: int | None, weekly: int | None, name: str, quiet: Quiet | None
) -> None:
    """Counted on a calendar, day by day, as somebody would check it by hand."""
    zone, caps = ZoneInfo(name), Caps(daily, weekly)
    left = [NOW + timedelta(minutes=each) for each in minutes]
    dates = [each.astimezone(zone).date() for each in left]

    def is_allowed(moment: datetime) -> bool:
        today = moment.astimezone(zone).date()
        week = [each for each in dates if today - timedelta(days=6) <= each <= today]
        if daily is not None and week.count(today) >= daily:
            return False
        if weekly is not None and len(week) >= weekly:
            return False
        return quiet is None or quiet.until(moment, zone) is None

    offered = first_allowed(
        NOW,
        lambda moment: caps.until(left, moment, zone),
        lambda moment: quiet.until(moment, zone) if quiet else None,
    )
    assert is_allowed(offered or NOW)
    moment = NOW
    while offered is not None and moment < offered:
        assert not is_allowed(moment), moment
        moment += timedelta(minutes=30)
