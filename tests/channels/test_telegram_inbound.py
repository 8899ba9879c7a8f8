"""Telegram in: polls that lose nothing, answers to a press, and how the bot stands, over real HTTP."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from app.channels.base import Button, DeliveryError, Event, Kind
from app.channels.telegram import Telegram
from app.channels.telegram_answers import Patience
from tests.bot_api import CUT, SECRET, SILENT, TOKEN, Answer, BotApi, bot_api, channel, refusal, result

SINCE = datetime(2026, 11, 1, tzinfo=UTC)  # of no use to Telegram, which lists by number
ANA: dict[str, Any] = {"id": 77, "is_bot": False, "first_name": "Ana", "language_code": "pt-br"}
PRESS = Event("4242", "x:1", Kind.PRESS, address="77", press_id="987")


def update(number: int, text: str = "9") -> dict[str, Any]:
    chat = {"id": 77, "type": "private"}
    message = {"message_id": number, "date": 1_767_225_600, "from": ANA, "chat": chat, "text": text}
    return {"update_id": number, "message": message}


def fetch(telegram: Telegram, after: str = "") -> list[tuple[str | None, str]]:
    return [(event and event.text, mark) for event, mark in telegram.fetch(SINCE, after)]


def test_what_waits_comes_in_order_each_with_its_mark(api: BotApi, telegram: Telegram) -> None:
    api.updates = [update(5, "9"), update(6, "bom")]
    assert fetch(telegram) == [("9", "5"), ("bom", "6")]


def test_nothing_is_forgotten_by_telegram_until_it_is_kept(api: BotApi, telegram: Telegram) -> None:
    api.updates = [update(5), update(6), update(7)]
    fetch(telegram)
    assert [mark for _, mark in fetch(telegram)] == ["5", "6", "7"], "nothing was kept: all of it again"
    assert [mark for _, mark in fetch(telegram, after="6")] == ["7"]
    assert [each["update_id"] for each in api.updates] == [7]
    assert fetch(telegram, after="7") == []
    assert api.updates == []


def test_a_poll_that_fails_is_repeated_and_loses_nothing(api: BotApi, telegram: Telegram) -> None:
    api.updates = [update(5), update(6)]
    fetch(telegram)
    api.answers("getUpdates", CUT)
    with pytest.raises(DeliveryError, match="provider_unreachable"):
        fetch(telegram, after="5")
    assert fetch(telegram, after="5") == [("9", "6")]


def test_numbers_that_start_anew_below_what_we_know_are_taken(api: BotApi) -> None:
    with channel(api.url) as before:
        api.updates = [update(900_000_000, "9")]
        fetch(before)
        fetch(before, after="900000000")
        assert api.updates == []
        api.updates = [update(1200, "8"), update(1201, "otimo")]  # a quiet week later
        assert fetch(before, after="900000000") == [("8", "1200"), ("otimo", "1201")]
        api.updates = [update(1201, "otimo")]
    with channel(api.url) as restarted:
        assert fetch(restarted, after="900000000") == [("otimo", "1201")]
        assert fetch(restarted, after="1201") == []
    assert api.updates == []


def test_a_new_process_may_see_again_what_another_one_kept_and_forgets_it_then(api: BotApi) -> None:
    api.updates = [update(5)]
    with channel(api.url) as first:
        fetch(first)
    with channel(api.url) as second:
        assert fetch(second, after="5") == [("9", "5")]
        fetch(second, after="5")
    assert api.updates == []


def test_what_tells_us_nothing_moves_the_mark_as_well(api: BotApi, telegram: Telegram) -> None:
    odd = [
        {"update_id": 1, "poll": {}},
        {"update_id": 2, "message": 7},
        {"update_id": 3, "message": {"text": []}},
    ]
    api.updates = [*odd, {"update_id": 4, "callback_query": {"id": "1", "data": "\ud800"}}, {"update_id": 5}]
    assert fetch(telegram) == [(None, str(number)) for number in range(1, 6)]


def test_an_update_without_a_number_is_passed_over(api: BotApi, telegram: Telegram) -> None:
    odd = ["x", None, {}, {"update_id": "7"}, {"update_id": True}, {"update_id": 2**70}]
    api.answers("getUpdates", result([*odd, update(9)]))
    assert fetch(telegram) == [("9", "9")]


def test_a_word_that_no_database_takes_stops_nobody_elses(api: BotApi, telegram: Telegram) -> None:
    api.updates = [update(5, "a\0b \ud83d"), update(6, "9")]
    assert fetch(telegram) == [("ab ?", "5"), ("9", "6")]


def test_a_poll_returns_as_soon_as_something_comes(api: BotApi) -> None:
    with channel(api.url, patience=Patience(poll=20)) as telegram:
        threading.Timer(0.2, lambda: api.updates.append(update(5))).start()
        started = time.monotonic()
        assert fetch(telegram) == [("9", "5")]
        assert time.monotonic() - started < 5


def test_a_poll_that_finds_nothing_ends_by_itself(api: BotApi, telegram: Telegram) -> None:
    started = time.monotonic()
    assert fetch(telegram) == []
    assert 0.9 < time.monotonic() - started < 5


def test_only_what_we_read_is_asked_for(api: BotApi, telegram: Telegram) -> None:
    api.updates = [update(1)]
    fetch(telegram)
    assert api.called("getUpdates")[0]["allowed_updates"] == ["message", "callback_query", "my_chat_member"]


def test_closing_ends_a_poll(api: BotApi) -> None:
    telegram = Telegram(TOKEN, api.url, patience=Patience(poll=30))
    errors: list[DeliveryError] = []

    def poll() -> None:
        with pytest.raises(DeliveryError) as caught:
            fetch(telegram)
        errors.append(caught.value)

    thread = threading.Thread(target=poll)
    thread.start()
    while not api.calls:
        time.sleep(0.01)
    telegram.close()
    thread.join(5)
    assert not errors[0].unknown


def test_a_second_program_that_fetches_is_named(api: BotApi, telegram: Telegram) -> None:
    said = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    api.answers("getUpdates", refusal(409, said))
    with pytest.raises(DeliveryError, match="only one bot instance") as caught:
        fetch(telegram)
    assert (caught.value.reason, caught.value.pause_seconds) == ("provider_refused", 60)
    assert not caught.value.permanent


@pytest.mark.parametrize(
    "answer",
    [CUT, SILENT, Answer(502, b"<html>"), Answer(200, b""), result(None), result({}), result("x")],
    ids=repr,
)
def test_a_poll_without_an_answer_raises_and_nothing_is_in_doubt(
    api: BotApi, telegram: Telegram, answer: Answer | str
) -> None:
    api.answers("getUpdates", answer)
    with pytest.raises(DeliveryError, match="provider_unreachable") as caught:
        fetch(telegram)
    assert not caught.value.unknown
    assert caught.value.pause_seconds


def test_a_press_is_answered_with_at_most_what_fits(api: BotApi, telegram: Telegram) -> None:
    telegram.acknowledge(PRESS, "Obrigado! " * 30)
    telegram.acknowledge(PRESS, "")
    first, second = api.called("answerCallbackQuery")
    assert first == {"callback_query_id": 987, "text": ("Obrigado! " * 30)[:200]}
    assert second == {"callback_query_id": 987}


def test_what_was_no_press_is_not_answered(api: BotApi, telegram: Telegram) -> None:
    telegram.acknowledge(Event("4242", "x:1", Kind.TEXT, address="77", text="9"), "Obrigado!")
    assert api.calls == []


@pytest.mark.parametrize(
    "answer",
    [refusal(400, "Bad Request: query is too old"), CUT, SILENT, Answer(200, b"<"), refusal(403, "")],
    ids=repr,
)
def test_a_press_that_can_no_longer_be_answered_troubles_nobody(
    api: BotApi, telegram: Telegram, answer: Answer | str
) -> None:
    api.answers("answerCallbackQuery", answer)
    started = time.monotonic()
    telegram.acknowledge(PRESS, "Obrigado!")
    assert time.monotonic() - started < 2


def test_courtesies_raise_nothing_where_telegram_is_gone() -> None:
    with bot_api() as gone:
        pass
    with channel(gone.url) as telegram:
        telegram.acknowledge(PRESS, "Obrigado!")
        telegram.edit("77:5", "Obrigado!", ())


def test_a_message_is_edited_in_its_place_and_loses_its_buttons(api: BotApi, telegram: Telegram) -> None:
    telegram.edit("77:5", "Você deu 9.", ((Button("Mudar", "e:1"),),))
    telegram.edit("-100777:6", "Obrigado!", ())
    first, second = api.called("editMessageText")
    assert (first["chat_id"], first["message_id"], first["text"]) == (77, 5, "Você deu 9.")
    assert first["reply_markup"]["inline_keyboard"] == [[{"text": "Mudar", "callback_data": "e:1"}]]
    assert second["chat_id"] == -100777
    assert "reply_markup" not in second


@pytest.mark.parametrize(
    "provider_id", ["", "sandbox", "77", "77:", ":5", "77:x", "77:5:6", "1e3:5", "77:-5"]
)
def test_what_is_no_message_of_ours_is_not_edited(api: BotApi, telegram: Telegram, provider_id: str) -> None:
    telegram.edit(provider_id, "Obrigado!", ())
    telegram.edit("77:5", "", ())
    telegram.edit("77:5", "?", ((Button("x", "y" * 65),),))
    assert api.calls == []


@pytest.mark.parametrize(
    "answer", [refusal(400, "Bad Request: message is not modified"), CUT, result(True), result({})], ids=repr
)
def test_an_edit_that_fails_troubles_nobody(api: BotApi, telegram: Telegram, answer: Answer | str) -> None:
    api.answers("editMessageText", answer)
    telegram.edit("77:5", "Obrigado!", ())


def test_the_status_says_what_waits_and_what_telegram_complains_of(api: BotApi, telegram: Telegram) -> None:
    api.updates = [update(1), update(2)]
    status = telegram.status()
    assert (status.name, status.webhook_url, status.waiting, status.failed_at) == ("@loja_bot", "", 2, None)
    complaint = {"last_error_date": 1_767_225_600, "last_error_message": "Wrong response: 503"}
    webhook = {"url": "https://r.example/hooks/telegram", "has_custom_certificate": False}
    api.answers("getWebhookInfo", result(webhook | {"pending_update_count": 3} | complaint))
    status = telegram.status()
    assert (status.webhook_url, status.waiting) == ("https://r.example/hooks/telegram", 3)
    assert (status.failed_at, status.failure) == (datetime(2026, 1, 1, tzinfo=UTC), "Wrong response: 503")


@pytest.mark.parametrize(
    "answer", [CUT, SILENT, Answer(200, b"{}"), result(True), refusal(500, "")], ids=repr
)
def test_a_look_that_fails_raises_and_nothing_is_in_doubt(
    api: BotApi, telegram: Telegram, answer: Answer | str
) -> None:
    for look in (telegram.probe, telegram.status, lambda: telegram.start_link("abc")):
        api.answers("getMe", answer)
        with pytest.raises(DeliveryError) as caught:
            look()
        assert not caught.value.unknown
    api.answers("getWebhookInfo", answer)
    with pytest.raises(DeliveryError):
        telegram.status()


def test_a_link_starts_the_chat_with_what_it_carries(api: BotApi, telegram: Telegram) -> None:
    assert telegram.start_link("Ab9_-" * 12) == "https://t.me/loja_bot?start=" + "Ab9_-" * 12
    telegram.start_link("again")
    assert len(api.called("getMe")) == 1, "a bot's name is asked for once"
    for odd in ("", "x" * 65, "a b", "ção", "a\n"):
        with pytest.raises(ValueError, match="payload"):
            telegram.start_link(odd)


def test_a_webhook_is_set_with_its_secret_and_taken_away_again(api: BotApi, telegram: Telegram) -> None:
    telegram.set_webhook("https://r.example/hooks/telegram")
    assert api.webhook["url"] == "https://r.example/hooks/telegram"
    assert api.webhook["secret_token"] == SECRET
    assert api.webhook["allowed_updates"] == ["message", "callback_query", "my_chat_member"]
    assert not api.webhook.get("drop_pending_updates"), "what waits is not thrown away"
    telegram.delete_webhook()
    assert api.webhook == {}
    assert not api.called("deleteWebhook")[0].get("drop_pending_updates")


def test_a_webhook_that_is_refused_is_told(api: BotApi, telegram: Telegram) -> None:
    api.answers("setWebhook", refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided"))
    with pytest.raises(DeliveryError, match="HTTPS URL"):
        telegram.set_webhook("http://r.example/hooks/telegram")


def test_a_webhook_without_a_secret_is_never_set(api: BotApi) -> None:
    telegram = Telegram(TOKEN, api.url, None)
    with pytest.raises(ValueError, match="secret"):
        telegram.set_webhook("https://r.example/hooks/telegram")
    assert api.calls == []
