"""The token stands in every address that the library calls: it is told to nobody, whatever goes wrong."""

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from app import logs
from app.channels.base import DeliveryError, Event, Kind, Outgoing
from app.channels.telegram import Telegram
from config import Config
from tests.bot_api import CUT, SECRET, TOKEN, Answer, BotApi, bot_api, channel, refusal, result

WORDS = "Adorei a Rosângela do caixa"
HIDDEN = (TOKEN, TOKEN.partition(":")[2], SECRET, WORDS)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Standard error, after a program around us has asked every library to say everything."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root, before = logging.getLogger(), structlog.get_config()
    level, handlers = root.level, root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in logs.NOISY}
    logging.basicConfig(stream=stream, level=logging.DEBUG, force=True)
    settings = {"SECRET_KEY": "kM3vX9qLr2Tz8Wb5Yp0Nc7Hd4Jf1Ga6Se", "LOG_LEVEL": "DEBUG"}
    logs.configure(Config.from_env(settings))
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


ANSWERS = (
    None,
    CUT,
    Answer(200, WORDS.encode()),
    Answer(502, b"<"),
    refusal(400, f"bad {TOKEN}"),
    result([]),
)


def say_everything(telegram: Telegram, api: BotApi) -> list[str]:
    """Every call, well and badly; what its errors say."""
    message = Outgoing(id="m1", from_address="4242", to_address="77", text=WORDS)
    press = Event("4242", "x:1", Kind.PRESS, address="77", press_id="9")
    calls = (
        telegram.probe,
        lambda: list(telegram.fetch(datetime(2026, 1, 1, tzinfo=UTC), "")),
        lambda: telegram.set_webhook("https://r.example/hooks/telegram"),
    )
    errors = []
    for answer in ANSWERS:
        for method in ("sendMessage", "getUpdates", "getMe", "answerCallbackQuery", "setWebhook"):
            api.script[method].clear()
            if answer is not None:
                api.answers(method, answer)
        errors += [str(outcome) for _, outcome in telegram.deliver([message])]
        telegram.acknowledge(press, WORDS)
        for call in calls:
            try:
                call()
            except DeliveryError as error:
                errors.append(str(error))
                logging.getLogger("worker").exception("job failed")
    return errors


def test_no_log_and_no_error_tells_the_token_or_what_was_said(told: io.StringIO, api: BotApi) -> None:
    with channel(api.url) as telegram:
        errors = say_everything(telegram, api)
    with bot_api() as gone:
        pass
    with channel(gone.url) as telegram:
        errors += say_everything(telegram, gone)
    with channel("http://no such host") as telegram:
        errors += say_everything(telegram, gone)
    assert len(errors) > 20
    everything = told.getvalue() + "".join(errors)
    assert "DeliveryError" in everything, "the log was listened to"
    for hidden in HIDDEN:
        assert hidden not in everything


def test_a_representation_tells_no_secret(telegram: Telegram) -> None:
    telegram.probe()
    for hidden in HIDDEN:
        assert hidden not in repr(telegram)
