"""When a run stops by itself: so much of it came back, or was called spam, that going on would harm us."""

from dataclasses import dataclass
from datetime import timedelta

PER_CENT = 5  # more than this, and mailbox providers begin to turn away everything that we send
LEAST_OUTCOMES = 20  # below, one bad address more or less says nothing
LEAST_BOUNCED = 5  # three typing errors among the first twenty are chance, five are a bad list
BOUNCES = ("invalid_address", "blocked")  # for good, and for the address: nothing is tried there any more
LATEST = 200  # of runs of few people: so many messages of a schedule are looked at together,
MORE = (
    1_000  # and so many before what is only a little too much of those stops it: of some 200 it is by chance
)
RECENT = timedelta(days=30)  # and no older ones: a list that was mended since says nothing of today
PER_MILLE = 1  # of what arrived, called spam: beyond, mailbox providers file all that we send under it
LEAST_COMPLAINTS = 2  # one person may press the wrong button
REFUSED = 3  # of one run refused for what they say: the others would be as well


@dataclass(frozen=True)
class Returned:
    """How many of the messages whose end is known came back.

    `is_one_of_many`: of runs that come again and again, some would lie a little above the line by chance.
    """

    bounced: int
    known: int
    is_one_of_many: bool = False

    @property
    def is_too_much(self) -> bool:
        """Should the run stop?"""
        enough = self.known >= LEAST_OUTCOMES and self.bounced >= LEAST_BOUNCED
        return enough and self._above > 0 and not self.may_be_chance

    @property
    def may_be_chance(self) -> bool:
        """Is it above the line by no more than three times what chance alone would usually do there?"""
        usual = self.known * PER_CENT * (100 - PER_CENT)
        return self.is_one_of_many and self._above > 0 and self._above**2 <= 9 * usual

    @property
    def _above(self) -> int:
        return self.bounced * 100 - self.known * PER_CENT


@dataclass(frozen=True)
class Complained:
    """How many of the questions that arrived were called spam."""

    complaints: int
    arrived: int

    @property
    def is_too_much(self) -> bool:
        """Should the run stop?"""
        enough = self.complaints >= LEAST_COMPLAINTS
        return enough and self.complaints * 1_000 > self.arrived * PER_MILLE


@dataclass(frozen=True)
class Cause:
    """Why a run stops: `why` in general, `reason` of the last that was one too many; `failed` of `known`."""

    why: str
    reason: str
    failed: int
    known: int | None = None


def worth_counting(bounced: int) -> int:
    """So many known ends are the most at which this many bounces are too many; beyond, why count on?"""
    return bounced * 100 // PER_CENT


def next_look(returned: Returned) -> int:
    """At which number of bounces it is worth counting the run's messages again.

    Known ends only grow, so fewer bounces than a share of them cannot be too many; and where the share is
    just below the line, a twentieth more of them is waited for, so that a large run is not counted each time.
    """
    share = returned.known * PER_CENT // 100 + 1
    return max(LEAST_BOUNCED, share, returned.bounced + max(1, returned.bounced // 20))


def is_worth_a_look(complaints: int) -> bool:
    """Are what arrived worth counting at this number of complaints? From forty on at each twentieth more."""
    return complaints >= LEAST_COMPLAINTS and complaints % max(1, complaints // 20) == 0


def worth_counting_arrived(complaints: int) -> int:
    """Of so many that arrived, this many complaints are no longer too many: why count on?"""
    return complaints * 1_000 // PER_MILLE
