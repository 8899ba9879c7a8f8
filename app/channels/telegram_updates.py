"""What Telegram's updates tell, in our words; read from plain JSON, so that nothing unknown can stop us.

Only private chats speak to us: there the chat's id is the person's own, so that a press or a word from
anybody else, in a group or with a keyboard that was passed on, is never taken for theirs. An edited message
tells nothing: what was read from it counted when it came, and whoever changes their mind types again.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from app.channels.base import Event, Kind, Unreadable

log = structlog.get_logger("telegram")
Json = dict[str, Any]

PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # what a link may carry
DATA_BYTES = 64  # of a button; more was never ours
_LARGEST = 2**63
_COMMAND = re.compile(r"(/[A-Za-z0-9_]{1,64})(?:@\w+)?(?=\s|$)", re.ASCII)
_LONGEST_NAME = 200
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,35}", re.ASCII)
# What a person sends, beside words; anything else in a message is Telegram's own news.
_SENT = frozenset({
    "animation", "audio", "contact", "dice", "document", "location", "photo", "poll", "sticker", "story",
    "venue", "video", "video_note", "voice",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Series:
    """Whose updates these are. Numbers start anew with each token: its fingerprint stands before them."""

    sender: str
    fingerprint: str

    def event(self, number: int, kind: Kind, person: Json, **tells: Any) -> Event:
        language = _words(person.get("language_code"))
        return Event(
            sender=self.sender,
            provider_id=f"{self.fingerprint}:{number}",
            kind=kind,
            address=str(person["id"]),
            language=language if _LANGUAGE.fullmatch(language) else "",
            name=_name(person),
            **tells,
        )


def read_update(body: bytes) -> Json:
    """A webhook's body. Raises Unreadable for everything that is not one update in plain JSON."""
    try:
        update = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
    if not isinstance(update, dict) or number_of(update) is None:
        raise Unreadable("not an update")
    return update


def number_of(update: object) -> int | None:
    """The update's number in its series."""
    return _number(update.get("update_id")) if isinstance(update, dict) else None


def event_of(update: object, series: Series) -> Event | None:
    """What an update tells; None when it is nothing for us, or nothing that we know."""
    number = number_of(update)
    if number is None or not isinstance(update, dict):
        return None
    for kind, read in _READERS.items():
        if isinstance(told := update.get(kind), dict):
            return read(told, series, number)
    return None


def _message(message: Json, series: Series, number: int) -> Event | None:
    person = _alone(message)
    if person is None:
        return None
    words = _words(message.get("text")) or _words(message.get("caption"))
    if not words and not _SENT & message.keys():
        return None
    at = _moment(message.get("date"))
    command = _COMMAND.match(words) if "text" in message else None
    if command and command[1].lower() == "/start":
        payload = words[command.end() :].strip()
        payload = payload if PAYLOAD.fullmatch(payload) else ""
        return series.event(number, Kind.START, person, data=payload, at=at)
    if command:
        words = command[1] + words[command.end() :]  # "/stop@our_bot" is "/stop"
    quotes = _message_id(person["id"], message.get("reply_to_message"))
    return series.event(number, Kind.TEXT, person, text=words, quotes=quotes, at=at)


def _press(query: Json, series: Series, number: int) -> Event | None:
    message = _object_at(query, "message")
    person = _alone(message | {"from": query.get("from")})
    if person is None:
        log.info("press_from_elsewhere")  # a group, or a message that is not in their own chat
        return None
    data = _words(query.get("data"))
    return series.event(
        number,
        Kind.PRESS,
        person,
        data=data if len(data.encode()) <= DATA_BYTES else "",
        quotes=_message_id(person["id"], message),
        press_id=_words(query.get("id"))[:DATA_BYTES],
    )


def _membership(change: Json, series: Series, number: int) -> Event | None:
    person, status = _alone(change), _words(_object_at(change, "new_chat_member").get("status"))
    if person is None or status not in {"kicked", "left"}:
        return None  # "member" again is no wish to be asked; /start is
    return series.event(number, Kind.BLOCKED, person, at=_moment(change.get("date")))


_READERS: dict[str, Callable[[Json, Series, int], Event | None]] = {
    "message": _message,
    "callback_query": _press,
    "my_chat_member": _membership,
}


def _alone(told: Json) -> Json | None:
    """Who says this in their own private chat with us; None for everybody else."""
    person, chat = _object_at(told, "from"), _object_at(told, "chat")
    id = _number(person.get("id"))
    return person if id is not None and id == _number(chat.get("id")) else None


def _message_id(chat: int, message: object) -> str:
    """As a receipt names it."""
    id = _number(message.get("message_id")) if isinstance(message, dict) else None
    return f"{chat}:{id}" if id is not None else ""


def _object_at(told: Json, name: str) -> Json:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> int | None:
    """A whole number above 0 that every database takes; a person's, a message's, an update's."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 < value < _LARGEST else None


def _words(value: object) -> str:
    """As they came, less what no database takes."""
    if not isinstance(value, str):
        return ""
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _name(person: Json) -> str:
    parts = (_words(person.get("first_name")), _words(person.get("last_name")))
    return " ".join(" ".join(parts).split())[:_LONGEST_NAME]


def _moment(value: object) -> datetime | None:
    seconds = _number(value)
    if seconds is None or seconds >= 2**32:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _object(pairs: list[tuple[str, Any]]) -> Json:
    """One object, refused where a name stands twice or text is not text: readers would disagree about it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    for name, value in pairs:
        name.encode()
        if isinstance(value, str):
            value.encode()
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
