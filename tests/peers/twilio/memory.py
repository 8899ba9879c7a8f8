"""All that the fake knows, and forgets between two tests."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.peers.twilio.faults import Fault
from tests.peers.twilio.messages import Message

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TOKEN = "for-tests-0123456789abcdef012345"


@dataclass
class Memory:
    """`doors` say where a public address really is; `over` wakes those who hang when the test is over."""

    messages: dict[str, Message] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    doors: dict[str, str] = field(default_factory=dict)
    webhook: str = ""
    now: datetime | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def clear(self) -> None:
        self.over.set()
        vars(self).update(vars(Memory()))

    def moment(self) -> datetime:
        return (self.now or datetime.now(UTC)).replace(microsecond=0)

    def takes(self, on: str, to: str | None = None) -> Fault | None:
        found = next((each for each in self.faults if each.meets(on, to)), None)
        if found:
            found.times -= 1
        return found

    def keeps(self, message: Message) -> Message:
        self.messages[message.sid] = message
        return message


memory = Memory()
lock = threading.RLock()  # held for every look at it, never while something is posted
