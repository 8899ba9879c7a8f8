"""The four questions as data: scale, direction, bands, how each is reported. Only here is a score banded."""

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from app.errors import Invalid, problem

Tone = Literal["up", "flat", "down"]

# What a form or a program may send for a score: plain ASCII digits in their one usual spelling. "07", "+9",
# "9 ", "1e1", other scripts' digits and emoji are not scores; what people type in a chat is read elsewhere.
_WHOLE = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)


class Metric(StrEnum):
    """A question whose answers make one number."""

    NPS = "nps"
    CSAT = "csat"
    CES = "ces"
    ENPS = "enps"


class Band(StrEnum):
    """What one answer says about the person who gave it."""

    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"
    SATISFIED = "satisfied"
    NEUTRAL = "neutral"
    DISSATISFIED = "dissatisfied"
    EASY = "easy"
    HIGH_EFFORT = "high_effort"


class Reported(StrEnum):
    """How the bands become the one number."""

    NET = "net"  # share of the upper band less share of the lower, −100…+100
    SHARE = "share"  # share of the upper band, 0…100


class BadScore(Invalid):
    """Not a whole number on the scale of its question."""

    def __init__(self, rule: "Rule") -> None:
        super().__init__(
            [problem("score", "A whole number from %(low)s to %(high)s.", low=rule.low, high=rule.high)]
        )


@dataclass(frozen=True)
class Rule:
    """One question's scale. `rising` is its direction: does a higher score come from a happier person?

    The cuts are counted from the unhappy end of the scale, so that a scale turned round (CES 1.0, where 1 is
    the least effort) is the same rule with `rising=False`.
    """

    metric: Metric
    low: int
    high: int
    rising: bool
    middle_cut: int  # answers this far from the unhappy end, or further, are at least in the middle band
    upper_cut: int
    bands: tuple[Band, Band, Band]  # upper, middle, lower
    count_names: tuple[str, str, str]  # how the API and exports call the counts of these bands
    reported: Reported
    kind: str  # of the workspaces that may ask it

    @property
    def scores(self) -> range:
        """Every answer there is, in the order of the scale."""
        return range(self.low, self.high + 1)

    def read(self, given: object) -> int:
        """The score in an int or in plain ASCII digits; anything else raises BadScore."""
        if type(given) is str and _WHOLE.fullmatch(given):
            given = int(given)
        if type(given) is not int or given not in self.scores:  # `type`, because True is an int as well
            raise BadScore(self)
        return given

    def band(self, score: int) -> Band:
        """The band of a score on this scale; BadScore off it."""
        if score not in self.scores:
            raise BadScore(self)
        from_unhappy_end = score - self.low if self.rising else self.high - score
        upper, middle, lower = self.bands
        if from_unhappy_end >= self.upper_cut:
            return upper
        return middle if from_unhappy_end >= self.middle_cut else lower


def _recommendation(metric: Metric, kind: str) -> Rule:
    # Reichheld 2003: promoters 9 and 10, passives 7 and 8, detractors 0 to 6
    return Rule(
        metric=metric,
        low=0,
        high=10,
        rising=True,
        middle_cut=7,
        upper_cut=9,
        bands=(Band.PROMOTER, Band.PASSIVE, Band.DETRACTOR),
        count_names=("promoters", "passives", "detractors"),
        reported=Reported.NET,
        kind=kind,
    )


RULES = MappingProxyType(
    {
        Metric.NPS: _recommendation(Metric.NPS, "customers"),
        Metric.CSAT: Rule(
            metric=Metric.CSAT,
            low=1,
            high=5,
            rising=True,
            middle_cut=2,
            upper_cut=3,
            bands=(Band.SATISFIED, Band.NEUTRAL, Band.DISSATISFIED),
            count_names=("satisfied", "neutral", "dissatisfied"),
            reported=Reported.SHARE,
            kind="customers",
        ),
        # CES 2.0 (CEB 2013): "made it easy for me to handle my issue", 7 = strongly agree
        Metric.CES: Rule(
            metric=Metric.CES,
            low=1,
            high=7,
            rising=True,
            middle_cut=3,
            upper_cut=4,
            bands=(Band.EASY, Band.NEUTRAL, Band.HIGH_EFFORT),
            count_names=("easy", "neutral", "high_effort"),
            reported=Reported.SHARE,
            kind="customers",
        ),
        Metric.ENPS: _recommendation(Metric.ENPS, "people"),
    }
)

_ORDER: tuple[Tone, Tone, Tone] = ("up", "flat", "down")
_TONES = MappingProxyType(
    {band: way for rule in RULES.values() for band, way in zip(rule.bands, _ORDER, strict=True)}
)


def read_score(metric: Metric, given: object) -> int:
    """The score in what somebody sent for this metric; see Rule.read. Raises BadScore."""
    return RULES[metric].read(given)


def band_of(metric: Metric, score: int) -> Band:
    """Which band a score falls into; every whole number of the scale has exactly one. Raises BadScore."""
    return RULES[metric].band(score)


def tone(band: Band) -> Tone:
    """Which way a band points: up is happy, down is not. Shapes and colours are chosen by it."""
    return _TONES[band]


def metrics_for(kind: str) -> tuple[Metric, ...]:
    """The metrics that a workspace of this kind (customers, people) may ask, in the order of the journey."""
    return tuple(metric for metric, rule in RULES.items() if rule.kind == kind)
