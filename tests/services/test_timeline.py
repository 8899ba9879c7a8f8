"""The timeline on both databases: what happened and what did not, newest first; no pulse answer."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Invalid, NotFound
from app.models import AnswerEdit, Contact, Invitation, Message, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    asking,
    contacts,
    events,
    expanding,
    followups,
    opt_outs,
    schedules,
    sending,
    timeline,
)
from app.services.access import Visitor
from app.services.events import Told
from app.services.timeline_moments import Added, Answered, Asked, FollowedUp, HeldBack, Moment, Talked
from bots import handle
from tests.services.chat_person import Person
from tests.services.loop import open_again
from tests.services.recurring import House
from tests.world import Clock, World


@pytest.fixture
def place(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def bea(world: World, place: Workspace) -> Visitor:
    return world.member(place, Role.AGENT)


@pytest.fixture
def maria(world: World, place: Workspace) -> Contact:
    return world.contact(place, source="feira")


def moments(runtime: Runtime, who: Visitor, contact: Contact) -> tuple[Moment, ...]:
    return timeline.timeline(runtime, who, contact.id).items


def kinds(runtime: Runtime, who: Visitor, contact: Contact) -> list[str]:
    return [each.kind for each in moments(runtime, who, contact)]


def test_a_whole_story_reads_from_its_end(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor, maria: Contact, clock: Clock
):
    survey = world.survey(place)
    clock.advance(days=1)
    invitation = world.invitation(place, survey, maria, state="answered")
    clock.advance(days=3)
    remind(world, place, invitation.id, maria)
    clock.advance(hours=1)
    answer = world.answer(place, 3, survey=survey, contact=maria, invitation=invitation, comment="Caiu.")
    followup = open_again(runtime, place, answer)
    assert followup
    clock.advance(hours=1)
    world.add(AnswerEdit(id=new_id(), answer_id=answer.id, score=2, band="detractor", replaced_at=clock.now))
    clock.advance(hours=1)
    followups.claim(runtime, bea, followup)
    followups.note(runtime, bea, followup, "Liguei.", contacted=True)
    clock.advance(days=1)
    skipped = world.invitation(
        place, survey, maria, state="skipped", reason="resting", until=clock.now, sent_at=None
    )
    clock.advance(days=1)
    opt_outs.opt_out(runtime, bea, maria.id, "console")
    clock.advance(days=1)
    opt_outs.opt_in(runtime, bea, maria.id, "Ela ligou.")
    found = moments(runtime, bea, maria)
    assert [each.kind for each in found] == [
        "opted_in",
        "opted_out",
        "held_back",
        "followed_up",
        "followed_up",
        "changed",
        "followed_up",
        "answered",
        "reminded",
        "asked",
        "added",
    ]
    by_kind = {each.kind: each for each in found}
    assert isinstance(held := by_kind["held_back"], HeldBack)
    assert (held.id, held.reason, held.until) == (skipped.id, "resting", skipped.until)
    assert isinstance(said := by_kind["answered"], Answered)
    assert (said.score, said.band, said.comment, said.counted) == (3, "detractor", "Caiu.", True)
    assert isinstance(asked := by_kind["asked"], Asked)
    assert (asked.metric, asked.channel, asked.state) == ("nps", "email", "answered")
    assert isinstance(added := by_kind["added"], Added)
    assert added.source == "feira"
    steps = [each.step for each in found if isinstance(each, FollowedUp)]
    assert steps == ["contacted", "claimed", "opened"]


def remind(world: World, place: Workspace, invitation_id: str, contact: Contact) -> None:
    world.add(
        Message(
            id=new_id(),
            workspace_id=place.id,
            purpose="reminder",
            priority=1,
            channel="email",
            invitation_id=invitation_id,
            contact_id=contact.id,
            to_address=contact.email or "",
            locale="pt-BR",
            state="sent",
            due_at=world.now,
            created_at=world.now,
            sent_at=world.now,
        )
    )


def test_pages_hold_every_moment_once_in_order(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor, maria: Contact, clock: Clock
):
    survey = world.survey(place)
    for number in range(7):
        world.invitation(place, survey, maria, state="skipped", reason="resting", sent_at=None)
        if number % 2:
            clock.advance(minutes=1)
    seen: list[Moment] = []
    cursor = None
    while True:
        page = timeline.timeline(runtime, bea, maria.id, cursor, 3)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len({(each.kind, each.id) for each in seen}) == len(seen) == 8
    assert [each.at for each in seen] == sorted((each.at for each in seen), reverse=True)


def test_a_cursor_that_is_not_ours_is_refused(runtime: Runtime, bea: Visitor, maria: Contact):
    with pytest.raises(Invalid):
        timeline.timeline(runtime, bea, maria.id, "nonsense")


def test_of_a_pulse_it_knows_that_somebody_was_asked_and_no_more(
    runtime: Runtime, world: World, clock: Clock
):
    place = world.workspace("people")
    hr = world.member(place, Role.OWNER)
    survey = world.survey(place, Metric.ENPS)
    people = [world.contact(place) for _ in range(3)]
    for person, state in zip(people, ("sent", "answered", "expired"), strict=True):
        invitation = world.invitation(place, survey, person, state=state)
        if state == "sent":
            clock.advance(days=3)
            remind(world, place, invitation.id, person)  # goes only to who has not answered
            clock.advance(days=-3)
    told = [
        [(each.kind, getattr(each, "state", None)) for each in moments(runtime, hr, person)]
        for person in people
    ]
    assert told == [[("asked", "sent"), ("added", None)]] * 3


def test_an_erased_or_foreign_contact_has_no_timeline(runtime: Runtime, world: World, maria: Contact):
    stranger = world.member(world.workspace(), Role.OWNER)
    with pytest.raises(NotFound):
        timeline.timeline(runtime, stranger, maria.id)


def test_the_page_says_whether_they_may_be_asked_and_until_when_not(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor, maria: Contact, clock: Clock
):
    fresh = contacts.detail(runtime, bea, maria.id)
    assert [(each.metric, each.reason) for each in fresh.askable] == [
        ("nps", None),
        ("csat", None),
        ("ces", None),
    ]
    world.invitation(place, world.survey(place), maria)
    clock.advance(days=1)
    rests = {each.metric: each for each in contacts.detail(runtime, bea, maria.id).askable}
    assert {each.reason for each in rests.values()} == {"resting"}
    assert rests["nps"].until and rests["csat"].until
    assert rests["nps"].until - rests["csat"].until >= timedelta(days=59)


def test_a_conversation_in_a_chat_is_one_moment_until_a_longer_silence(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor, clock: Clock
):
    maria = world.contact(place, phone="+5531988884417", time_zone="UTC")
    runtime = replace(runtime, channels=dict.fromkeys(("email", "whatsapp"), Sandbox()), inbound=handle)
    asking.ask(runtime, bea, world.survey(place).id, maria.id, ["whatsapp"])
    sending.send_due(runtime)
    phone = Person(runtime, "whatsapp", "+5531988884417")
    clock.advance(minutes=5)
    phone.sends("3")
    phone.sends("Demorou")
    clock.advance(hours=2)
    phone.sends("oi?")
    talks = [each for each in moments(runtime, bea, maria) if isinstance(each, Talked)]
    assert [[(line.ours, line.text) for line in each.lines if not line.ours] for each in talks] == [
        [(False, "oi?")],
        [(False, "3"), (False, "Demorou")],
    ]
    assert [each.channel for each in talks] == ["whatsapp", "whatsapp"]
    ours = [line for each in talks for line in each.lines if line.ours]
    assert ours
    assert not any("{{" in line.text for line in ours)


def test_a_people_workspace_shows_no_chats(runtime: Runtime, world: World):
    place = world.workspace("people")
    hr, person = world.member(place, Role.OWNER), world.contact(place, phone="+5531988884417")
    world.add(
        Message(
            id=new_id(), workspace_id=place.id, purpose="inbound", priority=0, channel="sms",
            contact_id=person.id, to_address="+5531988884417", locale="", body="", state="received",
            due_at=world.now, created_at=world.now, sent_at=world.now,
        )
    )  # fmt: skip
    assert kinds(runtime, hr, person) == ["added"]


@pytest.mark.parametrize("when", ["event waits", "ask waits", "step waits", "step is half way"])
def test_a_question_that_ends_with_its_schedule_says_so(
    runtime: Runtime, world: World, place: Workspace, maria: Contact, clock: Clock,
    monkeypatch: pytest.MonkeyPatch, when: str,
) -> None:  # fmt: skip
    """However far it had come; whoever was asked before it, was."""
    house = House(world, clock, world.member(place, Role.MANAGER), world.survey(place, Metric.CSAT))
    ces = world.survey(place, Metric.CES)
    sole = when in ("event waits", "ask waits")
    if sole:
        hours = 24 if when == "event waits" else 0
        id = house.plans(repeat="event", trigger={"event": "solved", "after_hours": hours})
        events.tell(runtime, house.who, Told("1", "solved", maria.id, None, {}))
        house.tick()
    else:
        house.crowd(9)
        id = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 40}] * 2)
        house.tick()
        house.leave()
    if when == "step is half way":  # and has not come to her
        monkeypatch.setattr(expanding, "FIRST", 1)
        monkeypatch.setattr(expanding, "MOST", 1)
        clock.advance(days=40)
        before = house.count()
        expanding.expand_occurrences(replace(runtime, stopping=lambda: house.count() > before))
        with runtime.db.read() as session:
            whose = select(Invitation.contact_id).where(Invitation.survey_id == ces.id)
            (first,) = session.scalars(whose)
            everybody = session.scalars(select(Contact).where(Contact.id != first)).all()
        maria = everybody[0]
    clock.advance(hours=1)
    schedules.cancel(runtime, house.who, id)
    told = [
        (each.kind, getattr(each, "state", None), each.reason)
        for each in moments(runtime, house.who, maria)
        if isinstance(each, Asked | HeldBack)
    ]
    ended = ("asked", "cancelled", "cancelled") if when == "ask waits" else ("held_back", None, "cancelled")
    assert told == ([ended] if sole else [ended, ("asked", "sent", None)])


def test_another_persons_yes_at_a_shared_address_is_theirs_alone(
    runtime: Runtime, bea: Visitor, clock: Clock
) -> None:
    ana, eva = (
        contacts.create(runtime, bea, {"name": name, "email": "home@x.example", "external_id": name})
        for name in ("Ana", "Eva")
    )
    opt_outs.opt_out(runtime, bea, ana, "console")
    clock.advance(hours=1)
    opt_outs.opt_in(runtime, bea, ana, "Ana said that her operation went well.")
    said = {id: [each.kind for each in timeline.timeline(runtime, bea, id).items] for id in (ana, eva)}
    assert said == {ana: ["opted_in", "opted_out", "added"], eva: ["opted_out", "added"]}
