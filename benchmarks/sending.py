"""E-mail out of one worker, beside smtplib with the same mails and the same commits in raw SQL."""

import smtplib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from app.channels.registry import open_channels
from app.db import open_database
from app.models import new_id
from app.runtime import Runtime, now
from app.services import sending
from app.services.sending import CLAIMED, GROUP
from benchmarks.email_out import _messages, _wait_for
from benchmarks.report import Line
from benchmarks.seed import seed
from benchmarks.servers import SECRET, environment, free_port, postgres, running
from config import Config

PEOPLE = 1_500
ROUNDS = 5  # of which the median counts
TARGET = 0.7


def measure() -> Iterator[Line]:
    """Messages per second on each database."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        yield _pair("SQLite", lambda name: f"sqlite:///{home / name}.db")
        with postgres(home / "pg") as server:
            yield _pair("PostgreSQL", server.create_database)


def _pair(name: str, make_url: Callable[[str], str]) -> Line:
    port, floor, ours = free_port(), [], []
    with running([sys.executable, "-m", "benchmarks.sink", str(port)], environment("sqlite://")):
        _wait_for(port)
        for number in range(ROUNDS):  # in turn, so that a machine that slows down slows both
            floor.append(_floor(make_url(f"floor_{number}"), port))
            ours.append(_ours(make_url(f"ours_{number}"), port))
    what = f"e-mail out, {name}, with its commits: per second"
    return Line(what, statistics.median(ours), statistics.median(floor), TARGET, True)


def _ours(url: str, port: int) -> float:
    smtp = {"SMTP_URL": f"smtp://127.0.0.1:{port}", "MAIL_FROM": "pergunta@aroeira.example"}
    config = Config.from_env({"DATABASE_URL": url, "SECRET_KEY": SECRET, **smtp})
    db = open_database(url)
    seed(db, PEOPLE, queued=True)
    runtime = Runtime(config=config, clock=now, db=db, channels=open_channels(config))
    began = time.perf_counter()
    sent = sending.send_due(runtime)
    took = time.perf_counter() - began
    db.dispose()
    assert sent == PEOPLE
    return sent / took


def _floor(url: str, port: int) -> float:
    db = open_database(url)
    seed(db, PEOPLE, queued=True)
    db.dispose()
    mails = [each.mime for each in _messages(PEOPLE)]
    with closing(_Raw(url)) as raw, closing(smtplib.SMTP("127.0.0.1", port)) as server:
        began = time.perf_counter()
        for start in range(0, PEOPLE, CLAIMED):
            claimed = raw.claim()
            for offset in range(0, len(claimed), GROUP):
                group = claimed[offset : offset + GROUP]
                raw.attempt(group)
                for place, (_, _, to) in enumerate(group):
                    server.sendmail("pergunta@aroeira.example", to, mails[start + offset + place])
                raw.record(group)
        return PEOPLE / (time.perf_counter() - began)


class _Raw:
    """The three commits of a group over the bare driver."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite:///")
        self.connection: Any
        if self.is_sqlite:
            self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
                self.connection.execute(f"PRAGMA {pragma}").fetchall()
        else:
            dsn = url.replace("postgresql+psycopg://", "postgresql://")
            self.connection = psycopg.connect(dsn, autocommit=True)

    def close(self) -> None:
        self.connection.close()

    def moment(self, later: timedelta = timedelta()) -> Any:
        at = datetime.now(UTC) + later
        return at.strftime("%Y-%m-%d %H:%M:%S.%f") if self.is_sqlite else at

    def many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        words = statement if self.is_sqlite else statement.replace("?", "%s")
        self.connection.cursor().executemany(words, rows)

    def claim(self) -> list[tuple[str, str, str]]:
        lock = "" if self.is_sqlite else " FOR UPDATE SKIP LOCKED"
        mark = "?" if self.is_sqlite else "%s"
        self.connection.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        rows = self.connection.execute(
            f"UPDATE messages SET state = 'claimed', lease_token = {mark}, lease_until = {mark} WHERE id IN"
            f" (SELECT id FROM messages WHERE channel = 'email' AND state = 'queued' AND due_at <= {mark}"
            f" ORDER BY priority, due_at LIMIT {CLAIMED}{lock}) RETURNING id, invitation_id, to_address",
            (new_id(), self.moment(timedelta(seconds=4)), self.moment()),
        ).fetchall()
        self.connection.execute("COMMIT")
        return [(row[0], row[1], row[2]) for row in rows]

    def attempt(self, group: list[tuple[str, str, str]]) -> None:
        now, until = self.moment(), self.moment(timedelta(minutes=5))
        place = "(SELECT workspace_id FROM messages WHERE id = ?)"
        self.connection.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        self.many(
            "UPDATE messages SET state = 'attempting', tries = tries + 1, lease_until = ? WHERE id = ?",
            [(until, id) for id, _, _ in group],
        )
        self.many(
            "INSERT INTO attempts (id, message_id, number, started_at) VALUES (?, ?, 1, ?)",
            [(new_id(), id, now) for id, _, _ in group],
        )
        self.many("UPDATE invitations SET state = 'sending' WHERE id = ?", [(each,) for _, each, _ in group])
        self.many(
            "INSERT INTO tokens (token_hash, purpose, workspace_id, message_id, invitation_id, created_at)"
            f" VALUES (?, ?, {place}, ?, ?, ?)",
            [
                (new_id().encode() * 2, purpose, id, id, invitation, now)
                for id, invitation, _ in group
                for purpose in ("answer", "unsubscribe")
            ],
        )
        self.connection.execute("COMMIT")

    def record(self, group: list[tuple[str, str, str]]) -> None:
        now = self.moment()
        self.connection.execute("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        self.many(
            "UPDATE messages SET state = 'sent', sent_at = ? WHERE id = ?", [(now, id) for id, _, _ in group]
        )
        self.many(
            "UPDATE attempts SET ended_at = ?, outcome = 'sent' WHERE message_id = ?",
            [(now, id) for id, _, _ in group],
        )
        self.many(
            "UPDATE invitations SET state = 'sent', sent_at = ? WHERE id = ?",
            [(now, each) for _, each, _ in group],
        )
        self.connection.execute("COMMIT")
