"""Peers say why they do not start, and nothing of them outlives the run that started them."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.peers.running import Process, free_port

DEAF = """
import signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
signal.signal(signal.SIGTERM, signal.SIG_IGN)
HTTPServer(("127.0.0.1", int(sys.argv[1])), BaseHTTPRequestHandler).serve_forever()
"""
STARTER = """
import sys, time
from pathlib import Path
from tests.peers.telegram.peer import TelegramPeer
peer = TelegramPeer(Path(sys.argv[1]) / "log").start()
print(peer.url, flush=True)
time.sleep(60)
"""


def test_a_peer_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    with pytest.raises(RuntimeError, match="the port is taken"):
        Process(command, free_port(), tmp_path / "log").start()


def test_a_peer_that_does_not_listen_to_reason_is_ended(tmp_path: Path) -> None:
    port = free_port()
    process = Process([sys.executable, "-c", DEAF, str(port)], port, tmp_path / "log")
    process.start()
    process.stop(patience=0.1)
    assert not _listens(port)


def test_a_peer_ends_with_a_run_that_was_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter.stdout as said:
        port = int(said.readline().rpartition(":")[2])
    assert _listens(port)
    starter.kill()
    starter.wait()
    until = time.monotonic() + 5
    while _listens(port) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _listens(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
