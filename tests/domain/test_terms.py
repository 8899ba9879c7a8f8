"""The terms of asking many: read strictly, lots that are fair and always the same, seats that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.terms import DRAWS, Sample, Terms, draw, seats, share_of_draws
from app.errors import Invalid


def test_without_a_word_there_is_one_reminder_after_three_days_and_everybody_is_asked() -> None:
    terms = Terms.from_json({})
    assert terms == Terms()
    assert (terms.reminders, terms.sample, terms.holdout, terms.per_hour) == ((3,), None, 0, None)
    assert terms.to_json() == {}


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"reminders": [1, 2, 3, 4]}, "reminders"),
        ({"reminders": [0]}, "reminders"),
        ({"reminders": [29]}, "reminders"),
        ({"reminders": "3"}, "reminders"),
        ({"holdout": 51}, "holdout"),
        ({"holdout": True}, "holdout"),
        ({"per_hour": 0}, "per_hour"),
        ({"sample": {}}, "sample"),
        ({"sample": {"share": 10, "number": 5}}, "sample"),
        ({"sample": {"share": 101}}, "sample"),
        ({"sample": {"share": 10, "by": ""}}, "sample"),
        ({"remind_elsewhere": "yes"}, "remind_elsewhere"),
        ({"seed": 7}, "seed"),
        ([], "terms"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(given_: object, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Terms.from_json(given_)
    assert [each.field for each in refused.value.problems] == [field]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        Terms.from_json({"holdout": 99, "per_hour": -1, "what": 1})
    assert {each.field for each in refused.value.problems} == {"holdout", "per_hour", "what"}


def test_reminders_follow_each_other_in_the_order_of_their_days() -> None:
    terms = Terms.from_json({"reminders": [7, 3, 3]})
    assert terms.reminders == (3, 7)
    assert [terms.reminder_after(None), terms.reminder_after(3), terms.reminder_after(7)] == [3, 7, None]
    assert Terms.from_json({"reminders": []}).reminder_after(None) is None


terms_given = st.fixed_dictionaries(
    {},
    optional={
        "reminders": st.lists(st.integers(1, 28), max_size=3, unique=True).map(sorted),
        "remind_elsewhere": st.booleans(),
        "sample": st.fixed_dictionaries({"share": st.integers(1, 100)}, optional={"by": st.just("plan")})
        | st.fixed_dictionaries({"number": st.integers(1, 10_000)}),
        "holdout": st.integers(0, 50),
        "per_hour": st.integers(1, 1_000_000),
        "their_channel_first": st.booleans(),
    },
)


@given(terms_given)
def test_what_is_kept_reads_as_what_was_meant(given_: dict[str, object]) -> None:
    terms = Terms.from_json(given_)
    assert Terms.from_json(terms.to_json()) == terms


def test_a_lot_is_the_same_for_a_person_and_a_seed_and_fair_over_many() -> None:
    assert draw("a", "maria") == draw("a", "maria") != draw("b", "maria")
    drawn = [draw("spring", str(number)) for number in range(20_000)]
    below = sum(lot < share_of_draws(10) for lot in drawn)
    assert all(0 <= lot < DRAWS for lot in drawn)
    assert 1_850 < below < 2_150


groups = st.dictionaries(st.text(max_size=3), st.integers(0, 500), max_size=8)


@given(groups, st.integers(1, 100))
def test_the_seats_of_a_share_are_that_share_of_all_and_in_proportion(
    sizes: dict[str, int], share: int
) -> None:
    found = seats(sizes, Sample(share=share))
    everybody = sum(sizes.values())
    assert sum(found.values()) == (everybody * share + 50) // 100
    for name, size in sizes.items():
        assert 0 <= found[name] <= size
        if everybody:
            assert abs(found[name] - sum(found.values()) * size / everybody) < 1


@given(groups, st.integers(1, 3_000))
def test_a_number_of_people_is_that_number_or_everybody(sizes: dict[str, int], number: int) -> None:
    assert sum(seats(sizes, Sample(number=number)).values()) == min(number, sum(sizes.values()))


@given(st.integers(0, 50), st.integers(1, 100), st.integers(0, DRAWS - 1))
def test_a_share_is_met_to_less_than_one_person_whatever_the_luck(people: int, share: int, luck: int) -> None:
    (asked,) = seats({"": people}, Sample(share=share), luck).values()
    assert abs(asked - people * share / 100) < 1


def test_a_fifth_of_a_thousand_runs_for_one_person_each_is_about_two_hundred() -> None:
    asked = [seats({"": 1}, Sample(share=20), draw(f"sample:{run}", ""))[""] for run in range(1000)]
    assert 160 < sum(asked) < 240
