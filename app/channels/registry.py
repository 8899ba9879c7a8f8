"""Which channels there are, one line each, and which of them the settings make real."""

from collections.abc import Callable, Mapping
from typing import Protocol

from app.channels.base import Channel
from app.channels.email import Email
from app.channels.sandbox import Sandbox
from app.channels.sms import Sms
from app.channels.smtp_connection import server_at
from app.channels.telegram import Telegram
from app.channels.twilio_account import Account
from app.channels.whatsapp import WhatsApp


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
    def telegram_webhook_secret_previous(self) -> str | None: ...

    @property
    def twilio_account_sid(self) -> str | None: ...

    @property
    def twilio_auth_token(self) -> str | None: ...

    @property
    def twilio_auth_token_previous(self) -> str | None: ...

    @property
    def twilio_sms_from(self) -> str | None: ...

    @property
    def twilio_messaging_service_sid(self) -> str | None: ...

    @property
    def twilio_whatsapp_from(self) -> str | None: ...

    @property
    def twilio_api_url(self) -> str: ...

    @property
    def sandbox_on(self) -> bool: ...


def _sms(settings: Settings) -> Channel | None:
    account = _account(settings)
    return Sms(account) if account and account.sms else None


def _whatsapp(settings: Settings) -> Channel | None:
    account = _account(settings)
    return WhatsApp(account) if account and account.whatsapp else None


def _account(settings: Settings) -> Account | None:
    """What both write through; each is told of the other, as what comes in for both comes to one hook."""
    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        return None
    return Account(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        sms=settings.twilio_messaging_service_sid or settings.twilio_sms_from or "",
        whatsapp=settings.twilio_whatsapp_from or "",
        url=settings.twilio_api_url,
        previous_token=settings.twilio_auth_token_previous or "",
    )


def _telegram(settings: Settings) -> Channel | None:
    if not settings.telegram_bot_token:
        return None
    return Telegram(
        settings.telegram_bot_token,
        settings.telegram_api_url,
        settings.telegram_webhook_secret,
        settings.telegram_webhook_secret_previous,
    )


CHANNELS: dict[str, Callable[[Settings], Channel | None]] = {
    "email": lambda settings: Email(server_at(settings.smtp_url)) if settings.smtp_url else None,
    "sms": _sms,
    "whatsapp": _whatsapp,
    "telegram": _telegram,
}


def open_channels(settings: Settings) -> Mapping[str, Channel]:
    """The channels by name; one that is missing is not configured. The sandbox stands in while it is on."""
    real = {name: made for name, make in CHANNELS.items() if (made := make(settings)) is not None}
    if not settings.sandbox_on:
        return real
    return dict.fromkeys(CHANNELS, Sandbox()) | real
