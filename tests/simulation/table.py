"""The table that `make simulate` prints."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.simulation.rules import RULES
from tests.simulation.run import Simulation
from tests.simulation.watch import Watch


def table(simulation: Simulation, watch: Watch, seconds: float) -> str:
    """Everything that happened, and each rule with how often it was broken."""
    return "\n".join(_lines(simulation, watch, seconds))


def _lines(simulation: Simulation, watch: Watch, seconds: float) -> Iterator[str]:
    size, life = simulation.size, simulation.life
    zones = {each.clock.key for each in simulation.town.people}
    yield f"seed {size.seed}: {size.days} days, {len(zones)} zones, {len(watch.ids)} schedules"
    yield f"people {len(simulation.town.people)} (" + _counted(life.did) + ")"
    yield f"opt-outs {simulation.wishes.number}, outages {simulation.trouble.number}, clock set {simulation.jumped} times"
    yield from _section("due moments", watch.moments)
    yield from _section("asks", watch.outcomes)
    yield from _section("messages", simulation.messages)
    yield "breaches"
    yield from (f"  {rule:<24}{watch.breaches.number[rule]:>8}" for rule in RULES)
    yield from (f"    {case}" for case in watch.breaches.cases)
    yield f"{seconds:.1f} seconds"


def _section(name: str, numbers: Mapping[tuple[str, str], int]) -> Iterator[str]:
    yield f"{name} {sum(numbers.values())}"
    for (what, why), number in sorted(numbers.items()):
        yield f"  {f'{what} {why}'.strip():<24}{number:>8}"


def _counted(numbers: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(numbers.items()))
