"""A throwaway certificate for 127.0.0.1 and sinks that speak TLS with it; a Bot API and our channel to it."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.channels.telegram import Telegram
from tests.bot_api import BotApi, bot_api, channel
from tests.smtp import SmtpSink


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(certificate, key): its own authority, valid for 127.0.0.1 only."""
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "cert.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=sink.test -addext subjectAltName=IP:127.0.0.1"
    )
    where = ["-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run([*command.split(), *where], check=True, capture_output=True)
    return files


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """A client that trusts the throwaway authority, and verifies everything."""
    return ssl.create_default_context(cafile=str(certificate[0]))


@pytest.fixture
def start_sink(certificate: tuple[Path, Path]) -> Iterator[Callable[..., SmtpSink]]:
    """Start sinks with `security`, `user` and `password`; all are stopped at the end."""
    sinks: list[SmtpSink] = []

    def start(security: str = "clear", user: str = "", password: str = "") -> SmtpSink:
        context = None
        if security != "clear":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        sinks.append(SmtpSink(user, password, security, context).start())
        return sinks[-1]

    yield start
    for sink in sinks:
        sink.stop()


@pytest.fixture
def api() -> Iterator[BotApi]:
    with bot_api() as api:
        yield api


@pytest.fixture
def telegram(api: BotApi) -> Iterator[Telegram]:
    with channel(api.url) as telegram:
        yield telegram
