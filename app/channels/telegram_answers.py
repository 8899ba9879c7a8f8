"""What the Bot API's answers mean in our words. Only here does somebody read a status or a description.

A 4xx was not done, whoever said so; only the Bot API's own words are held against a person. A 5xx, or an
answer that nobody can read, leaves open whether the message went out.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from app.channels.base import DeliveryError

REST_SECONDS = 60  # Telegram is busy or away: the next minute is soon enough
REPAIR_SECONDS = 300  # a setting of ours is wrong: somebody has to look; nobody's message is lost meanwhile
LONGEST_REST_SECONDS = 3600  # what a slip of theirs could cost us; they say it again if they mean it


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait. `whole` ends a call that trickles; `press` is how long people look at a button."""

    connect: float = 5
    read: float = 20
    whole: float = 60
    press: float = 2
    poll: int = 5  # how long Telegram keeps a poll that finds nothing; ending the worker waits as long


class Moved(DeliveryError):
    """A group has become another chat; what was meant for it goes there."""

    def __init__(self, to_address: str) -> None:
        self.to_address = to_address
        super().__init__("provider_refused", detail="the group moved to another chat")


@dataclass(frozen=True, slots=True)
class _Meaning:
    reason: str
    permanent: bool = False
    pause_seconds: int | None = None


_BLOCKED = _Meaning("blocked", permanent=True)
_REFUSED = _Meaning("provider_refused", permanent=True)
_LATER = _Meaning("provider_refused")
_OURS = _Meaning("provider_refused", pause_seconds=REPAIR_SECONDS)

_BY_STATUS = {
    400: _REFUSED,
    401: _OURS,  # the token
    403: _BLOCKED,  # blocked, deactivated, never started, thrown out of the group
    404: _OURS,  # not even a token
    409: _Meaning("provider_refused", pause_seconds=REST_SECONDS),  # two programs fetch, or a webhook is set
    413: _REFUSED,
}

# Of a 400: not this message, this chat.
_NO_SUCH_CHAT = re.compile(
    r"chat not found|user not found|peer_id_invalid|user_is_blocked|input_user_deactivated"
    r"|user is deactivated|bot was (blocked|kicked)|group chat was deactivated|not enough rights"
    r"|no rights to send|chat_write_forbidden|need administrator rights",
    re.IGNORECASE,
)
# A chat's id, a person's name there, a token: what is kept of an answer outlives the person.
_PRIVATE = re.compile(r"\d+:[\w-]{20,}|-?\d{5,}|@\w+")


def failure(status: int, payload: bytes) -> DeliveryError | None:
    """The error that an answer stands for; None when it was done as asked."""
    answer = _read(payload)
    if 200 <= status <= 299:
        done = answer is not None and answer.get("ok") is True and "result" in answer
        return None if done else unheard(_quoted(status, answer))
    if status >= 500:
        return unheard(_quoted(status, answer))
    parameters = answer.get("parameters") if answer else None
    parameters = parameters if isinstance(parameters, dict) else {}
    if status == 429:
        return _flood(parameters.get("retry_after"), answer)
    moved = parameters.get("migrate_to_chat_id")
    if isinstance(moved, int) and not isinstance(moved, bool):
        return Moved(str(moved))
    return _refusal(status, answer)


def unheard(detail: str) -> DeliveryError:
    """Perhaps it was done, and nobody told us."""
    detail = without_names(detail)
    return DeliveryError("provider_unreachable", unknown=True, pause_seconds=REST_SECONDS, detail=detail)


def unreached(detail: str) -> DeliveryError:
    """It never left: no connection came about."""
    return DeliveryError("provider_unreachable", pause_seconds=REST_SECONDS, detail=without_names(detail))


def without_names(words: str) -> str:
    """On one line, without anybody's address, and such that every database takes it."""
    plain = words.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    return _PRIVATE.sub("…", " ".join(plain.split()))


def _refusal(status: int, answer: dict[str, Any] | None) -> DeliveryError:
    if answer is None or answer.get("ok") is not False:
        meaning = _OURS  # something between us and Telegram, or no Telegram at all: nobody's fault out there
    elif status == 400 and _NO_SUCH_CHAT.search(str(answer.get("description", ""))):
        meaning = _BLOCKED
    else:
        meaning = _BY_STATUS.get(status, _LATER)
    return DeliveryError(
        meaning.reason,
        permanent=meaning.permanent,
        pause_seconds=meaning.pause_seconds,
        detail=_quoted(status, answer),
    )


def _flood(retry_after: object, answer: dict[str, Any] | None) -> DeliveryError:
    """They close the whole bot, not one chat; the number is theirs, its bounds are ours."""
    told = isinstance(retry_after, int) and not isinstance(retry_after, bool) and retry_after > 0
    seconds = (
        min(retry_after, LONGEST_REST_SECONDS) if told and isinstance(retry_after, int) else REST_SECONDS
    )
    return DeliveryError("provider_refused", pause_seconds=seconds, detail=_quoted(429, answer))


def _read(payload: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _quoted(status: int, answer: dict[str, Any] | None) -> str:
    if answer is None:
        return f"{status}, and not in the words of the Bot API"
    return without_names(f"{status} {answer.get('description', '')}")
