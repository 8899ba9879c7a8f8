"""Twilio as a test sees it: what was sent, people who write back, reports of delivery, trouble."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.peers.running import Process, free_port
from tests.peers.twilio import callbacks
from tests.peers.twilio.faults import HANG, RESET
from tests.peers.twilio.memory import ACCOUNT, TOKEN

ALWAYS = 1_000_000


@dataclass(frozen=True)
class Kept:
    """A message in either direction as Twilio has it; `parameters` are the form that made it.

    `at` is the hour that the peer believes, `arrived` the real time.
    """

    sid: str
    direction: str
    from_: str | None
    to: str
    body: str
    status: str
    error_code: int | None
    at: datetime
    arrived: datetime
    parameters: Mapping[str, str]

    @property
    def status_callback(self) -> str:
        return self.parameters.get("StatusCallback", "")

    @property
    def validity_period(self) -> int | None:
        return int(self.parameters["ValidityPeriod"]) if "ValidityPeriod" in self.parameters else None

    @property
    def messaging_service_sid(self) -> str:
        return self.parameters.get("MessagingServiceSid", "")

    @property
    def content_sid(self) -> str:
        return self.parameters.get("ContentSid", "")

    @property
    def content_variables(self) -> Mapping[str, str]:
        variables: Mapping[str, str] = json.loads(self.parameters.get("ContentVariables", "{}"))
        return variables


@dataclass(frozen=True)
class Answer:
    """What our service said to a webhook; status 0 when it said nothing, with the reason in `body`."""

    status: int
    body: str


@dataclass(frozen=True)
class Received:
    """A message that came in, and what our service said to it, once for each time that it was posted."""

    sid: str
    answers: Sequence[Answer]

    @property
    def status(self) -> int:
        """What was said to the only one."""
        (answer,) = self.answers
        return answer.status


@dataclass(frozen=True)
class Refused:
    """A request that Twilio would not take; a breach is one that its description does not allow."""

    path: str
    form: Mapping[str, str]
    status: int
    body: str
    is_breach: bool


class TwilioPeer:
    """Start it once, `reset` it before each test. `url` stands for https://api.twilio.com."""

    account_sid = ACCOUNT
    auth_token = TOKEN

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = [sys.executable, "-m", "tests.peers.twilio.fake", str(port), str(folder)]
        self._process = Process(command, port, folder / "log")
        self.url = self._process.url
        self.tell = self._process.tell

    def start(self) -> "TwilioPeer":
        self._process.start()
        return self

    def stop(self) -> None:
        self._process.stop()

    def reset(self) -> None:
        self.tell("reset")

    def stands_at(self, moment: datetime | None) -> None:
        """The hour that messages are dated with; None is the real one again."""
        self.tell("set", now=moment.isoformat() if moment else None)

    # Where our service is

    def calls_back(self, url: str) -> None:
        """Every message that comes in is posted there."""
        self.tell("set", webhook=url)

    def finds(self, public: str, at: str) -> None:
        """The public address of our service (what is signed, what links begin with) is served there."""
        self.tell("set", doors={public: at})

    def signature(self, url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
        """As Twilio signs that form; for tests that post it themselves."""
        return callbacks.signature(token, url, list(form.items()))

    # The ledger

    @property
    def messages(self) -> list[Kept]:
        """All messages in both directions, in the order in which they came."""
        return [_kept(each) for each in self.tell("ledger")["messages"]]

    @property
    def sent(self) -> list[Kept]:
        """What our service sent."""
        return [each for each in self.messages if each.direction != "inbound"]

    def sent_to(self, to: str) -> list[Kept]:
        return [each for each in self.sent if each.to == to]

    def refused(self) -> list[Refused]:
        return [
            Refused(each["path"], each["form"], each["status"], each["body"], each["breach"])
            for each in self.tell("ledger")["refused"]
        ]

    def breaches(self) -> list[Refused]:
        """What Twilio's description forbids. Who reads it has expected it; else the fixture complains."""
        found = [each for each in self.refused() if each.is_breach]
        self.tell("forgive")
        return found

    # People

    def receives(
        self,
        from_: str,
        to: str,
        body: str,
        *,
        sid: str | None = None,
        at: datetime | None = None,
        deliver: bool = True,
        times: int = 1,
        at_once: bool = False,
        token: str | None = TOKEN,
        account_sid: str = ACCOUNT,
        url: str | None = None,
        num_media: int = 0,
        button_payload: str | None = None,
        original_replied_sid: str | None = None,
        extra: Sequence[tuple[str, str]] = (),
    ) -> Received:
        """Somebody writes `body` to our number `to`; WhatsApp addresses are whatsapp:+….

        `deliver=False`: our webhook was down, the message stands in the list only. `times` posts it again,
        one after the other or `at_once`; a `sid` from before is that message again. `token` signs it; None
        leaves the header out. `extra` adds parameters, repeated ones too.
        """
        asked = {
            "from": from_, "to": to, "body": body, "sid": sid, "at": at.isoformat() if at else None,
            "deliver": deliver, "times": times, "at_once": at_once, "token": token, "url": url,
            "account_sid": account_sid, "num_media": num_media, "button_payload": button_payload,
            "original_replied_sid": original_replied_sid, "extra": list(extra),
        }  # fmt: skip
        told = self.tell("inbound", **asked)
        return Received(told["sid"], _answers(told))

    def status(
        self,
        sid: str,
        status: str,
        *,
        error_code: int | None = None,
        tell: bool = True,
        times: int = 1,
        at_once: bool = False,
        token: str | None = TOKEN,
        url: str | None = None,
    ) -> list[Answer]:
        """A message became so: posted to its StatusCallback, in any order, as often as wanted.

        `tell=False` loses the report. What a fetch shows only moves forwards.
        """
        how = {
            "error_code": error_code,
            "tell": tell,
            "times": times,
            "at_once": at_once,
            "token": token,
            "url": url,
        }
        return _answers(self.tell("status", sid=sid, status=status, **how))

    # Trouble

    def fail_next(
        self,
        code: int,
        http_status: int = 0,
        *,
        times: int = 1,
        on: str = "create",
        message: str = "",
        retry_after: int | None = None,
    ) -> None:
        """The next ones are refused with Twilio's error of that number and, unless told, its usual status.

        `on` is create, list, fetch or account.
        """
        self.tell(
            "fault",
            on=on,
            code=code,
            http_status=http_status,
            times=times,
            message=message,
            retry_after=retry_after,
        )

    def refuses(self, to: str, code: int, http_status: int = 0) -> None:
        """From now on nobody can be reached at that address."""
        self.tell("fault", to=to, code=code, http_status=http_status, times=ALWAYS)

    def hangs(self, *, taken: bool = True, to: str | None = None, times: int = 1, on: str = "create") -> None:
        """Never answers; what was asked is done all the same, unless `taken` is False."""
        self.tell("fault", then=HANG, unseen=not taken, to=to, times=times, on=on)

    def cuts(self, *, taken: bool = True, to: str | None = None, times: int = 1, on: str = "create") -> None:
        """Resets the connection instead of answering."""
        self.tell("fault", then=RESET, unseen=not taken, to=to, times=times, on=on)

    def tells_first(self, status: str = "sent", *, times: int = 1) -> None:
        """The status callback comes before the answer to the request that sent it."""
        self.tell("fault", tell=status, times=times)


def _kept(each: Mapping[str, Any]) -> Kept:
    return Kept(
        sid=each["sid"],
        direction=each["direction"],
        from_=each["from"],
        to=each["to"],
        body=each["body"],
        status=each["status"],
        error_code=each["error_code"],
        at=datetime.fromisoformat(each["at"]),
        arrived=datetime.fromisoformat(each["arrived"]),
        parameters=each["parameters"],
    )


def _answers(told: Mapping[str, Any]) -> list[Answer]:
    return [Answer(status, body) for status, body in told["answers"]]
