"""One line to Twilio for all channels and threads: an event loop on its own thread with one kept session.

The thread starts when something is first asked, and again in a process that was forked since.
"""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from app.channels.base import Receipt
from app.channels.twilio_account import Account, Listed, Patience, Wanted
from app.channels.twilio_errors import unreachable

if TYPE_CHECKING:
    from app.channels.twilio_client import TwilioClient

T = TypeVar("T")
Ask = Callable[["TwilioClient"], Coroutine[Any, Any, T]]

_SHARED: "weakref.WeakValueDictionary[Account, TwilioApi]" = weakref.WeakValueDictionary()


def api_of(account: Account) -> "TwilioApi":
    """The one for this account, shared by its channels."""
    return _SHARED.setdefault(account, TwilioApi(account))


class TwilioApi:
    """Safe to use from several threads. Closing it lets go of thread and session; it may be used again."""

    def __init__(self, account: Account, patience: Patience | None = None) -> None:
        self._account = account
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._lines: list[_Line] = []  # at most one of this process
        weakref.finalize(self, _hang_up, self._lines)

    def create(self, fields: Mapping[str, Any]) -> Future[Receipt]:
        """Hand over a message; the future ends with its receipt or with a DeliveryError."""
        return self._start(lambda client: client.create(fields))

    def account_status(self) -> str:
        """active, suspended or closed. Raises DeliveryError."""
        return _result(self._start(lambda client: client.account_status()))

    def messages(self, wanted: Wanted) -> list[Listed]:
        """Newest first. Raises DeliveryError."""
        return _result(self._start(lambda client: client.messages(wanted)))

    def close(self) -> None:
        with self._lock:
            _hang_up(self._lines)

    def _start(self, ask: "Ask[T]") -> Future[T]:
        with self._lock:
            if not self._lines or self._lines[-1].pid != os.getpid():
                # One from before a fork stays as it is: its thread is not here, its sockets are the parent's.
                self._lines.append(_Line(self._account, self._patience))
            return self._lines[-1].start(ask)


class _Line:
    """The loop, its thread and its client, in the process that opened them."""

    def __init__(self, account: Account, patience: Patience) -> None:
        from app.channels.twilio_client import TwilioClient  # noqa: PLC0415 - takes most of a second

        async def make() -> TwilioClient:
            return TwilioClient(account, patience)

        self.pid = os.getpid()
        self._grace = patience.grace
        self._under_way: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="twilio", daemon=True)
        self._thread.start()
        self._client = asyncio.run_coroutine_threadsafe(make(), self._loop).result()

    def start(self, ask: "Ask[T]") -> Future[T]:
        return asyncio.run_coroutine_threadsafe(self._keep_count(ask), self._loop)

    async def _keep_count(self, ask: "Ask[T]") -> T:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            return await ask(self._client)
        finally:
            self._under_way.discard(task)

    def hang_up(self) -> None:
        if threading.current_thread() is self._thread:  # the garbage collector may call from anywhere
            self._loop.stop()
            return
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(2 * self._grace + 1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._grace)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        """Let what is under way come to its end, then close; what is late is cut off and ends in doubt."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._grace)
        late = set(self._under_way)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)
        await self._client.close()
        await self._loop.shutdown_default_executor()


def _result(asked: Future[T]) -> T:
    try:
        return asked.result()
    except CancelledError:
        raise unreachable("the line was closed") from None


def _hang_up(lines: list[_Line]) -> None:
    for line in lines:
        if line.pid == os.getpid():
            line.hang_up()
    # Those of a parent process are kept: letting go of them would say goodbye on its connections.
    lines[:] = [line for line in lines if line.pid != os.getpid()]
