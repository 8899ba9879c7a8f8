"""At most so many an hour: whenever a worker looks, and however much waits."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as some

from app.domain.caps import Rule, first_allowed
from app.domain.hourly import HOUR, LONGEST, Hour

BEGIN = datetime(2026, 11, 16, 13, tzinfo=UTC)


def asked(most: int, due: list[datetime], every: timedelta) -> list[datetime]:
    """When each of these leaves, for a worker that looks every so often; what has no room takes its turn."""
    kept, left, waiting, now = Hour().kept(), list[datetime](), sorted(due), BEGIN
    while waiting:
        hour, still = Hour.read(kept), []
        for at in waiting:
            if at > now:
                still.append(at)
            elif hour.has_room(most, now):
                hour.leaves(now)
                left.append(now)
            else:
                still.append(hour.turn(most, now))
        kept, waiting = hour.kept(), still
        now += every
        assert now < BEGIN + timedelta(days=9), "somebody waits for ever"
    return left


@given(
    some.integers(1, 40),
    some.lists(some.integers(0, 7200), max_size=60),
    some.sampled_from((37, 300, 1800)),
)
def test_no_hour_has_more_and_everybody_gets_a_turn(most: int, seconds: list[int], every: int) -> None:
    left = asked(most, [BEGIN + timedelta(seconds=each) for each in seconds], timedelta(seconds=every))
    assert len(left) == len(seconds)
    for at in left:
        assert sum(at - HOUR < each <= at for each in left) <= most


def test_turns_lie_as_far_apart_as_the_limit_says() -> None:
    hour = Hour()
    for _ in range(4):
        hour.leaves(BEGIN)
    turns = [hour.turn(4, BEGIN) for _ in range(3)]
    assert turns == [BEGIN + timedelta(minutes=each) for each in (60, 75, 90)]


def test_turns_of_another_zones_morning_keep_nobody_waiting_who_may_leave_before() -> None:
    hour, half, morning = Hour(), HOUR / 2, BEGIN + 11 * HOUR
    hour.leaves(BEGIN)
    hour.leaves(BEGIN)
    in_tokyo = [hour.turn(2, morning) for _ in range(3)]
    in_berlin = [hour.turn(2, BEGIN) for _ in range(22)]
    assert in_tokyo == [morning, morning + half, morning + HOUR]
    assert in_berlin[:20] == [BEGIN + HOUR + each * half for each in range(20)], "the hours before are theirs"
    assert in_berlin[20:] == [morning + 3 * half, morning + 4 * half], "and no turn is given twice"


def test_a_clock_that_was_wrong_for_a_moment_holds_nothing_back() -> None:
    wrong = BEGIN + timedelta(days=400)
    hour = Hour(left=[(wrong, 5)], given=[(wrong, wrong)])
    assert hour.has_room(5, BEGIN)
    for _ in range(5):
        hour.leaves(BEGIN)
    assert hour.turn(5, BEGIN) == BEGIN + HOUR


@given(
    some.lists(some.integers(0, 150), max_size=5),
    some.one_of(some.none(), some.integers(-150, 150)),
    some.integers(1, 40),
)
def test_one_that_is_idle_is_as_good_as_a_new_one(minutes: list[int], turn: int | None, most: int) -> None:
    left = [(BEGIN - timedelta(minutes=each), 1) for each in sorted(minutes, reverse=True)]
    given = [] if turn is None else [(BEGIN + timedelta(minutes=turn),) * 2]
    hour = Hour(left, given)
    assert hour.is_idle(BEGIN) == (all(each >= 60 for each in minutes) and (turn is None or turn <= -60))
    if hour.is_idle(BEGIN):
        assert hour.has_room(most, BEGIN)
        assert hour.turn(most, BEGIN) == Hour().turn(most, BEGIN)


class Obvious(Hour):
    """Every turn is looked for from its beginning on, over all that were given."""

    def turn(self, most: int, begin: datetime, *rules: Rule, alike: object = None) -> datetime:
        turn = self._obviously_free(most, begin)
        while (later := first_allowed(turn, *rules)) is not None:
            turn = self._obviously_free(most, later)
        step = HOUR / most
        if any(one < turn + step and turn < last + step for one, last in self.given):
            self.given = []
        before = next((each for each in self.given if each[1] + step == turn), (turn, turn))
        self.given = sorted([*(each for each in self.given if each != before), (before[0], turn)])
        return turn

    def _obviously_free(self, most: int, begin: datetime) -> datetime:
        first = free = self._room_at(most, begin)
        for one, last in self.given:
            if free + HOUR / most <= one:
                break
            free = max(free, last + HOUR / most)
        return free if free < first + LONGEST else first


# Whose turn or departure: which zone they live in, in hours from the first; when they come; how many they are
DONE = some.tuples(
    some.sampled_from(("turns", "turns", "leaves", "anew")),
    some.sampled_from((0, 12)),
    some.sampled_from((0, 0, 0, 90, 700)),
    some.integers(1, 40),
)


@example(1, 20, [("turns", 12, 0, 25)])
@example(3, 700, [("turns", 12, 0, 1), ("leaves", 12, 0, 3), ("turns", 12, 0, 1)])
@given(some.integers(1, 4), some.sampled_from((20, 90, 700, 900)), some.lists(DONE, max_size=12))
def test_however_turns_are_looked_for_they_are_those_of_the_obvious_way(
    most: int, night: int, done: list[tuple[str, int, int, int]]
) -> None:
    quick, obvious, now = Hour(), Obvious(), BEGIN
    for what, zone, minutes, times in done:
        begin = now + timedelta(minutes=minutes)

        def sleeps(at: datetime, zone: int = zone) -> datetime | None:
            begun = (at - BEGIN + zone * HOUR) % timedelta(days=1)
            return at + timedelta(minutes=night) - begun if begun < timedelta(minutes=night) else None

        if what == "leaves":
            now += timedelta(minutes=minutes)
            for each in (quick, obvious) * times:
                each.leaves(now)
        for _ in range(times if what == "turns" else 0):
            assert quick.turn(most, begin, sleeps, alike=zone) == obvious.turn(most, begin, sleeps)
        if what == "anew":
            quick = Hour.read(quick.kept())
        assert quick.given == obvious.given


def test_a_turn_behind_many_days_of_them_is_found_without_going_through_all_of_those() -> None:
    asked = 0

    def sleeps(at: datetime) -> datetime | None:
        nonlocal asked
        asked += 1
        begun = (at - BEGIN) % timedelta(days=1)
        return at + 12 * HOUR - begun if begun < 12 * HOUR else None

    days = [BEGIN + timedelta(days=each, hours=12) for each in range(200)]
    hour = Hour(given=[(each, each + 11.75 * HOUR) for each in days])
    turns = [hour.turn(4, BEGIN, sleeps, alike="all") for _ in range(10)]
    assert turns == [BEGIN + timedelta(days=200, hours=12, minutes=15 * each) for each in range(10)]
    assert asked < 200 * 3, "once for the ten of them, and not for each"
