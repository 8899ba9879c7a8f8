"""Telegram out and in, by its Bot API; the vendor's library is loaded with the first call, not with us.

Telegram has no look-up: once a request has left, only its answer says whether a message went out, and an
answer that we did not get leaves it `unknown`. So the first call after trouble is one that does nothing.
"""

import hashlib
import os
import re
import secrets
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from app.channels.base import (
    BadSignature,
    Button,
    ChannelStatus,
    DeliveryError,
    Event,
    Outcome,
    Outgoing,
    RawRequest,
    Receipt,
)
from app.channels.telegram_answers import REPAIR_SECONDS, Patience
from app.channels.telegram_outgoing import Window, require_fit, result_of, why_not_written
from app.channels.telegram_updates import PAYLOAD, Series, event_of, number_of, read_update

if TYPE_CHECKING:
    from app.channels.telegram_bot import Line

T = TypeVar("T")
API_URL = "https://api.telegram.org"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header
LONGEST_NOTICE = 200  # characters of what a press is answered with
_MESSAGE = re.compile(r"(-?[1-9][0-9]{0,18}):([1-9][0-9]{0,18})", re.ASCII)

log = structlog.get_logger("telegram")
# What a child after fork inherits: neither used nor let go, as closing it would disturb the parent.
_of_parents: "list[Line]" = []


class Telegram:
    """The channel, both ways. One line to the Bot API for each process, opened by its first call."""

    pretends = False

    def __init__(
        self,
        token: str,
        api_url: str = API_URL,
        webhook_secret: str | None = None,
        previous_secret: str | None = None,
        *,
        patience: Patience | None = None,
    ) -> None:
        self._token = token
        self._api_url = api_url
        self._secret = webhook_secret
        self._proofs = [each.encode() for each in (webhook_secret, previous_secret) if each]
        self._patience = patience or Patience()
        fingerprint = hashlib.sha256(token.encode()).hexdigest()[:8]
        self._series = Series(token.partition(":")[0], fingerprint)
        self._lock, self._polling = threading.Lock(), threading.Lock()
        self._lines: list[Line] = []  # one, or none
        self._given: set[str] = set()  # the marks of the last poll, not yet confirmed
        self._doubtful = False
        self._username = ""
        weakref.finalize(self, _hang_up, self._lines)
        _forget_in_children(self)

    @property
    def identity(self) -> str:
        return self._series.sender

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        window = Window(self._send)
        try:
            for message in batch:
                if self._doubtful and window.trouble is None:
                    self._look_first(window)
                yield from window.make_room(message)
                window.take(message)
            while window.under_way:
                yield from window.finished()
        finally:
            self._doubtful = self._doubtful or window.trouble is not None

    def probe(self) -> None:
        self._username = self._ask(lambda line: line.username())

    def close(self) -> None:
        with self._lock:
            _hang_up(self._lines)

    def parse(self, raw: RawRequest) -> list[Event]:
        given = raw.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if not any(secrets.compare_digest(given, each) for each in self._proofs):
            raise BadSignature
        event = event_of(read_update(raw.body), self._series)
        return [event] if event else []

    def fetch(self, since: datetime, after: str) -> Iterator[tuple[Event | None, str]]:
        """One poll: at once what waits, else what comes within seconds.

        Only an offset forgets updates, and it forgets whatever is lower; numbers start anew, perhaps lower,
        after a quiet week. So one is sent only to confirm what this process was given and the caller kept.
        Without one, all that waits comes, and perhaps once more what another process has kept already.
        """
        with self._polling:
            offset = int(after) + 1 if after in self._given else None
            updates = self._ask(lambda line: line.poll(offset))
            numbered = [(number, each) for each in updates if (number := number_of(each)) is not None]
            self._given = {str(number) for number, _ in numbered}
        for number, update in numbered:
            yield event_of(update, self._series), str(number)

    def acknowledge(self, event: Event, text: str) -> None:
        if event.press_id:
            self._try(lambda line: line.acknowledge(event.press_id, text[:LONGEST_NOTICE]))

    def edit(self, provider_id: str, text: str, buttons: tuple[tuple[Button, ...], ...]) -> bool:
        found = _MESSAGE.fullmatch(provider_id)
        if found is None or why_not_written(text, buttons) is not None:
            return True
        return self._try(lambda line: line.edit(found[1], int(found[2]), text, buttons))

    def status(self) -> ChannelStatus:
        self.probe()
        webhook = self._ask(lambda line: line.webhook())
        return ChannelStatus(
            name=f"@{self._username}",
            webhook_url=webhook.url,
            waiting=webhook.pending_update_count,
            failed_at=webhook.last_error_date,
            failure=webhook.last_error_message or "",
        )

    def start_link(self, payload: str) -> str:
        if not PAYLOAD.fullmatch(payload):
            raise ValueError("a payload is 1 to 64 of A-Z a-z 0-9 _ -")
        if not self._username:
            self.probe()
        return f"https://t.me/{self._username}?start={payload}"

    def set_webhook(self, url: str) -> None:
        secret = self._secret
        if not secret:
            raise ValueError("a webhook without a secret would believe anybody")
        self._ask(lambda line: line.set_webhook(url, secret))

    def delete_webhook(self) -> None:
        self._ask(lambda line: line.delete_webhook())

    def _open(self) -> "Line":
        """The line of this process. Raises DeliveryError where this machine has none to give."""
        with self._lock:
            if not self._lines:
                from app.channels.telegram_bot import Line  # noqa: PLC0415 - loads the vendor's library

                try:
                    self._lines.append(Line(self._token, self._api_url, self._patience))
                except Exception as error:  # a proxy or certificates that the environment names wrongly
                    detail = f"no line to Telegram: {type(error).__name__}"
                    raise DeliveryError(
                        "provider_unreachable", pause_seconds=REPAIR_SECONDS, detail=detail
                    ) from None
            return self._lines[0]

    def _send(self, message: Outgoing) -> Future[Receipt]:
        require_fit(message)
        line = self._open()
        return line.start(line.send(message))

    def _look_first(self, window: Window) -> None:
        """Is it over? Asked by a call that does nothing, so that no message is in doubt for it."""
        try:
            self.probe()
            self._doubtful = False
        except DeliveryError as error:
            window.stop(error)

    def _ask(self, call: Callable[["Line"], Coroutine[Any, Any, T]]) -> T:
        """A call that may be made again: an answer that nobody heard is a failure like others."""
        try:
            line = self._open()
            return result_of(line.start(call(line)))
        except DeliveryError as error:
            raise DeliveryError(
                error.reason,
                permanent=error.permanent,
                pause_seconds=error.pause_seconds,
                detail=error.detail,
            ) from None

    def _try(self, call: Callable[["Line"], Coroutine[Any, Any, None]]) -> bool:
        """Is it over? Not where the trouble is the line's and not this message's."""
        try:
            self._ask(call)
        except DeliveryError as error:  # too old, not modified: what counts is kept already
            log.debug("not_shown", reason=error.reason, detail=error.detail)
            return error.pause_seconds is None
        return True

    def _leave_behind(self) -> None:
        """In a child: what the parent opened is the parent's, and its thread does not run here."""
        _of_parents.extend(self._lines)
        self._lines.clear()
        self._lock, self._polling = threading.Lock(), threading.Lock()


def _hang_up(lines: "list[Line]") -> None:
    while lines:
        lines.pop().close()


def _forget_in_children(channel: Telegram) -> None:
    known = weakref.ref(channel)

    def forget() -> None:
        if (inherited := known()) is not None:
            inherited._leave_behind()

    os.register_at_fork(after_in_child=forget)
