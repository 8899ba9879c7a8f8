"""What a schedule may be, read as people type it and as scripts send it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cadence import Cadence, Repeat
from app.domain.channel_choice import CHANNELS, channel_problems
from app.domain.schedules import (
    FURTHEST,
    beginning_problems,
    first_run,
    read_changes,
    this_minute,
    written,
)
from app.errors import Invalid

NOW = datetime(2026, 11, 16, 13, 0, 42, tzinfo=UTC)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ANYTHING = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.just({})


def refused(name: str, value: object) -> str:
    with pytest.raises(Invalid) as wrong:
        read_changes({name: value})
    (problem,) = wrong.value.problems
    assert problem.field == name
    return str(problem)


def test_what_is_given_is_read_and_what_is_not_stays_away() -> None:
    assert read_changes({}) == {}
    assert read_changes({"at": "2026-12-01T10:00", "audience": "all", "name": "  NPS \n monthly "}) == {
        "at": datetime(2026, 12, 1, 10, 0),
        "audience": {},
        "name": "NPS monthly",
    }
    assert read_changes({"at": "", "name": None}) == {"at": None, "name": None}


@pytest.mark.parametrize("repeat", list(Repeat))
def test_every_rhythm_is_known_by_its_word(repeat: Repeat) -> None:
    assert read_changes({"repeat": repeat.value}) == {"repeat": repeat}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "x" * 121),
        ("name", "a\x00b"),
        ("name", 7),
        ("survey", ""),
        ("survey", None),
        ("audience", {"plan": "pro"}),
        ("audience", ["all"]),
        ("repeat", "hourly"),
        ("repeat", None),
        ("at", "tomorrow"),
        ("at", "2026-12-01"),
        ("at", "9999-12-31T23:59"),
        ("time_zone", "São Paulo"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", None),
        ("channels", []),
        ("channels", "email"),
        ("channels", ["email", 7]),
        ("channels", ["email", "email"]),
        ("colour", "red"),
    ],
)
def test_anything_else_is_refused_with_its_field(name: str, value: object) -> None:
    assert refused(name, value)


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["name", "survey", "audience", "repeat", "at", "time_zone", "channels", "x"]),
        ANYTHING,
    )
)
def test_whatever_comes_is_read_or_refused(raw: dict[str, object]) -> None:
    try:
        read = read_changes(raw)
    except Invalid as wrong:
        assert {problem.field for problem in wrong.problems} <= set(raw)
    else:
        assert set(read) == set(raw)


def test_this_minute_has_not_passed_and_the_last_one_has() -> None:
    now = this_minute(SAO_PAULO, NOW)
    assert written(now) == "2026-11-16T10:00"
    assert beginning_problems(now, SAO_PAULO, NOW) == []
    assert beginning_problems(now - timedelta(minutes=1), SAO_PAULO, NOW)
    assert beginning_problems(now + FURTHEST, SAO_PAULO, NOW) == []
    assert beginning_problems(now + FURTHEST + timedelta(days=1), SAO_PAULO, NOW)


@pytest.mark.parametrize("repeat", [each for each in Repeat if each not in (Repeat.CUSTOM, Repeat.EVENT)])
def test_a_rule_that_begins_now_is_due_now(repeat: Repeat) -> None:
    run = first_run(Cadence(repeat, this_minute(SAO_PAULO, NOW), SAO_PAULO), NOW)
    assert run is not None
    assert run.due_at == NOW.replace(second=0)


def test_channels_are_ours_and_each_is_named_once() -> None:
    assert channel_problems(CHANNELS) == []
    for wrong in ([], ["pigeon"], ["sms", "sms"]):
        assert [problem.field for problem in channel_problems(wrong)] == ["channels"]
