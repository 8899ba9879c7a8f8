"""A small Bot API on loopback: answers well or to order, keeps updates as Telegram does, and a ledger."""

import json
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from app.channels.telegram import Telegram
from app.channels.telegram_answers import Patience

TOKEN = "4242:AAF-an_invented_token_of_35_characters"
SECRET = "a-secret-for-webhooks"
QUICK = Patience(connect=1, read=0.8, whole=5, press=0.8, poll=1)
CUT = "cut"  # hang up without a word
SILENT = "silent"  # never answer
BOT = {"id": 4242, "is_bot": True, "first_name": "Loja", "username": "loja_bot"}


@dataclass(frozen=True)
class Answer:
    """What to say instead of the good answer."""

    status: int
    body: bytes
    seconds: float = 0
    accepts: bool = False  # it was done all the same


def refusal(status: int, description: str, **parameters: Any) -> Answer:
    """As the Bot API words a refusal."""
    body = {"ok": False, "error_code": status, "description": description}
    return Answer(status, json.dumps(body | ({"parameters": parameters} if parameters else {})).encode())


def result(value: Any, seconds: float = 0) -> Answer:
    return Answer(200, json.dumps({"ok": True, "result": value}).encode(), seconds, accepts=True)


@dataclass
class BotApi:
    """`script` answers the next calls of a method, or of "method chat"; then all is well again."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    script: dict[str, deque[Answer | str]] = field(default_factory=lambda: defaultdict(deque))
    updates: list[Any] = field(default_factory=list)
    webhook: dict[str, Any] = field(default_factory=dict)
    most_at_once: int = 0
    slow: float = 0  # seconds that every message takes

    def __post_init__(self) -> None:
        api = self

        class Handler(_Handler):
            owner = api

        self._at_once = 0
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answers(self, method: str, *answers: Answer | str) -> None:
        self.script[method].extend(answers)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [values for name, values in self.calls if name == method]

    def answer(self, method: str, values: dict[str, Any]) -> Answer | str:
        with self._lock:
            self.calls.append((method, values))
            script = self.script[f"{method} {values.get('chat_id')}"] or self.script[method]
            scripted = script.popleft() if script else None
        if scripted == SILENT:
            self._gone.wait(30)
        if isinstance(scripted, str):
            return scripted
        if scripted is not None and not scripted.accepts:
            self._gone.wait(scripted.seconds)
            return scripted
        good = getattr(self, f"_{method}", lambda _: True)(values)
        return scripted or result(good)

    def _getMe(self, _: dict[str, Any]) -> Any:
        return BOT

    def _sendMessage(self, values: dict[str, Any]) -> Any:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self._gone.wait(self.slow)
        with self._lock:
            self._at_once -= 1
            self.sent.append(values)
            chat = {"id": values["chat_id"], "type": "private"}
            return {"message_id": 100 + len(self.sent), "date": 1_767_225_600, "chat": chat, "from": BOT}

    def _getUpdates(self, values: dict[str, Any]) -> Any:
        """An offset beyond the newest is not believed; one that is forgets what is below it."""
        until = time.monotonic() + values.get("timeout", 0)
        offset = values.get("offset", 0)
        newest = max((each["update_id"] for each in self.updates if isinstance(each, dict)), default=0)
        if offset <= newest + 1:
            self.updates = [each for each in self.updates if _id(each) >= offset]
        while not self.updates and time.monotonic() < until and not self._gone.wait(0.01):
            """keep the poll until something comes"""
        return self.updates[: values["limit"]]

    def _setWebhook(self, values: dict[str, Any]) -> Any:
        self.webhook = values
        return True

    def _deleteWebhook(self, _: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    def _getWebhookInfo(self, _: dict[str, Any]) -> Any:
        info = {"url": self.webhook.get("url", ""), "has_custom_certificate": False}
        return info | {"pending_update_count": len(self.updates)}


def _id(update: Any) -> int:
    return update.get("update_id", 0) if isinstance(update, dict) else 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # several connections are opened at once


class _Handler(BaseHTTPRequestHandler):
    owner: BotApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        values = {name: _value(each) for name, each in parse_qsl(form)}
        _, bot, method = self.path.split("/")
        if bot != f"bot{TOKEN}":
            answer: Answer | str = refusal(401, "Unauthorized")
        else:
            answer = self.owner.answer(method, values)
        with suppress(OSError):
            if isinstance(answer, str):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        """Silent."""


def _value(raw: str) -> Any:
    """The library writes what is not text as JSON."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw


@contextmanager
def bot_api() -> Iterator[BotApi]:
    api = BotApi()
    try:
        yield api
    finally:
        api.stop()


@contextmanager
def channel(url: str, token: str = TOKEN, patience: Patience = QUICK) -> Iterator[Telegram]:
    """Our channel, to one of these or to nothing."""
    telegram = Telegram(token, url, SECRET, patience=patience)
    yield telegram
    telegram.close()
