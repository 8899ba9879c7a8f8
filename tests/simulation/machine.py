"""A pretend machine: its clock leaps, sleeping takes no time of ours, and its chance comes from a seed.

Nothing else of the service is replaced but the channels: everything reads the time and chance from here.
"""

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass
class Machine:
    """The clock on the wall, which may be set, and the one that only ever goes on."""

    now: datetime
    steady: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Somebody waits: time passes."""
        self.now += timedelta(seconds=seconds)
        self.steady += seconds

    def leap(self, to: datetime) -> None:
        """Nothing happens until then."""
        self.sleep(max(0.0, (to - self.now).total_seconds()))

    def is_set(self, by: timedelta) -> None:
        """Somebody, or the time service, sets the clock on the wall."""
        self.now += by

    def steadily(self) -> float:
        """Seconds that have passed, whatever the clock on the wall says."""
        return self.steady


@contextmanager
def running(machine: Machine, seed: int) -> Iterator[None]:
    """Everything in this process runs on this machine: the same seed, the same two years."""
    kept = time.sleep, time.monotonic, time.perf_counter, secrets.token_bytes
    chance = random.Random(seed)
    time.sleep = machine.sleep
    time.monotonic = time.perf_counter = machine.steadily
    secrets.token_bytes = lambda number=32: chance.randbytes(number or 32)
    try:
        yield
    finally:
        time.sleep, time.monotonic, time.perf_counter, secrets.token_bytes = kept
