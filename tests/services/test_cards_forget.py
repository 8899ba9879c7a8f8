"""Agents' cards in Telegram forget with us whoever was erased."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from app.channels.telegram import Telegram
from app.jobs.timetable import TIMETABLE
from app.models import FollowUp, Message, Workspace, new_id
from app.runtime import Runtime
from app.services import agent_cards, erasure, retention
from app.services.access import Visitor
from tests.bot_api import BotApi, bot_api, channel, refusal
from tests.services.loop import opened
from tests.world import Clock, World


@pytest.fixture
def api() -> Iterator[BotApi]:
    with bot_api() as running:
        yield running


@pytest.fixture
def place(runtime: Runtime, api: BotApi) -> Iterator[Runtime]:
    with channel(api.url) as telegram:
        assert isinstance(telegram, Telegram)
        yield replace(runtime, channels={"telegram": telegram})


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace)


@pytest.fixture
def followup(world: World, workspace: Workspace, camila: Visitor) -> str:
    """One about Maria, whose card stands in an agent's chat."""
    maria = world.contact(workspace, name="Maria Figueiredo", active=False)
    id = opened(world, workspace, 2, contact=maria, comment="atrasou de novo")
    with world.runtime.db.write() as session:
        for each in session.scalars(select(Message).where(Message.followup_id == id)).all():
            session.delete(each)
        session.add(a_card(world, workspace, camila, id))
    return id


def a_card(world: World, workspace: Workspace, who: Visitor, followup_id: str) -> Message:
    return Message(
        id=f"card{followup_id}"[:26], workspace_id=workspace.id, purpose="alert", priority=0,
        channel="telegram", followup_id=followup_id, user_id=who.user_id, to_address="900", locale="en",
        state="sent", provider_id="900:15", due_at=world.now, created_at=world.now, sent_at=world.now,
    )  # fmt: skip


def edits(api: BotApi) -> list[dict[str, Any]]:
    return api.called("editMessageText")


def person(runtime: Runtime, followup_id: str) -> str:
    with runtime.db.read() as session:
        return session.get_one(FollowUp, followup_id).contact_id


def test_the_card_says_neither_name_nor_words_of_who_was_erased(
    place: Runtime, api: BotApi, camila: Visitor, followup: str
) -> None:
    assert agent_cards.forget_erased(place) == 0, "of the living it stays"
    erasure.erase(place, camila, person(place, followup))
    assert agent_cards.forget_erased(place) == 1
    (edit,) = edits(api)
    assert (edit["chat_id"], edit["message_id"]) == (900, 15)
    assert "Maria" not in edit["text"] and "atrasou" not in edit["text"]
    assert agent_cards.forget_erased(place) == 0
    assert len(edits(api)) == 1


def test_the_clock_does_it_whoever_erased_them(
    place: Runtime,
    api: BotApi,
    world: World,
    workspace: Workspace,
    camila: Visitor,
    followup: str,
    clock: Clock,
) -> None:
    """By hand, by a period that is over, by the journal after a restore: all of them erase, and no more.

    Also of lines whose own period was over before.
    """
    line = a_card(world, workspace, camila, followup)
    line.id, line.purpose, line.body, line.provider_id = new_id(), "dialogue", "Maria writes", "900:16"
    world.add(line)
    with place.db.write() as session:
        session.execute(update(FollowUp).values(closed_at=clock.now))
    clock.advance(days=100)
    periods = {each.kind: each.days for each in retention.show(place, camila)}
    retention.change(place, camila, periods | {"contacts": 90, "messages": 90})
    retention.let_go(place)
    (job,) = [each for each in TIMETABLE if each.name == "forget_cards"]
    assert job.work(place) == 2
    assert not [each for each in edits(api) if "Maria" in each["text"]]


def test_a_card_that_cannot_be_changed_keeps_no_other_waiting(
    place: Runtime, api: BotApi, camila: Visitor, followup: str
) -> None:
    api.answers("editMessageText", refusal(400, "Bad Request: message to edit not found"))
    erasure.erase(place, camila, person(place, followup))
    assert agent_cards.forget_erased(place) == 1
    assert agent_cards.forget_erased(place) == 0


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(429, "Too Many Requests: retry after 5"),
        refusal(502, "Bad Gateway"),
        refusal(401, "Unauthorized"),
    ],
)
def test_a_card_is_tried_again_while_telegram_is_busy_or_away(
    place: Runtime, api: BotApi, camila: Visitor, followup: str, trouble: Any
) -> None:
    api.answers("editMessageText", trouble)
    erasure.erase(place, camila, person(place, followup))
    assert agent_cards.forget_erased(place) == 0
    assert agent_cards.forget_erased(place) == 1
    first, second = edits(api)
    assert "Maria" not in second["text"] and first["message_id"] == second["message_id"] == 15
    assert agent_cards.forget_erased(place) == 0


def test_while_telegram_is_busy_it_is_asked_once_and_not_for_every_card(
    place: Runtime, api: BotApi, world: World, workspace: Workspace, camila: Visitor, followup: str
) -> None:
    for number in range(3):
        other = opened(world, workspace, 1, contact=world.contact(workspace, name=f"Ana {number}"))
        world.add(a_card(world, workspace, camila, other))
        erasure.erase(place, camila, person(place, other))
    erasure.erase(place, camila, person(place, followup))
    api.answers("editMessageText", refusal(429, "Too Many Requests: retry after 5"))
    assert agent_cards.forget_erased(place) == 0
    assert len(edits(api)) == 1
    assert agent_cards.forget_erased(place) == 4


def test_where_no_telegram_is_set_up_nothing_happens(
    runtime: Runtime, camila: Visitor, followup: str
) -> None:
    erasure.erase(runtime, camila, person(runtime, followup))
    assert agent_cards.forget_erased(runtime) == 0


def test_lines_about_them_are_replaced_and_who_was_told_is_named(
    place: Runtime, api: BotApi, world: World, workspace: Workspace, camila: Visitor, followup: str
) -> None:
    for number, text in ((16, "Maria writes: atrasou"), (17, "Your next message goes to Maria by Telegram.")):
        line = a_card(world, workspace, camila, followup)
        line.id, line.purpose, line.body, line.provider_id = new_id(), "dialogue", text, f"900:{number}"
        world.add(line)
    assert agent_cards.forget_erased(place) == 0, "of the living they stay"
    assert erasure.erase(place, camila, person(place, followup)) == (camila.name,)
    assert agent_cards.forget_erased(place) == 3
    said = {edit["message_id"]: edit["text"] for edit in edits(api)}
    assert set(said) == {15, 16, 17}
    assert said[16] == said[17] == "This was about somebody who was erased."
    assert agent_cards.forget_erased(place) == 0


def test_whom_nobody_was_told_of_names_nobody(place: Runtime, world: World, camila: Visitor) -> None:
    with place.db.read() as session:
        home = session.get_one(Workspace, camila.workspace_id)
    assert erasure.erase(place, camila, world.contact(home).id) == ()
