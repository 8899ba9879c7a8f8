"""One rounding, and numbers as their readers write them."""

from fractions import Fraction

import pytest

from app.domain.metrics import Metric
from app.domain.statistics import Counts, score_of
from app.rendering.figures import bare, between, figure, mean, rate
from app.rendering.languages import language_of


@pytest.mark.parametrize(
    ("metric", "exact", "words"),
    [
        (Metric.NPS, Fraction(100 * 168, 412), "+41"),
        (Metric.NPS, Fraction(-25, 2), "−13"),
        (Metric.NPS, Fraction(-2, 5), "0"),
        (Metric.ENPS, 100, "+100"),
        (Metric.CSAT, Fraction(173, 2), "87%"),
        (Metric.CES, Fraction(57), "57%"),
        (Metric.NPS, None, "–"),
        (Metric.CSAT, None, "–"),
    ],
)
@pytest.mark.parametrize("code", ["pt-BR", "en", "es"])
def test_a_score_reads_the_same_in_every_language(
    code: str, metric: Metric, exact: Fraction | None, words: str
) -> None:
    assert figure(language_of(code), metric, exact) == words


def test_an_interval_says_its_unit_once() -> None:
    english = language_of("en")
    assert between(english, Metric.NPS, score_of(Metric.NPS, Counts(231, 118, 63))) == "+33 and +48"
    assert between(english, Metric.CSAT, score_of(Metric.CSAT, Counts(788, 62, 53))) == "85 and 89%"
    assert between(english, Metric.CSAT, None) == "–"
    assert bare(english, Metric.CSAT, 86.5) == "87"


@pytest.mark.parametrize(
    ("share", "words"),
    [(Fraction(31, 100), "31%"), (Fraction(57, 200), "29%"), (Fraction(0), "0%"), (None, "–")],
)
def test_a_rate_is_rounded_from_its_exact_value(share: Fraction | None, words: str) -> None:
    assert rate(language_of("pt-BR"), share) == words


def test_a_mean_has_one_decimal_and_the_readers_comma() -> None:
    assert mean(language_of("pt-BR"), Fraction(107, 20)) == "5,4"
    assert mean(language_of("en"), Fraction(107, 20)) == "5.4"
    assert mean(language_of("es"), Fraction(6)) == "6,0"
    assert mean(language_of("en"), None) == "–"
