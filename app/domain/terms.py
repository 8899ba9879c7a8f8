"""The terms of asking many: reminders, who of them is left out on purpose, how fast, on whose channel first.

Kept with a schedule and frozen into each of its runs. Read strictly; everything that is wrong at once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from app.errors import Invalid, problem

MOST_REMINDERS = 3
LATEST_REMINDER = 28  # days: an ask can be answered for thirty
MOST_HOLDOUT = 50  # per cent: more, and it is the others who are held out
FASTEST = 1_000_000
DRAWS = 2**32


@dataclass(frozen=True)
class Sample:
    """Only some: a share in per cent, or a number of people; in proportion in each group of an attribute."""

    share: int | None = None
    number: int | None = None
    by: str | None = None


@dataclass(frozen=True)
class Terms:
    """`reminders` are days after the ask left, in order; field practice is one after three days."""

    reminders: tuple[int, ...] = (3,)
    remind_elsewhere: bool = False  # on the next channel of the list that is open, where there is one
    sample: Sample | None = None
    holdout: int = 0  # per cent of the audience that this schedule never asks
    per_hour: int | None = None
    their_channel_first: bool = False

    @classmethod
    def from_json(cls, given: object) -> Self:
        """As a row, a form or the API gives it; what is absent is as usual. Raises Invalid."""
        if given in (None, "", {}):
            return cls()
        if not isinstance(given, Mapping):
            raise Invalid([problem("terms", "An object is expected.")])
        problems = [problem(str(name), "There is no such field.") for name in given if name not in _READERS]
        values: dict[str, object] = {}
        for name in given:
            if name in _READERS:
                try:
                    values[name] = _READERS[name](name, given[name])
                except Invalid as error:
                    problems += error.problems
        if problems:
            raise Invalid(problems)
        return cls(**values)  # type: ignore[arg-type]  # each is read as its field

    def to_json(self) -> dict[str, object]:
        """Without what is as usual."""
        usual = type(self)()
        told: dict[str, object] = {}
        for name in _READERS:
            value = getattr(self, name)
            if value != getattr(usual, name):
                told[name] = value
        if "reminders" in told:
            told["reminders"] = list(self.reminders)
        if self.sample is not None:
            found = {"share": self.sample.share, "number": self.sample.number, "by": self.sample.by}
            told["sample"] = {name: value for name, value in found.items() if value is not None}
        return told

    def reminder_after(self, days: int | None) -> int | None:
        """The day of the reminder that follows the one after so many days; with None, of the first."""
        later = [each for each in self.reminders if days is None or each > days]
        return later[0] if later else None


def draw(seed: str, contact_id: str) -> int:
    """A lot from 0 to 2³² − 1, always the same for this person and seed, and saying nothing of either."""
    return int(hashlib.md5(f"{seed}{contact_id}".encode(), usedforsecurity=False).hexdigest()[:8], 16)


def share_of_draws(per_cent: int) -> int:
    """Lots below this are that share of all."""
    return DRAWS * per_cent // 100


def seats(groups: Mapping[str, int], sample: Sample, luck: int = DRAWS // 2) -> dict[str, int]:
    """How many of each group are asked: in proportion, by largest remainders, so that the sum is exact.

    `luck`, the lot of the run, decides about the part of a person in a share: of a hundred runs for one
    person each, a share of 20 % asks about twenty. Without it the nearest number is told.
    """
    everybody = sum(groups.values())
    if not everybody:
        return dict.fromkeys(groups, 0)
    wanted = min(everybody, _wanted(everybody, sample, luck))
    exact = {name: wanted * size / everybody for name, size in groups.items()}
    found = {name: int(seat) for name, seat in exact.items()}
    by_remainder = sorted(groups, key=lambda name: (found[name] - exact[name], name))
    for name in by_remainder[: wanted - sum(found.values())]:
        found[name] += 1
    return found


def _wanted(everybody: int, sample: Sample, luck: int) -> int:
    if sample.number is not None:
        return sample.number
    return (everybody * (sample.share or 0) * DRAWS + 100 * luck) // (100 * DRAWS)


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        words = "A whole number from %(least)s to %(most)s."
        raise Invalid([problem(name, words, least=least, most=most)])
    return value


def _reminders(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise Invalid([problem(name, "This has to be a list of days.")])
    days = sorted({_whole(name, each, 1, LATEST_REMINDER) for each in value})
    if len(days) > MOST_REMINDERS:
        raise Invalid([problem(name, "At most %(most)s reminders.", most=MOST_REMINDERS)])
    return tuple(days)


def _yes(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid([problem(name, "Say true or false.")])
    return value


def _sample(name: str, value: object) -> Sample | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) - {"share", "number", "by"}:
        raise Invalid([problem(name, "Say a share in per cent or a number, and by which attribute.")])
    share, number, by = value.get("share"), value.get("number"), value.get("by")
    if (share is None) == (number is None):
        raise Invalid([problem(name, "Say either a share in per cent or a number of people.")])
    if by is not None and (not isinstance(by, str) or not 0 < len(by) <= 60):
        raise Invalid([problem(name, "An attribute has a name of at most 60 characters.")])
    return Sample(
        share=None if share is None else _whole(name, share, 1, 100),
        number=None if number is None else _whole(name, number, 1, 10_000_000),
        by=by,
    )


_READERS = {
    "reminders": _reminders,
    "remind_elsewhere": _yes,
    "sample": _sample,
    "holdout": lambda name, value: _whole(name, value, 0, MOST_HOLDOUT),
    "per_hour": lambda name, value: None if value is None else _whole(name, value, 1, FASTEST),
    "their_channel_first": _yes,
}
