"""No time to count anything: what a page can do without is given up at the first look at the clock."""

import pytest

from app import engines
from app.runtime import Runtime
from app.services import in_time


def hurry(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, for the rest of this test. A count of a thousand people is long enough."""
    monkeypatch.setattr(in_time, "SECONDS", 0.001)
    monkeypatch.setattr(engines, "LOOK_EVERY", 1_000)
    runtime.db.dispose()  # connections are prepared as they are opened
