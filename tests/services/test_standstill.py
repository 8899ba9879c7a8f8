"""A pulse opened by hand that stops while it still opens: nobody is asked until somebody resumes it."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Invitation, Pulse, Setting, Stop, Workspace
from app.runtime import Runtime
from app.services import (
    departing,
    expanding,
    portions,
    pulse_closing,
    pulses,
    sending,
    standstill,
    stopped_pulses,
    unsent,
)
from app.services.access import Visitor
from app.services.departing import Departing
from tests.services.test_pulse_brakes import come_back, sent
from tests.services.test_pulse_opening import Killed, after, killed
from tests.services.test_stops_by_hand import put_back
from tests.world import Clock, World

SOME = 25
ALERT = 1


@pytest.fixture
def people(world: World) -> Workspace:
    made = world.workspace("people")
    for _ in range(3 * SOME):
        world.contact(made)
    return made


@pytest.fixture
def hr(world: World, people: Workspace) -> Visitor:
    return world.member(people, Role.MANAGER)


@pytest.fixture
def pulse_id(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Stopped: of the first twenty-five, who alone were invited, six came back."""
    monkeypatch.setattr(portions, "FEWEST", SOME)
    monkeypatch.setattr(portions, "MOST", SOME)
    with pytest.raises(Killed):
        pulses.open_pulse(killed(runtime), hr, world.survey(people, Metric.ENPS).id)
    sending.send_due(runtime)
    come_back(runtime, *sent(runtime, "invitation")[:6])
    with runtime.db.read() as session:
        return session.scalars(select(Pulse.id).join(Stop, Stop.occurrence_id == Pulse.occurrence_id)).one()


def states(runtime: Runtime) -> Counter[str]:
    with runtime.db.read() as session:
        return Counter(session.scalars(select(Invitation.state)))


@pytest.mark.on_both
def test_whoever_it_had_not_come_to_is_asked_once_somebody_resumes_it(
    runtime: Runtime, hr: Visitor, pulse_id: str
) -> None:
    assert expanding.expand_occurrences(runtime) == 0
    assert sending.send_due(runtime) == ALERT
    assert states(runtime) == {"sent": 19, "failed": 6}
    stopped_pulses.resume(runtime, hr, pulse_id)
    assert expanding.expand_occurrences(runtime) == 2 * SOME
    assert sending.send_due(runtime) == 2 * SOME
    assert states(runtime) == {"sent": 19 + 2 * SOME, "failed": 6}


@pytest.mark.on_both
def test_whoever_opens_it_invites_nobody_once_it_has_stopped(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "FEWEST", SOME)
    monkeypatch.setattr(portions, "MOST", SOME)

    def stop() -> None:
        sending.send_due(runtime)
        come_back(runtime, *sent(runtime, "invitation")[:6])

    pulses.open_pulse(after(runtime, 1, stop), hr, world.survey(people, Metric.ENPS).id)
    assert states(runtime) == {"sent": 19, "failed": 6}


@pytest.mark.on_both
def test_whoever_was_invited_just_before_it_waits_as_well(
    runtime: Runtime, hr: Visitor, pulse_id: str
) -> None:
    """Their commit came between the look at who waits and the stop's own."""
    put_back(runtime, sent(runtime, "invitation")[:5])
    assert sending.send_due(runtime) == ALERT
    assert states(runtime) == {"sent": 14, "planned": 5, "failed": 6}
    assert stopped_pulses.resume(runtime, hr, pulse_id) == 5
    assert sending.send_due(runtime) == 5


@pytest.mark.on_both
def test_resumed_while_a_worker_holds_some_back_they_wait_for_nobody(
    runtime: Runtime, pulse_id: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = departing.load

    def and_resumed(session: Session, *which: object) -> list[Departing]:
        found = load(session, *which)  # type: ignore[arg-type]
        session.execute(update(Stop).values(ended_at=clock.now))
        return found

    put_back(runtime, sent(runtime, "invitation")[:5])
    monkeypatch.setattr(departing, "load", and_resumed)
    sending.send_due(runtime)
    monkeypatch.undo()
    sending.send_due(runtime)
    assert states(runtime) == {"sent": 19, "failed": 6}


@pytest.mark.on_both
def test_closed_meanwhile_it_asks_nobody_any_more(runtime: Runtime, hr: Visitor, pulse_id: str) -> None:
    put_back(runtime, sent(runtime, "invitation")[:5])
    pulse_closing.close_pulse(runtime, hr, pulse_id)
    assert expanding.expand_occurrences(runtime) == 0
    assert sending.send_due(runtime) == ALERT
    assert stopped_pulses.resume(runtime, hr, pulse_id) == 0
    assert states(runtime)["queued"] == states(runtime)["planned"] == 0


@pytest.fixture
def large(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Stopped when all were invited and fifty had not left yet: four follow at once, four in each commit."""
    id = pulses.open_pulse(runtime, hr, world.survey(people, Metric.ENPS).id)
    sending.send_due(runtime)
    asked = sent(runtime, "invitation")
    put_back(runtime, asked[SOME:])
    for module, name in ((unsent, "AT_ONCE"), (portions, "FEWEST"), (portions, "MOST")):
        monkeypatch.setattr(module, name, 4)
    come_back(runtime, *asked[:6])
    return id


@pytest.mark.on_both
def test_of_very_many_some_follow_at_once_and_the_others_in_small_commits(
    runtime: Runtime, hr: Visitor, large: str
) -> None:
    assert states(runtime) == {"sent": 19, "failed": 6, "planned": 4, "queued": 46}
    assert standstill.follow_all(runtime) == 46
    assert states(runtime) == {"sent": 19, "failed": 6, "planned": 50}
    assert stopped_pulses.resume(runtime, hr, large) == 50
    assert states(runtime) == {"sent": 19, "failed": 6, "planned": 46, "queued": 4}
    assert standstill.follow_all(runtime) == 46
    assert states(runtime) == {"sent": 19, "failed": 6, "queued": 50}
    assert standstill.follow_all(runtime) == 0
    with runtime.db.read() as session:
        assert not session.scalars(select(Setting.name).where(Setting.name.startswith("follow_stop"))).all()


@pytest.mark.on_both
def test_resumed_while_they_still_follow_nobody_stays_held(
    runtime: Runtime, hr: Visitor, large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds them has looked up all of them already."""
    resumed: list[int] = []

    def resume(point: str) -> None:
        if point == "followed_some" and not resumed:
            with monkeypatch.context() as few:
                few.setattr(unsent, "AT_ONCE", 4)
                resumed.append(stopped_pulses.resume(runtime, hr, large))

    monkeypatch.setattr(unsent, "AT_ONCE", 5_000)
    standstill.follow_all(replace(runtime, reach=resume))
    assert resumed == [50]
    assert states(runtime) == {"sent": 19, "failed": 6, "queued": 50}


@pytest.mark.on_both
def test_closed_while_they_still_follow_nobody_waits_any_more(
    runtime: Runtime, hr: Visitor, large: str
) -> None:
    pulse_closing.close_pulse(runtime, hr, large)
    before = states(runtime)
    assert standstill.follow_all(runtime) == 0
    assert states(runtime) == before
    assert before["queued"] == before["planned"] == 0
