"""Starts and stops what a benchmark measures: granian over an application, databases, other processes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[1]
SECRET = "only-for-benchmarks-0123456789-abcdefghij"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(database_url: str, **more: str) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**keep, "DATABASE_URL": database_url, "SECRET_KEY": SECRET, "LOG_LEVEL": "WARNING", **more}


@contextmanager
def granian(target: str, env: dict[str, str], workers: int = 2, threads: int = 4) -> Iterator[int]:
    """The port of a web server over `target`."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--no-ws", "--http", "1",
        "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
        "--blocking-threads", str(threads), "--workers-kill-timeout", "5", "--log-level", "warning", target,
    ]  # fmt: skip
    with running(command, env):
        wait_for(port)
        yield port


@contextmanager
def running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, path: str = "/healthz", seconds: float = 30) -> float:
    """Seconds until the server answers anything at all."""
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return time.perf_counter() - began
        except URLError as error:
            if hasattr(error, "code"):
                return time.perf_counter() - began
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError("the server did not start")


@contextmanager
def postgres(home: Path) -> Iterator[PostgresServer]:
    """A server that writes to disk as in production."""
    home.mkdir(parents=True, exist_ok=True)
    server = PostgresServer(home, durable=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
