"""`make simulate`: two years of a workspace in a minute. Ends with 1 where any rule was broken."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import structlog

from app.channels.registry import open_channels
from app.db import open_database
from app.runtime import Runtime
from app.services import migrating
from config import Config
from tests.simulation.machine import Machine
from tests.simulation.run import MIDNIGHT, Simulation, Size, settings
from tests.simulation.table import table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--years", type=float, default=2)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--outages", type=int, default=24)
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # nobody reads two years of logs
    began = time.perf_counter()
    size = Size(given.people, round(given.years * 365.25), given.seed, given.outages)
    with tempfile.TemporaryDirectory() as folder:
        simulation = Simulation(_runtime(Path(folder)), Machine(MIDNIGHT), size)
        watch = simulation.run()
    print(table(simulation, watch, time.perf_counter() - began))
    return 1 if watch.breaches.number else 0


def _runtime(folder: Path) -> Runtime:
    url = f"sqlite:///{folder / 'retorno.db'}"
    config = Config.from_env(settings(url, folder), argon2_profile="cheapest")
    db = open_database(url)
    migrating.upgrade(db)
    return Runtime(config, Machine(MIDNIGHT), db, open_channels(config))


if __name__ == "__main__":
    sys.exit(main())
