"""The Bot API of the tests keeps what python-telegram-bot and Telegram's own documentation expect of it."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)

from tests.peers.listening import Listener, listening
from tests.peers.telegram.peer import AGENTS, RESPONDENTS, BotAccount, TelegramPeer

pytestmark = pytest.mark.xdist_group("telegram")  # one worker starts it
T = TypeVar("T")
ANA, BRUNO = 77, 88
SCORES = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton(str(score), callback_data=f"s:{score}") for score in row]
        for row in (range(6), range(6, 11))
    ]
)


class Caller:
    """python-telegram-bot's own Bot, spoken to without async."""

    def __init__(self, peer: TelegramPeer, account: BotAccount) -> None:
        self._loop = asyncio.new_event_loop()
        # In a thread of its own: a browser's loop may already run in the one of the tests
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.bot = Bot(account.token, base_url=peer.base_url)
        self.does(self.bot.initialize())

    def does(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(timeout=60)

    def polls(self, **how: Any) -> Sequence[Update]:
        return self.does(self.bot.get_updates(**how))

    def asks(self, text: str = "De 0 a 10?") -> int:
        return self.does(self.bot.send_message(ANA, text, reply_markup=SCORES)).message_id

    def close(self) -> None:
        self.does(self.bot.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def caller(started_telegram: TelegramPeer) -> Iterator[Caller]:
    yield from kept_caller(started_telegram, RESPONDENTS)


@pytest.fixture(scope="module")
def agents(started_telegram: TelegramPeer) -> Iterator[Caller]:
    yield from kept_caller(started_telegram, AGENTS)


def kept_caller(peer: TelegramPeer, account: BotAccount) -> Iterator[Caller]:
    """One for all tests of this file: making a Bot takes longer than most of them."""
    peer.reset()
    caller = Caller(peer, account)
    yield caller
    caller.close()


@pytest.fixture
def ours() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def texts(updates: Sequence[Update]) -> list[str | None]:
    return [each.message.text for each in updates if each.message]


def test_each_bot_is_itself_and_a_stranger_is_unauthorized(
    telegram: TelegramPeer, caller: Caller, agents: Caller
) -> None:
    assert (caller.bot.username, caller.bot.id) == (RESPONDENTS.username, RESPONDENTS.id)
    assert agents.bot.username == AGENTS.username

    async def stranger() -> None:
        async with Bot("7009999:nobody-gave-this", base_url=telegram.base_url):
            """not let in"""

    with pytest.raises(InvalidToken):
        caller.does(stranger())


def test_a_conversation_from_start_to_text(telegram: TelegramPeer, caller: Caller) -> None:
    ana = telegram.user(ANA)
    ana.starts("token-123")
    (start,) = caller.polls()
    assert (
        start.message and start.message.text == "/start token-123" and start.message.entities[0].length == 6
    )
    caller.asks()
    (question,) = ana.said
    assert question.labels == [str(score) for score in range(11)]

    ana.taps(question, "9")
    (press,) = caller.polls(offset=start.update_id + 1)
    query = press.callback_query
    assert query and query.data == "s:9" and query.from_user.id == ANA and query.chat_instance
    assert query.message and query.message.message_id == question.message_id
    assert caller.does(query.answer("Obrigado", show_alert=True))
    edited = caller.does(query.edit_message_text("Você respondeu 9. Por quê?"))
    assert not isinstance(edited, bool) and edited.edit_date
    (now,) = ana.said
    assert (now.text, now.before, now.buttons) == ("Você respondeu 9. Por quê?", ("De 0 a 10?",), [])
    assert [(each.text, each.is_alert) for each in telegram.notices()] == [("Obrigado", True)]

    ana.replies_to(now, "Rápido e gentil")
    (reply,) = caller.polls(offset=press.update_id + 1)
    assert reply.message and reply.message.reply_to_message
    assert reply.message.reply_to_message.message_id == question.message_id
    assert reply.message.reply_to_message.from_user
    assert reply.message.reply_to_message.from_user.id == RESPONDENTS.id


def test_messages_are_dated_in_seconds_and_by_the_clock_of_the_test(
    telegram: TelegramPeer, caller: Caller
) -> None:
    sent = caller.does(caller.bot.send_message(ANA, "now"))
    assert abs(datetime.now(UTC) - sent.date) < timedelta(minutes=1)
    monday = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
    telegram.stands_at(monday)
    assert caller.does(caller.bot.send_message(ANA, "then")).date == monday
    telegram.user(ANA).sends("oi", at=monday + timedelta(hours=1))
    (update,) = caller.polls()
    assert update.message and update.message.date == monday + timedelta(hours=1)


def test_somebody_else_presses_the_button_of_another(telegram: TelegramPeer, caller: Caller) -> None:
    caller.asks()
    telegram.user(BRUNO).presses(telegram.said_to(ANA)[0], "s:10")
    (press,) = caller.polls()
    assert press.callback_query and press.callback_query.from_user.id == BRUNO
    assert press.effective_chat and press.effective_chat.id == ANA


def test_a_group_is_a_chat_of_its_own(telegram: TelegramPeer, caller: Caller) -> None:
    telegram.user(BRUNO, group=-100123).sends("oi")
    (update,) = caller.polls()
    assert update.effective_chat and (update.effective_chat.id, update.effective_chat.type) == (
        -100123,
        "supergroup",
    )


def test_updates_come_again_until_a_higher_offset_confirms_them(
    telegram: TelegramPeer, caller: Caller
) -> None:
    ana = telegram.user(ANA)
    for text in ("um", "dois", "três"):
        ana.sends(text)
    first = caller.polls()
    assert texts(first) == texts(caller.polls()) == ["um", "dois", "três"]
    assert texts(caller.polls(offset=first[0].update_id + 1, limit=1)) == ["dois"]
    assert texts(caller.polls()) == ["dois", "três"]
    assert texts(caller.polls(offset=-1)) == ["três"]
    assert caller.polls(offset=first[-1].update_id + 1) == ()
    assert telegram.pending() == []


def test_two_bots_count_their_updates_each_for_itself(
    telegram: TelegramPeer, caller: Caller, agents: Caller
) -> None:
    respondent, agent = telegram.user(ANA).sends("a"), telegram.user(ANA, AGENTS).sends("b")
    assert respondent.update_id == agent.update_id
    assert (texts(caller.polls()), texts(agents.polls())) == (["a"], ["b"])


def test_a_long_poll_waits_for_what_comes(telegram: TelegramPeer, caller: Caller) -> None:
    later = threading.Timer(0.2, telegram.user(ANA).sends, ["oi"])
    began = time.monotonic()
    later.start()
    assert texts(caller.polls(timeout=10)) == ["oi"]
    assert 0.15 < time.monotonic() - began < 5
    later.join()
    caller.polls(offset=10**6 * 2)  # still unconfirmed: nobody believes an offset from the future
    assert len(telegram.pending()) == 1


def test_of_two_pollers_the_earlier_one_is_sent_away(telegram: TelegramPeer, caller: Caller) -> None:
    async def both() -> None:
        async with Bot(RESPONDENTS.token, base_url=telegram.base_url) as other:
            earlier = asyncio.create_task(other.get_updates(timeout=10))
            await asyncio.sleep(0.1)
            assert await caller.bot.get_updates() == ()
            with pytest.raises(Conflict):
                await earlier

    caller.does(both())


def test_the_same_update_again_and_one_of_a_kind_that_nobody_knows(
    telegram: TelegramPeer, caller: Caller
) -> None:
    telegram.user(ANA).sends("oi")
    (once,) = caller.polls()
    assert caller.polls(offset=once.update_id + 1) == ()
    telegram.injects(json.loads(once.to_json()))
    assert texts(caller.polls(offset=once.update_id + 1)) == ["oi"]
    telegram.injects({"update_id": 3, "something_new": {"id": 1}})
    (unknown,) = caller.polls(offset=once.update_id + 1)
    assert unknown.update_id == 3
    assert caller.polls(offset=once.update_id + 1) == ()


def test_after_a_quiet_week_the_numbers_may_begin_lower(telegram: TelegramPeer, caller: Caller) -> None:
    high = telegram.user(ANA).sends("oi").update_id
    assert high
    assert caller.polls(offset=high + 1) == ()
    telegram.jumps_to(41)
    assert telegram.user(ANA).sends("olá").update_id == 41
    assert texts(caller.polls(offset=high + 1)) == ["olá"]
    assert caller.polls(offset=42) == ()


def test_a_bot_gets_only_the_kinds_that_it_asked_for(telegram: TelegramPeer, caller: Caller) -> None:
    caller.polls(allowed_updates=["callback_query"])
    assert telegram.user(ANA).sends("oi").update_id is None
    caller.asks()
    assert telegram.user(ANA).presses(telegram.said_to(ANA)[0], "forged").update_id


def test_flood_and_migration_are_told_as_telegram_does(
    telegram: TelegramPeer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    telegram.floods(3)
    with pytest.raises(RetryAfter) as flood:
        caller.asks()
    assert flood.value.retry_after == timedelta(seconds=3)
    caller.asks()
    telegram.migrates(ANA, to=-100777)
    with pytest.raises(ChatMigrated) as moved:
        caller.asks()
    assert moved.value.new_chat_id == -100777
    assert [each.chat_id for each in telegram.calls("sendMessage")] == [ANA]


def test_who_blocks_the_bot_is_not_reached_until_they_come_back(
    telegram: TelegramPeer, caller: Caller
) -> None:
    ana = telegram.user(ANA)
    ana.blocks()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        caller.asks()
    ana.unblocks()
    caller.asks()
    changes = [each.my_chat_member.new_chat_member.status for each in caller.polls() if each.my_chat_member]
    assert changes == ["kicked", "member"]


def test_a_press_can_be_too_old_to_answer(telegram: TelegramPeer, caller: Caller) -> None:
    caller.asks()
    telegram.user(ANA).presses(telegram.said_to(ANA)[0], "s:1", inaccessible=True)
    (press,) = caller.polls()
    assert (
        press.callback_query
        and press.callback_query.message
        and not press.callback_query.message.is_accessible
    )
    telegram.forgets_presses()
    for query in (press.callback_query.id, "12345"):
        with pytest.raises(BadRequest, match="too old"):
            caller.does(caller.bot.answer_callback_query(query))
    assert caller.does(caller.bot.answer_callback_query(press.callback_query.id))


def test_edits_that_change_nothing_or_touch_nothing_are_refused(
    telegram: TelegramPeer, caller: Caller
) -> None:
    asked = caller.asks("Nota?")
    with pytest.raises(BadRequest, match="not modified"):
        caller.does(caller.bot.edit_message_text("Nota?", ANA, asked, reply_markup=SCORES))
    with pytest.raises(BadRequest, match="to edit not found"):
        caller.does(caller.bot.edit_message_text("Nota?", BRUNO, asked))
    caller.does(caller.bot.edit_message_reply_markup(ANA, asked, reply_markup=None))
    assert telegram.said_to(ANA)[0].labels == []
    assert caller.does(caller.bot.delete_message(ANA, asked))
    assert telegram.said_to(ANA)[0].is_deleted
    with pytest.raises(BadRequest, match="to delete not found"):
        caller.does(caller.bot.delete_message(ANA, asked))


def one_button(data: str | None) -> dict[str, InlineKeyboardMarkup]:
    return {"reply_markup": InlineKeyboardMarkup.from_button(InlineKeyboardButton("9", callback_data=data))}


@pytest.mark.parametrize(
    ("text", "how", "said"),
    [
        (" ", {}, "message text is empty"),
        ("x" * 4097, {}, "message is too long"),
        ("Nota <para> você", {"parse_mode": "HTML"}, "can't parse entities"),
        ("<b>Nota", {"parse_mode": "HTML"}, "can't parse entities"),
        ("Nota?", one_button("é" * 33), "BUTTON_DATA_INVALID"),
        ("Nota?", one_button(None), "Text buttons"),
    ],
)
def test_what_can_never_be_right_is_refused(
    telegram: TelegramPeer, caller: Caller, text: str, how: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadRequest, match=f"(?i){said}"):
        caller.does(caller.bot.send_message(ANA, text, **how))
    assert [each.method for each in telegram.breaches()] == ["sendMessage"]
    assert telegram.breaches() == []
    assert telegram.calls() == []


def test_text_of_the_full_length_and_markup_pass(telegram: TelegramPeer, caller: Caller) -> None:
    caller.does(caller.bot.send_message(ANA, "é" * 4096))
    caller.does(caller.bot.send_message(ANA, "<b>Nota</b> &lt;3", parse_mode="HTML"))
    assert [each.text for each in telegram.said_to(ANA)] == ["é" * 4096, "Nota <3"]


def test_the_menu_is_kept_by_scope_and_language(telegram: TelegramPeer, caller: Caller) -> None:
    caller.does(caller.bot.set_my_commands([BotCommand("start", "Começar")], language_code="pt"))
    assert telegram.commands() == {'{"type":"default"} pt': [{"command": "start", "description": "Começar"}]}
    caller.does(caller.bot.delete_my_commands(language_code="pt"))
    assert telegram.commands() == {}


def test_a_webhook_gets_the_secret_and_is_tried_until_it_says_yes(
    telegram: TelegramPeer, caller: Caller, ours: Listener
) -> None:
    telegram.user(ANA).sends("before")
    caller.does(caller.bot.set_webhook(f"{ours.url}/hook", secret_token="s3cret"))
    ours.statuses = [500, 503]
    assert telegram.user(ANA).sends("oi").status is not None
    _until(lambda: telegram.pending() == [])
    assert {each.path for each in ours.heard} == {"/hook"}
    assert {each.headers["X-Telegram-Bot-Api-Secret-Token"] for each in ours.heard} == {"s3cret"}
    bodies = [json.loads(each.body)["message"]["text"] for each in ours.heard]
    assert bodies in (["before"] * 3 + ["oi"], ["before", "oi", "oi", "oi"], ["before", "before", "oi", "oi"])
    info = caller.does(caller.bot.get_webhook_info())
    assert info.last_error_message == "Wrong response from the webhook: 503"
    with pytest.raises(Conflict, match="webhook is active"):
        caller.polls()


def test_a_webhook_can_get_many_updates_at_once(
    telegram: TelegramPeer, caller: Caller, ours: Listener
) -> None:
    caller.does(caller.bot.set_webhook(ours.url))
    update = {"update_id": 9, "message": {"message_id": 1, "date": 1, "chat": {"id": ANA, "type": "private"}}}
    ours.statuses = [500]
    assert sorted(telegram.posts_at_once([update, update, {**update, "update_id": 10}])) == [200, 200, 500]
    assert sorted(json.loads(each.body)["update_id"] for each in ours.heard) == [9, 9, 10]


def test_a_webhook_that_never_says_yes_is_given_up_in_the_end(
    telegram: TelegramPeer, caller: Caller, ours: Listener
) -> None:
    caller.does(caller.bot.set_webhook(ours.url))
    telegram.patience(attempts=3, delay=0.01)
    ours.statuses = [500] * 3
    assert telegram.user(ANA).sends("oi").status == 500
    _until(lambda: telegram.given_up() != [])
    assert len(ours.heard) == 3
    assert telegram.user(ANA).sends("olá").status == 200


def test_what_waits_at_a_dead_webhook_can_be_polled_when_it_is_gone(
    telegram: TelegramPeer, caller: Caller
) -> None:
    caller.does(caller.bot.set_webhook("http://127.0.0.1:9/nobody"))
    assert telegram.user(ANA).sends("oi").status == 0
    assert caller.does(caller.bot.get_webhook_info()).pending_update_count == 1
    caller.does(caller.bot.delete_webhook())
    assert texts(caller.polls()) == ["oi"]


def test_the_state_of_a_webhook_can_be_made_up(telegram: TelegramPeer, caller: Caller) -> None:
    telegram.says_of_webhook(
        pending_update_count=31, last_error_date=1_700_000_000, last_error_message="Read timeout"
    )
    info = caller.does(caller.bot.get_webhook_info())
    assert (info.pending_update_count, info.last_error_message) == (31, "Read timeout")


def test_a_cut_line_does_not_say_whether_the_message_went(telegram: TelegramPeer, caller: Caller) -> None:
    telegram.cuts()
    with pytest.raises(NetworkError):
        caller.asks("taken")
    telegram.cuts(taken=False)
    with pytest.raises(NetworkError):
        caller.asks("not taken")
    telegram.hangs()
    with pytest.raises(NetworkError, match="Timed out"):
        caller.does(caller.bot.send_message(ANA, "silence", read_timeout=0.2))
    assert [each.text for each in telegram.said_to(ANA)] == ["taken", "silence"]


def test_a_test_begins_with_an_empty_house(telegram: TelegramPeer, caller: Caller) -> None:
    telegram.user(ANA).sends("oi")
    caller.asks()
    telegram.floods(60)
    telegram.reset()
    assert (telegram.calls(), telegram.pending(), caller.polls()) == ([], [], ())
    caller.asks()


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)
