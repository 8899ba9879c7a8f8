"""From counts of answers to a score, how sure it is, and whether a change is real. Rounding comes last."""

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Literal

from app.domain.metrics import RULES, Metric, Reported

Verdict = Literal["up", "down", "unclear"]

FEW = 3  # below this many answers a score is only a hint: drawn softly, and never part of a verdict
_Z = 1.96  # two-sided 95 %
_MOST_NEEDED = 100_000  # to say that more answers than this would tell helps nobody


@dataclass(frozen=True)
class Counts:
    """Answers by band, and the sum of their scores (for the mean)."""

    upper: int = 0
    middle: int = 0
    lower: int = 0
    total: int = 0

    @property
    def n(self) -> int:
        """How many answers."""
        return self.upper + self.middle + self.lower

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.upper + other.upper,
            self.middle + other.middle,
            self.lower + other.lower,
            self.total + other.total,
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.upper - other.upper,
            self.middle - other.middle,
            self.lower - other.lower,
            self.total - other.total,
        )


@dataclass(frozen=True)
class Score:
    """A reported number with its 95% interval: points of −100…+100 (net) or percent of 0…100 (share).

    `value` and `mean` are exact; round them for a reader with `shown` and `shown_mean`, once, at the end.
    """

    value: Fraction
    low: float
    high: float
    n: int
    mean: Fraction


@dataclass(frozen=True)
class Change:
    """One period against another. `difference` is exact, in the score's own points; None without both scores.

    `needed`: how many more answers in the present period, falling as they have fallen, would make it clear;
    0 when it is clear, None when no number would.
    """

    difference: Fraction | None
    verdict: Verdict
    needed: int | None


def score_of(metric: Metric, counts: Counts) -> Score | None:
    """The metric's number from its counts, or None without answers: no score is not a score of zero.

    Net (NPS, e-NPS): 100 × (upper − lower) / n; its interval adds ¾ of an answer to each outer band and 3
    answers in all (an adjusted Wald interval after Agresti and Coull 1998), cut at the ends of the scale.
    From two answers on the score lies within; a single extreme one stands a point outside.
    Share (CSAT, CES): 100 × upper / n; its interval is Wilson's (1927).
    """
    if counts.n == 0:
        return None
    net = _is_net(metric)
    centre, variance = _adjusted(net, counts.upper, counts.lower, counts.n)
    half = _Z * sqrt(variance) if net else _wilson_half(counts.upper, counts.n)
    return Score(
        value=Fraction(100 * (counts.upper - counts.lower if net else counts.upper), counts.n),
        low=max(100 * (centre - half), -100.0 if net else 0.0),
        high=min(100 * (centre + half), 100.0),
        n=counts.n,
        mean=Fraction(counts.total, counts.n),
    )


def compare(metric: Metric, now: Counts, before: Counts) -> Change:
    """Has the score changed since the period before, or could chance alone have moved it this far?

    A z-test at 95 % on the difference of the two adjusted scores, each with the variance of its own interval,
    and only from three answers in each period. Seeded simulations in the tests hold its false alarms at 5 %.
    """
    old, new = score_of(metric, before), score_of(metric, now)
    if old is None or new is None:
        return Change(None, "unclear", None)
    difference = new.value - old.value
    if _is_clear(metric, now, before, now.n):
        return Change(difference, "up" if difference > 0 else "down", 0)
    return Change(difference, "unclear", _needed(metric, now, before))


def response_rate(answered: int, delivered: int) -> Fraction | None:
    """The exact share, 0 to 1, of those whom a question reached who answered it; None when it reached nobody.

    Both are counted over the same people, those asked in the period, so that it never passes 1.
    """
    return Fraction(answered, delivered) if delivered else None


def shown(exact: Fraction | float) -> int:
    """The whole number that a reader sees: half away from zero, from the exact value."""
    return int(_half_away(exact, Fraction(1)))


def shown_mean(exact: Fraction | float) -> float:
    """A mean as a reader sees it: one decimal, half away from zero, from the exact value."""
    return int(_half_away(exact, Fraction(1, 10)) * 10) / 10


def _half_away(exact: Fraction | float, step: Fraction) -> Fraction:
    steps = abs(Fraction(exact)) / step + Fraction(1, 2)
    rounded = (steps.numerator // steps.denominator) * step
    return -rounded if exact < 0 else rounded


def _is_net(metric: Metric) -> bool:
    return RULES[metric].reported is Reported.NET


def _adjusted(net: bool, upper: float, lower: float, n: float) -> tuple[float, float]:
    """Centre and variance of the interval, as shares: what the score and the comparison both stand on."""
    if net:
        up, down = (upper + 0.75) / (n + 3), (lower + 0.75) / (n + 3)
        return up - down, (up + down - (up - down) ** 2) / (n + 3)
    weight = n + _Z**2
    share = (upper + _Z**2 / 2) / weight
    return share, share * (1 - share) / weight


def _wilson_half(upper: int, n: int) -> float:
    return _Z * sqrt(upper * (n - upper) / n + _Z**2 / 4) / (n + _Z**2)


def _is_clear(metric: Metric, now: Counts, before: Counts, imagined: int) -> bool:
    """Would the difference be clear with `imagined` answers now, falling as the present ones fell?"""
    if imagined < FEW or before.n < FEW:
        return False
    net, scale = _is_net(metric), imagined / now.n
    new, new_variance = _adjusted(net, now.upper * scale, now.lower * scale, imagined)
    old, old_variance = _adjusted(net, before.upper, before.lower, before.n)
    exact = _exact(net, now) - _exact(net, before)
    # the adjustment pulls small samples to the middle: it may weaken a difference, never turn it round
    return (new - old) * exact > 0 and abs(new - old) > _Z * sqrt(new_variance + old_variance)


def _exact(net: bool, counts: Counts) -> Fraction:
    return Fraction(counts.upper - counts.lower if net else counts.upper, counts.n)


def _needed(metric: Metric, now: Counts, before: Counts) -> int | None:
    unclear, clear = now.n, now.n + _MOST_NEEDED
    if not _is_clear(metric, now, before, clear):
        return None  # the period before is too unsure itself, or there is no difference to be sure of
    while clear - unclear > 1:
        middle = (unclear + clear) // 2
        if _is_clear(metric, now, before, middle):
            clear = middle
        else:
            unclear = middle
    return clear - now.n
