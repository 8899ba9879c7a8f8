"""The respondent's journey and the answer alone, ours beside the floor, quiet and while a worker sends."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from app.db import open_database
from benchmarks.report import Line
from benchmarks.seed import seed
from benchmarks.servers import ROOT, environment, free_port, granian, postgres, running

SECONDS = 3.0
ROUNDS = 3  # of which the median counts
PEOPLE = 12_000
TARGET_RATE, TARGET_P99 = 0.6, 3.0


def measure() -> Iterator[Line]:
    """One line for each database, load and company."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        for busy in (False, True):
            for kind in ("journey", "post"):
                yield from _pair("SQLite", kind, busy, lambda name: f"sqlite:///{home / name}.db")
        with postgres(home / "pg") as server:
            for busy in (False, True):
                for kind in ("journey", "post"):
                    yield from _pair("PostgreSQL", kind, busy, server.create_database)


def _pair(database: str, kind: str, busy: bool, make_url: object) -> list[Line]:
    rounds: dict[str, list[dict[str, float]]] = {"floor": [], "ours": []}
    for number in range(ROUNDS):  # in turn, so that a machine that slows down slows both
        for side, target in (("floor", "benchmarks.floor_app:app"), ("ours", "wsgi:app")):
            url = make_url(f"{side}_{kind}_{int(busy)}_{number}")  # type: ignore[operator]
            rounds[side].append(_run(url, target, kind, busy))
    figures = {
        side: {name: statistics.median(each[name] for each in found) for name in found[0]}
        for side, found in rounds.items()
    }
    company = "worker sending" if busy else "quiet"
    rate = Line(
        f"{kind}, {database}, {company}: per second", figures["ours"]["per_second"],
        figures["floor"]["per_second"], TARGET_RATE, higher_is_better=True,
    )  # fmt: skip
    tail = Line(
        f"{kind}, {database}, {company}: p99 ms", figures["ours"]["p99_ms"], figures["floor"]["p99_ms"],
        TARGET_P99, higher_is_better=False, note=f"errors {figures['ours']['errors']:.0f}",
    )  # fmt: skip
    return [rate, tail]


def _run(url: str, target: str, kind: str, busy: bool) -> dict[str, float]:
    db = open_database(url)
    tokens = seed(db, PEOPLE)
    if busy:
        seed(db, PEOPLE, queued=True)
    db.dispose()
    with tempfile.NamedTemporaryFile("w", suffix=".tokens") as file:
        file.write("\n".join(tokens))
        file.flush()
        env = environment(url)
        with granian(target, env) as port, _worker(url) if busy else nullcontext():
            for seconds in (1.0, SECONDS):  # the first second warms caches and is forgotten
                command = [sys.executable, "-m", "benchmarks.load", str(port), kind, file.name, str(seconds)]
                done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
                Path(file.name).write_text("\n".join(tokens[PEOPLE // 4 :]), encoding="ascii")
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def _worker(url: str) -> Iterator[None]:
    """A real worker that sends to a sink meanwhile."""
    port = free_port()
    env = environment(url, SMTP_URL=f"smtp://127.0.0.1:{port}", MAIL_FROM="pergunta@aroeira.example")
    sink = [sys.executable, "-m", "benchmarks.sink", str(port)]
    worker = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    with running(sink, env), running(worker, env):
        yield
