"""Two members never work the same follow-up by accident, and nothing that was done is lost."""

from collections.abc import Callable

import pytest

from app.domain.access import Role
from app.errors import Conflict, Invalid, NotFound
from app.models import SandboxCopy, Workspace
from app.runtime import Runtime
from app.services import followups, sending
from app.services.access import Visitor
from tests.services.loop import at_once, closures, events, followup, kinds, opened, replies
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def beatriz(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Beatriz"))


@pytest.fixture
def rafael(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Rafael"))


@pytest.fixture
def id(world: World, workspace: Workspace) -> str:
    return opened(world, workspace)


def key_of(who: Visitor) -> Visitor:
    return Visitor(
        workspace_id=who.workspace_id, workspace_slug=who.workspace_slug, workspace_kind=who.workspace_kind,
        role=Role.MANAGER, name="Integration", locale="en", time_zone="UTC", key_id="k",
    )  # fmt: skip


# Claiming


def test_claiming_makes_it_mine_and_twice_is_harmless(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    followups.claim(runtime, beatriz, id)
    followups.claim(runtime, beatriz, id)
    assert followup(runtime, id).assignee_id == beatriz.member_id
    assert events(runtime, id)[1:] == [("claimed", "Beatriz", None)]


def test_the_second_is_told_who_was_quicker_and_when(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.claim(runtime, rafael, id)
    clock.advance(minutes=2)
    with pytest.raises(Conflict, match=r"^Rafael claimed it 2 minutes ago\.$"):
        followups.claim(runtime, beatriz, id)
    assert followup(runtime, id).assignee_id == rafael.member_id


@pytest.mark.on_both
def test_of_two_who_claim_at_once_one_gets_it(
    runtime: Runtime, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    found = at_once(
        lambda: followups.claim(runtime, beatriz, id), lambda: followups.claim(runtime, rafael, id)
    )
    assert sorted(type(each).__name__ for each in found) == ["Conflict", "NoneType"]
    assert kinds(runtime, id) == ["opened", "claimed"]


def test_the_next_one_is_the_most_urgent_that_nobody_has(
    world: World, clock: Clock, workspace: Workspace, beatriz: Visitor, rafael: Visitor
) -> None:
    runtime = world.runtime
    oldest = opened(world, workspace)
    clock.advance(hours=1)
    newer = opened(world, workspace)
    followups.note(runtime, rafael, newer, "Called.", contacted=True)
    clock.advance(hours=1)
    newest = opened(world, workspace)
    assert [followups.claim_next(runtime, beatriz) for _ in range(4)] == [oldest, newest, newer, None]


@pytest.mark.on_both
def test_two_who_take_the_next_at_once_get_one_each(
    world: World, runtime: Runtime, workspace: Workspace, beatriz: Visitor, rafael: Visitor
) -> None:
    mine = {opened(world, workspace) for _ in range(2)}
    found = at_once(
        lambda: followups.claim_next(runtime, beatriz), lambda: followups.claim_next(runtime, rafael)
    )
    assert set(found) == mine


def test_a_key_can_give_work_to_a_member_but_not_take_it(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    with pytest.raises(Invalid):
        followups.claim(runtime, key_of(beatriz), id)
    followups.assign(runtime, key_of(beatriz), id, beatriz.member_id)
    assert events(runtime, id)[1] == ("assigned", "Integration", "Beatriz")


# Assigning


def test_handing_over_says_to_whom_and_back_to_nobody(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.claim(runtime, beatriz, id)
    followups.assign(runtime, beatriz, id, rafael.member_id, seen=beatriz.member_id)
    clock.advance(minutes=1)
    followups.assign(runtime, rafael, id, None, seen=rafael.member_id)
    followups.assign(runtime, rafael, id, None)
    assert events(runtime, id)[2:] == [("assigned", "Beatriz", "Rafael"), ("assigned", "Rafael", None)]
    assert followup(runtime, id).assignee_id is None


def test_handing_over_what_has_moved_on_is_refused(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.claim(runtime, rafael, id)
    clock.advance(hours=3)
    with pytest.raises(Conflict, match="Rafael claimed it 3 hours ago"):
        followups.assign(runtime, beatriz, id, beatriz.member_id, seen=None)
    followups.close(runtime, rafael, id, summary="Done.", root_cause="Outage")
    with pytest.raises(Conflict, match="Rafael closed it just now"):
        followups.assign(runtime, beatriz, id, beatriz.member_id)


@pytest.mark.on_both
def test_of_two_who_take_over_at_once_one_does(
    world: World, workspace: Workspace, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    runtime = world.runtime
    helen = world.member(workspace, Role.MANAGER, world.user(name="Helen"))
    followups.claim(runtime, helen, id)

    def take(who: Visitor) -> Callable[[], None]:
        return lambda: followups.assign(runtime, who, id, who.member_id, seen=helen.member_id)

    found = at_once(take(beatriz), take(rafael))
    assert sorted(type(each).__name__ for each in found) == ["Conflict", "NoneType"]
    assert kinds(runtime, id) == ["opened", "claimed", "assigned"]


def test_only_members_of_this_workspace_who_may_work_can_get_it(
    world: World, runtime: Runtime, workspace: Workspace, beatriz: Visitor, id: str
) -> None:
    stranger = world.member(world.workspace(), Role.OWNER)
    viewer = world.member(workspace, Role.VIEWER)
    for nobody in (stranger.member_id, viewer.member_id, "x" * 26):
        with pytest.raises(Invalid) as refused:
            followups.assign(runtime, beatriz, id, nobody)
        assert "assignee" in refused.value.by_field()
    assert kinds(runtime, id) == ["opened"]


# Notes and replies


def test_a_note_is_kept_and_stops_no_clock(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    followups.note(runtime, beatriz, id, "  She is on holiday.\r\nBack on Monday. ")
    assert events(runtime, id)[1] == ("noted", "Beatriz", "She is on holiday.\nBack on Monday.")
    assert followup(runtime, id).first_contact_at is None


def test_a_note_that_we_spoke_stops_the_first_clock_for_good(
    runtime: Runtime, clock: Clock, beatriz: Visitor, id: str
) -> None:
    first = clock.now
    followups.note(runtime, beatriz, id, "Called her.", contacted=True)
    clock.advance(hours=5)
    followups.note(runtime, beatriz, id, "Called again.", contacted=True)
    assert followup(runtime, id).first_contact_at == first
    assert followup(runtime, id).replied_at is None


@pytest.mark.on_both
def test_a_form_sent_twice_leaves_one_note(runtime: Runtime, clock: Clock, beatriz: Visitor, id: str) -> None:
    at_once(*[lambda: followups.note(runtime, beatriz, id, "Called her.")] * 3)
    assert kinds(runtime, id) == ["opened", "noted"]
    clock.advance(minutes=10)
    followups.note(runtime, beatriz, id, "Called her.")
    assert kinds(runtime, id) == ["opened", "noted", "noted"]


def test_a_reply_is_queued_as_it_was_written_and_makes_it_mine(
    runtime: Runtime, beatriz: Visitor, id: str
) -> None:
    words = "Maria, <b>sorry</b> {{ link }} {{7*7}}\n\nBeatriz"
    message_id = followups.reply(runtime, beatriz, id, words)
    (message,) = replies(runtime, id)
    found = followup(runtime, id)
    assert (message.id, message.body, message.state, message.priority) == (message_id, words, "queued", 0)
    assert found.assignee_id == beatriz.member_id
    assert found.first_contact_at is None  # it has not left yet
    assert kinds(runtime, id) == ["opened", "claimed", "replied"]


def test_a_reply_arrives_as_it_was_written_and_stops_the_first_clock(
    runtime: Runtime, clock: Clock, beatriz: Visitor, id: str
) -> None:
    words = "Maria, <b>sorry</b> {{ link }} {{ contact.name }} =1+1"
    message_id = followups.reply(runtime, beatriz, id, words)
    clock.advance(seconds=5)
    assert sending.send_urgent(runtime) > 0
    with runtime.db.read() as session:
        copy = session.get_one(SandboxCopy, message_id)
        text, html = copy.text, copy.html
    assert words in text
    assert "&lt;b&gt;sorry" in html
    assert "<b>sorry" not in html
    found = followup(runtime, id)
    assert found.first_contact_at == found.replied_at == clock.now


@pytest.mark.on_both
def test_a_reply_sent_twice_leaves_once(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    found = at_once(*[lambda: followups.reply(runtime, beatriz, id, "Sorry, Maria.")] * 4)
    assert sum(isinstance(each, str) for each in found) == 1
    assert len(replies(runtime, id)) == 1


def test_nobody_replies_into_the_work_of_another(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.claim(runtime, rafael, id)
    clock.advance(minutes=30)
    with pytest.raises(Conflict, match="Rafael claimed it 30 minutes ago"):
        followups.reply(runtime, beatriz, id, "Hello.")
    assert replies(runtime, id) == []


@pytest.mark.on_both
def test_of_two_who_reply_at_once_to_an_unclaimed_one_one_does(
    runtime: Runtime, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    at_once(
        lambda: followups.reply(runtime, beatriz, id, "I am Beatriz."),
        lambda: followups.reply(runtime, rafael, id, "I am Rafael."),
    )
    assert len(replies(runtime, id)) == 1


def test_a_key_may_reply_without_taking_the_work(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    followups.claim(runtime, beatriz, id)
    followups.reply(runtime, key_of(beatriz), id, "Hello.")
    assert followup(runtime, id).assignee_id == beatriz.member_id


def test_nobody_without_an_address_is_written_to(
    world: World, runtime: Runtime, workspace: Workspace, beatriz: Visitor
) -> None:
    id = opened(world, workspace, contact=world.contact(workspace, email=None))
    with pytest.raises(Conflict, match="no e-mail address"):
        followups.reply(runtime, beatriz, id, "Hello.")
    assert followup(runtime, id).assignee_id is None


@pytest.mark.parametrize("words", ["", " \n\t ", "x" * 5001])
def test_empty_and_endless_words_are_refused(runtime: Runtime, beatriz: Visitor, id: str, words: str) -> None:
    with pytest.raises(Invalid):
        followups.note(runtime, beatriz, id, words)
    with pytest.raises(Invalid):
        followups.reply(runtime, beatriz, id, words)
    assert kinds(runtime, id) == ["opened"]


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a\0b\ud800c", "\u202eright to left", "z͑͊a͘l̵g̷o̵"],
)
def test_any_words_are_stored_and_none_breaks_a_database(
    runtime: Runtime, beatriz: Visitor, id: str, words: str
) -> None:
    followups.note(runtime, beatriz, id, words)
    assert events(runtime, id)[1][2] == words.replace("\0", "").replace("\ud800", "")


# Closing and reopening

CLOSE = {"summary": "We called and moved her agenda.", "root_cause": "Outage"}


def test_closing_is_a_row_and_the_same_twice_is_harmless(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.close(runtime, beatriz, id, **CLOSE, ask_again=False)
    closed_at = clock.now
    clock.advance(minutes=1)
    followups.close(runtime, rafael, id, **CLOSE)
    (closure,) = closures(runtime, id)
    assert (closure.closed_by, closure.summary, closure.root_cause) == ("Beatriz", CLOSE["summary"], "Outage")
    assert (closure.ask_again, closure.reopened_at) == (False, None)
    assert followup(runtime, id).closed_at == closure.closed_at == closed_at
    assert kinds(runtime, id) == ["opened", "closed"]


def test_closing_with_other_words_says_who_closed_it(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.close(runtime, rafael, id, **CLOSE)
    clock.advance(minutes=2)
    with pytest.raises(Conflict, match="Rafael closed it 2 minutes ago"):
        followups.close(runtime, beatriz, id, summary="I wrote to her.", root_cause="Outage")
    assert len(closures(runtime, id)) == 1


@pytest.mark.on_both
def test_of_many_who_close_at_once_one_does(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    at_once(*[lambda: followups.close(runtime, beatriz, id, **CLOSE)] * 5)
    assert len(closures(runtime, id)) == 1
    assert kinds(runtime, id) == ["opened", "closed"]


def test_an_empty_record_closes_nothing(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    with pytest.raises(Invalid) as refused:
        followups.close(runtime, beatriz, id, summary=" ", root_cause="")
    assert set(refused.value.by_field()) == {"summary", "root_cause"}
    assert followup(runtime, id).closed_at is None


def test_reopening_ends_the_closure_and_gives_time_again(
    runtime: Runtime, clock: Clock, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.close(runtime, beatriz, id, **CLOSE)
    clock.advance(days=30)
    followups.reopen(runtime, rafael, id)
    followups.reopen(runtime, rafael, id)
    found = followup(runtime, id)
    (closure,) = closures(runtime, id)
    assert (closure.reopened_by, closure.reopened_at) == ("Rafael", clock.now)
    assert found.closed_at is None
    assert found.close_due_at > clock.now
    assert kinds(runtime, id) == ["opened", "closed", "reopened"]
    followups.close(runtime, rafael, id, summary="Again.", root_cause="Outage")
    assert [row.reopened_at is None for row in closures(runtime, id)] == [False, True]


def test_what_was_never_closed_is_not_reopened(runtime: Runtime, beatriz: Visitor, id: str) -> None:
    due_at = followup(runtime, id).close_due_at
    followups.reopen(runtime, beatriz, id)
    assert followup(runtime, id).close_due_at == due_at
    assert kinds(runtime, id) == ["opened"]


def test_a_closed_one_takes_notes_but_neither_replies_nor_claims(
    runtime: Runtime, beatriz: Visitor, rafael: Visitor, id: str
) -> None:
    followups.close(runtime, rafael, id, **CLOSE)
    followups.note(runtime, beatriz, id, "She thanked us.")
    with pytest.raises(Conflict, match="Reopen it"):
        followups.reply(runtime, beatriz, id, "Hello.")
    with pytest.raises(Conflict, match="Rafael closed it"):
        followups.claim(runtime, beatriz, id)


# The wall


def test_another_workspace_sees_and_changes_nothing(world: World, runtime: Runtime, id: str) -> None:
    stranger = world.member(world.workspace(), Role.OWNER)
    acts = [
        lambda: followups.claim(runtime, stranger, id),
        lambda: followups.assign(runtime, stranger, id, stranger.member_id),
        lambda: followups.note(runtime, stranger, id, "Hello."),
        lambda: followups.reply(runtime, stranger, id, "Hello."),
        lambda: followups.close(runtime, stranger, id, **CLOSE),
        lambda: followups.reopen(runtime, stranger, id),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()
    assert followups.claim_next(runtime, stranger) is None
    assert kinds(runtime, id) == ["opened"]
