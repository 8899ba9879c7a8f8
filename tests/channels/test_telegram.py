"""Telegram out: what leaves, and what each answer of the Bot API means for the message, over real HTTP."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.base import Button, DeliveryError, Outcome, Outgoing, Receipt
from app.channels.telegram import Telegram
from app.channels.telegram_answers import LONGEST_REST_SECONDS, Patience, failure
from app.channels.telegram_bot import CONNECTIONS
from app.channels.telegram_outgoing import WINDOW
from tests.bot_api import CUT, SILENT, TOKEN, Answer, BotApi, bot_api, channel, refusal, result

BLOCKED = refusal(403, "Forbidden: bot was blocked by the user")
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def message(number: int = 1, to: str = "", text: str = "De 0 a 10?", **more: Any) -> Outgoing:
    return Outgoing(
        id=f"m{number}", from_address="4242", to_address=to or str(1000 + number), text=text, **more
    )


def deliver(telegram: Telegram, *batch: Outgoing) -> list[Outcome]:
    outcomes = dict(telegram.deliver(batch))
    assert set(outcomes) == {each.id for each in batch}
    return [outcomes[each.id] for each in batch]


def error_of(outcome: Outcome) -> DeliveryError:
    assert isinstance(outcome, DeliveryError), outcome
    return outcome


def flags(error: DeliveryError) -> tuple[str, bool, bool, bool]:
    """Reason, permanent, unknown, and whether the channel rests."""
    return error.reason, error.permanent, error.unknown, error.pause_seconds is not None


def test_a_message_leaves_as_plain_text_without_preview_and_its_receipt_names_chat_and_message(
    api: BotApi, telegram: Telegram
) -> None:
    text = "Olá *Ana*, <b>como foi</b>? https://loja.example/r/x"
    assert deliver(telegram, message(text=text)) == [Receipt("1001:101")]
    (sent,) = api.sent
    assert sent == {"chat_id": 1001, "text": text, "link_preview_options": {"is_disabled": True}}


def test_buttons_stand_in_their_rows(api: BotApi, telegram: Telegram) -> None:
    rows = ((Button("0", "s:0"), Button("1", "s:1")), (Button("Parar", "stop"),))
    deliver(telegram, message(buttons=rows))
    assert api.sent[0]["reply_markup"]["inline_keyboard"] == [
        [{"text": "0", "callback_data": "s:0"}, {"text": "1", "callback_data": "s:1"}],
        [{"text": "Parar", "callback_data": "stop"}],
    ]


@pytest.mark.parametrize(
    "odd",
    [
        message(text=""),
        message(text=" \n"),
        message(text="x" * 4097),
        message(text="half \ud83d of a face"),
        message(buttons=((Button("0", "é" * 33),),)),
        message(buttons=((Button("0", ""),),)),
        message(buttons=((Button("", "s:0"),),)),
        message(buttons=((Button("\ud800", "s:0"),),)),
    ],
)
def test_what_telegram_cannot_carry_is_not_tried(api: BotApi, telegram: Telegram, odd: Outgoing) -> None:
    first, second = deliver(telegram, odd, message(2))
    assert flags(error_of(first)) == ("not_written", True, False, False)
    assert isinstance(second, Receipt)
    assert len(api.calls) == 1


def test_the_longest_text_and_the_longest_button_are_carried(api: BotApi, telegram: Telegram) -> None:
    buttons = ((Button("é", "é" * 32),),)
    assert isinstance(deliver(telegram, message(text="é" * 4096, buttons=buttons))[0], Receipt)


@pytest.mark.parametrize(
    "address", ["ana", "@ana", "", "12x", "0", "1" * 20, "--1", "+5511999999999", "１２"]
)
def test_an_address_that_is_no_chat_is_not_tried(api: BotApi, telegram: Telegram, address: str) -> None:
    (outcome,) = deliver(telegram, Outgoing(id="m1", from_address="4242", to_address=address, text="?"))
    assert flags(error_of(outcome)) == ("invalid_address", True, False, False)
    assert api.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        BLOCKED,
        refusal(403, "Forbidden: user is deactivated"),
        refusal(403, "Forbidden: bot can't initiate conversation with a user"),
        refusal(403, "Forbidden: bot was kicked from the supergroup chat"),
        refusal(403, "something that they will say next year"),
        refusal(400, "Bad Request: chat not found"),
        refusal(400, "Bad Request: PEER_ID_INVALID"),
        refusal(400, "Bad Request: not enough rights to send text messages to the chat"),
    ],
)
def test_who_shut_us_out_is_blocked_for_good_and_nobody_else_is(
    api: BotApi, telegram: Telegram, answer: Answer
) -> None:
    api.answers("sendMessage 1001", answer)
    first, *others = deliver(telegram, *(message(n) for n in range(1, 7)))
    assert flags(error_of(first)) == ("blocked", True, False, False)
    assert all(isinstance(each, Receipt) for each in others)


def test_another_400_is_held_against_the_message_alone(api: BotApi, telegram: Telegram) -> None:
    api.answers("sendMessage 1001", refusal(400, "Bad Request: BUTTON_DATA_INVALID"))
    first, second = deliver(telegram, message(1), message(2))
    assert flags(error_of(first)) == ("provider_refused", True, False, False)
    assert error_of(first).detail == "400 Bad Request: BUTTON_DATA_INVALID"
    assert isinstance(second, Receipt)


def test_what_is_kept_of_an_answer_names_nobody(api: BotApi, telegram: Telegram) -> None:
    said = f"Bad Request: chat 55119876543210 of @ana_maria\nand bot{TOKEN}\0 \ud800"
    api.answers("sendMessage", refusal(400, said))
    detail = error_of(deliver(telegram, message())[0]).detail
    assert detail == "400 Bad Request: chat … of … and bot… ?"


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [(1, 1), (35, 35), (10**9, LONGEST_REST_SECONDS), (10**400, LONGEST_REST_SECONDS), (0, 60), (-5, 60),
     ("35", 60), (None, 60), (True, 60), (2.5, 60)],
)  # fmt: skip
def test_too_many_rests_the_whole_channel_as_long_as_they_say_within_bounds(
    api: BotApi, telegram: Telegram, retry_after: object, pause: int
) -> None:
    api.answers("sendMessage", refusal(429, "Too Many Requests: retry after", retry_after=retry_after))
    (outcome,) = deliver(telegram, message())
    assert flags(error_of(outcome)) == ("provider_refused", False, False, True)
    assert error_of(outcome).pause_seconds == pause


def test_too_many_said_by_a_proxy_rests_a_minute(api: BotApi, telegram: Telegram) -> None:
    api.answers("sendMessage", Answer(429, HTML))
    (outcome,) = deliver(telegram, message())
    assert flags(error_of(outcome)) == ("provider_refused", False, False, True)


@pytest.mark.parametrize("token", ["4242:of-another-bot", "1:x"])
def test_a_token_that_is_not_believed_rests_the_channel_until_somebody_looks(api: BotApi, token: str) -> None:
    with channel(api.url, token) as telegram:
        (outcome,) = deliver(telegram, message())
        assert flags(error_of(outcome)) == ("provider_refused", False, False, True)
        assert error_of(outcome).pause_seconds == 300
        with pytest.raises(DeliveryError, match="401"):
            telegram.probe()


@pytest.mark.parametrize("status", [301, 401, 403, 404, 407, 451])
def test_what_stands_between_us_and_telegram_is_nobodys_fault_out_there(
    api: BotApi, telegram: Telegram, status: int
) -> None:
    api.answers("sendMessage", Answer(status, b"<html>this address is not allowed here</html>"))
    (outcome,) = deliver(telegram, message())
    assert flags(error_of(outcome)) == ("provider_refused", False, False, True)


def test_a_group_that_moved_gets_it_once_under_its_new_address_and_we_learn_that(
    api: BotApi, telegram: Telegram
) -> None:
    moved = "Bad Request: group chat was upgraded to a supergroup chat"
    api.answers("sendMessage", refusal(400, moved, migrate_to_chat_id=-1001234567890))
    (outcome,) = deliver(telegram, message(to="-77"))
    assert outcome == Receipt("-1001234567890:101", moved_to="-1001234567890")
    assert [each["chat_id"] for each in api.called("sendMessage")] == [-77, -1001234567890]


def test_a_group_that_moves_for_ever_is_not_followed(api: BotApi, telegram: Telegram) -> None:
    api.answers("sendMessage", *(refusal(400, "upgraded", migrate_to_chat_id=-n) for n in range(100, 105)))
    (outcome,) = deliver(telegram, message(to="-77"))
    assert flags(error_of(outcome)) == ("provider_refused", False, False, False)
    assert len(api.called("sendMessage")) == 2


@pytest.mark.parametrize(
    "answer",
    [
        CUT,
        SILENT,
        Answer(200, HTML),
        Answer(200, b""),
        Answer(200, b"{"),
        Answer(200, b"[" * 100_000),
        Answer(200, b"[]"),
        Answer(200, b'{"ok": true}'),
        Answer(200, b'{"ok": false, "error_code": 400, "description": "chat not found"}'),
        Answer(204, b""),
        result(None),
        result(True),
        result([]),
        result({}),
        result({"message_id": 1}),
        result({"message_id": 1, "date": 10**17, "chat": {"id": 1001, "type": "private"}}),
        Answer(500, b'{"ok": false, "error_code": 500, "description": "Internal Server Error"}'),
        Answer(502, HTML),
        refusal(502, "Bad Gateway"),
        refusal(503, "Service Unavailable", retry_after=5),
        Answer(504, b""),
    ],
    ids=repr,
)
def test_an_end_that_we_cannot_read_leaves_the_message_unknown(
    api: BotApi, telegram: Telegram, answer: Answer | str
) -> None:
    api.answers("sendMessage", answer)
    (outcome,) = deliver(telegram, message())
    assert flags(error_of(outcome)) == ("provider_unreachable", False, True, True)
    assert len(api.called("sendMessage")) == 1, "never again on a guess"


def test_an_answer_that_never_ends_is_given_up_and_unknown(api: BotApi) -> None:
    api.slow = 5
    with channel(api.url, patience=Patience(whole=0.3)) as telegram:
        started = time.monotonic()
        (outcome,) = deliver(telegram, message())
        assert time.monotonic() - started < 3
    assert flags(error_of(outcome)) == ("provider_unreachable", False, True, True)


def test_where_no_connection_comes_about_nothing_is_in_doubt() -> None:
    with bot_api() as gone:
        pass
    with channel(gone.url) as telegram:
        first, second = deliver(telegram, message(1), message(2, to="1001"))
        assert flags(error_of(first)) == ("provider_unreachable", False, False, True)
        assert error_of(second).detail.startswith("not tried")
        with pytest.raises(DeliveryError, match="provider_unreachable"):
            telegram.probe()


def test_a_connection_that_is_not_taken_up_in_time_leaves_nothing_in_doubt() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        quick = Patience(connect=0.2, read=5)
        with channel(f"http://127.0.0.1:{full.getsockname()[1]}", patience=quick) as telegram:
            (outcome,) = deliver(telegram, message())
        for each in waiting:
            each.close()
    assert flags(error_of(outcome)) == ("provider_unreachable", False, False, True)


def test_after_trouble_that_rests_the_channel_the_rest_of_the_batch_is_not_tried(
    api: BotApi, telegram: Telegram
) -> None:
    api.slow = 0.05
    api.answers("sendMessage", refusal(429, "Too Many Requests", retry_after=7))
    outcomes = deliver(telegram, *(message(n) for n in range(1, 21)))
    assert len(api.called("sendMessage")) <= WINDOW
    rest = [error_of(each) for each in outcomes[WINDOW:]]
    assert {flags(each) for each in rest} == {("provider_refused", False, False, True)}
    assert {each.pause_seconds for each in rest} == {7}
    assert all(each.detail.startswith("not tried") for each in rest)


def test_what_may_have_arrived_is_unknown_and_what_was_not_tried_is_not(
    api: BotApi, telegram: Telegram
) -> None:
    api.answers("sendMessage", CUT)
    first, second = deliver(telegram, message(1, to="7"), message(2, to="7"))
    assert (error_of(first).unknown, error_of(second).unknown) == (True, False)


def test_the_first_call_after_trouble_puts_no_message_in_doubt(api: BotApi, telegram: Telegram) -> None:
    api.answers("sendMessage", CUT)
    deliver(telegram, message(1))
    api.answers("getMe", CUT)
    (outcome,) = deliver(telegram, message(2))
    assert flags(error_of(outcome)) == ("provider_unreachable", False, False, True)
    assert len(api.called("sendMessage")) == 1
    assert isinstance(deliver(telegram, message(3))[0], Receipt)
    assert len(api.called("getMe")) == 2
    deliver(telegram, message(4))
    assert len(api.called("getMe")) == 2, "all is well: nothing is asked"


def test_a_few_go_at_a_time_and_never_two_to_one_chat(api: BotApi, telegram: Telegram) -> None:
    api.slow = 0.03
    batch = [message(n, to=str(n % 6 + 1), text=str(n)) for n in range(1, 31)]
    assert all(isinstance(each, Receipt) for each in deliver(telegram, *batch))
    assert 1 < api.most_at_once <= WINDOW
    for chat in range(1, 7):
        read = [int(each["text"]) for each in api.sent if each["chat_id"] == chat]
        assert read == sorted(read), "in the order in which they were written"


def test_a_batch_is_taken_as_it_goes_and_whoever_stops_reading_stops_sending(
    api: BotApi, telegram: Telegram
) -> None:
    taken: list[int] = []

    def batch() -> Iterator[Outgoing]:
        for number in range(1, 100):
            taken.append(number)
            yield message(number)

    going = telegram.deliver(batch())
    next(going)
    going.close()
    assert len(taken) <= WINDOW + 1
    telegram.close()
    assert len(api.called("sendMessage")) <= WINDOW


def test_an_empty_batch_calls_nobody(api: BotApi, telegram: Telegram) -> None:
    assert deliver(telegram) == []
    assert api.calls == []


def test_threads_deliver_side_by_side(api: BotApi, telegram: Telegram) -> None:
    api.slow = 0.01
    batches = [[message(n) for n in range(start, start + 20)] for start in (0, 20, 40)]
    threads = [threading.Thread(target=lambda b=b: deliver(telegram, *b)) for b in batches]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert api.most_at_once <= CONNECTIONS
    assert sorted(each["chat_id"] for each in api.sent) == [1000 + n for n in range(60)]


def test_the_channel_may_be_used_again_after_it_was_closed(api: BotApi, telegram: Telegram) -> None:
    deliver(telegram, message(1))
    telegram.close()
    telegram.close()
    assert isinstance(deliver(telegram, message(2))[0], Receipt)


def test_what_is_under_way_when_the_channel_is_closed_is_unknown(api: BotApi) -> None:
    api.slow = 5
    outcomes: list[Outcome] = []
    with channel(api.url, patience=Patience()) as telegram:
        thread = threading.Thread(target=lambda: outcomes.extend(deliver(telegram, message())))
        thread.start()
        while not api.calls:
            time.sleep(0.01)
        telegram.close()
        thread.join(5)
    (outcome,) = outcomes
    assert flags(error_of(outcome)) == ("provider_unreachable", False, True, True)


def test_settings_of_the_machine_that_allow_no_line_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.example")
    with channel("http://api.example") as telegram:
        (outcome,) = deliver(telegram, message())
    assert flags(error_of(outcome)) == ("provider_unreachable", False, False, True)
    assert "no line to Telegram" in error_of(outcome).detail


@given(status=st.integers(100, 999), payload=st.binary() | st.from_regex(rb'\{"ok":(true|false).{0,40}\}'))
def test_whatever_answers_it_has_a_meaning_and_only_the_bot_api_can_say_never(
    status: int, payload: bytes
) -> None:
    error = failure(status, payload)
    assert error is None or not (error.permanent and error.unknown)
    if error is not None and error.permanent:
        assert b'"ok":false' in payload


CHILD = """
import os, sys
from app.channels.base import Outgoing
from app.channels.telegram import Telegram

telegram = Telegram(sys.argv[2], sys.argv[1])

def send(name):
    return [type(each).__name__ for _, each in telegram.deliver([Outgoing(name, "", "7", text=name)])]

assert send("parent") == ["Receipt"]
child = os.fork()
if child == 0:
    good = send("child") == ["Receipt"]
    telegram.close()
    os._exit(0 if good else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert send("parent again") == ["Receipt"]
"""


def test_a_child_opens_a_line_of_its_own_and_leaves_the_parents_alone(api: BotApi) -> None:
    command = [sys.executable, "-c", CHILD, api.url, TOKEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [each["text"] for each in api.sent] == ["parent", "child", "parent again"]


LAZY = """
import sys
import app.channels.registry
from app.channels.telegram import Telegram

channel = Telegram("1:x")
channel.identity, channel.close()
print(sorted({"telegram", "httpx"} & sys.modules.keys()))
"""


def test_the_vendors_library_is_loaded_by_the_first_call_and_not_before() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAZY], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
