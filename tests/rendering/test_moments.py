"""Clocks and dates read as a person would say them, in three languages."""

from datetime import UTC, date, datetime

import pytest

from app.domain.business_time import BusinessCalendar
from app.domain.followups import Moments, clock, due
from app.rendering.languages import language_of
from app.rendering.moments import clock_headline, clock_words, day, when

CALENDAR = BusinessCalendar("America/Sao_Paulo", holidays=frozenset({date(2026, 11, 20)}))
OPENED = datetime(2026, 11, 16, 16, 12, tzinfo=UTC)


def words(locale: str, now: datetime, contacted: bool = False) -> tuple[str, str]:
    owed = due(OPENED, CALENDAR)
    found = clock(
        Moments(
            OPENED, OPENED, owed.first_contact, owed.closing, first_contact_at=OPENED if contacted else None
        ),
        now,
        CALENDAR,
    )
    assert found is not None
    return clock_words(language_of(locale), found), clock_headline(language_of(locale), found)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "now", "contacted", "short", "headline"),
    [
        ("pt-BR", utc(19, 15, 14), False, "2 h de atraso", "2 h de atraso no primeiro contato"),
        ("pt-BR", utc(19, 13, 52), False, "40 min de atraso", "40 min de atraso no primeiro contato"),
        ("pt-BR", utc(19, 11, 22), False, "em 1 h 50", "Primeiro contato em 1 h 50"),
        ("pt-BR", utc(26, 15), True, "fecha em 1 dia", "Para fechar em 1 dia"),
        ("en", utc(19, 12, 12), False, "in 1 h", "First contact in 1 h"),
        ("en", utc(19, 11, 4), False, "in 2 h 08", "First contact in 2 h 08"),
        ("en", utc(17, 12), False, "in 2 days", "First contact in 2 days"),
        ("en", utc(30, 12, 30), True, "5 h late", "5 h late to be closed"),
        ("es", utc(25, 15), False, "3 días de retraso", "3 días de retraso en el primer contacto"),
        ("es", utc(19, 13), False, "en 12 min", "Primer contacto en 12 min"),
    ],
)
def test_the_clock_says_its_words_first(
    locale: str, now: datetime, contacted: bool, short: str, headline: str
) -> None:
    assert words(locale, now, contacted) == (short, headline)


@pytest.mark.parametrize(
    ("locale", "moment", "expected"),
    [
        ("pt-BR", utc(19, 13, 12), "hoje, 10h12"),
        ("pt-BR", utc(27, 16, 12), "sexta-feira, 27 de novembro, 13h12"),
        ("en", utc(18, 13, 12), "yesterday, 10:12"),
        ("en", utc(20, 13, 12), "tomorrow, 10:12"),
        ("es", utc(27, 16, 12), "viernes, 27 de noviembre, 13:12"),
        ("en", datetime(2026, 5, 12, 14, 30, tzinfo=UTC), "12 May, 11:30"),
        ("en", datetime(2025, 12, 31, 14, 30, tzinfo=UTC), "31 December 2025, 11:30"),
    ],
)
def test_a_near_day_is_named_and_a_far_one_dated(locale: str, moment: datetime, expected: str) -> None:
    assert when(language_of(locale), moment, "America/Sao_Paulo", utc(19, 15)) == expected


def test_the_day_is_the_readers_and_not_utcs() -> None:
    late_evening = utc(20, 1, 30)  # still the 19th in São Paulo
    assert when(language_of("en"), late_evening, "America/Sao_Paulo", utc(19, 15)) == "today, 22:30"
    assert day(language_of("es"), date(2026, 11, 20), date(2026, 11, 19)) == "mañana"
