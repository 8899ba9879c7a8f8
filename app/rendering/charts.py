"""Charts as SVG numbers: where each line and box goes. Colours are the style sheet's, words the page's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from app.domain.metrics import RULES, Metric, Reported, Tone
from app.domain.statistics import FEW, Counts, Score, shown

WIDTH = 240
_AXIS_START, _AXIS_END = 4, 236
_TREND_START, _TREND_END = 2, 232  # room on the right for the dot of the last point
_TREND_TOP, _TREND_FOOT = 4, 60


@dataclass(frozen=True)
class Whisker:
    """One score on its whole scale: ticks with their values, and, with answers, the interval and the dot."""

    ticks: tuple[float, float, float]
    ends: tuple[int, int, int]
    low: float | None = None
    high: float | None = None
    point: float | None = None  # None below three answers: there the interval is all there is to say

    @property
    def width(self) -> float:
        """Of the interval's body."""
        return round((self.high or 0) - (self.low or 0), 1)


@dataclass(frozen=True)
class Trend:
    """A line, the 95% band behind it, and bare whiskers where a point has no neighbour to draw a line to."""

    bands: tuple[str, ...]
    lines: tuple[str, ...]
    lone: tuple[str, ...]
    last: tuple[float, float] | None  # the dot; None when the last period has no score
    first_score: Score
    last_score: Score


@dataclass(frozen=True)
class Part:
    """One band's piece of a stacked bar, in percent of its width; `percent` is the whole number to read."""

    tone: Tone
    start: float
    width: float
    percent: int


def scale_of(metric: Metric) -> tuple[int, int]:
    """The ends of what the metric can report."""
    return (-100, 100) if RULES[metric].reported is Reported.NET else (0, 100)


def whisker(metric: Metric, score: Score | None) -> Whisker:
    """The interval on the whole scale, so that two charts of one metric can be compared by eye."""
    low, high = scale_of(metric)

    def place(value: float) -> float:
        share = (value - low) / (high - low)
        return round(_AXIS_START + (_AXIS_END - _AXIS_START) * share, 1)

    middle = (low + high) // 2
    ticks, ends = (place(low), place(middle), place(high)), (low, middle, high)
    if score is None:
        return Whisker(ticks, ends)
    point = place(float(score.value)) if score.n >= FEW else None
    return Whisker(ticks, ends, place(score.low), place(score.high), point)


def trend(scores: Sequence[Score | None]) -> Trend | None:
    """Scores at equal steps of time; a None leaves a gap, not a zero. One score alone is no trend: None."""
    known = [score for score in scores if score is not None]
    if len(known) < 2:
        return None
    # The adjusted interval of a few extreme answers does not reach as far as their score
    top = max(max(score.high, float(score.value)) for score in known)
    foot = min(min(score.low, float(score.value)) for score in known)

    def height(value: float) -> float:
        return round(_TREND_TOP + (_TREND_FOOT - _TREND_TOP) * (top - value) / (top - foot), 1)

    bands: list[str] = []
    lines: list[str] = []
    lone: list[str] = []
    for run in _runs(scores):
        if len(run) == 1:
            ((x, score),) = run
            lone.append(f"M{x} {height(score.high)}V{height(score.low)}")
            continue
        upper = " ".join(f"{x} {height(score.high)}" for x, score in run)
        lower = " ".join(f"{x} {height(score.low)}" for x, score in reversed(run))
        bands.append(f"M{upper} L{lower}z")
        lines.append("M" + " ".join(f"{x} {height(float(score.value))}" for x, score in run))
    end = scores[-1]
    last = (float(_TREND_END), height(float(end.value))) if end is not None else None
    return Trend(tuple(bands), tuple(lines), tuple(lone), last, known[0], known[-1])


def _runs(scores: Sequence[Score | None]) -> Iterator[list[tuple[float, Score]]]:
    """Stretches without a gap, each point with its place from the left."""
    step = (_TREND_END - _TREND_START) / (len(scores) - 1)
    placed = [(round(_TREND_START + step * index, 1), score) for index, score in enumerate(scores)]
    for known, run in groupby(placed, key=lambda each: each[1] is not None):
        if known:
            yield [(x, score) for x, score in run if score is not None]


def split(counts: Counts) -> tuple[Part, ...]:
    """The stacked bar, upper band first; widths come from the counts, never from rounded percents."""
    if counts.n == 0:
        return ()
    parts: list[Part] = []
    before = 0
    bands: tuple[tuple[Tone, int], ...] = (
        ("up", counts.upper),
        ("flat", counts.middle),
        ("down", counts.lower),
    )
    for tone, count in bands:
        start, end = (round(100 * edge / counts.n, 2) for edge in (before, before + count))
        parts.append(Part(tone, start, round(end - start, 2), shown(Fraction(100 * count, counts.n))))
        before += count
    return tuple(parts)
