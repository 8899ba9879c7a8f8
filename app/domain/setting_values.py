"""The values of settings, read strictly: each is what is stored, or refused in words."""

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from functools import cache
from zoneinfo import available_timezones

from app.domain.addresses import read_email
from app.domain.followups import LONGEST_CAUSE
from app.domain.quiet_hours import read_quiet

LONGEST_POSTAL = 300
MOST_HOLIDAYS = 400  # some ten years of them
MOST_CAUSES = 40  # more than anybody reads before choosing one
LONGEST_REST = 730  # days; two years is as good as never
LARGEST_CAP = 100  # messages; more a day or a week is no cap
METRICS = ("nps", "enps", "csat", "ces")


@cache
def time_zones() -> frozenset[str]:
    """Every IANA zone by its name; found on first use, as that reads a folder."""
    return frozenset(available_timezones())


class Refused(ValueError):
    """One value that cannot be taken; the message is an English sentence for the catalogues."""

    def __init__(self, message: str, /, **params: object) -> None:
        self.message = message
        self.params = params
        super().__init__(message % params if params else message)


def read_days(text: str) -> list[str]:
    """Dates typed one per line, as 2026-12-25 or 25/12/2026, as ISO dates in order and once each.

    Raises Refused, naming the first line that is no date.
    """
    found = set()
    for line in text.replace(",", "\n").splitlines():
        if typed := line.strip():
            found.add(_read_day(typed))
    return sorted(found)


def read_lines(text: str) -> list[str]:
    """Entries typed one per line, without empty ones, in the order given and once each."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def _read_day(typed: str) -> str:
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", typed, re.ASCII)
    local = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", typed, re.ASCII)
    parts = iso.groups() if iso else local.groups()[::-1] if local else None
    try:
        return date(*(int(part) for part in parts or ("0", "0", "0"))).isoformat()
    except ValueError as error:
        raise Refused("%(typed)s is not a date such as 2026-12-25.", typed=typed[:40]) from error


def one_line(most: int, *, required: bool = False) -> Callable[[object], str | None]:
    def read(value: object) -> str | None:
        words = " ".join(value.split()) if isinstance(value, str) else None
        if value is not None and words is None:
            raise Refused("This has to be text.")
        if required and not words:
            raise Refused("Give it a name.")
        if words and (len(words) > most or not words.isprintable()):
            raise Refused("At most %(most)s ordinary characters.", most=most)
        return words or None

    return read


def postal(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused("This has to be text.")
    lines = [" ".join(line.split()) for line in value.splitlines()]
    words = "\n".join(line for line in lines if line)
    if len(words) > LONGEST_POSTAL or not words.replace("\n", "").isprintable():
        raise Refused("At most %(most)s ordinary characters.", most=LONGEST_POSTAL)
    return words or None


def reply_to(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused("This has to be text.")
    return read_email(value).text


def one_of(allowed: frozenset[str], message: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Refused(message)
        return value

    return read


def time_zone(value: object) -> str:
    if not isinstance(value, str) or value not in time_zones():
        raise Refused("Choose a time zone from the list.")
    return value


def weekdays(value: object) -> list[int]:
    if not isinstance(value, list | tuple) or not all(type(day) is int and 0 <= day <= 6 for day in value):
        raise Refused("Days are 0, for Monday, to 6.")
    if not value:
        raise Refused("Choose at least one day.")
    return sorted(set(value))


def time_of_day(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise Refused("This has to be a time such as 09:00.")
    return time.fromisoformat(value).isoformat("minutes")


def dates(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(day, str) for day in value):
        raise Refused("This has to be a list of dates.")
    days = sorted({_read_day(day) for day in value})
    if len(days) > MOST_HOLIDAYS:
        raise Refused("At most %(most)s entries.", most=MOST_HOLIDAYS)
    return days


def rest(value: object) -> int:
    if type(value) is not int or not 0 <= value <= LONGEST_REST:
        raise Refused("A whole number of days, from 0 to %(most)s.", most=LONGEST_REST)
    return value


def rest_by_metric(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping) or not set(value) <= set(METRICS):
        raise Refused("A whole number of days for each metric.")
    return {str(metric): rest(days) for metric, days in value.items()}


def causes(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(cause, str) for cause in value):
        raise Refused("This has to be a list of causes.")
    causes = read_lines("\n".join(" ".join(cause.split()) for cause in value))
    if len(causes) > MOST_CAUSES:
        raise Refused("At most %(most)s entries.", most=MOST_CAUSES)
    if any(len(cause) > LONGEST_CAUSE or not cause.isprintable() for cause in causes):
        raise Refused("At most %(most)s ordinary characters.", most=LONGEST_CAUSE)
    return causes


def quiet_hours(value: object) -> dict[str, str] | None:
    """From when to when nobody is disturbed, as times on the wall; None: at no time."""
    if value is None:
        return None
    times = dict(value) if isinstance(value, Mapping) and set(value) == {"from", "to"} else {}
    begins, ends = times.get("from"), times.get("to")
    try:
        if not (isinstance(begins, str) and isinstance(ends, str)):
            raise ValueError("no two times")
        found = read_quiet(begins, ends)
    except ValueError as error:
        raise Refused("Two different times, as 20:00 and 08:00, or none.") from error
    return {"from": begins, "to": ends} if found else None


def quiet_days(value: object) -> list[int]:
    """Days of the week on which nobody is disturbed; one at least stays."""
    days = weekdays(value) if value != [] else []
    if len(days) > 6:
        raise Refused("Leave one day on which people may be asked.")
    return days


def yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused("This is true or false.")
    return value


def cap(value: object) -> int | None:
    """At most so many messages; None: as many as the rests allow."""
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= LARGEST_CAP:
        raise Refused("A whole number from 1 to %(most)s, or nothing.", most=LARGEST_CAP)
    return value
