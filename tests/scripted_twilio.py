"""A server that speaks Twilio's API on loopback, fails to order, and keeps a ledger of what it was asked."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socket import SHUT_RDWR, SO_LINGER, SOL_SOCKET, socket
from struct import pack
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

SID = "AC" + "5a" * 16
TOKEN = "9d1f6c0b7e2a4835bb60c1d2e3f4a5b6"
CUT = "cut"  # hang up after the request, without a word
RESET = "reset"  # the same, with a RST
SILENT = "silent"  # never answer
HALF = "half"  # hang up in the middle of the answer


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What to answer instead of doing what is asked."""

    status: int = 201
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


def refused(code: int, status: int = 400, words: str = "no", **headers: str) -> Reply:
    """An error as Twilio writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"code": code, "message": words, "more_info": "https://", "status": status}, named)


@dataclass
class ScriptedTwilio:
    """`replies` by the To of a message, `every` for all others; without either it does what is asked."""

    replies: dict[str, Reply | str] = field(default_factory=dict)
    every: Reply | str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)  # what a list gives, newest first
    account_status: str = "active"
    page_size: int = 1000
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._numbers = count(1)
        self._at_once = 0
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def created(self) -> list[dict[str, str]]:
        """The forms of all messages that anybody asked for."""
        return [each.form for each in self.asked if each.method == "POST"]

    def hang_up(self) -> None:
        """End every connection, as servers do with idle ones."""
        self._server.hang_up()

    def stop(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def answer(self, asked: Asked) -> Reply | str:
        with self._lock:
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        reply = self._reply(asked)
        if isinstance(reply, Reply) and reply.after:
            time.sleep(reply.after)
        with self._lock:
            self._at_once -= 1
        if reply == SILENT:
            self._stopped.wait(10)
        return reply

    def _reply(self, asked: Asked) -> Reply | str:
        reply = self.replies.get(asked.form.get("To", ""), self.every)
        if isinstance(reply, str) or (reply is not None and (reply.body or reply.status != 201)):
            return reply
        after = reply.after if reply else 0.0
        if asked.method == "POST":
            sid = f"SM{next(self._numbers):032x}"
            made = {"sid": sid, "status": "queued", "to": asked.form["To"]}
            return Reply(201, made, after=after)
        if asked.path.endswith("/Messages.json"):
            return Reply(200, self._page(asked.query), after=after)
        return Reply(200, {"sid": SID, "status": self.account_status, "friendly_name": "Loja"}, after=after)

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        """As Twilio lists: by To, by whole days, newest first, with the address of the next page."""
        day = query.get("DateSent>", "")[:10]
        found = [
            each
            for each in self.messages
            if query.get("To") in (None, each["to"]) and (not day or each["day"] >= day)
        ]
        start = int(query.get("Page", "0")) * self.page_size
        more = {**query, "Page": str(int(query.get("Page", "0")) + 1), "PageToken": "PASM1"}
        further = f"/2010-04-01/Accounts/{SID}/Messages.json?{urlencode(more)}"
        return {
            "messages": [
                {name: value for name, value in each.items() if name != "day"}
                for each in found[start : start + self.page_size]
            ],
            "next_page_uri": further if start + self.page_size < len(found) else None,
            "page": 0,
        }


@contextmanager
def scripted() -> Iterator[ScriptedTwilio]:
    server = ScriptedTwilio()
    yield server
    server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # ten come at once, and one that finds no place waits a second

    def __init__(self, owner: ScriptedTwilio) -> None:
        self.owner = owner
        self.open: list[socket] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        self.open.append(connection)
        self.owner.connections += 1
        return connection, address

    def hang_up(self) -> None:
        for each in self.open:
            with suppress(OSError):
                each.shutdown(SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """A caller that hung up is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path)
        form, query = (dict(parse_qsl(each, keep_blank_values=True)) for each in (body, parts.query))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.owner.answer(Asked(self.command, parts.path, query, form, headers))
        if isinstance(reply, Reply):
            self._write(reply)
        else:
            self._break(reply)

    def _write(self, reply: Reply, most: int | None = None) -> None:
        body = reply.body if isinstance(reply.body, bytes | str) else json.dumps(reply.body)
        data = body.encode() if isinstance(body, str) else body
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(data)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:most])

    def _break(self, how: str) -> None:
        if how == HALF:
            self._write(Reply(201, {"sid": "SM" + "0" * 32}), most=9)
        if how == RESET:
            self.connection.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """The ledger is log enough."""
