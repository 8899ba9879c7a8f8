"""Rules as a form holds them, both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.cadence import Repeat
from app.domain.days_off import OffDays
from app.domain.rrules import read_rule
from app.domain.rule_presets import DAYS_OF_MONTH, MOST_EVERY, Preset, preset_of


@pytest.mark.parametrize(
    ("preset", "rule"),
    [
        (Preset(Repeat.DAILY), None),
        (Preset(Repeat.ONCE), None),
        (Preset(Repeat.DAILY, 3), "FREQ=DAILY;INTERVAL=3"),
        (Preset(Repeat.WEEKLY, 2, (1,)), "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        (Preset(Repeat.WEEKLY, 1, (4, 0)), "FREQ=WEEKLY;BYDAY=MO,FR"),
        (Preset(Repeat.MONTHLY, on="-1FR"), "FREQ=MONTHLY;BYDAY=-1FR"),
        (Preset(Repeat.QUARTERLY, on="first_business"), "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1"),
        (Preset(Repeat.MONTHLY, on="last_day"), "FREQ=MONTHLY;BYMONTHDAY=-1"),
        (Preset(Repeat.MONTHLY, 5), "FREQ=MONTHLY;INTERVAL=5"),
        (Preset(Repeat.EACH_PERSON), None),
    ],
)
def test_what_stands_in_the_form_is_a_rule(preset: Preset, rule: str | None) -> None:
    made = preset.rule()
    assert (str(made) if made else None) == rule
    assert made is None or str(read_rule(str(made))) == rule


@pytest.mark.parametrize("repeat", MOST_EVERY)
def test_the_longest_interval_of_a_form_is_one_of_a_rule(repeat: Repeat) -> None:
    longest = Preset(repeat, MOST_EVERY[repeat]).rule()
    assert longest is not None
    assert read_rule(str(longest)) == longest


def test_a_business_day_of_the_month_is_one_by_moving() -> None:
    assert Preset(Repeat.MONTHLY, on="first_business").moves is OffDays.NEXT
    assert Preset(Repeat.MONTHLY, on="last_business").moves is OffDays.PREVIOUS
    assert Preset(Repeat.MONTHLY, on="-1FR", off_days=OffDays.SKIP).moves is OffDays.SKIP


DAYS = st.sets(st.integers(0, 6)).map(sorted).map(tuple)


@settings(max_examples=200)
@given(
    st.one_of(
        st.builds(Preset, st.just(Repeat.DAILY), st.integers(2, 60)),
        st.builds(
            Preset,
            st.just(Repeat.WEEKLY),
            st.integers(2, 60),
            st.sets(st.integers(0, 6)).map(sorted).map(tuple),
        ),
        st.builds(Preset, st.just(Repeat.MONTHLY), st.integers(2, 24), on=st.sampled_from(DAYS_OF_MONTH)),
    )
)
def test_what_was_saved_stands_in_the_form_again(preset: Preset) -> None:
    again = preset_of(Repeat.CUSTOM, preset.rule(), preset.moves)
    assert again is not None
    assert (again.rule(), again.moves, again.on, again.repeat) == (
        preset.rule(), preset.moves, preset.on, preset.repeat,
    )  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=3",
        "FREQ=YEARLY",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
        "FREQ=DAILY;INTERVAL=61",
        "FREQ=WEEKLY;INTERVAL=61;BYDAY=MO",
    ],
)
def test_a_rule_that_no_form_holds_stays_as_it_is_written(rule: str) -> None:
    assert preset_of(Repeat.CUSTOM, read_rule(rule), OffDays.RUN) is None
