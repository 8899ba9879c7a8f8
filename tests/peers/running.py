"""Starts the peers' processes on free ports, each in a group of its own, and ends them whatever happens."""

import atexit
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
START_SECONDS = 30.0
STOP_SECONDS = 5.0
# Below the ports that the system lends to outgoing connections, so that none of them comes in between
PORTS = range(20_000, 32_000)


class Process:
    """A peer: its process, its log, and the way to talk to it.

    Its standard input stays open as long as we live: a peer ends by itself when that closes, so that a run
    that was killed leaves nothing behind.
    """

    def __init__(self, command: Sequence[str], port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=120, verify=False)
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not PACKAGES.is_dir():
            raise RuntimeError("the peers are not installed: run make test, or sh tests/install_peers.sh")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=HERE.parents[1],
            )
        atexit.register(self.stop)
        self._wait(self._process)

    def stop(self, patience: float = STOP_SECONDS) -> None:
        atexit.unregister(self.stop)
        self.http.close()
        process, self._process = self._process, None
        if process is None:
            return
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        _signal_group(process, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def tell(self, verb: str, **what: Any) -> Any:
        """A word to the peer itself, beside the API that it plays."""
        answer = self.http.post(f"/_{verb}", json=what)
        assert answer.is_success, f"{verb}: {answer.text}"
        return answer.json()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            try:
                self.http.post("/_ledger", json={})
                return
            except httpx.TransportError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self._command} did not start:\n{self._log.read_text(errors='replace')}")


def free_port() -> int:
    chance = random.SystemRandom()  # the other one has the same seed in all workers
    for port in chance.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of them are gone
        os.killpg(process.pid, number)
