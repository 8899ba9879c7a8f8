"""A restored copy of a pulse that was opening or had asked: nobody knows whom it asked or reminded since."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cli.operations import _after_restoring
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Invitation, Message, Occurrence, Pulse, Workspace
from app.services import backup, portions, pulse_reminders, pulses, sending, settling
from tests.services.recurring import House
from tests.services.test_pulse_opening import SOME, half_open
from tests.services.test_restored_asks import end_unknown
from tests.world import Clock, World


@pytest.fixture
def people(world: World) -> Workspace:
    made = world.workspace("people")
    for _ in range(3 * SOME):
        world.contact(made)
    return made


@pytest.fixture
def house(world: World, people: Workspace, clock: Clock) -> House:
    return House(world, clock, world.member(people, Role.OWNER), world.survey(people, Metric.ENPS))


@pytest.fixture
def some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "FEWEST", SOME)
    monkeypatch.setattr(portions, "MOST", SOME)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def reminders(house: House) -> int:
    """So many are made now, and were."""
    settling.end_leases(house.runtime)
    house.clock.advance(days=1, hours=1)
    settling.presume_sent(house.runtime)
    pulse_reminders.remind_pulses(house.runtime)
    with house.runtime.db.read() as session:
        made = select(func.count()).where(Message.purpose == "reminder", Message.state != "cancelled")
        return session.scalar(made) or 0


@pytest.mark.on_both
@pytest.mark.usefixtures("some")
def test_a_pulse_by_hand_that_was_opening_asks_nobody_further_and_stays_open(house: House, copy: Path):
    half_open(house.runtime, house.who, house.survey)
    backup.backup(house.runtime, copy)
    house.clock.advance(hours=5)  # since then the worker asked all the others
    found = backup.restore(house.runtime, copy, force=True)
    house.tick()
    assert house.count(Invitation.state == "queued") == 0
    with house.runtime.db.read() as session:
        run = session.scalars(select(Occurrence)).one()
        assert (run.state, run.reason, run.ended_at) == ("run", None, house.clock.now)
        assert session.scalars(select(Pulse.state)).all() == ["open"]
    (moment,) = found.given_up.moments
    assert moment.schedule == house.survey.name
    assert any(house.survey.name in each for each in _after_restoring(found))


@pytest.mark.on_both
@pytest.mark.usefixtures("some")
def test_a_pulse_by_hand_that_was_opening_does_not_remind_a_second_time(house: House, copy: Path):
    half_open(house.runtime, house.who, house.survey)
    sending.send_due(house.runtime)
    backup.backup(house.runtime, copy)
    house.clock.advance(days=4)
    found = backup.restore(house.runtime, copy, force=True)
    assert found.given_up.reminders == 1
    assert reminders(house) == 0


@pytest.mark.on_both
@pytest.mark.usefixtures("some")
def test_a_pulse_by_hand_whose_reminder_lies_ahead_reminds_whom_it_asked(house: House, copy: Path):
    half_open(house.runtime, house.who, house.survey)
    sending.send_due(house.runtime)
    backup.backup(house.runtime, copy)
    house.clock.advance(days=2)
    assert backup.restore(house.runtime, copy, force=True).given_up.reminders == 0
    assert reminders(house) == SOME


@pytest.mark.on_both
@pytest.mark.parametrize(("invitation", "message"), [("unknown", "unknown"), ("sending", "attempting")])
def test_a_pulse_whose_questions_ended_unknown_does_not_remind_a_second_time(
    house: House, copy: Path, invitation: str, message: str
):
    pulses.open_pulse(house.runtime, house.who, house.survey.id)
    end_unknown(house, invitation, message)
    backup.backup(house.runtime, copy)
    house.clock.advance(days=4)
    found = backup.restore(house.runtime, copy, force=True)
    assert found.given_up.reminders == 1
    assert reminders(house) == 0
