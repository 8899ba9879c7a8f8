"""Events as other systems tell of them: once each, the newest of several, late, unknown, filtered, paused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.domain.terms import DRAWS
from app.errors import Conflict, Invalid, NotFound
from app.models import Contact, Event, Invitation, Message, Occurrence
from app.rendering.languages import LOCALES, language_of
from app.rendering.words import reason_sentence, reason_word
from app.services import (
    contacts,
    erasure,
    events,
    looks,
    lots,
    runs,
    schedule_sheets,
    schedules,
    sending,
    timeline,
)
from app.services.events import AskedFor, Told
from tests.services.loop import at_once
from tests.services.recurring import House
from tests.world import Clock, World

SOLVED = {"event": "ticket.solved", "after_hours": 24}


@pytest.fixture
def house(world: World, clock: Clock) -> House:
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace, Metric.CSAT))


@pytest.fixture
def maria(world: World, house: House) -> Contact:
    with house.runtime.db.read() as session:
        workspace = session.get_one(type(world.workspace()), house.who.workspace_id)
    return world.contact(workspace, external_id="c-1")


def after(house: House, **trigger: object) -> str:
    """A schedule that waits for solved tickets."""
    return house.plans(repeat="event", trigger=SOLVED | trigger)


def tell(house: House, id: str, contact: Contact, at: datetime | None = None, **given: Any) -> list[AskedFor]:
    """What came of an event."""
    name = given.pop("name", "ticket.solved")
    kept, _ = events.tell(house.runtime, house.who, Told(id, name, contact.id, at, given))
    return list(events.get(house.runtime, house.who, kept).occurrences)


def rows(house: House) -> int:
    with house.runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(Event)) or 0


def test_a_solved_ticket_asks_a_day_later(house: House, maria: Contact) -> None:
    house.crowd(3)
    id = after(house)
    (asked,) = tell(house, "t-1", maria)
    assert (asked.state, asked.due_at) == ("due", house.clock.now + timedelta(hours=24))
    house.live(hours=23)
    assert house.count() == 0
    house.live(hours=1)
    assert house.outcomes(id) == [("run", None)]
    with house.runtime.db.read() as session:
        assert session.scalars(select(Invitation.contact_id)).all() == [maria.id]


@pytest.mark.parametrize(("luck", "reason"), [(0, "sampled_out"), (DRAWS - 1, None)])
def test_a_share_of_the_events_is_asked_about_by_the_lot_of_each(
    house: House, maria: Contact, monkeypatch: pytest.MonkeyPatch, luck: int, reason: str | None
) -> None:
    monkeypatch.setattr(lots, "draw", lambda *_: luck)
    house.plans(repeat="event", trigger=SOLVED, terms={"sample": {"share": 20}})
    tell(house, "t-1", maria)
    house.live(hours=24)
    with house.runtime.db.read() as session:
        assert session.scalars(select(Invitation.reason)).all() == [reason]


def test_the_same_event_again_changes_nothing_and_answers_the_same(house: House, maria: Contact) -> None:
    id = after(house)
    first = tell(house, "t-1", maria, closed_by="agent")
    schedules.pause(house.runtime, house.who, id)
    assert tell(house, "t-1", maria, closed_by="agent") == first
    assert (rows(house), len(house.outcomes(id))) == (1, 1)


def test_another_event_under_the_same_id_is_refused(house: House, maria: Contact) -> None:
    tell(house, "t-1", maria)
    with pytest.raises(Conflict, match="Another event has this id"):
        tell(house, "t-1", maria, closed_by="bot")
    assert rows(house) == 1


@pytest.mark.on_both
def test_told_four_times_at_once_it_is_one_event(house: House, maria: Contact) -> None:
    id = after(house)
    assert not any(isinstance(each, Exception) for each in at_once(*[lambda: tell(house, "t-1", maria)] * 4))
    assert (rows(house), house.outcomes(id)) == (1, [("due", None)])


def test_a_contact_is_known_by_ones_own_id_and_a_stranger_makes_nobody(house: House, maria: Contact) -> None:
    told = Told("t-1", "ticket.solved", {"external_id": "c-1"}, None, {})
    assert events.tell(house.runtime, house.who, told)[1]
    for stranger in ("nobody", {"external_id": "c-2"}):
        with pytest.raises(Invalid, match="no such contact"):
            events.tell(house.runtime, house.who, Told("t-2", "ticket.solved", stranger, None, {}))
    assert rows(house) == 1


def test_another_workspaces_people_are_unknown_and_its_ids_are_its_own(
    house: House, maria: Contact, world: World
) -> None:
    other = world.workspace()
    owner, rita = world.member(other, Role.OWNER), world.contact(other)
    tell(house, "t-1", maria)
    with pytest.raises(Invalid):
        events.tell(house.runtime, owner, Told("t-1", "ticket.solved", maria.id, None, {}))
    kept, is_new = events.tell(house.runtime, owner, Told("t-1", "ticket.solved", rita.id, None, {}))
    assert is_new
    with pytest.raises(NotFound):
        events.get(house.runtime, house.who, kept)
    people = world.member(world.workspace("people"), Role.OWNER)
    with pytest.raises(NotFound):
        events.tell(house.runtime, people, Told("t-1", "x", rita.id, None, {}))


@pytest.mark.parametrize(
    ("only", "properties", "counts"),
    [
        ([{"property": "closed_by", "operator": "not", "values": ["auto"]}], {"closed_by": "auto"}, False),
        ([{"property": "closed_by", "operator": "not", "values": ["auto"]}], {"closed_by": "Ana"}, True),
        ([{"property": "closed_by", "operator": "not", "values": ["auto"]}], {}, True),
        ([{"property": "plan", "operator": "equals", "values": ["pro"]}], {"plan": "Pro"}, False),
        ([{"property": "tier", "operator": "one_of", "values": [1, 2]}], {"tier": 2}, True),
        ([{"property": "vip", "operator": "equals", "values": [True]}], {"vip": True}, True),
        ([{"property": "vip", "operator": "is_set"}], {"vip": None}, False),
        ([{"property": "vip", "operator": "is_set"}], {"vip": False}, True),
        (
            [
                {"property": "plan", "operator": "equals", "values": ["pro"]},
                {"property": "vip", "operator": "is_set"},
            ],
            {"plan": "pro"},
            False,
        ),
    ],
)
def test_only_events_that_meet_every_condition_count(
    house: House, maria: Contact, only: list[object], properties: dict[str, object], counts: bool
) -> None:
    after(house, only=only)
    assert len(tell(house, "t-1", maria, **properties)) == counts
    assert tell(house, "t-2", maria, name="ticket.opened", **properties) == []


def test_of_several_within_the_window_only_the_newest_asks(house: House, maria: Contact) -> None:
    id = after(house, newest_within_hours=24)
    tell(house, "t-1", maria)
    house.live(hours=3)
    tell(house, "t-2", maria)
    late_in_coming = tell(house, "t-0", maria, house.clock.now - timedelta(hours=1))
    assert [(each.state, each.reason) for each in late_in_coming] == [("skipped", "newer_event")]
    assert house.outcomes(id) == [("skipped", "newer_event")] * 2 + [("due", None)]
    house.live(hours=24)
    assert (house.count(), house.outcomes(id)[-1]) == (1, ("run", None))


def asks(house: House) -> list[tuple[str, str | None, str, str | None]]:
    """Of every ask that was planned, oldest first: its state and reason, and those of its message."""
    with house.runtime.db.read() as session:
        found = select(Invitation, Message).join(Message, Message.invitation_id == Invitation.id)
        rows = session.execute(found.order_by(Invitation.created_at)).all()
    return [(ask.state, ask.reason, message.state, message.reason) for ask, message in rows]


@pytest.mark.on_both
def test_an_ask_that_waits_for_its_morning_gives_way_to_what_happens_at_night(
    house: House, maria: Contact
) -> None:
    """Planned and not sent, it is still the older one; its later steps would be about the older as well."""
    steps = [{"survey": house.survey.id, "after_days": 40}]
    trigger = SOLVED | {"after_hours": 0, "newest_within_hours": 24}
    id = house.plans(repeat="event", trigger=trigger, steps=steps)
    tell(house, "t-1", maria)
    house.tick()
    assert asks(house) == [("queued", None, "queued", None)]
    house.clock.advance(hours=2)
    tell(house, "t-2", maria)
    house.tick()
    late_in_coming = tell(house, "t-0", maria, house.clock.now - timedelta(hours=1))
    assert [(each.state, each.reason) for each in late_in_coming] == [("skipped", "newer_event")]
    sending.send_due(house.runtime)
    newer = ("sent", None, "sent", None)
    assert asks(house) == [("cancelled", "newer_event", "cancelled", "newer_event"), newer]
    assert house.outcomes(id) == [
        ("run", None), ("skipped", "newer_event"), ("run", None),
        ("skipped", "newer_event"), ("due", None),
    ]  # fmt: skip
    told = runs.history(house.runtime, house.who, id).items[-1]
    assert (told.asked, told.waiting, told.not_asked) == (0, 0, (("newer_event", 1),))


@pytest.mark.on_both
@pytest.mark.parametrize("point", ["claimed", "attempting", "handed_over"])
def test_an_ask_that_a_worker_has_in_hand_gives_way_to_nothing(
    house: House, maria: Contact, point: str
) -> None:
    """Nobody is asked twice, whichever of the two is first."""
    id = after(house, after_hours=0, newest_within_hours=24)
    tell(house, "t-1", maria)
    house.tick()
    told: list[object] = []

    def meanwhile(reached: str) -> None:
        if reached == point and not told:
            told.append(tell(house, "t-2", maria))

    sending.send_due(replace(house.runtime, reach=meanwhile))
    house.tick()
    sending.send_due(house.runtime)
    assert asks(house) == [("sent", None, "sent", None)]
    assert house.outcomes(id) == [("run", None)] * 2
    assert house.count(Invitation.reason == "resting") == 1


@pytest.mark.on_both
def test_a_newer_event_and_a_worker_at_once_ask_once(house: House, maria: Contact) -> None:
    after(house, after_hours=0, newest_within_hours=24)
    tell(house, "t-1", maria)
    house.tick()
    at_once(lambda: tell(house, "t-2", maria), lambda: sending.send_due(house.runtime))
    house.tick()
    sending.send_due(house.runtime)
    assert sum(message == "sent" for _, _, message, _ in asks(house)) == 1


def test_the_newest_is_what_happened_last_whatever_days_off_make_of_the_questions(
    house: House, maria: Contact
) -> None:
    """Solved on Saturday at 15:00 and Sunday at 10:00: the questions move to Monday, the other way round."""
    id = house.plans(
        repeat="event", trigger=SOLVED | {"after_hours": 0, "newest_within_hours": 48}, off_days="next"
    )
    house.clock.now = datetime(2026, 11, 28, 18, tzinfo=UTC)
    (first,) = tell(house, "t-1", maria)
    house.clock.now = datetime(2026, 11, 29, 13, tzinfo=UTC)
    (second,) = tell(house, "t-2", maria)
    assert second.due_at < first.due_at
    assert second.state == "due"
    assert house.outcomes(id) == [("due", None), ("skipped", "newer_event")]


@pytest.mark.parametrize("off_days", ["next", "previous"])
def test_no_question_goes_back_to_before_it_was_due(house: House, maria: Contact, off_days: str) -> None:
    """A Friday's ticket and 24 hours: there is no business day between them."""
    id = house.plans(repeat="event", trigger=SOLVED, off_days=off_days)
    house.clock.now = datetime(2026, 11, 27, 18, tzinfo=UTC)
    (asked,) = tell(house, "t-1", maria)
    assert (asked.state, asked.due_at) == ("due", datetime(2026, 11, 30, 18, tzinfo=UTC))
    assert schedule_sheets.get(house.runtime, house.who, id).off_days == "next"


@pytest.mark.on_both
def test_four_events_of_one_person_at_once_leave_the_newest(house: House, maria: Contact) -> None:
    id = after(house, newest_within_hours=24)
    now = house.clock.now
    acts = [
        lambda hour=hour: tell(house, f"t-{hour}", maria, now - timedelta(hours=hour)) for hour in range(4)
    ]
    assert not any(isinstance(each, Exception) for each in at_once(*acts))
    assert house.outcomes(id) == [("skipped", "newer_event")] * 3 + [("due", None)]


def test_without_a_window_each_asks_and_rest_decides(house: House, maria: Contact) -> None:
    id = after(house)
    tell(house, "t-1", maria)
    house.live(hours=3)
    tell(house, "t-2", maria)
    house.live(hours=24)
    assert house.outcomes(id) == [("run", None)] * 2
    assert house.count(Invitation.reason == "resting") == 1


def test_a_late_event_is_kept_and_says_that_it_is_late(house: House, maria: Contact) -> None:
    id = after(house)
    (asked,) = tell(house, "t-1", maria, house.clock.now - timedelta(days=4, hours=1))
    assert (asked.state, asked.reason) == ("missed", "late")
    assert house.outcomes(id) == [("missed", "late")]
    told = timeline.timeline(house.runtime, house.who, maria.id).items
    assert ("held_back", "late") in [(each.kind, getattr(each, "reason", None)) for each in told]
    with pytest.raises(Invalid, match="not come yet"):
        tell(house, "t-2", maria, house.clock.now + timedelta(hours=1))


def test_d01_what_came_due_while_we_were_down_too_long_is_missed(house: House, maria: Contact) -> None:
    id = after(house)
    tell(house, "t-1", maria)
    house.clock.advance(days=5)
    house.tick()
    assert (house.outcomes(id), house.count()) == ([("missed", "late")], 0)


def test_while_it_is_paused_events_are_skipped_and_after_that_they_count_again(
    house: House, maria: Contact
) -> None:
    id = after(house)
    schedules.pause(house.runtime, house.who, id)
    assert tell(house, "t-1", maria)[0].reason == "paused"
    schedules.resume(house.runtime, house.who, id)
    assert tell(house, "t-2", maria)[0].state == "due"
    schedules.cancel(house.runtime, house.who, id)
    assert tell(house, "t-3", maria) == []
    assert sorted(house.outcomes(id)) == [("cancelled", "cancelled"), ("skipped", "paused")]  # due at once


def test_an_erased_person_keeps_no_properties_and_takes_no_more_events(house: House, maria: Contact) -> None:
    after(house)
    tell(house, "t-1", maria, subject="Rua das Flores 10")
    erasure.erase(house.runtime, house.who, maria.id)
    with house.runtime.db.read() as session:
        assert session.scalars(select(Event.properties)).all() == [{}]
    with pytest.raises(Invalid):
        tell(house, "t-2", maria)
    house.live(hours=25)
    with house.runtime.db.read() as session:
        assert session.scalars(select(Occurrence.reason)).all() == ["nobody"]
    assert house.count(Invitation.state != "skipped") == 0


def test_an_event_of_somebody_who_is_not_meant_says_so(house: House, maria: Contact) -> None:
    premium = {"all": [{"field": "attributes.plan", "op": "is", "value": "premium"}]}
    steps = [{"survey": house.survey.id, "after_days": 1}]
    house.plans(repeat="event", trigger=SOLVED | {"after_hours": 0}, audience=premium, steps=steps)
    kept, _ = events.tell(house.runtime, house.who, Told("t-1", "ticket.solved", maria.id, None, {}))
    house.tick()
    (told,) = events.get(house.runtime, house.who, kept).occurrences
    assert (told.state, told.reason) == ("skipped", "nobody")
    assert ("held_back", "nobody") in _moments(house, maria)
    look = looks.explain(house.runtime, house.who, maria.id, house.survey.id).looks[-1]
    assert (look.code, len(look.unmet)) == ("not_meant", 1)
    house.live(days=1)
    assert _moments(house, maria).count(("held_back", "nobody")) == 2


def test_an_event_of_somebody_who_is_inactive_by_then_says_so(house: House, maria: Contact) -> None:
    id = after(house)
    tell(house, "t-1", maria)
    contacts.set_active(house.runtime, house.who, maria.id, active=False)
    house.live(hours=24)
    assert house.outcomes(id) == [("skipped", "nobody")]
    look = looks.explain(house.runtime, house.who, maria.id, house.survey.id).looks[-1]
    assert look.code == "inactive"


@pytest.mark.parametrize("code", LOCALES)
def test_that_there_was_nobody_to_ask_is_said_in_words(code: str) -> None:
    language = language_of(code)
    assert reason_word(language, "nobody") != "nobody"
    assert reason_sentence(language, "nobody") != "nobody"


def _moments(house: House, contact: Contact) -> list[tuple[str, object]]:
    found = timeline.timeline(house.runtime, house.who, contact.id).items
    return [(each.kind, getattr(each, "reason", None)) for each in found]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""}, {"id": "x" * 121}, {"id": "a\nb"}, {"name": ""}, {"name": "böse"}, {"name": "a b"},
        {"properties": {"deep": {"er": 1}}}, {"properties": {f"p{n}": 1 for n in range(51)}},
        {"properties": {"long": "x" * 501}}, {"properties": {"": 1}}, {"properties": {"nul": "\0"}},
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_words(house: House, maria: Contact, wrong: dict[str, Any]) -> None:
    given = {"id": "t-1", "name": "ticket.solved", "properties": {}} | wrong
    with pytest.raises(Invalid):
        events.tell(house.runtime, house.who, Told(contact=maria.id, occurred_at=None, **given))
    assert rows(house) == 0
