"""E-mail out over any SMTP server: one connection for a batch, one recipient for a message.

Until the content has left, nothing is lost by starting again on a new connection. From then on only the
server knows, and an end that we did not hear is `unknown`.
"""

import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache

from app.channels.base import DeliveryError, Outcome, Outgoing, Receipt
from app.channels.smtp_connection import Connection, Lost, Patience, Server, open_connection

IDLE_SECONDS = 20  # many servers hang up after 30; a connection older than this is not worth a try
KEPT = 4  # as many as threads of one process that send mail at a time


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: that takes longer than a mail."""
    return ssl.create_default_context()


class Email:
    """The channel. Connections are kept between batches for a short while and shared by the threads."""

    pretends = False

    def __init__(
        self, server: Server, *, tls: ssl.SSLContext | None = None, patience: Patience | None = None
    ) -> None:
        self._server = server
        self._tls = tls or _certificates()
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._kept: list[Connection] = []
        weakref.finalize(self, _hang_up, self._kept)

    @property
    def identity(self) -> str:
        """The relay; which mailbox writes stands in each message."""
        return self._server.host

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        line = _Line(self._take(), self._open)
        try:
            for message in batch:
                yield message.id, line.outcome(message)
        finally:
            self._give_back(line.connection)

    def probe(self) -> None:
        self._open().hang_up()

    def close(self) -> None:
        """Hang up what is kept. The channel may be used again."""
        with self._lock:
            _hang_up(self._kept)

    def _open(self) -> Connection:
        return open_connection(self._server, self._tls, self._patience)

    def _take(self) -> Connection | None:
        """A kept connection that is young enough, or none."""
        oldest = time.monotonic() - IDLE_SECONDS
        with self._lock:
            while self._kept:
                connection = self._kept.pop()
                if connection.last_used >= oldest:
                    return connection
                connection.hang_up()
        return None

    def _give_back(self, connection: Connection | None) -> None:
        """Keep it for the next batch, if it stopped between two messages and there is room."""
        if connection is None:
            return
        with self._lock:
            if connection.ready and len(self._kept) < KEPT:
                self._kept.append(connection)
                return
        connection.hang_up()


class _Line:
    """What one batch goes over: a connection, replaced when it dies, until trouble ends all trying.

    After trouble that asks the channel to rest, and after an end that nobody heard, the rest of the batch is
    not tried: a server that does so once does it again, and a message in doubt is one that nobody may resend.
    """

    def __init__(self, connection: Connection | None, connect: Callable[[], Connection]) -> None:
        self.connection = connection
        self._connect = connect
        self._trouble: DeliveryError | None = None

    def outcome(self, message: Outgoing) -> Outcome:
        if self._trouble is not None:
            return self._trouble
        try:
            return self._hand_over(message)
        except DeliveryError as error:
            if error.pause_seconds is not None:
                self._trouble = DeliveryError(
                    error.reason, pause_seconds=error.pause_seconds, detail=f"not tried: {error.detail}"
                )
            return error

    def _hand_over(self, message: Outgoing) -> Receipt:
        if self.connection is not None and self.connection.ready:
            with suppress(Lost):  # the server let go of it since the last message: a new one, once
                return self.connection.hand_over(message)
        self.connection = self._connect()
        return self.connection.hand_over(message)


def _hang_up(kept: list[Connection]) -> None:
    while kept:
        kept.pop().hang_up()
