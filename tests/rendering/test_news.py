"""The heading is the news: who waits too long comes before who waits, and both before who spoke."""

from fractions import Fraction

import pytest

from app.domain.metrics import Metric
from app.domain.statistics import Change, Verdict
from app.rendering.languages import Language, language_of
from app.rendering.news import Waiting, changes, greeting, news

ENGLISH, PORTUGUESE, SPANISH = language_of("en"), language_of("pt-BR"), language_of("es")


def moved(points: float, verdict: Verdict = "unclear", needed: int | None = None) -> Change:
    return Change(Fraction(points), verdict, needed)


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (0, "Good evening, Camila."),
        (4, "Good evening, Camila."),
        (5, "Good morning, Camila."),
        (11, "Good morning, Camila."),
        (12, "Good afternoon, Camila."),
        (17, "Good afternoon, Camila."),
        (18, "Good evening, Camila."),
    ],
)
def test_the_greeting_follows_the_hour_and_takes_the_first_name(hour: int, words: str) -> None:
    assert greeting(ENGLISH, "Camila Duarte", hour) == words


def test_whoever_waits_too_long_is_the_news() -> None:
    waiting = Waiting(late=3, open=11, answered_today=40, anybody_answered=True)
    assert news(PORTUGUESE, waiting) == "Três clientes esperam há mais tempo do que prometemos."
    assert news(ENGLISH, waiting) == "Three customers have been waiting longer than we promised."
    assert news(SPANISH, waiting) == "Tres clientes esperan desde hace más tiempo del que prometimos."


def test_one_is_a_customer_and_many_are_a_numeral() -> None:
    one = Waiting(late=1, open=1, answered_today=0, anybody_answered=True)
    many = Waiting(late=1234, open=1234, answered_today=0, anybody_answered=True)
    assert news(PORTUGUESE, one) == "Um cliente espera há mais tempo do que prometemos."
    assert news(PORTUGUESE, many).startswith("1.234 clientes")


@pytest.mark.parametrize("language", [ENGLISH, PORTUGUESE, SPANISH])
def test_counts_up_to_ten_are_words_and_no_two_the_same(language: Language) -> None:
    said = {news(language, Waiting(number, number, 0, True)).split()[0] for number in range(1, 11)}
    assert len(said) == 10
    assert all(word.isalpha() for word in said)


def test_the_words_of_numbers_are_translated() -> None:
    assert [news(PORTUGUESE, Waiting(n, n, 0, True)).split()[0] for n in (2, 10)] == ["Dois", "Dez"]
    assert [news(SPANISH, Waiting(n, n, 0, True)).split()[0] for n in (2, 9)] == ["Dos", "Nueve"]


def test_without_anybody_late_the_next_thing_is_said() -> None:
    assert "within the time we promised" in news(ENGLISH, Waiting(0, 2, 5, True))
    assert (
        news(ENGLISH, Waiting(0, 0, 5, True))
        == "Five customers answered today, and nobody is waiting for us."
    )
    assert news(ENGLISH, Waiting(0, 0, 0, True)) == "Nobody is waiting for us."
    assert news(ENGLISH, Waiting(0, 0, 0, False)) == "Nobody has answered yet."


def test_a_real_change_is_told_in_points() -> None:
    found = [(Metric.NPS, moved(11.6, "up", 0)), (Metric.CSAT, moved(2))]
    assert changes(PORTUGUESE, 90, found) == "O NPS subiu 12 pontos em 90 dias, e a mudança é real."
    assert changes(ENGLISH, 90, found) == "NPS rose 12 points in 90 days, and the change is real."
    fallen = [(Metric.CSAT, moved(-1.2, "down", 0))]
    assert changes(SPANISH, 30, fallen) == "El CSAT bajó 1 punto en 30 días, y el cambio es real."


def test_several_real_changes_are_one_sentence() -> None:
    found = [
        (Metric.NPS, moved(12, "up", 0)),
        (Metric.CSAT, moved(-4, "down", 0)),
        (Metric.CES, moved(5, "up", 0)),
    ]
    assert changes(ENGLISH, 365, found) == (
        "NPS rose 12 points, CSAT fell 4 points and CES rose 5 points in 365 days,"
        " and these changes are real."
    )
    assert changes(PORTUGUESE, 365, found).startswith(
        "O NPS subiu 12 pontos, o CSAT caiu 4 pontos e o CES subiu 5 pontos em 365 dias"
    )


def test_when_nobody_can_tell_it_says_so_and_what_would_tell() -> None:
    found = [(Metric.NPS, moved(3, needed=834)), (Metric.CSAT, moved(1, needed=117)), (Metric.CES, moved(0))]
    assert changes(ENGLISH, 90, found) == (
        "We cannot tell yet whether anything changed in 90 days. About 120 more CSAT answers would tell."
    )
    assert changes(ENGLISH, 90, [(Metric.NPS, moved(0))]) == (
        "We cannot tell yet whether anything changed in 90 days."
    )
    assert changes(ENGLISH, 90, [(Metric.NPS, moved(40, needed=1))]).endswith(
        "One more NPS answer would tell."
    )


def test_without_a_past_or_without_answers_nothing_is_compared() -> None:
    nothing = Change(None, "unclear", None)
    assert changes(ENGLISH, 30, [(Metric.NPS, nothing)]) == (
        "There is nothing yet before these 30 days to compare them with."
    )
    assert changes(ENGLISH, 30, []) == "Nobody answered in the last 30 days."
