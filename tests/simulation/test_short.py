"""The short form of `make simulate`: some weeks of a small town, with everything that may happen, on each database."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.db import Database
from app.journal import Journal
from app.runtime import Runtime
from config import Config
from tests.simulation.machine import Machine
from tests.simulation.rules import Settings
from tests.simulation.run import MIDNIGHT, Simulation, Size, settings
from tests.simulation.table import table
from tests.simulation.watch import Watch

SHORT = Size(people=60, days=47, seed=3, outages=6, jumps=2, hesitating=0.05)


@pytest.fixture
def service(db: Database, database_url: str, tmp_path: Path) -> Runtime:
    config = Config.from_env(settings(database_url, tmp_path), argon2_profile="cheapest")
    return Runtime(config, Machine(MIDNIGHT), replace(db, journal=Journal(config.journal_dir)), {})


def simulated(service: Runtime, size: Size = SHORT, rules: Settings | None = None) -> tuple[Simulation, Watch]:
    simulation = Simulation(service, Machine(MIDNIGHT), size, rules or Settings())
    return simulation, simulation.run()


def test_nothing_that_was_promised_to_people_is_broken(service: Runtime) -> None:
    simulation, watch = simulated(service)
    assert not watch.breaches.number, table(simulation, watch, 0)
    assert {"run", "skipped"} <= {state for state, _ in watch.moments}
    assert simulation.trouble.number == SHORT.outages
    assert {"email", "sms"} <= {channel for channel, _ in simulation.messages}
    assert simulation.life.did["answers"] and simulation.wishes.number
