"""A storm of messages while web and worker are killed again and again: what was taken is there, once.

Takes a minute and a half, so it is asked for by name: `pytest tests/crash/storm.py`.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.domain.metrics import Metric
from app.models import Answer, Contact, FollowUp, InboundEvent, Message, Workspace
from app.runtime import Runtime
from app.services import address_keys, senders
from tests.world import Clock, World

pytestmark = pytest.mark.crash
ROOT = Path(__file__).parents[2]
TOKEN, SECRET = "4242:for-the-storm-alone", "Jf1Ga6Se-kM3vX9q_Lr2Tz8"
SAID = ("3", "demorou demais", "na verdade 4", "oi", "tudo bem?")  # by each person, in this order
STORMS = {"sqlite": 2_000, "postgresql": 500}
KILLS = 5
KILLED = 137


def environment(runtime: Runtime) -> dict[str, str]:
    """Telegram is real and away: what we answer waits, what comes in does not care."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": runtime.config.database_url,
        "KEYS_DIR": str(runtime.config.keys_dir),
        "SECRET_KEY": runtime.config.secret_key,
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": "http://127.0.0.1:1",
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "LOG_LEVEL": "ERROR",
        "LOG_FORMAT": "json",
    }


def people(world: World, workspace: Workspace, number: int) -> list[str]:
    """So many, each asked on Telegram just now; their chats."""
    survey = world.survey(workspace, Metric.NPS)
    chats = [str(1_000 + each) for each in range(number)]
    for chat in chats:
        contact: Contact = world.contact(workspace, telegram_chat_id=chat, email=None)
        invitation = world.invitation(workspace, survey, contact, channel="telegram")
        with world.runtime.db.write() as session:
            session.execute(
                update(Message)
                .where(Message.invitation_id == invitation.id)
                .values(
                    channel="telegram",
                    to_address=chat,
                    address_key=contact.telegram_key,
                    sender_id=senders.sender_id(session, "telegram", "4242", world.now),
                )
            )
    return chats


def updates(chats: list[str], now: datetime) -> list[bytes]:
    """What each of them sends, all of it mixed; nobody's own words change their order."""
    dice, queues = random.Random(7), {chat: list(SAID) for chat in chats}
    found = []
    for number in range(len(chats) * len(SAID)):
        chat = dice.choice([each for each, waiting in queues.items() if waiting])
        who = {"id": int(chat), "is_bot": False, "first_name": "Maria", "language_code": "pt-br"}
        message = {
            "message_id": number + 1,
            "date": int(now.timestamp()),
            "chat": {"id": int(chat), "type": "private"},
            "from": who,
            "text": queues[chat].pop(0),
        }
        found.append(json.dumps({"update_id": 9_000 + number, "message": message}).encode())
    return found


class Mortal:
    """A process that dies at a point after so many visits, and is started again, a few times."""

    def __init__(self, env: dict[str, str], point: str, *kind: str) -> None:
        self.env, self.point, self.kind, self.lives = env, point, kind, KILLS
        self.dice = random.Random(point)
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        skip = self.dice.randrange(20, 120) if self.lives else 10**9
        command = [sys.executable, "-m", "tests.crash.dying", self.point, str(skip), *self.kind]
        return subprocess.Popen(command, cwd=ROOT, env=self.env)

    def look(self) -> None:
        """Start it again if it is gone."""
        if (status := self.process.poll()) is not None:
            assert status == KILLED
            self.lives -= 1
            self.process = self._start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def alive(env: dict[str, str], port: int) -> Iterator[tuple[Mortal, Mortal]]:
    web = Mortal(env, "inbound_kept", "web", str(port))
    worker = Mortal(env, "inbound_handled", "worker")
    try:
        yield web, worker
    finally:
        web.end()
        worker.end()


def deliver(port: int, body: bytes, web: Mortal, worker: Mortal) -> int:
    """As Telegram does: again until it is told 200. How many times it was not."""
    tries = 0
    while True:
        web.look()
        worker.look()
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
            connection.request("POST", "/hooks/telegram", body, headers)
            if connection.getresponse().status == 200:
                return tries
        except (OSError, HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
        tries += 1


def count(runtime: Runtime, *which: object) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent).where(*which)) or 0  # type: ignore[arg-type]


def test_every_acknowledged_message_is_there_once_and_every_person_has_one_answer(
    runtime: Runtime, world: World, clock: Clock, database_kind: str
) -> None:
    clock.now = datetime.now(UTC).replace(microsecond=0)
    address_keys._keys.clear()  # tests share an engine: real processes know only the key in this database
    number = STORMS[database_kind]
    chats = people(world, world.workspace(name="Aroeira"), number // len(SAID))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with alive(environment(runtime), port) as (web, worker):
        again = 0
        for body in updates(chats, clock.now):
            again += deliver(port, body, web, worker)
        until = time.monotonic() + 120
        while count(runtime, InboundEvent.state == "new") and time.monotonic() < until:
            worker.look()
            time.sleep(0.1)
        assert (web.lives, worker.lives) == (0, 0), "both were killed as often as was meant"
    assert again >= KILLS
    assert count(runtime) == count(runtime, InboundEvent.state == "done") == number
    with runtime.db.read() as session:
        answered = session.execute(select(Answer.score, Answer.comment)).all()
        assert len(answered) == len(chats)
        assert {tuple(row) for row in answered} == {(4, "demorou demais")}
        assert session.scalar(select(func.count()).select_from(FollowUp)) == len(chats)
        said = select(func.count()).select_from(Message).where(Message.purpose == "inbound")
        assert session.scalar(said) == number
