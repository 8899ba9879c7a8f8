"""Our three languages: catalogues, dates, times and numbers as their readers write them."""

import contextlib
import gettext
import io
import os
from collections.abc import Iterable
from datetime import date as Day
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, get_timezone_location
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LOCALES = ("pt-BR", "en", "es")
NAMES = {"pt-BR": "Português", "en": "English", "es": "Español"}
CATALOGUES = Path(__file__).with_name("catalogue")
COMPILED = "messages.mo"


class Language:
    """One language: translates our English sentences and writes dates and numbers its way."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.name = NAMES[code]
        self._locale = Locale.parse(code, sep="-")
        self._translations = _load(code)

    def gettext(self, message: str, /, **params: object) -> str:
        """The sentence in this language, with its named values filled in."""
        found = self._translations.gettext(message)
        return found % params if params else found

    def ngettext(self, one: str, many: str, number: int, /, **params: object) -> str:
        """The singular or the plural; `%(num)s` is given, written this language's way."""
        found = self._translations.ngettext(one, many, number)
        return found % {"num": self.number(number), **params}

    def date(self, day: Day) -> str:
        """19 de novembro de 2026 · 19 November 2026 · 19 de noviembre de 2026"""
        if self.code == "en":
            return f"{day.day} {format_date(day, 'MMMM y', self._locale)}"
        return format_date(day, "long", self._locale)

    def short_date(self, day: Day) -> str:
        """19 de novembro · 19 November · 19 de noviembre"""
        if self.code == "en":
            return f"{day.day} {format_date(day, 'MMMM', self._locale)}"
        return format_skeleton("MMMMd", day, locale=self._locale)

    def weekday(self, day: Day) -> str:
        """quinta-feira · Thursday · jueves"""
        return format_date(day, "EEEE", self._locale)

    def month(self, day: Day) -> str:
        """Novembro de 2026 · November 2026 · Noviembre de 2026"""
        pattern = "MMMM y" if self.code == "en" else "MMMM 'de' y"
        words = format_date(day, pattern, self._locale)
        return words[:1].upper() + words[1:]

    def time(self, moment: datetime) -> str:
        """10h12 in Brazil, 10:12 elsewhere; the moment must already be in its reader's zone."""
        mark = "h" if self.code == "pt-BR" else ":"
        return f"{moment.hour}{mark}{moment:%M}"

    def moment(self, moment: datetime, zone: str) -> str:
        """16 de novembro, 13h09: a date and time in the reader's zone."""
        local = moment.astimezone(ZoneInfo(zone))
        return f"{self.short_date(local.date())}, {self.time(local)}"

    def place(self, zone: str) -> str:
        """São Paulo: the city by which a zone is known; UTC has none."""
        return get_timezone_location(zone, self._locale, return_city=True) if zone != "UTC" else zone

    def number(self, value: float, places: int = 0) -> str:
        """5,6 and 5.6; thousands grouped; a real minus."""
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(value, pattern, self._locale).replace("-", "−")

    def signed(self, value: int) -> str:
        """+24, 0, −6."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def percent(self, share: float) -> str:
        """31% of 0.31, everywhere without a space."""
        return format_percent(share, "#,##0%", self._locale).replace("-", "−")


@cache
def language_of(code: str | None) -> Language:
    """The language for a stored locale; what we do not speak becomes its nearest relative, else English."""
    if code in LOCALES:
        return Language(code)
    start = (code or "").lower()[:2]
    return Language({"pt": "pt-BR", "es": "es"}.get(start, "en"))


def _load(code: str) -> gettext.NullTranslations:
    """The compiled catalogue, made anew whenever one of its sources is younger."""
    if code == "en":
        return gettext.NullTranslations()
    folder = CATALOGUES / code.replace("-", "_")
    sources, compiled = sorted(folder.glob("*.po")), folder / COMPILED
    if not compiled.exists() or any(each.stat().st_mtime > compiled.stat().st_mtime for each in sources):
        content = _compile(code, sources)
        with contextlib.suppress(OSError):  # installed where we may not write: compiled at each start instead
            _write_at_once(compiled, content)
    else:
        content = compiled.read_bytes()
    return gettext.GNUTranslations(io.BytesIO(content))


def _compile(code: str, sources: Iterable[Path]) -> bytes:
    merged = Catalog(locale=code.replace("-", "_"))
    for path in sources:
        with path.open("rb") as file:
            for message in read_po(file, locale=code.replace("-", "_")):
                if message.id:
                    merged[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    return compiled.getvalue()


def _write_at_once(path: Path, content: bytes) -> None:
    """Another process may read it meanwhile, so it appears whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)
