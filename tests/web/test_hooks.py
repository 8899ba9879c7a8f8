"""The providers' webhooks: secrets that change while they call, a slow database, and what is no webhook."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select, text
from twilio.request_validator import RequestValidator
from werkzeug.test import Client

from app.channels.registry import open_channels
from app.cli.serve import web_command
from app.models import InboundEvent
from app.runtime import Runtime
from app.web import create_app
from config import Config
from tests.peers.running import free_port
from tests.world import World, token_of

pytestmark = pytest.mark.on_both

ROOT = Path(__file__).parents[2]
PUBLIC = "https://retorno.example"
OURS, MARIA = "+551140028922", "+5531988884417"
SID = "AC" + "5a" * 16
OLD, NEW = "9d1f6c0b7e2a4835bb60c1d2e3f4a5b6", "0b7e2a4835bb60c1d2e3f4a5b69d1f6c"
SECRET, NEXT = "Jf1Ga6Se-kM3vX9q_Lr2Tz8", "pQ7wE2rT-yU4iO1a_Zx9Cv5"
BOT = "4242:for-hooks-alone"


@dataclass
class Provider:
    """Posts as Twilio or Telegram do, with the secret that it has at the moment."""

    name: str
    secret: str
    number: int = 0

    def post(self, client: Client) -> int:
        self.number += 1
        return client.open(**self.request(self.number)).status_code

    def request(self, number: int) -> dict[str, object]:
        if self.name == "telegram":
            chat = {"id": 77, "type": "private"}
            message = {"message_id": number, "date": 1, "chat": chat, "from": chat | {"is_bot": False}}
            body = json.dumps({"update_id": number, "message": message | {"text": "9"}})
            headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret}
            return {"path": "/hooks/telegram", "method": "POST", "data": body, "headers": headers}
        form = {"MessageSid": f"SM{number:032x}", "AccountSid": SID, "From": MARIA, "To": OURS, "Body": "9"}
        url = f"{PUBLIC}/hooks/twilio/message"
        headers = {"X-Twilio-Signature": RequestValidator(self.secret).compute_signature(url, form)}
        return {
            "path": "/hooks/twilio/message", "method": "POST", "data": urlencode(form), "headers": headers,
            "content_type": "application/x-www-form-urlencoded",
        }  # fmt: skip


Served = Callable[..., Client]


@pytest.fixture
def served(runtime: Runtime) -> Served:
    """Our side with these secrets, as after a restart with other settings."""

    def start(**settings: str | None) -> Client:
        given: dict[str, object] = {
            "twilio_account_sid": SID, "twilio_sms_from": OURS, "public_url": PUBLIC,
            "telegram_bot_token": BOT, "telegram_mode": "webhook",
        }  # fmt: skip
        config = replace(runtime.config, **given | settings)  # type: ignore[arg-type]
        return Client(create_app(replace(runtime, config=config, channels=open_channels(config))))

    return start


def kept(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(InboundEvent)) or 0


@pytest.mark.parametrize(
    ("name", "old", "new", "setting"),
    [("twilio", OLD, NEW, "twilio_auth_token"), ("telegram", SECRET, NEXT, "telegram_webhook_secret")],
)
def test_a29_a_secret_changes_under_traffic_and_no_genuine_request_is_refused(
    served: Served, runtime: Runtime, name: str, old: str, new: str, setting: str
) -> None:
    both = {"twilio_auth_token": OLD, "telegram_webhook_secret": SECRET}
    provider = Provider(name, old)
    ours = [served(**both)]
    said: list[int] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            said.append(provider.post(ours[0]))

    def so_many_more(number: int = 5) -> None:
        until, waits = len(said) + number, time.monotonic() + 30
        while len(said) < until and time.monotonic() < waits:
            time.sleep(0.005)

    traffic = threading.Thread(target=call)
    traffic.start()
    try:
        so_many_more()
        ours[0] = served(**both | {setting: new, f"{setting}_previous": old})
        so_many_more()  # the provider still has the old one
        provider.secret = new
        so_many_more()
        ours[0] = served(**both | {setting: new})
        so_many_more()
    finally:
        over.set()
        traffic.join()
    assert len(said) >= 20
    assert set(said) == {200}
    assert kept(runtime) == len(said)
    assert Provider(name, old, number=9_000).post(ours[0]) == 403, "the window is over"
    assert kept(runtime) == len(said)


def test_a02_an_empty_previous_secret_proves_nothing(served: Served, runtime: Runtime) -> None:
    client = served(twilio_auth_token=OLD, twilio_auth_token_previous="", telegram_webhook_secret=SECRET)
    assert Provider("twilio", "").post(client) == 403
    assert Provider("telegram", "").post(client) == 403
    assert kept(runtime) == 0


def test_a15_a_body_larger_than_any_webhook_is_not_read(served: Served, runtime: Runtime) -> None:
    client = served(twilio_auth_token=OLD, telegram_webhook_secret=SECRET)
    huge = b"Body=" + b"x" * 300_000
    for path in ("/hooks/twilio/message", "/hooks/twilio/status", "/hooks/telegram"):
        assert client.post(path, data=huge).status_code == 413
    many = urlencode([(f"f{number}", "1") for number in range(10_000)])
    assert client.post("/hooks/twilio/message", data=many).status_code == 403
    assert kept(runtime) == 0


# A30


@contextmanager
def granian(runtime: Runtime) -> Iterator[int]:
    """Our web server as it is run, one process of it."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "DATABASE_URL": runtime.config.database_url,
        "KEYS_DIR": str(runtime.config.keys_dir), "SECRET_KEY": runtime.config.secret_key, "PORT": str(port),
        "WEB_CONCURRENCY": "1", "TELEGRAM_BOT_TOKEN": BOT, "TELEGRAM_API_URL": "http://127.0.0.1:1",
        "TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_SECRET": SECRET, "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    process = subprocess.Popen(web_command(Config.from_env(environment)), cwd=ROOT, env=environment)
    try:
        until = time.monotonic() + 30
        while ask(port, "GET", "/healthz")[0] != 200 and time.monotonic() < until:
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, float]:
    """The status (0: nobody answered) and the seconds that it took."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - began
    except OSError:
        return 0, time.monotonic() - began
    finally:
        connection.close()


def deliver(port: int, number: int) -> tuple[int, float]:
    body = str(Provider("telegram", SECRET).request(number)["data"])
    return ask(port, "POST", "/hooks/telegram", body, X_Telegram_Bot_Api_Secret_Token=SECRET)


@pytest.mark.crash
def test_a30_forty_deliveries_at_once_behind_a_slow_database_starve_nobody(
    runtime: Runtime, world: World
) -> None:
    workspace = world.workspace()
    link = "/r/" + token_of(world.invitation(workspace, world.survey(workspace), world.contact(workspace)))
    with granian(runtime) as port, ThreadPoolExecutor(44) as threads:
        assert deliver(port, 1)[0] == 200
        with runtime.db.write() as session:  # somebody who writes for longer than anybody waits
            held = "SELECT 1" if runtime.db.is_sqlite else "LOCK TABLE inbound_events IN EXCLUSIVE MODE"
            session.execute(text(held))
            told = [threads.submit(deliver, port, number) for number in range(100, 140)]
            pages = [threads.submit(ask, port, "GET", link) for _ in range(4)]
            told_late = [each.result() for each in told]
            seen = [each.result() for each in pages]
        assert {status for status, _ in told_late} == {503}, "nothing that was not kept is acknowledged"
        assert sorted(seconds for _, seconds in told_late)[-1] < 2
        assert {status for status, _ in seen} == {200}
        assert max(seconds for _, seconds in seen) < 1.5
        again = [each.result()[0] for each in [threads.submit(deliver, port, n) for n in range(100, 140)]]
    assert again == [200] * 40, "forty at once are no trouble while the database is well"
    assert kept(runtime) == 41
