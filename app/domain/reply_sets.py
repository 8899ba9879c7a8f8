"""A set of replies that people have labelled, and how far `read` agrees with them."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.metrics import Metric
from app.domain.replies import Kind, read
from app.errors import Refusal

COLUMNS = ("metric", "locale", "text", "allowed", "must")
_READINGS = frozenset(Kind) - {Kind.SCORE}


@dataclass(frozen=True)
class Labelled:
    """One reply and what it may be read as; `must`: a plain form that has to be read straight away."""

    line: int
    metric: Metric
    locale: str
    text: str
    allowed: tuple[str, ...]
    must: bool


@dataclass(frozen=True)
class Judged:
    """What `read` made of it. To ask is never wrong; it only misses a plain form."""

    labelled: Labelled
    reading: str

    @property
    def is_wrong(self) -> bool:
        return self.reading not in (*self.labelled.allowed, Kind.ASK)

    @property
    def is_missed(self) -> bool:
        asked = self.reading == Kind.ASK and self.labelled.allowed != (Kind.ASK,)
        return self.labelled.must and (asked or self.is_wrong)


@dataclass(frozen=True)
class Verdict:
    """The whole set."""

    judged: Sequence[Judged]

    @property
    def wrong(self) -> list[Judged]:
        return [each for each in self.judged if each.is_wrong]

    @property
    def missed(self) -> list[Judged]:
        return [each for each in self.judged if each.is_missed]

    @property
    def recall(self) -> float:
        """Plain forms that were read, of all of them; 1 where there are none."""
        plain = sum(each.labelled.must for each in self.judged)
        return 1 - len(self.missed) / plain if plain else 1.0


def judge(labelled: Sequence[Labelled]) -> Verdict:
    """Read every reply of the set."""
    return Verdict([Judged(each, str(read(each.text, each.metric, each.locale))) for each in labelled])


def labelled_in(data: bytes) -> list[Labelled]:
    """The rows of a tab-separated file with CSV quoting, in UTF-8. Refusal says what is wrong, and where."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(f"The file is not UTF-8 (byte {error.start + 1}).") from error
    rows = _rows(text)
    _, header = next(rows, (1, []))
    names = [name.strip().lower() for name in header]
    if missing := [name for name in COLUMNS if names.count(name) != 1]:
        raise Refusal(f"The first line must name each column once: {', '.join(missing)}.")
    places = [names.index(name) for name in COLUMNS]
    return [_labelled(line, row, len(names), places) for line, row in rows]


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refusal(f"Line {line}: {error}.") from error


def _labelled(line: int, row: Sequence[str], width: int, places: Sequence[int]) -> Labelled:
    if len(row) != width:
        raise Refusal(f"Line {line}: {len(row)} columns instead of {width}.")
    metric, locale, text, allowed, must = (row[place] for place in places)
    metric = metric.lower().replace("-", "")  # as people write e-NPS
    if metric not in set(Metric):
        raise Refusal(f"Line {line}: {metric!r} is no metric; say {', '.join(Metric)}.")
    readings = tuple(each.strip() for each in allowed.split("|"))
    for each in readings:
        if each not in _READINGS and not (each.isascii() and each.isdigit()):
            raise Refusal(
                f"Line {line}: {each!r} is no reading; say a number, {', '.join(sorted(_READINGS))}."
            )
    if must not in ("0", "1"):
        raise Refusal(f"Line {line}: {must!r} in the column must; say 1 or 0.")
    return Labelled(line, Metric(metric), locale, text, readings, must == "1")
