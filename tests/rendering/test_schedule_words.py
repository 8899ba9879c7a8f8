"""Schedules in words: rules, runs and outcomes in three languages."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.domain.cadence import Cadence, Repeat
from app.domain.days_off import DaysOff, OffDays
from app.domain.rrules import Weekday, read_rule
from app.domain.triggers import Trigger
from app.rendering import schedule_words as words
from app.rendering.languages import LOCALES, language_of
from app.rendering.rule_words import placed_day, rhythm

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
        ("monthly", "2026-12-28T10:00", "Todo mês, no dia 28, às 10h00", "On day 28 of every month at 10:00",
         "Cada mes, el día 28, a las 10:00"),
        ("monthly", "2026-12-30T10:00", "Todo mês, no dia 30 ou no último, às 10h00",
         "On day 30 or the last of every month at 10:00",
         "Cada mes, el día 30 o el último, a las 10:00"),
        ("monthly", "2026-12-31T10:00", "Todo mês, no último dia, às 10h00",
         "On the last day of every month at 10:00", "Cada mes, el último día, a las 10:00"),
        ("quarterly", "2027-02-01T10:00", "A cada três meses a partir de 1 de fevereiro de 2027 às 10h00",
         "Every three months from 1 February 2027 at 10:00",
         "Cada tres meses desde el 1 de febrero de 2027 a las 10:00"),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(repeat: str, start: str, pt: str, en: str, es: str) -> None:
    cadence = Cadence(Repeat(repeat), at(start), SAO_PAULO)
    assert [words.rule_words(language_of(code), cadence) for code in ("pt-BR", "en", "es")] == [pt, en, es]


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


@pytest.mark.parametrize(
    ("rule", "off_days", "pt", "en", "es"),
    [
        ("FREQ=DAILY;INTERVAL=3", "run", "A cada 3 dias", "Every 3 days", "Cada 3 días"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "run", "A cada 2 semanas, terça-feira,",
         "Every 2 weeks on Tuesday", "Cada 2 semanas, martes,"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,SA", "run", "Toda semana, segunda-feira, quarta-feira e sábado,",
         "Every week on Monday, Wednesday and Saturday", "Cada semana, lunes, miércoles y sábado,"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "run", "De segunda a sexta", "From Monday to Friday",
         "De lunes a viernes"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "skip", "Todo dia útil", "Every business day",
         "Cada día hábil"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "run", "Todo mês, na última sexta-feira,",
         "On the last Friday of every month", "Cada mes, el último viernes,"),
        ("FREQ=MONTHLY;BYDAY=1SA", "run", "Todo mês, no primeiro sábado,",
         "On the first Saturday of every month", "Cada mes, el primer sábado,"),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "next", "A cada 3 meses, no primeiro dia útil,",
         "On the first business day of every 3 months", "Cada 3 meses, el primer día hábil,"),
        ("FREQ=MONTHLY;BYMONTHDAY=5,20", "run", "Todo mês, no dia 5 e no dia 20,",
         "On day 5 and day 20 of every month", "Cada mes, el día 5 y el día 20,"),
        ("FREQ=YEARLY", "run", "Todo ano, em 1 de dezembro,", "Every year on 1 December",
         "Cada año, el 1 de diciembre,"),
        ("FREQ=DAILY;COUNT=3", "run", "Todo dia, 3 vezes,", "Every day, 3 times,", "Cada día, 3 veces,"),
        ("FREQ=DAILY;UNTIL=20261224", "run", "Todo dia até 24 de dezembro de 2026",
         "Every day until 24 December 2026", "Cada día hasta el 24 de diciembre de 2026"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "run",
         "Pela regra FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
         "By the rule FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
         "Según la regla FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1"),
    ],
)  # fmt: skip
def test_a_rule_of_ones_own_is_a_sentence(rule: str, off_days: str, pt: str, en: str, es: str) -> None:
    start, own = at("2026-12-01T10:00"), read_rule(rule)
    said = [
        rhythm(language_of(code), Repeat.CUSTOM, own, start, OffDays(off_days))
        for code in ("pt-BR", "en", "es")
    ]
    assert said == [pt, en, es]


@pytest.mark.parametrize("code", LOCALES)
def test_each_place_of_each_weekday_has_its_words(code: str) -> None:
    places = [
        placed_day(language_of(code), Weekday(day, place)) for day in range(7) for place in (1, 2, 3, 4, -1)
    ]
    assert all(places)
    assert len(set(places)) == 35


def test_an_event_and_each_person_are_told_in_a_sentence() -> None:
    english = language_of("en")
    assert words.event_headline(english, Trigger("ticket.solved", 24), "CSAT") == (
        "24 hours after “ticket.solved”, ask “CSAT”."
    )
    assert words.event_headline(english, Trigger("x"), "CSAT") == "As soon as “x” happens, ask “CSAT”."
    assert words.each_person_headline(english, 90, "NPS") == "Ask each person “NPS” every 90 days."


def test_a_run_that_moved_says_from_where() -> None:
    week = DaysOff(business_days=frozenset(range(5)))
    cadence = Cadence(Repeat.ONCE, at("2026-12-05T10:00"), SAO_PAULO, None, OffDays.NEXT, week)
    runs = list(cadence.moments())
    said = words.ahead_words(language_of("en"), runs, SAO_PAULO, datetime(2026, 12, 1, 13, tzinfo=UTC))
    assert said == ["in 6 days; moved from Saturday, 5 December 2026, a day off"]
