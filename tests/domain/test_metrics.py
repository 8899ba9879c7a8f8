"""Scores are read strictly, and every one of them has exactly one band."""

from dataclasses import replace
from enum import IntEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.metrics import RULES, BadScore, Band, Metric, band_of, metrics_for, read_score, tone

NOT_SCORES = [
    *(-1, 11, 10**400, -(10**400), 7.5, 7.0, float("nan"), float("inf"), True, False, None),
    *(
        [],
        [9],
        {},
        (9,),
        b"9",
        "",
        " ",
        "-1",
        "-0",
        "+9",
        "11",
        "007",
        "07",
        "00",
        "10 ",
        " 10",
        "10\n",
        "1 0",
    ),
    *(
        "1e1",
        "1_0",
        "0x9",
        "7.5",
        "7,5",
        "９",
        "１０",
        "٩",
        "९",
        "9️⃣",
        "⑨",
        "九",
        "IX",
        "9/10",
        "nine",
        "None",
    ),
    *("true", "9" * 5000, "9\x00", "\u200b9"),
]


class Finger(IntEnum):
    FIVE = 5


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("sent", NOT_SCORES, ids=lambda sent: ascii(sent)[:20])
def test_only_plain_whole_numbers_on_the_scale_are_scores(metric: Metric, sent: object) -> None:
    with pytest.raises(BadScore):
        read_score(metric, sent)


@pytest.mark.parametrize("metric", Metric)
def test_every_number_of_the_scale_is_read_alike_as_text_and_as_int(metric: Metric) -> None:
    for score in RULES[metric].scores:
        assert read_score(metric, score) == read_score(metric, str(score)) == score


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [(Metric.NPS, 0, 10), (Metric.ENPS, 0, 10), (Metric.CSAT, 1, 5), (Metric.CES, 1, 7)],
)
def test_the_scale_ends_where_the_question_says(metric: Metric, low: int, high: int) -> None:
    assert (read_score(metric, low), read_score(metric, high)) == (low, high)
    for outside in (low - 1, high + 1):
        with pytest.raises(BadScore):
            read_score(metric, outside)


def test_a_relative_of_int_is_not_a_score_because_json_and_forms_send_none() -> None:
    with pytest.raises(BadScore):
        read_score(Metric.CSAT, Finger.FIVE)


def test_a_bad_score_says_which_numbers_would_do() -> None:
    with pytest.raises(BadScore) as raised:
        read_score(Metric.CES, "8")
    (problem,) = raised.value.problems
    assert (problem.field, str(problem)) == ("score", "A whole number from 1 to 7.")


@settings(deadline=None)
@given(st.sampled_from(Metric), st.text(max_size=4))
def test_whatever_is_typed_is_a_score_only_in_its_one_spelling(metric: Metric, typed: str) -> None:
    spellings = {str(score) for score in RULES[metric].scores}
    if typed in spellings:
        assert str(read_score(metric, typed)) == typed
    else:
        with pytest.raises(BadScore):
            read_score(metric, typed)


@pytest.mark.parametrize(
    ("metric", "bands"),
    [
        (Metric.NPS, {Band.DETRACTOR: range(7), Band.PASSIVE: range(7, 9), Band.PROMOTER: range(9, 11)}),
        (Metric.ENPS, {Band.DETRACTOR: range(7), Band.PASSIVE: range(7, 9), Band.PROMOTER: range(9, 11)}),
        (
            Metric.CSAT,
            {Band.DISSATISFIED: range(1, 3), Band.NEUTRAL: range(3, 4), Band.SATISFIED: range(4, 6)},
        ),
        (Metric.CES, {Band.HIGH_EFFORT: range(1, 4), Band.NEUTRAL: range(4, 5), Band.EASY: range(5, 8)}),
    ],
)
def test_the_bands_are_the_conventional_ones(metric: Metric, bands: dict[Band, range]) -> None:
    expected = {score: band for band, scores in bands.items() for score in scores}
    assert {score: band_of(metric, score) for score in RULES[metric].scores} == expected


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("outside", [-1, 11, 6.5, 99])
def test_what_is_off_the_scale_falls_into_no_band(metric: Metric, outside: int) -> None:
    with pytest.raises(BadScore):
        band_of(metric, outside)


def test_direction_is_data_so_a_scale_turned_round_bands_the_other_way() -> None:
    effort = replace(
        RULES[Metric.CES], rising=False
    )  # CES 1.0: "how much effort did it take?", 1 = very little
    assert [effort.band(score) for score in effort.scores] == [
        RULES[Metric.CES].band(score) for score in reversed(effort.scores)
    ]
    assert effort.band(1) is Band.EASY
    assert effort.band(7) is Band.HIGH_EFFORT


def test_each_band_points_one_way() -> None:
    assert {band: tone(band) for band in Band} == {
        Band.PROMOTER: "up",
        Band.SATISFIED: "up",
        Band.EASY: "up",
        Band.PASSIVE: "flat",
        Band.NEUTRAL: "flat",
        Band.DETRACTOR: "down",
        Band.DISSATISFIED: "down",
        Band.HIGH_EFFORT: "down",
    }


def test_employees_are_asked_e_nps_and_customers_the_rest() -> None:
    assert metrics_for("customers") == (Metric.NPS, Metric.CSAT, Metric.CES)
    assert metrics_for("people") == (Metric.ENPS,)
    assert metrics_for("elsewhere") == ()
