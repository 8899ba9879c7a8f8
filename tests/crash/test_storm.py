"""A storm of messages while web and worker are killed again and again: what was taken is there, once.

`STORM_MESSAGES=2000 pytest tests/crash/test_storm.py` is the full size.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count as numbers

import pytest
from sqlalchemy import select

from app.models import Answer
from app.runtime import Runtime
from app.services import switch
from app.services.chat_addresses import telegram_form
from tests.crash.nest import Nest
from tests.crash.provider import OURS, PUBLIC, Post, post_of_telegram, post_of_twilio, sid_of
from tests.crash.storm import (
    KILLS,
    Line,
    Mortal,
    asked,
    assert_once_each,
    blow,
    environment,
    mixed,
    settle,
)
from tests.peers.running import free_port
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio, scripted
from tests.world import Clock, World

pytestmark = pytest.mark.crash
BOT, SECRET = "4242:for-the-storm-alone", "Jf1Ga6Se-kM3vX9q_Lr2Tz8"
SAID = ("3", "demorou demais", "na verdade 4", "oi", "tudo bem?")  # by each person, in this order
NUMBER = int(os.environ.get("STORM_MESSAGES", "600"))


@pytest.fixture
def storm_world(world: World, clock: Clock) -> World:
    """Real processes read real time. What we say waits: this is about what comes in."""
    clock.now = datetime.now(UTC).replace(microsecond=0)
    switch.pause(world.runtime, "a storm")
    return world


@contextmanager
def alive(nest: Nest, env: dict[str, str], port: int, number: int) -> Iterator[tuple[Mortal, Mortal]]:
    """Web and worker; both have died often enough before the storm is over."""
    web = Mortal(nest, env, "inbound_kept", number // (KILLS + 1), "web", port)
    worker = Mortal(nest, env, "inbound_handled", number // (KILLS + 1), "worker")
    try:
        yield web, worker
    finally:
        web.end()
        worker.end()


def scores(runtime: Runtime) -> list[tuple[int, str | None]]:
    with runtime.db.read() as session:
        return [(row[0], row[1]) for row in session.execute(select(Answer.score, Answer.comment))]


@pytest.mark.judged_on("sqlite")
def test_telegram_delivers_again_what_was_not_acknowledged(
    runtime: Runtime, storm_world: World, nest: Nest
) -> None:
    number, port = NUMBER, free_port()
    chats = [str(1_000 + each) for each in range(number // len(SAID))]
    asked(storm_world, storm_world.workspace(), "telegram", "4242", chats, telegram_form)
    env = environment(
        runtime,
        TELEGRAM_BOT_TOKEN=BOT,
        TELEGRAM_API_URL="http://127.0.0.1:1",
        TELEGRAM_MODE="webhook",
        TELEGRAM_WEBHOOK_SECRET=SECRET,
    )
    told = numbers(1)

    with alive(nest, env, port, number) as (web, worker):

        def deliver(line: Line, chat: str, text: str) -> int:
            """As Telegram does: again until it is told 200. How many times it was not."""
            update, tries = post_of_telegram(next(told), chat, text, SECRET, storm_world.now), 0
            while line.post(*update) != 200:
                web.look()
                time.sleep(0.02)
                tries += 1
            worker.look()
            return tries

        again = blow(port, mixed(chats, SAID), deliver)
        settle(runtime, worker, number)
        assert (web.lives, worker.lives) == (0, 0), "both were killed as often as was meant"
    assert again >= KILLS
    assert_once_each(runtime, number, len(chats))
    assert set(scores(runtime)) == {(4, "demorou demais")}


@pytest.mark.judged_on("postgresql")
def test_twilio_delivers_once_and_lists_what_we_did_not_acknowledge(
    runtime: Runtime, storm_world: World, nest: Nest
) -> None:
    """It repeats now and then what we have, in any order; what we missed only its list can tell."""
    number, port = NUMBER, free_port()
    phones = [f"+55119{80_000_000 + each}" for each in range(number // len(SAID))]
    asked(storm_world, storm_world.workspace(), "sms", OURS, phones, str)
    with scripted() as provider:
        env = environment(
            runtime,
            TWILIO_ACCOUNT_SID=SID,
            TWILIO_AUTH_TOKEN=TOKEN,
            TWILIO_SMS_FROM=OURS,
            TWILIO_API_URL=provider.url,
            PUBLIC_URL=PUBLIC,
        )
        carrier = Carrier(provider, storm_world.now)
        with alive(nest, env, port, number) as (web, worker):

            def deliver(line: Line, phone: str, text: str) -> int:
                """As Twilio does: once. How many were not acknowledged: 0 or 1."""
                web.look()
                worker.look()
                if carrier.carries(line, phone, text):
                    return 0
                web.look()
                line.waits()
                return 1

            lost = blow(port, mixed(phones, SAID), deliver)
            settle(runtime, worker, number - lost)
            worker.again()  # a worker that begins asks for what nobody listened to
            settle(runtime, worker, number)
            assert (web.lives, worker.lives) == (0, 0), "both were killed as often as was meant"
    assert lost >= KILLS
    assert_once_each(runtime, number, len(phones))
    found = scores(runtime)
    assert {score for score, _ in found} <= {3, 4}
    in_order = (4, "demorou demais")  # whoever's words were lost may have been heard in another order
    assert len(phones) - found.count(in_order) <= lost


class Carrier:
    """The provider's side: keeps in its list what it received, then calls us."""

    def __init__(self, provider: ScriptedTwilio, now: datetime) -> None:
        self._provider, self._now = provider, now
        self._lock = threading.Lock()
        self._numbers = numbers(1)
        self._dice = random.Random(11)
        self._said: list[Post] = []

    def carries(self, line: Line, phone: str, text: str) -> bool:
        """Were we told that it was taken? Every tenth is followed by an older one once more."""
        with self._lock:
            number = next(self._numbers)
            self._provider.messages.insert(0, self._listed(sid_of(number), phone, text))
            older = self._dice.choice(self._said) if self._said and self._dice.random() < 0.1 else None
        posted = post_of_twilio(number, phone, text)
        taken = line.post(*posted) == 200
        if taken:
            with self._lock:
                self._said.append(posted)
        if older is not None:
            line.post(*older)
        return taken

    def _listed(self, sid: str, phone: str, text: str) -> dict[str, str | None]:
        return {
            "sid": sid, "account_sid": SID, "direction": "inbound", "from": phone, "to": OURS, "body": text,
            "status": "received", "error_code": None, "messaging_service_sid": None,
            "date_sent": format_datetime(self._now), "date_created": format_datetime(self._now),
            "day": self._now.date().isoformat(),
        }  # fmt: skip
