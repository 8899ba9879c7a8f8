"""`make simulate`: two years of asking in a minute. Ends with 1 where any rule was broken.

The people live in two towns, a workspace with its own database each, so that both of a machine's cores work.
"""

import argparse
import gc
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event

from app.db import open_database
from app.journal import Journal
from app.runtime import Runtime
from app.services import migrating
from config import Config
from tests.simulation.machine import Machine
from tests.simulation.report import Report
from tests.simulation.run import MIDNIGHT, Simulation, Size, settings

TOWNS = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another seed, other two years")
    parser.add_argument("--years", type=float, default=2)
    parser.add_argument("--people", type=int, default=2_000)
    given = parser.parse_args()
    began = time.perf_counter()
    days, people = round(given.years * 365.5), given.people // TOWNS
    sizes = [Size(people, days, given.seed + place) for place in range(TOWNS)]
    with ProcessPoolExecutor(TOWNS) as pool:
        report = reduce(add, pool.map(town, sizes))
    sys.stdout.write(report.table(time.perf_counter() - began) + "\n")
    return 1 if report.breaches.number else 0


def town(size: Size) -> Report:
    """One of them, on a new database."""
    gc.set_threshold(50_000, 20, 100)  # what lives here lives to the end
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # nobody reads two years of logs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'retorno.db'}"
        config = Config.from_env(settings(url, folder), argon2_profile="cheapest")
        db = open_database(url, journal=Journal(config.journal_dir))
        migrating.upgrade(db)
        event.listen(db.engine, "connect", _never_wait_for_the_disk)
        db.engine.dispose()
        return Simulation(Runtime(config, Machine(MIDNIGHT), db, {}), Machine(MIDNIGHT), size).run()


def _never_wait_for_the_disk(connection: Any, _: object) -> None:
    """Workers die here, machines do not."""
    connection.execute("PRAGMA synchronous = OFF")


if __name__ == "__main__":
    sys.exit(main())
