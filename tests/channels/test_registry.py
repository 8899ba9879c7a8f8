"""Which channels the settings make real, and when the sandbox stands in."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from app.channels.base import Channel, KeptCopy, Outgoing, Receipt
from app.channels.email import Email
from app.channels.registry import CHANNELS, open_channels
from app.channels.sandbox import Sandbox
from app.channels.sms import Sms
from app.channels.telegram import Telegram
from app.channels.whatsapp import WhatsApp

NUMBER, SERVICE = "+551140028922", "MG" + "7c" * 16


@dataclass
class Settings:
    smtp_url: str | None = None
    sandbox_on: bool = False
    telegram_bot_token: str | None = None
    telegram_api_url: str = "https://api.telegram.org"
    telegram_webhook_secret: str | None = None
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = None
    twilio_sms_from: str | None = None
    twilio_messaging_service_sid: str | None = None
    twilio_whatsapp_from: str | None = None
    twilio_api_url: str = "https://api.twilio.com"
    telegram_webhook_secret_previous: str | None = None
    twilio_auth_token_previous: str | None = None


def through_twilio(**also: str) -> Mapping[str, Channel]:
    return open_channels(Settings(twilio_account_sid="AC" + "5a" * 16, twilio_auth_token="t" * 32, **also))


def test_without_a_provider_the_sandbox_answers_for_every_channel() -> None:
    channels = open_channels(Settings(None, sandbox_on=True))
    assert set(channels) == set(CHANNELS)
    assert all(isinstance(each, Sandbox) for each in channels.values())


def test_without_provider_and_sandbox_there_is_no_channel() -> None:
    assert open_channels(Settings(None, sandbox_on=False)) == {}


@pytest.mark.parametrize("sandbox_on", [True, False])
def test_a_mail_server_makes_email_real(sandbox_on: bool) -> None:
    channels = open_channels(Settings("smtp://127.0.0.1:1", sandbox_on))
    assert isinstance(channels["email"], Email)


@pytest.mark.parametrize("sandbox_on", [True, False])
def test_a_token_makes_telegram_real(sandbox_on: bool) -> None:
    channels = open_channels(Settings(None, sandbox_on, telegram_bot_token="4242:x"))
    telegram = channels["telegram"]
    assert isinstance(telegram, Telegram)
    assert telegram.identity == "4242"
    assert ("email" in channels) == sandbox_on


@pytest.mark.parametrize(
    ("setting", "value", "name", "kind"),
    [
        ("twilio_sms_from", NUMBER, "sms", Sms),
        ("twilio_messaging_service_sid", SERVICE, "sms", Sms),
        ("twilio_whatsapp_from", NUMBER, "whatsapp", WhatsApp),
    ],
)
def test_an_account_with_a_number_makes_its_channel_real(
    setting: str, value: str, name: str, kind: type[Sms | WhatsApp]
) -> None:
    channels = through_twilio(**{setting: value})
    channel = channels[name]
    assert set(channels) == {name}
    assert isinstance(channel, kind)
    assert channel.identity == value


def test_the_sandbox_keeps_the_mail_as_its_reader_would_see_it() -> None:
    mime = (
        b"Subject: =?utf-8?q?Ol=C3=A1?=\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nOl=C3=A1,\r\nAna\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>Ol=C3=A1</p>\r\n--b--\r\n"
    )
    message = Outgoing(id="m1", from_address="a@b.test", to_address="c@d.test", mime=mime)
    channel = Sandbox()
    channel.probe()
    ((identity, outcome),) = channel.deliver([message])
    channel.close()
    assert identity == "m1"
    assert isinstance(outcome, Receipt)
    assert outcome.kept == KeptCopy(subject="Olá", text="Olá,\nAna", html="<p>Olá</p>")


def test_the_sandbox_keeps_a_text_without_mail_around_it() -> None:
    message = Outgoing(id="m1", from_address="+551131234567", to_address="+5511987654321", text="0 a 10?")
    ((_, outcome),) = Sandbox().deliver([message])
    assert isinstance(outcome, Receipt)
    assert outcome.kept == KeptCopy(subject="", text="0 a 10?", html="")
