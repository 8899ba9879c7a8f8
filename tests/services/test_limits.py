"""Fixed windows that hold over processes, and forget."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import TooMany
from app.models import RateWindow
from app.runtime import Runtime
from app.services import limits
from app.services.limits import Limit
from tests.world import Clock

THREE = Limit(3, 60)


def come(runtime: Runtime, key: str = "somebody") -> int:
    with runtime.db.write() as session:
        return limits.count(session, key, THREE, runtime.clock())


def test_the_fourth_in_a_minute_waits_for_the_next_one(runtime: Runtime, clock: Clock) -> None:
    clock.advance(seconds=20)
    assert [come(runtime) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(TooMany) as refused:
        come(runtime)
    assert refused.value.retry_after == 40
    clock.advance(seconds=40)
    assert come(runtime) == 1


def test_callers_do_not_count_for_each_other(runtime: Runtime) -> None:
    for key in ("a", "b", "x" * 500 + "a", "x" * 500 + "b", "é\udcff" * 100):
        assert come(runtime, key) == 1


def test_what_succeeded_is_given_back(runtime: Runtime) -> None:
    for _ in range(10):
        come(runtime)
        with runtime.db.write() as session:
            limits.give_back(session, "somebody", THREE, runtime.clock())
    with runtime.db.read() as session:
        assert limits.so_far(session, "somebody", THREE, runtime.clock()) == 0


def test_of_twenty_at_once_three_get_in(runtime: Runtime) -> None:
    def go(_: int) -> bool:
        try:
            come(runtime)
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(go, range(20))) == 3


def test_old_windows_are_forgotten(runtime: Runtime, clock: Clock) -> None:
    come(runtime)
    clock.advance(days=1)
    come(runtime)
    clock.advance(days=1, hours=1)
    assert limits.forget_old(runtime) == 1
    with runtime.db.read() as session:
        assert session.query(RateWindow).count() == 1
