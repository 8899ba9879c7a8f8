"""The line to the Bot API: one thread with one event loop, one Bot, a few connections that are kept.

Loaded when the first call is made: the library takes half a second. It builds the calls; their answers are
read here, at its own seam for transports, because it drops what we decide by (was it sent? how long to rest?)
and writes what it cannot read into the log.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, WebhookInfo
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from app.channels.base import Button, DeliveryError, Outgoing, Receipt
from app.channels.telegram_answers import Moved, Patience, failure, unheard, unreached, without_names

T = TypeVar("T")
CONNECTIONS = 8  # two senders of four each; Telegram takes 30 messages a second from a bot, whatever we open
UPDATES = 100  # in one poll: as many as Telegram gives
WANTED = ("message", "callback_query", "my_chat_member")
WEBHOOK_CONNECTIONS = 10  # Telegram's 40 would leave a respondent's page no thread when the database is slow
_NEVER_LEFT = (
    httpx.ConnectError,  # TLS that does not come about included
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: that takes longer than a call."""
    return httpx.create_ssl_context()


class _Failed(TelegramError):
    """Carries what a call came to through the library."""

    def __init__(self, error: DeliveryError) -> None:
        super().__init__(error.reason)
        self.error = error


class _Request(HTTPXRequest):
    """The library's transport, with its answers read by us."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        try:
            status, payload = await super().do_request(*args, **kwargs)
        except Exception as error:
            raise _Failed(_lost(error.__cause__ or error)) from None
        if trouble := failure(status, payload):
            raise _Failed(trouble)
        return status, payload


class _Polls(_Request):
    """Keeps updates as they came: one that the library cannot read would stop every poll at its place."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.updates: list[object] = []

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        status, payload = await super().do_request(*args, **kwargs)
        result = json.loads(payload)["result"]
        if not isinstance(result, list):
            raise _Failed(unheard(f"{status} without a list of updates"))
        self.updates = result
        return status, b'{"ok": true, "result": []}'


class Line:
    """Calls from any thread. What Telegram refuses is a DeliveryError; any other error is no answer heard."""

    def __init__(self, token: str, api_url: str, patience: Patience) -> None:
        self._patience = patience
        waits: dict[str, Any] = {
            "connect_timeout": patience.connect,
            "read_timeout": patience.read,
            "write_timeout": patience.read,
            "pool_timeout": patience.whole / 2,  # all of ours are busy: ends before the call, and never left
            "httpx_kwargs": {"verify": _certificates()},
        }
        self._requests = (
            _Polls(connection_pool_size=1, **waits),
            _Request(connection_pool_size=CONNECTIONS, **waits),
        )
        self._bot = Bot(
            token,
            base_url=lambda known: f"{api_url}/bot{known}",
            request=self._requests[1],
            get_updates_request=self._requests[0],
        )
        self._closed = False
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="telegram", daemon=True)
        self._thread.start()

    def start(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Have it done on the line's own thread."""
        with self._lock:
            if self._closed:
                call.close()
                raise unreached("the channel was closed")
            return asyncio.run_coroutine_threadsafe(call, self._loop)

    def close(self) -> None:
        """Whatever is under way is cancelled."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            over = asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop)
        over.result(self._patience.whole)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(self._patience.whole)
        self._loop.close()

    async def send(self, message: Outgoing) -> Receipt:
        """One message, and once more where its chat has moved."""
        try:
            return await self._send(message, message.to_address)
        except Moved as moved:
            return await self._send(message, moved.to_address, moved_to=moved.to_address)

    async def poll(self, offset: int | None) -> list[object]:
        """The updates from `offset` on, which forgets those before it; without one all that wait."""
        call = self._bot.get_updates(
            offset=offset, limit=UPDATES, timeout=self._patience.poll, allowed_updates=WANTED
        )
        await self._answer(call, self._patience.whole + self._patience.poll)
        return self._requests[0].updates

    async def username(self) -> str:
        """By which people find the bot; every bot has one."""
        name = (await self._answer(self._bot.get_me())).username
        if not name:
            raise unheard("the bot has no name")
        return name

    async def webhook(self) -> WebhookInfo:
        return await self._answer(self._bot.get_webhook_info())

    async def set_webhook(self, url: str, secret: str) -> None:
        call = self._bot.set_webhook(
            url, secret_token=secret, allowed_updates=WANTED, max_connections=WEBHOOK_CONNECTIONS
        )
        await self._answer(call)

    async def delete_webhook(self) -> None:
        await self._answer(self._bot.delete_webhook(drop_pending_updates=False))

    async def acknowledge(self, press_id: str, text: str) -> None:
        await self._answer(self._bot.answer_callback_query(press_id, text or None), self._patience.press)

    async def edit(self, chat: str, message: int, text: str, rows: tuple[tuple[Button, ...], ...]) -> None:
        call = self._bot.edit_message_text(
            text,
            chat_id=int(chat),
            message_id=message,
            reply_markup=_keyboard(rows),
            link_preview_options=_NO_PREVIEW,
        )
        await self._answer(call, self._patience.press)

    async def _send(self, message: Outgoing, address: str, moved_to: str = "") -> Receipt:
        call = self._bot.send_message(
            int(address),
            message.text,
            reply_markup=_keyboard(message.buttons),
            link_preview_options=_NO_PREVIEW,
        )
        sent = await self._answer(call)
        return Receipt(f"{sent.chat.id}:{sent.message_id}", moved_to=moved_to)

    async def _answer(self, call: Awaitable[T], seconds: float | None = None) -> T:
        try:
            return await asyncio.wait_for(call, self._patience.whole if seconds is None else seconds)
        except _Failed as failed:
            raise failed.error from None

    async def _hang_up(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for request in self._requests:
            await request.shutdown()


_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)  # a preview opens our links before the person does


def _keyboard(rows: tuple[tuple[Button, ...], ...]) -> InlineKeyboardMarkup | None:
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(each.label, callback_data=each.data) for each in row] for row in rows]
    )


def _lost(error: BaseException) -> DeliveryError:
    """The connection failed: before the request had left, or at a moment that nobody can tell."""
    words = without_names(f"{type(error).__name__}: {error}".strip(": "))
    return unreached(words) if isinstance(error, _NEVER_LEFT) else unheard(words)
