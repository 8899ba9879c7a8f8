"""A whole installation as `make run` starts it: web and worker as processes, with a database of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from app.db import Database

ROOT = Path(__file__).parents[2]
LATEST_START_SECONDS = 60.0
FIRST_LINK = re.compile(r"works once\): (\S+)")


@dataclass(frozen=True)
class House:
    """Where it is, what it printed, and its rows, to look at from outside."""

    url: str
    first_link: str
    db: Database
    log: Path


@contextmanager
def installation(home: Path, database_url: str, db: Database, **settings: str) -> Iterator[House]:
    """Runs until the block ends; then Ctrl-C, as somebody at the terminal would press it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    log = home / "terminal.txt"
    with log.open("wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli.serve"],
            cwd=ROOT,
            env=_environment(home, database_url, port, settings),
            stdout=terminal,
            stderr=terminal,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_up(process, url, log), LATEST_START_SECONDS)
        link = FIRST_LINK.search(log.read_text())
        assert link is not None, log.read_text()
        yield House(url, link[1], db, log)
    finally:
        process.send_signal(signal.SIGINT)
        ended = process.wait(30)
    assert ended == 0, log.read_text()


def wait_until(happened: Callable[[], object], seconds: float = 10.0) -> float:
    """How many seconds it took; fails after `seconds`."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def _environment(home: Path, database_url: str, port: int, settings: dict[str, str]) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return keep | {
        "DATABASE_URL": database_url,
        "KEYS_DIR": str(home / "keys"),
        "SECRET_KEY": "a-secret-only-for-journeys-0123456789-abcdef",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        **settings,
    }


def _is_up(process: "subprocess.Popen[bytes]", url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        with urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
