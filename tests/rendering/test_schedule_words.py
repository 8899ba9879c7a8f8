"""Schedules in words: rules, runs and outcomes in three languages."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.cadence import Cadence, Repeat
from app.rendering import schedule_words as words
from app.rendering.languages import LOCALES, language_of

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("repeat", "start", "pt", "en", "es"),
    [
        ("once", "2026-12-01T10:00", "Em 1 de dezembro de 2026 às 10h00", "On 1 December 2026 at 10:00",
         "El 1 de diciembre de 2026 a las 10:00"),
        ("daily", "2026-12-01T01:30", "Todo dia à 1h30", "Every day at 1:30", "Cada día a la 1:30"),
        ("weekly", "2026-12-05T10:00", "Todo sábado às 10h00", "Every Saturday at 10:00",
         "Cada sábado a las 10:00"),
        ("weekly", "2026-12-01T10:00", "Toda terça-feira às 10h00", "Every Tuesday at 10:00",
         "Cada martes a las 10:00"),
        ("monthly", "2026-12-28T10:00", "Todo dia 28 do mês às 10h00", "On day 28 of every month at 10:00",
         "El día 28 de cada mes a las 10:00"),
        ("monthly", "2026-12-30T10:00", "Todo dia 30 do mês, ou no último, às 10h00",
         "On day 30 of every month, or its last, at 10:00",
         "El día 30 de cada mes, o el último, a las 10:00"),
        ("monthly", "2026-12-31T10:00", "No último dia de cada mês às 10h00",
         "On the last day of every month at 10:00", "El último día de cada mes a las 10:00"),
        ("quarterly", "2027-02-01T10:00", "A cada três meses a partir de 1 de fevereiro de 2027 às 10h00",
         "Every three months from 1 February 2027 at 10:00",
         "Cada tres meses desde el 1 de febrero de 2027 a las 10:00"),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(repeat: str, start: str, pt: str, en: str, es: str) -> None:
    said = [words.rule_words(language_of(code), Repeat(repeat), at(start)) for code in ("pt-BR", "en", "es")]
    assert said == [pt, en, es]


def test_a_headline_says_what_it_does_or_did() -> None:
    english = language_of("en")
    rule = "Every day at 10:00"
    assert words.headline(english, rule, "NPS") == "Every day at 10:00, ask everybody “NPS”."
    assert words.headline(english, rule, "Team", pulse=True).endswith("open the pulse “Team”.")
    assert words.headline(english, rule, "NPS", asked=True).endswith("everybody was asked “NPS”.")


def test_runs_are_told_by_the_calendar_and_from_one_to_the_next() -> None:
    now = datetime(2026, 11, 16, 13, tzinfo=UTC)
    runs = Cadence(Repeat.MONTHLY, at("2026-12-31T10:00"), SAO_PAULO).next_runs(now, 4)
    assert words.run_words(language_of("pt-BR"), runs[0], SAO_PAULO) == (
        "Quinta-feira, 31 de dezembro de 2026, 10h00"
    )
    assert words.ahead_words(language_of("en"), runs, SAO_PAULO, now) == [
        "in 45 days",
        "31 days later",
        "4 weeks later",
        "31 days later",
    ]
    weekly = Cadence(Repeat.WEEKLY, at("2026-11-17T10:00"), SAO_PAULO).next_runs(now, 2)
    assert words.ahead_words(language_of("es"), weekly, SAO_PAULO, now) == ["mañana", "una semana después"]


def test_d02_d04_a_change_of_the_clocks_is_told_beside_its_run() -> None:
    now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    skipped = Cadence(Repeat.DAILY, at("2026-03-28T02:30"), BERLIN).next_runs(now, 3)
    assert words.ahead_words(language_of("en"), skipped, BERLIN, now) == [
        "tomorrow",
        "a day later; the clocks skip 2:30 that day",
        "a day later",
    ]
    kept = Cadence(Repeat.DAILY, at("2026-03-28T10:00"), BERLIN).next_runs(now, 2)
    assert words.ahead_words(language_of("pt-BR"), kept, BERLIN, now)[1] == (
        "um dia depois; os relógios mudam antes, e continua às 10h00"
    )


def test_a_run_that_is_late_is_today() -> None:
    assert words.from_today(language_of("en"), date(2026, 11, 15), date(2026, 11, 16)) == "today"


@pytest.mark.parametrize("code", LOCALES)
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("due", None), ("running", None), ("run", None), ("missed", "late"), ("skipped", "paused"),
        ("skipped", "unpublished"), ("skipped", "nobody"), ("cancelled", "cancelled"), ("run", "new code"),
    ],
)  # fmt: skip
def test_every_outcome_has_its_sentence(code: str, state: str, reason: str | None) -> None:
    said = words.run_sentence(language_of(code), state, reason, 3)
    assert said.endswith(".")
    assert "%" not in said
