"""Providers repeat themselves: every event five times, out of order and at once, while workers hand it on."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from app.channels.registry import open_channels
from app.models import Answer, Contact, FollowUp
from app.runtime import Runtime
from app.services import inbound
from app.services.chat_addresses import telegram_form
from app.web import create_app
from bots import handle
from tests.crash.provider import OURS, PUBLIC, post_of_telegram, post_of_twilio
from tests.crash.storm import Line, asked, assert_once_each
from tests.scripted_twilio import SID, TOKEN
from tests.web.browser import serving
from tests.world import START, World

pytestmark = pytest.mark.on_both

SAID = ("3", "demorou demais", "na verdade 4")
PEOPLE, TIMES, LINES, WORKERS = 6, 5, 8, 2
BOT, SECRET = "4242:for-the-replays-alone", "Jf1Ga6Se-kM3vX9q_Lr2Tz8"
Post = tuple[str, bytes, dict[str, str]]


@dataclass(frozen=True)
class Way:
    """How people reach us: settings, our name and theirs, and one event as its provider posts it."""

    channel: str
    settings: dict[str, str]
    ours: str
    canonical: Callable[[str], str]
    post: Callable[[int, str, str], Post]


TELEGRAM = Way(
    "telegram",
    {
        "telegram_bot_token": BOT, "telegram_api_url": "http://127.0.0.1:1", "telegram_mode": "webhook",
        "telegram_webhook_secret": SECRET,
    },
    "4242",
    telegram_form,
    lambda number, chat, text: post_of_telegram(number, chat, text, SECRET, START),
)  # fmt: skip
SMS = Way(
    "sms",
    {
        "twilio_account_sid": SID, "twilio_auth_token": TOKEN, "twilio_sms_from": OURS,
        "twilio_api_url": "http://127.0.0.1:1", "public_url": PUBLIC,
    },
    OURS,
    str,
    post_of_twilio,
)  # fmt: skip


@contextmanager
def workers(place: Runtime) -> Iterator[None]:
    """Some that hand on what comes in, until the block ends and nothing is left."""
    over = threading.Event()

    def work() -> None:
        while inbound.handle_new(place) or not over.wait(0.01):
            """again"""

    with ThreadPoolExecutor(WORKERS) as threads:
        at_work = [threads.submit(work) for _ in range(WORKERS)]
        try:
            yield
        finally:
            over.set()
    for each in at_work:
        each.result()


def brought(port: int, post: tuple[str, bytes, dict[str, str]]) -> int:
    """What is said at last; where too many come at once, it is brought again."""
    while (status := Line(port).post(*post)) == 503:
        time.sleep(0.02)
    return status


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", [TELEGRAM, SMS], ids=["telegram", "sms"])
def test_each_event_five_times_out_of_order_and_at_once_is_one_answer_and_one_follow_up(
    runtime: Runtime, world: World, way: Way, seed: int
) -> None:
    config = replace(runtime.config, **way.settings)  # type: ignore[arg-type]
    place = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    people = [f"+55119{80_000_000 + each}" for each in range(PEOPLE)]
    people = [each.removeprefix("+") for each in people] if way is TELEGRAM else people
    asked(world, world.workspace(), way.channel, way.ours, people, way.canonical)
    said = [(who, text) for who in people for text in SAID]
    posts = [way.post(number, who, text) for number, (who, text) in enumerate(said)] * TIMES
    random.Random(seed).shuffle(posts)

    with serving(create_app(place)) as server, workers(place), ThreadPoolExecutor(LINES) as lines:
        port = int(server.url.rpartition(":")[2])
        assert set(lines.map(lambda post: brought(port, post), posts)) == {200}

    assert_once_each(place, len(said), PEOPLE)
    with place.db.read() as session:
        assert {*session.scalars(select(Answer.score))} <= {3, 4}, "whichever of the two came last"
        assert {*session.scalars(select(FollowUp.contact_id))} == {*session.scalars(select(Contact.id))}
    for each in place.channels.values():
        each.close()
