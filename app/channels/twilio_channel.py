"""What SMS and WhatsApp have in common: messages out ten at a time, events in by webhook and by list."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.channels.base import Button, DeliveryError, Event, Kind, Outcome, Outgoing, RawRequest, Receipt
from app.channels.twilio_account import WHATSAPP, Account, Line, Listed, Wanted
from app.channels.twilio_api import TwilioApi, api_of
from app.channels.twilio_errors import REPAIR_SECONDS, unheard, unreachable
from app.channels.twilio_hooks import LONGEST_TEXT, bare, clean, read, status_event

ABREAST = 10  # requests at a time: a group of the sender, all of which a crash leaves in doubt
OVERLAP = timedelta(hours=1)  # what is listed again: their clock and ours differ, and lists lag behind
SKEW = timedelta(minutes=1)  # the same for one message; and their times know no fractions of a second
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class TwilioChannel:
    """A way out and in over the account's one line; `line` says which of its two channels this is."""

    line: Line
    pretends = False

    def __init__(self, account: Account, api: TwilioApi | None = None) -> None:
        self._account = account
        self._api = api or api_of(account)

    @property
    def identity(self) -> str:
        return self._account.identity(self.line)

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        """As the seam says; what is under way when somebody stops reading (up to ABREAST) is still sent."""
        waiting = iter(batch)
        under_way: dict[Future[Receipt], str] = {}
        trouble: DeliveryError | None = None
        while True:
            while trouble is None and len(under_way) < ABREAST and (message := next(waiting, None)):
                under_way[self._begin(message)] = message.id
            if not under_way:
                break
            ended, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in ended:
                outcome = _outcome(future)
                trouble = trouble or _trouble(outcome)
                yield under_way.pop(future), outcome
        if trouble is not None:
            for message in waiting:
                yield message.id, trouble

    def probe(self) -> None:
        status = self._api.account_status()
        if status != "active":
            raise DeliveryError(
                "provider_refused", pause_seconds=REPAIR_SECONDS, detail=f"the account is {clean(status, 40)}"
            )

    def close(self) -> None:
        """Let go of the line, which both channels use. It may be used again."""
        self._api.close()

    def parse(self, raw: RawRequest) -> list[Event]:
        """Its one event, or none where that is the account's other channel's."""
        line, event = read(raw, self._account)
        return [event] if line == self.line else []

    def fetch(self, since: datetime, after: str) -> Iterator[tuple[Event, str]]:
        """What people wrote since then, oldest first; `after` says nothing here, as Twilio lists by time.

        It has no button's data and nobody's name: Twilio keeps neither.
        """
        begin = since.astimezone(UTC) - OVERLAP
        # Whole days are what the filter promises.
        day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        wanted = Wanted(begin, sent_since=day, to_address="" if self._chooses_numbers else self._ours)
        for each in reversed(self._api.messages(wanted)):
            if each.is_inbound and self._is_ours(each.to_address, each.service) and each.is_since(begin):
                yield self._text(each), each.at.isoformat() if each.at else ""

    def trace(self, address: str, since: datetime) -> list[Event]:
        """What Twilio knows of our messages to this address since then, as statuses, newest first.

        An attempt whose end is unknown was taken if one of them is there that belongs to no other message.
        What they said stays over there: it holds links that nobody may keep.
        """
        begin = since - SKEW
        listed = self._api.messages(Wanted(begin, to_address=self._prefix + address))
        return [
            self._told(each)
            for each in listed
            if not each.is_inbound and self._is_ours(each.from_address, each.service) and each.is_since(begin)
        ]

    def acknowledge(self, event: Event, text: str) -> None:
        """Nobody waits for that here: a press comes as a message."""

    def edit(self, provider_id: str, text: str, buttons: tuple[tuple[Button, ...], ...]) -> bool:
        """A message stays as it was sent."""
        return True

    def _fields(self, message: Outgoing) -> dict[str, Any]:
        """What this channel sends beside the address and the callback, by the SDK's names."""
        raise NotImplementedError

    @property
    def _prefix(self) -> str:
        return WHATSAPP if self.line == "whatsapp" else ""

    @property
    def _ours(self) -> str:
        return self._prefix + self.identity

    @property
    def _chooses_numbers(self) -> bool:
        return self.line == "sms" and self._account.sms_by_service

    def _is_ours(self, address: str, service: str) -> bool:
        return self._account.line(address, service) == self.line

    def _begin(self, message: Outgoing) -> Future[Receipt]:
        """Begin to send it. Nothing raises: what cannot be sent has ended already."""
        try:
            return self._api.create(self._addressed(message) | self._fields(message))
        except DeliveryError as error:
            trouble = error
        except (OSError, RuntimeError, ImportError) as error:  # no thread, no file handle: nothing has left
            trouble = unreachable(type(error).__name__)
        ended: Future[Receipt] = Future()
        ended.set_exception(trouble)
        return ended

    def _addressed(self, message: Outgoing) -> dict[str, Any]:
        if not _E164.fullmatch(message.to_address):
            raise DeliveryError("invalid_address", permanent=True, detail="not a number in E.164")
        fields = {"to": self._prefix + message.to_address}
        origin = "messaging_service_sid" if self._chooses_numbers else "from_"
        fields[origin] = self._ours
        if self._account.may_call(message.status_url):
            fields["status_callback"] = message.status_url
        return fields

    def _text(self, each: Listed) -> Event:
        return Event(
            sender=self.identity,
            provider_id=each.sid,
            kind=Kind.TEXT,
            address=bare(each.from_address),
            text=clean(each.text, LONGEST_TEXT),
            at=each.at,
        )

    def _told(self, each: Listed) -> Event:
        told = status_event(
            self.identity, each.sid, each.status, each.error_code, address=bare(each.to_address)
        )
        return replace(told, at=each.at)


def sendable(text: str) -> str:
    """The text, if it is one. Raises DeliveryError: nothing there, or half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DeliveryError("not_written", permanent=True, detail="half of a character") from error
    if not text:
        raise DeliveryError("not_written", permanent=True, detail="nothing to say")
    return text


def _outcome(future: Future[Receipt]) -> Outcome:
    try:
        return future.result()
    except DeliveryError as error:
        return error
    except CancelledError:
        return unheard("the line was closed")


def _trouble(outcome: Outcome) -> DeliveryError | None:
    """What becomes of those that are not tried any more, after trouble that asks the channel to rest."""
    if isinstance(outcome, Receipt) or outcome.pause_seconds is None:
        return None
    return DeliveryError(
        outcome.reason, pause_seconds=outcome.pause_seconds, detail=f"not tried: {outcome.detail}"
    )
