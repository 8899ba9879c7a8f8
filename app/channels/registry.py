"""Which channels there are, one line each, and which of them the settings make real."""

from collections.abc import Callable, Mapping
from typing import Protocol

from app.channels.base import Channel
from app.channels.email import Email
from app.channels.sandbox import Sandbox
from app.channels.smtp_connection import server_at
from app.channels.telegram import Telegram


class Settings(Protocol):
    """What the channels read of the configuration."""

    @property
    def smtp_url(self) -> str | None: ...

    @property
    def telegram_bot_token(self) -> str | None: ...

    @property
    def telegram_api_url(self) -> str: ...

    @property
    def telegram_webhook_secret(self) -> str | None: ...

    @property
    def sandbox_on(self) -> bool: ...


CHANNELS: dict[str, Callable[[Settings], Channel | None]] = {
    "email": lambda settings: Email(server_at(settings.smtp_url)) if settings.smtp_url else None,
    "telegram": lambda settings: (
        Telegram(settings.telegram_bot_token, settings.telegram_api_url, settings.telegram_webhook_secret)
        if settings.telegram_bot_token
        else None
    ),
}


def open_channels(settings: Settings) -> Mapping[str, Channel]:
    """The channels by name; one that is missing is not configured. The sandbox stands in while it is on."""
    real = {name: made for name, make in CHANNELS.items() if (made := make(settings)) is not None}
    if not settings.sandbox_on:
        return real
    pretend = Sandbox()
    return {name: real.get(name, pretend) for name in CHANNELS}
