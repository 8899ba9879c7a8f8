"""What came of a simulation, as numbers that add up, and the table that `make simulate` prints."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from tests.simulation.rules import RULES, Breaches

Pairs = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Report:
    """Of one town, or of several together."""

    seed: int
    days: int
    towns: int
    people: int
    schedules: int
    zones: frozenset[str]
    did: Counter[str]  # opt-outs, outages, what people did
    moments: Pairs  # state and reason of each due moment
    asks: Pairs
    messages: Pairs  # channel and purpose
    breaches: Breaches

    def __add__(self, other: Self) -> "Report":
        return Report(
            self.seed, self.days, self.towns + other.towns, self.people + other.people, self.schedules,
            self.zones | other.zones, self.did + other.did, self.moments + other.moments,
            self.asks + other.asks, self.messages + other.messages, self.breaches + other.breaches,
        )  # fmt: skip

    def table(self, seconds: float) -> str:
        """Everything that happened, and each rule with how often it was broken."""
        return "\n".join(self._lines(seconds))

    def _lines(self, seconds: float) -> Iterator[str]:
        yield f"{self.days} days, {self.towns} town(s), seed {self.seed}"
        yield from _section("people", {("all", ""): self.people, ("in zones", ""): len(self.zones)})
        yield from _section("schedules", {("in each town", ""): self.schedules})
        yield from _section("what happened", {(name, ""): number for name, number in self.did.items()})
        yield from _section(f"due moments {self.moments.total()}", self.moments)
        yield from _section(f"asks {self.asks.total()}", self.asks)
        yield from _section(f"messages {self.messages.total()}", self.messages)
        yield from _section("breaches", {(rule, ""): self.breaches.number[rule] for rule in RULES})
        yield from (f"    {case}" for case in self.breaches.cases)
        yield f"{seconds:.1f} seconds"


def _section(name: str, numbers: Mapping[tuple[str, str], int]) -> Iterator[str]:
    yield name
    for (what, why), number in sorted(numbers.items()):
        yield f"  {f'{what} {why}'.strip():<28}{number:>8}"
