"""What a bot said, folded from the ledger of its calls: messages with edits and buttons, notices."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call of a bot that Telegram took. `at` is the real time, whatever hour the test has made it."""

    method: str
    token: str
    params: Mapping[str, str]
    result: Any
    at: datetime

    @property
    def chat_id(self) -> int | None:
        return int(self.params["chat_id"]) if "chat_id" in self.params else None

    @property
    def text(self) -> str:
        return self.params.get("text", "")

    @property
    def reply_markup(self) -> Mapping[str, Any]:
        markup: Mapping[str, Any] = json.loads(self.params.get("reply_markup") or "{}")
        return markup


@dataclass(frozen=True)
class Button:
    """One button under a message: `data` comes back when it is pressed, `url` opens a page."""

    label: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True)
class Said:
    """A message of the bot as it reads now. `before` holds its earlier texts, oldest first."""

    message_id: int
    chat_id: int
    text: str
    keyboard: tuple[tuple[Button, ...], ...]
    at: datetime
    params: Mapping[str, str]
    before: tuple[str, ...] = ()
    is_deleted: bool = False
    reply_to: int | None = None

    @property
    def buttons(self) -> list[Button]:
        return [button for row in self.keyboard for button in row]

    @property
    def labels(self) -> list[str]:
        return [button.label for button in self.buttons]

    def button(self, label: str) -> Button:
        found = [button for button in self.buttons if button.label == label]
        assert len(found) == 1, f"{len(found)} buttons read {label!r} among {self.labels}"
        return found[0]


@dataclass(frozen=True)
class Notice:
    """What somebody saw after a press: a line at the top, or a box to close."""

    query_id: str
    text: str
    is_alert: bool


def calls_of(entries: Iterable[Mapping[str, Any]]) -> list[Call]:
    return [
        Call(each["method"], each["token"], each["params"], each["result"], _moment(each["time"]))
        for each in entries
    ]


def fold(calls: Sequence[Call], chat_id: int) -> list[Said]:
    """The messages of one chat, in the order in which they were sent."""
    said: dict[int, Said] = {}
    for call in calls:
        if call.chat_id != chat_id:
            continue
        if call.method == "sendMessage":
            said[call.result["message_id"]] = _said(call)
        elif call.method.startswith("editMessage"):
            was, now = said[call.result["message_id"]], _said(call)
            before = (*was.before, was.text) if now.text != was.text else was.before
            said[was.message_id] = replace(was, text=now.text, keyboard=now.keyboard, before=before)
        elif call.method == "deleteMessage" and (message_id := int(call.params["message_id"])) in said:
            said[message_id] = replace(said[message_id], is_deleted=True)
    return list(said.values())


def notices_of(calls: Iterable[Call]) -> list[Notice]:
    return [
        Notice(call.params["callback_query_id"], call.text, call.params.get("show_alert") == "true")
        for call in calls
    ]


def _said(call: Call) -> Said:
    message = call.result
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    quoted = message.get("reply_to_message")
    return Said(
        message_id=message["message_id"],
        chat_id=message["chat"]["id"],
        text=message["text"],
        keyboard=tuple(tuple(_button(each) for each in row) for row in rows),
        at=_moment(message["date"]),
        params=call.params,
        reply_to=quoted["message_id"] if quoted else None,
    )


def _button(button: Mapping[str, str]) -> Button:
    return Button(button["text"], button.get("callback_data", ""), button.get("url", ""))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
