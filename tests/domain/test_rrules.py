"""RRULEs as people and scripts write them: a strict part is read, the rest refused with words."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.rrules import read_rule
from app.errors import Invalid

START = datetime(2026, 1, 31, 10, 0)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("FREQ=WEEKLY;BYDAY=TU;INTERVAL=2", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        ("rrule:freq=monthly;byday=-1fr;", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("FREQ=DAILY;INTERVAL=1", "FREQ=DAILY"),
        ("FREQ=WEEKLY;BYDAY=FR,MO,FR", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        ("FREQ=YEARLY;BYMONTH=9,3;BYMONTHDAY=1", "FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=1"),
        ("FREQ=DAILY;UNTIL=20270101", "FREQ=DAILY;UNTIL=20270101T235959"),
        ("FREQ=DAILY;COUNT=5;WKST=MO", "FREQ=DAILY;COUNT=5"),
    ],
)
def test_a_rule_is_kept_in_one_spelling(written: str, kept: str) -> None:
    assert str(read_rule(written)) == kept
    assert str(read_rule(kept)) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "daily", "FREQ=HOURLY", "FREQ=SECONDLY;INTERVAL=1", "FREQ=DAILY;BYHOUR=9,10,11",
        "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=9999999999", "FREQ=DAILY;COUNT=501", "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;WKST=SU",
        "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=5", "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYDAY=MO", "FREQ=YEARLY;BYYEARDAY=1", "FREQ=YEARLY;BYEASTER=0",
        "FREQ=DAILY;UNTIL=20270230", "FREQ=DAILY;UNTIL=20270101T000000Z", "FREQ=DAILY;" + "X=1;" * 100,
        "FREQ=DAILY\nRDATE:1",
    ],
)  # fmt: skip
def test_what_is_dense_endless_or_never_comes_is_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_rule(written)
    assert [each.field for each in refused.value.problems] == ["rrule"]


@settings(deadline=None, max_examples=300)
@given(st.text("FREQ=DAILYWKMONTHBSUP;,-+0123456789RZ ", max_size=60))
def test_whatever_is_written_is_read_or_refused(written: str) -> None:
    try:
        rule = read_rule(written)
    except Invalid:
        return
    assert next(rule.locals(START), START) >= START


def test_counting_ends_and_so_does_a_date() -> None:
    assert len(list(read_rule("FREQ=MONTHLY;COUNT=3").locals(START))) == 3
    assert len(list(read_rule("FREQ=MONTHLY;COUNT=3").locals(START, datetime(2026, 3, 1)))) == 1
    days = list(read_rule("FREQ=DAILY;UNTIL=20260202").locals(START))
    assert [day.day for day in days] == [31, 1, 2]


def test_a_month_without_the_31st_takes_its_last_day() -> None:
    found = list(read_rule("FREQ=MONTHLY;COUNT=3").locals(START))
    assert [(day.month, day.day) for day in found] == [(1, 31), (2, 28), (3, 31)]
    leap = read_rule("FREQ=YEARLY;COUNT=3").locals(datetime(2028, 2, 29, 9))
    assert [(day.year, day.day) for day in leap] == [(2028, 29), (2029, 28), (2030, 28)]
