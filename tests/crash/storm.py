"""A storm: many people write at once, over several lines, while web and worker are killed again and again."""

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection, HTTPException

from sqlalchemy import func, insert, select

from app.domain.metrics import Metric
from app.models import Answer, Contact, FollowUp, InboundEvent, Invitation, Message, Workspace, new_id
from app.runtime import Runtime
from app.services import senders
from app.services.address_keys import address_key
from tests.crash.nest import FOREVER, Hatched, Nest
from tests.world import World

LINES = 6  # connections of the provider to us
KILLS = 5
KILLED = 137
PATIENCE = 180  # seconds at most: a machine that does much else as well is slow, not wrong


def environment(runtime: Runtime, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": runtime.config.database_url,
        "KEYS_DIR": str(runtime.config.keys_dir),
        "SECRET_KEY": runtime.config.secret_key,
        "LOG_LEVEL": "ERROR",
        "LOG_FORMAT": "json",
        **settings,
    }


def asked(
    world: World,
    workspace: Workspace,
    channel: str,
    identity: str,
    addresses: Sequence[str],
    canonical: Callable[[str], str],
) -> None:
    """People with these addresses, each asked by that sender just now."""
    survey = world.survey(workspace, Metric.NPS)
    occurrence = world.occurrence(survey)
    now, home = world.now, workspace.id
    later = now + timedelta(days=30)
    contacts, invitations, messages = [], [], []
    with world.runtime.db.write() as session:
        sender_id = senders.sender_id(session, channel, identity, now)
        for number, address in enumerate(addresses):
            key, name = address_key(session, canonical(address)), f"Maria {number}"
            column = {"phone": address, "phone_key": key}
            if channel == "telegram":
                column = {"telegram_chat_id": address, "telegram_key": key}
            contact, invitation = new_id(), new_id()
            contacts.append(
                {
                    "id": contact, "workspace_id": home, "name": name, "search_name": name.lower(),
                    "kind": "customer", "locale": "pt-BR", "attributes": {}, **column,
                    "lawful_basis": "legitimate_interest", "created_at": now, "updated_at": now,
                }
            )  # fmt: skip
            invitations.append(
                {
                    "id": invitation, "workspace_id": home, "occurrence_id": occurrence.id,
                    "survey_id": survey.id, "version_id": survey.published_version_id, "metric": "nps",
                    "contact_id": contact, "address_key": key, "locale": "pt-BR", "channel": channel,
                    "state": "sent", "created_at": now, "sent_at": now, "expires_at": later,
                }
            )  # fmt: skip
            messages.append(
                {
                    "id": new_id(), "workspace_id": home, "purpose": "invitation", "priority": 1,
                    "channel": channel, "sender_id": sender_id, "invitation_id": invitation,
                    "contact_id": contact, "to_address": address, "address_key": key, "locale": "pt-BR",
                    "state": "sent", "due_at": now, "created_at": now, "sent_at": now,
                }
            )  # fmt: skip
        for table, rows in ((Contact, contacts), (Invitation, invitations), (Message, messages)):
            session.execute(insert(table), rows)


class Mortal:
    """A process that dies at a point after so many visits, and is started again, a few times."""

    def __init__(
        self, nest: Nest, env: dict[str, str], point: str, every: int, kind: str, port: int = 0
    ) -> None:
        self.lives = KILLS
        self._nest, self._env, self._point, self._kind, self._port = nest, env, point, kind, port
        self._every = every
        self._dice = random.Random(point)
        self._lock = threading.Lock()
        self._process = self._start()

    def _start(self) -> Hatched:
        skip = self._dice.randrange(self._every // 4, self._every) if self.lives else FOREVER
        return self._nest.hatch(self._env, self._kind, self._port, point=self._point, skip=skip)

    def look(self) -> None:
        """Start it again if it is gone."""
        with self._lock:
            if (status := self._process.poll()) is not None:
                assert status == KILLED
                self.lives -= 1
                self._process = self._start()

    def again(self) -> None:
        """As an operator does after trouble: ask it to end, and start it."""
        with self._lock:
            self._process.stop()
            self._process = self._start()

    def end(self) -> None:
        self._process.kill()


class Line:
    """One connection of the provider's, kept as long as it holds."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """What was said to it; 0 where nothing was."""
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=15)
        try:
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            self.close()
            return 0
        return answer.status

    def waits(self) -> None:
        """Until somebody listens again."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def mixed(people: Sequence[str], said: Sequence[str]) -> list[list[tuple[str, str]]]:
    """What each of them sends, shared out among the lines and mixed; nobody's own change their order."""
    dice, lines = random.Random(7), []
    for number in range(LINES):
        order = [each for each in people[number::LINES] for _ in said]
        dice.shuffle(order)
        waiting = {each: iter(said) for each in order}
        lines.append([(each, next(waiting[each])) for each in order])
    return lines


def blow(
    port: int, lines: Sequence[Sequence[tuple[str, str]]], deliver: Callable[[Line, str, str], int]
) -> int:
    """All lines at once; the sum of what `deliver` counts."""

    def speak(said: Sequence[tuple[str, str]]) -> int:
        line = Line(port)
        try:
            return sum(deliver(line, *each) for each in said)
        finally:
            line.close()

    with ThreadPoolExecutor(len(lines)) as threads:
        return sum(threads.map(speak, lines))


def settle(runtime: Runtime, worker: Mortal, number: int) -> None:
    """Until all of them are there and none waits."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        worker.look()
        if count(runtime, InboundEvent.state != "new") >= number:
            return
        time.sleep(0.1)


def count(runtime: Runtime, *which: object) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent).where(*which)) or 0  # type: ignore[arg-type]


def assert_once_each(runtime: Runtime, number: int, people: int) -> None:
    """Every event is there and done, all words are kept, one answer and one follow-up a person."""
    with runtime.db.read() as session:
        states = select(InboundEvent.state, InboundEvent.error, func.count()).group_by("state", "error")
        assert [tuple(row) for row in session.execute(states)] == [("done", None, number)]
        said = select(func.count()).select_from(Message).where(Message.purpose == "inbound")
        assert session.scalar(said) == number
        for noun in (Answer, FollowUp):
            assert session.scalar(select(func.count(noun.contact_id.distinct()))) == people
            assert session.scalar(select(func.count()).select_from(noun)) == people
