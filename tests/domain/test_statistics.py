"""Scores come from counts, intervals cover what they claim, and chance is not called a change."""

import random
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.metrics import Metric
from app.domain.statistics import (
    FEW,
    Change,
    Counts,
    compare,
    response_rate,
    score_of,
    shown,
    shown_mean,
)

NET = (Metric.NPS, Metric.ENPS)
SHARE = (Metric.CSAT, Metric.CES)
few = st.integers(0, 60)
counts = st.builds(Counts, few, few, few)
answered = counts.filter(lambda each: each.n > 0)
metrics = st.sampled_from(Metric)


def seen(metric: Metric, answers: Counts) -> tuple[int, int, int]:
    score = score_of(metric, answers)
    assert score is not None
    return shown(score.value), shown(score.low), shown(score.high)


# --- the number itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "answers", "figures"),
    [
        (Metric.ENPS, Counts(31, 22, 15), (24, 4, 41)),
        (Metric.NPS, Counts(231, 118, 63), (41, 33, 48)),
        (Metric.CSAT, Counts(788, 62, 53), (87, 85, 89)),
        (Metric.CES, Counts(221, 31, 35), (77, 72, 81)),
        (Metric.NPS, Counts(0, 0, 1), (-100, -99, 49)),
        (Metric.NPS, Counts(0, 7, 0), (0, -24, 24)),
        (Metric.CSAT, Counts(0, 0, 10), (0, 0, 28)),
        (Metric.CSAT, Counts(10, 0, 0), (100, 72, 100)),
    ],
)
def test_known_counts_give_known_figures(
    metric: Metric, answers: Counts, figures: tuple[int, int, int]
) -> None:
    assert seen(metric, answers) == figures


def test_the_net_interval_is_the_adjusted_one_to_the_last_digit() -> None:
    score = score_of(Metric.NPS, Counts(upper=5, middle=3, lower=2))
    assert score is not None
    up, down = 5.75 / 13, 2.75 / 13
    half = 1.96 * sqrt((up + down - (up - down) ** 2) / 13)
    assert (score.value, score.n) == (30, 10)
    assert score.low == pytest.approx(100 * (up - down - half))
    assert score.high == pytest.approx(100 * (up - down + half))


def test_the_share_interval_is_wilsons_to_the_last_digit() -> None:
    score = score_of(Metric.CSAT, Counts(upper=8, middle=1, lower=1))
    assert score is not None
    share, z2 = 0.8, 1.96**2
    centre = (share + z2 / 20) / (1 + z2 / 10)
    half = 1.96 * sqrt(share * (1 - share) / 10 + z2 / 400) / (1 + z2 / 10)
    assert score.value == 80
    assert (score.low, score.high) == (
        pytest.approx(100 * (centre - half)),
        pytest.approx(100 * (centre + half)),
    )


@pytest.mark.parametrize("metric", Metric)
def test_without_answers_there_is_no_score_and_not_a_zero(metric: Metric) -> None:
    assert score_of(metric, Counts()) is None


@pytest.mark.parametrize("metric", NET)
def test_only_passives_are_a_score_of_zero_which_is_a_score(metric: Metric) -> None:
    score = score_of(metric, Counts(middle=3, total=22))
    assert score is not None
    assert (score.value, score.n) == (0, 3)


def test_the_mean_is_exact_and_its_half_rounds_away_from_zero() -> None:
    score = score_of(Metric.CES, Counts(upper=12, middle=5, lower=3, total=107))
    assert score is not None
    assert score.mean == Fraction(107, 20)
    assert shown_mean(score.mean) == 5.4  # 5.35 as a float lies below the half, and would say 5.3


@settings(deadline=None)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=80))
def test_nps_equals_its_definition_over_the_raw_answers(scores: list[int]) -> None:
    answers = Counts(
        upper=sum(score >= 9 for score in scores),
        middle=sum(score in (7, 8) for score in scores),
        lower=sum(score <= 6 for score in scores),
        total=sum(scores),
    )
    score = score_of(Metric.NPS, answers)
    assert score is not None
    worth = [1 if each >= 9 else -1 if each <= 6 else 0 for each in scores]
    assert score.value == Fraction(100 * sum(worth), len(worth))
    assert score.mean == Fraction(sum(scores), len(scores))


def test_counts_add_up_and_are_taken_away_cell_by_cell() -> None:
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)
    assert Counts(11, 22, 33, 44) - Counts(10, 20, 30, 40) == Counts(1, 2, 3, 4)


# --- the interval ------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(metrics, answered)
def test_the_interval_stays_on_the_scale_and_has_a_width(metric: Metric, answers: Counts) -> None:
    score = score_of(metric, answers)
    assert score is not None
    assert (-100 if metric in NET else 0) <= score.low < score.high <= 100


@settings(deadline=None)
@given(metrics, answered)
def test_the_score_lies_within_its_interval(metric: Metric, answers: Counts) -> None:
    assume(answers.n >= 2 or metric in SHARE)
    score = score_of(metric, answers)
    assert score is not None
    assert score.low - 1e-9 <= score.value <= score.high + 1e-9


@settings(deadline=None)
@given(metrics, answered)
def test_ten_times_the_answers_make_the_interval_narrower(metric: Metric, answers: Counts) -> None:
    once, tenfold = (
        score_of(metric, answers),
        score_of(metric, Counts(10 * answers.upper, 10 * answers.middle, 10 * answers.lower)),
    )
    assert once is not None and tenfold is not None
    assert tenfold.high - tenfold.low < once.high - once.low


@settings(deadline=None)
@given(metrics, answered)
def test_one_happier_answer_never_lowers_anything(metric: Metric, answers: Counts) -> None:
    assume(answers.lower > 0)
    worse = score_of(metric, answers)
    better = score_of(metric, Counts(answers.upper + 1, answers.middle, answers.lower - 1))
    assert worse is not None and better is not None
    assert better.value > worse.value
    assert better.low >= worse.low
    assert better.high >= worse.high


@settings(deadline=None)
@given(st.sampled_from(NET), answered)
def test_swapping_promoters_and_detractors_mirrors_score_and_interval(
    metric: Metric, answers: Counts
) -> None:
    score, mirror = (
        score_of(metric, answers),
        score_of(metric, Counts(answers.lower, answers.middle, answers.upper)),
    )
    assert score is not None and mirror is not None
    assert mirror.value == -score.value
    assert (mirror.low, mirror.high) == (pytest.approx(-score.high), pytest.approx(-score.low))


def drawn(chance: random.Random, shares: tuple[float, float, float], n: int) -> Counts:
    fallen = chance.choices(range(3), shares, k=n)
    return Counts(fallen.count(0), fallen.count(1), fallen.count(2))


def covered(metric: Metric, shares: tuple[float, float, float], n: int, times: int = 2000) -> float:
    chance = random.Random(f"{metric} {shares} {n}")
    truth = 100 * (shares[0] - shares[2] if metric in NET else shares[0])
    hits = 0
    for _ in range(times):
        score = score_of(metric, drawn(chance, shares, n))
        assert score is not None
        hits += score.low <= truth <= score.high
    return hits / times


@pytest.mark.parametrize("n", [5, 12, 50, 200])
@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.3, 0.4, 0.3), (0.6, 0.2, 0.2)])
@pytest.mark.parametrize("metric", [Metric.NPS, Metric.CSAT])
def test_the_interval_covers_the_truth_about_as_often_as_it_claims(
    metric: Metric, shares: tuple[float, float, float], n: int
) -> None:
    assert covered(metric, shares, n) >= 0.925


# --- is the change real? -----------------------------------------------------------------------------------


def test_a_rise_of_twelve_points_among_hundreds_is_real() -> None:
    change = compare(Metric.NPS, now=Counts(231, 118, 63), before=Counts(190, 110, 78))
    assert (change.difference and shown(change.difference), change.verdict, change.needed) == (11, "up", 0)


def test_ten_points_among_sixty_employees_fit_into_chance() -> None:
    change = compare(Metric.ENPS, now=Counts(31, 22, 15), before=Counts(26, 22, 17))
    assert change.difference is not None and 9 < change.difference < 10.5
    assert change.verdict == "unclear"


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize(
    ("now", "before"), [(Counts(), Counts(9, 1, 1)), (Counts(9, 1, 1), Counts()), (Counts(), Counts())]
)
def test_a_period_without_answers_compares_with_nothing(metric: Metric, now: Counts, before: Counts) -> None:
    assert compare(metric, now, before) == Change(difference=None, verdict="unclear", needed=None)


@pytest.mark.parametrize("metric", Metric)
def test_one_or_two_angry_people_are_never_a_verdict(metric: Metric) -> None:
    for n in range(1, FEW):
        change = compare(metric, now=Counts(lower=n), before=Counts(upper=900, middle=50, lower=50))
        assert change.verdict == "unclear"
        assert change.needed is not None and n + change.needed >= FEW


@settings(deadline=None)
@given(metrics, answered, answered)
def test_looking_back_the_other_way_turns_the_verdict_round(
    metric: Metric, now: Counts, before: Counts
) -> None:
    there, back = compare(metric, now, before), compare(metric, before, now)
    assert there.difference is not None and back.difference == -there.difference
    assert {there.verdict, back.verdict} in ({"up", "down"}, {"unclear"})


@settings(deadline=None)
@given(metrics, answered, answered)
def test_a_verdict_agrees_with_the_difference_that_is_shown(
    metric: Metric, now: Counts, before: Counts
) -> None:
    change = compare(metric, now, before)
    assert change.difference is not None
    if change.verdict != "unclear":
        assert (change.difference > 0) == (change.verdict == "up")
        assert change.needed == 0
    else:
        assert change.needed is None or change.needed > 0


@settings(deadline=None)
@given(metrics, answered)
def test_the_same_counts_are_no_change_and_no_number_of_answers_would_make_one(
    metric: Metric, answers: Counts
) -> None:
    assert compare(metric, answers, answers) == Change(difference=Fraction(0), verdict="unclear", needed=None)


@pytest.mark.parametrize("metric", Metric)
def test_as_many_more_answers_as_needed_do_tell_and_fewer_do_not(metric: Metric) -> None:
    now, before = Counts(30, 10, 10), Counts(400, 250, 150)
    change = compare(metric, now, before)
    assert change.verdict == "unclear" and change.needed is not None
    tenths = -(-(50 + change.needed) // 5)  # the same shares, 3 : 1 : 1, at the next size that divides evenly
    assert compare(metric, Counts(3 * tenths, tenths, tenths), before).verdict == "up"
    less = (50 + change.needed) // 5 - 1
    assert compare(metric, Counts(3 * less, less, less), before).verdict == "unclear"


@pytest.mark.parametrize("metric", Metric)
def test_when_the_past_itself_is_too_unsure_nothing_we_collect_now_would_tell(metric: Metric) -> None:
    change = compare(metric, now=Counts(30, 10, 10), before=Counts(3, 2, 1))
    assert (change.verdict, change.needed) == ("unclear", None)


@pytest.mark.parametrize(("now", "before"), [(5, 5), (8, 300), (30, 30), (200, 250)])
@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.2, 0.3, 0.5)])
@pytest.mark.parametrize("metric", [Metric.NPS, Metric.CSAT])
def test_chance_is_called_a_change_no_more_often_than_it_may(
    metric: Metric, shares: tuple[float, float, float], now: int, before: int
) -> None:
    chance = random.Random(f"{metric} {shares} {now} {before}")
    verdicts = [
        compare(metric, drawn(chance, shares, now), drawn(chance, shares, before)).verdict for _ in range(600)
    ]
    assert sum(verdict != "unclear" for verdict in verdicts) / 600 <= 0.075  # 5 % and the noise of 600 draws


@pytest.mark.parametrize("metric", [Metric.NPS, Metric.CSAT])
def test_a_large_change_among_many_is_almost_always_seen(metric: Metric) -> None:
    chance = random.Random(str(metric))
    verdicts = [
        compare(metric, drawn(chance, (0.6, 0.2, 0.2), 400), drawn(chance, (0.45, 0.25, 0.3), 400)).verdict
        for _ in range(200)
    ]
    assert verdicts.count("up") >= 190
    assert verdicts.count("down") == 0


# --- rates and rounding ------------------------------------------------------------------------------------


def test_the_response_rate_is_exact_and_absent_when_nobody_was_reached() -> None:
    assert response_rate(31, 100) == Fraction(31, 100)
    assert response_rate(0, 4) == 0
    assert response_rate(0, 0) is None


@pytest.mark.parametrize(
    ("exact", "whole"),
    [
        (Fraction(1, 2), 1),
        (Fraction(-1, 2), -1),
        (Fraction(3, 2), 2),
        (Fraction(5, 2), 3),
        (Fraction(-25, 2), -13),
        (Fraction(49999999999, 100000000000), 0),
        (0.49999999999999994, 0),
        (2.5, 3),
        (-0.4, 0),
        (0, 0),
        (-98.5, -99),
    ],
)
def test_halves_round_away_from_zero(exact: Fraction | float, whole: int) -> None:
    assert shown(exact) == whole


@settings(deadline=None)
@given(st.fractions(-100, 100, max_denominator=5000))
def test_rounding_is_symmetric_and_never_moves_by_more_than_a_half(exact: Fraction) -> None:
    assert shown(-exact) == -shown(exact)
    assert abs(shown(exact) - exact) <= Fraction(1, 2)
    assert shown_mean(-exact) == -shown_mean(exact)


@settings(deadline=None)
@given(st.fractions(-100, 100, max_denominator=5000), st.fractions(-100, 100, max_denominator=5000))
def test_rounding_keeps_the_order(one: Fraction, other: Fraction) -> None:
    low, high = sorted((one, other))
    assert shown(low) <= shown(high)
    assert shown_mean(low) <= shown_mean(high)
