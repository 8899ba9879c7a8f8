"""A mail server that misbehaves to order: hangs up, keeps silent, answers as scripted; and keeps a ledger."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

CUT = "cut"  # hang up without a word
RESET = "reset"  # the same, with a RST
SILENT = "silent"  # never answer

Script = Mapping[str, str]

_GOOD = {
    "GREETING": "220 scripted.test ESMTP",
    "EHLO": "250 scripted.test",
    "DATA": "354 go on",
    ".": "250 2.0.0 Ok: queued as SCRIPTED",
    "QUIT": "221 bye",
}


@dataclass
class ScriptedServer:
    """One script for each connection, the last for all that follow: what to answer to MAIL, RCPT, DATA, ".".

    `MAIL 2` answers the second MAIL of a connection, `IN DATA` acts when the first line of content is there.
    """

    scripts: Sequence[Script]
    connections: int = 0
    accepted: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for each in self._open:
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection, {**_GOOD, **script}), daemon=True).start()

    def _talk(self, connection: socket.socket, script: Script) -> None:
        counts: dict[str, int] = {}
        with connection, connection.makefile("rb") as lines:
            if not _answer(connection, script["GREETING"]):
                return
            for line in lines:
                verb = line.split(b":")[0].split()[0].decode().upper()
                self.said.append(line.decode().strip())
                counts[verb] = counts.get(verb, 0) + 1
                reply = script.get(f"{verb} {counts[verb]}", script.get(verb, "250 ok"))
                if not _answer(connection, reply):
                    return
                if verb == "DATA" and reply.startswith("354"):
                    if "IN DATA" in script:
                        lines.readline()
                        _answer(connection, script["IN DATA"])
                        return
                    if not self._content(connection, lines, script["."]):
                        return

    def _content(self, connection: socket.socket, lines: "Iterator[bytes]", reply: str) -> bool:
        content = b""
        for line in lines:
            if line == b".\r\n":
                break
            content += line
        if reply.startswith("250") or reply in {CUT, RESET, SILENT}:
            self.accepted.append(content)  # a server that hangs up after the dot may well have taken it
        return _answer(connection, reply)


def _answer(connection: socket.socket, reply: str) -> bool:
    """Say it. False when the conversation is over."""
    if reply == CUT:
        connection.shutdown(socket.SHUT_RDWR)
        return False
    if reply == RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        return False
    if reply == SILENT:
        while connection.recv(65_536):
            """wait until the other side gives up"""
        return False
    connection.sendall(reply.encode() + b"\r\n")
    return not reply.startswith("421")


@contextmanager
def scripted(*scripts: Script, pipelining: bool = False) -> Iterator[ScriptedServer]:
    ehlo = {"EHLO": "250-scripted.test\r\n250 PIPELINING"} if pipelining else {}
    server = ScriptedServer([{**ehlo, **script} for script in scripts or ({},)])
    try:
        yield server
    finally:
        server.stop()
