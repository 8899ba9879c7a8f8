"""What an agent does with a follow-up in a chat: the buttons of its card, what the next words are for."""

from dataclasses import dataclass
from enum import StrEnum


class Press(StrEnum):
    """A button under a card."""

    CLAIM = "claim"
    REPLY = "reply"
    CLOSE = "close"


class Awaits(StrEnum):
    """What the agent's next message will be taken for."""

    NOTHING = "nothing"
    REPLY = "reply"
    CAUSE = "cause"
    SUMMARY = "summary"


@dataclass(frozen=True)
class Desk:
    """Where an agent's chat stands: what we wait for, about which follow-up, with the root cause given."""

    awaits: Awaits = Awaits.NOTHING
    followup_id: str | None = None
    root_cause: str | None = None


def data_of(press: Press, followup_id: str) -> str:
    """What a button carries: at most 64 bytes, and worth nothing without a member's own chat."""
    return f"{press.value}:{followup_id}"


def read_press(data: str) -> tuple[Press, str] | None:
    """The button and its follow-up; None for data that is no card's."""
    name, _, followup_id = data.partition(":")
    if name not in set(Press) or not followup_id.isascii() or not 0 < len(followup_id) <= 26:
        return None
    return Press(name), followup_id
