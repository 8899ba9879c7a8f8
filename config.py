"""All settings, read once from the environment and `.env`; what is missing, unknown or unsafe is named."""

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from dotenv import dotenv_values

import config_values as values

T = TypeVar("T")
ROOT = Path(__file__).parent
OWN_DATABASE = f"sqlite:///{ROOT / 'var' / 'retorno.db'}"
TELEGRAM, TWILIO = "https://api.telegram.org", "https://api.twilio.com"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SECRETS = (  # also read from NAME_FILE
    "DATABASE_URL", "SECRET_KEY", "SECRET_KEY_PREVIOUS", "SMTP_URL", "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_SECRET_PREVIOUS", "TWILIO_AUTH_TOKEN",
    "TWILIO_AUTH_TOKEN_PREVIOUS",
)  # fmt: skip


FIRST_SECRET = ROOT / "var" / "secret_key"  # what `make run` makes; a SECRET_KEY in the environment wins


def make_first_secret() -> None:
    """A random key for this machine, once, readable by its owner alone."""
    if FIRST_SECRET.exists():
        return
    FIRST_SECRET.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError), FIRST_SECRET.open("x", encoding="ascii") as file:
        FIRST_SECRET.chmod(0o600)
        file.write(secrets.token_urlsafe(48))


class BadConfig(Exception):
    """Settings that we refuse to start with, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(
            "Retorno does not start with these settings:\n" + "\n".join(f"  {p}" for p in problems)
        )


@dataclass(frozen=True)
class Config:
    """Every setting. Secrets stay out of `repr`, and so out of logs and tracebacks."""

    database_url: str = field(repr=False)
    keys_dir: Path
    journal_dir: Path
    secret_key: str = field(repr=False)
    secret_key_previous: str | None = field(repr=False)
    public_url: str
    host: str
    port: int
    web_concurrency: int
    log_level: str
    log_format: str
    trusted_proxies: int
    api_rate_limit: int
    sandbox: str
    smtp_url: str | None = field(repr=False)
    mail_from: str | None
    telegram_bot_token: str | None = field(repr=False)
    telegram_api_url: str
    telegram_mode: str
    telegram_webhook_secret: str | None = field(repr=False)
    telegram_webhook_secret_previous: str | None = field(repr=False)
    twilio_account_sid: str | None
    twilio_auth_token: str | None = field(repr=False)
    twilio_auth_token_previous: str | None = field(repr=False)
    twilio_sms_from: str | None
    twilio_messaging_service_sid: str | None
    twilio_whatsapp_from: str | None
    twilio_api_url: str
    sms_countries: tuple[str, ...] | None  # none: those of the workspaces' zones
    sms_daily_segments: int
    sms_daily_spend: Decimal | None  # none: segments alone are the limit
    sms_prices: tuple[tuple[str, Decimal], ...]  # of one segment by country, * for every other
    secret_files: tuple[Path, ...] = ()  # where secrets were read from, for the doctor to look at
    argon2_profile: str = "default"  # tests take the cheapest; no setting does

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def is_public(self) -> bool:
        """Do people outside this machine use it?"""
        return not values.is_loopback(urlsplit(self.public_url).hostname or "")

    @property
    def has_channel(self) -> bool:
        """Is any channel real?"""
        return any((self.smtp_url, self.telegram_bot_token, self.twilio_account_sid))

    @property
    def sandbox_on(self) -> bool:
        """`auto`: only while no channel at all is configured."""
        return self.sandbox == "on" or (self.sandbox == "auto" and not self.has_channel)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, argon2_profile: str = "default"
    ) -> "Config":
        """Read every setting, or raise BadConfig with everything that is wrong at once."""
        more_files: list[Path] = []
        if environ is None:
            more_files = [dotenv_file()] if dotenv_file().exists() else []
            dotenv = {name: value or "" for name, value in dotenv_values(dotenv_file()).items()}
            environ = {**dotenv, **os.environ}
            if not environ.get("SECRET_KEY") and not environ.get("SECRET_KEY_FILE") and FIRST_SECRET.exists():
                environ["SECRET_KEY_FILE"] = str(FIRST_SECRET)
        files = [Path(environ[f"{name}_FILE"]) for name in SECRETS if environ.get(f"{name}_FILE")]
        return replace(
            _Reader(environ).config(), argon2_profile=argon2_profile, secret_files=(*files, *more_files)
        )


def dotenv_file() -> Path:
    """Where settings are written down, if they are."""
    return Path.cwd() / ".env"


class _Reader:
    """Collects the problems while it reads."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def config(self) -> Config:
        host = self.read("HOST", "127.0.0.1", str)
        port = self.read("PORT", "8000", values.port) or 0
        keys_dir = self.read("KEYS_DIR", str(ROOT / "var" / "keys"), Path)
        config = Config(
            database_url=self.read("DATABASE_URL", OWN_DATABASE, values.database_url),
            keys_dir=keys_dir,
            journal_dir=self.read("JOURNAL_DIR", str(keys_dir.parent / "journal"), Path),
            secret_key=self.read("SECRET_KEY", "", values.secret),
            secret_key_previous=self.read("SECRET_KEY_PREVIOUS", "", values.optional_secret),
            public_url=self.read("PUBLIC_URL", f"http://127.0.0.1:{port}", values.public_url),
            host=host,
            port=port,
            web_concurrency=self.read("WEB_CONCURRENCY", "2", values.workers),
            log_level=self.read("LOG_LEVEL", "INFO", values.one_of(*LOG_LEVELS)),
            log_format=self.read("LOG_FORMAT", "console", values.one_of("console", "json")),
            trusted_proxies=self.read("TRUSTED_PROXIES", "0", values.hops),
            api_rate_limit=self.read("API_RATE_LIMIT", "600/minute", values.rate),
            sandbox=self.read("SANDBOX", "auto", values.one_of("auto", "on", "off")),
            smtp_url=self.read("SMTP_URL", "", values.smtp_url),
            mail_from=self.read("MAIL_FROM", "", values.mail_from),
            **self.telegram(),
            **self.twilio(),
        )
        if not self.problems:
            self.check_together(config)
        if self.problems:
            raise BadConfig(self.problems)
        return config

    def telegram(self) -> dict[str, Any]:
        secret = values.telegram_webhook_secret
        return {
            "telegram_bot_token": self.read("TELEGRAM_BOT_TOKEN", "", values.telegram_token),
            "telegram_api_url": self.read("TELEGRAM_API_URL", TELEGRAM, values.telegram_api_url),
            "telegram_mode": self.read("TELEGRAM_MODE", "polling", values.one_of("polling", "webhook")),
            "telegram_webhook_secret": self.read("TELEGRAM_WEBHOOK_SECRET", "", secret),
            "telegram_webhook_secret_previous": self.read("TELEGRAM_WEBHOOK_SECRET_PREVIOUS", "", secret),
        }

    def twilio(self) -> dict[str, Any]:
        token, service = values.twilio_token, values.sid("MG")
        return {
            "twilio_account_sid": self.read("TWILIO_ACCOUNT_SID", "", values.sid("AC")),
            "twilio_auth_token": self.read("TWILIO_AUTH_TOKEN", "", token),
            "twilio_auth_token_previous": self.read("TWILIO_AUTH_TOKEN_PREVIOUS", "", token),
            "twilio_sms_from": self.read("TWILIO_SMS_FROM", "", values.phone),
            "twilio_messaging_service_sid": self.read("TWILIO_MESSAGING_SERVICE_SID", "", service),
            "twilio_whatsapp_from": self.read("TWILIO_WHATSAPP_FROM", "", values.whatsapp_phone),
            "twilio_api_url": self.read("TWILIO_API_URL", TWILIO, values.api_url),
            "sms_countries": self.read("SMS_COUNTRIES", "", values.countries),
            "sms_daily_segments": self.read("SMS_DAILY_SEGMENTS", "1000", values.segments),
            "sms_daily_spend": self.read("SMS_DAILY_SPEND", "", values.spend),
            "sms_prices": self.read("SMS_PRICES", "", values.prices),
        }

    def read(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        """One setting; a problem is noted under its name, and what stands in for it is never used."""
        try:
            raw = self.raw(name)
            return parse(default if raw is None else raw)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return cast(T, None)

    def raw(self, name: str) -> str | None:
        file = self.environ.get(f"{name}_FILE") if name in SECRETS else None
        if file:
            if self.environ.get(name):
                raise ValueError(f"set either {name} or {name}_FILE, not both")
            try:
                return Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"{name}_FILE cannot be read: {type(error).__name__}") from error
        value = self.environ.get(name)
        return value.strip() if value and value.strip() else None

    def check_together(self, config: Config) -> None:
        """What each setting alone cannot tell: halves, and what is unsafe outside this machine."""
        self.check_mail(config)
        self.check_telegram(config)
        self.check_twilio(config)
        inside = values.is_loopback(config.host)
        if not inside and not config.is_public:
            self.problems.append(
                "PUBLIC_URL: is missing; HOST listens outside this machine, so links need a name"
            )
        debug = self.environ.get("FLASK_DEBUG", "").strip().lower() not in ("", "0", "false", "no")
        if debug and (config.is_public or not inside):
            self.problems.append("FLASK_DEBUG: runs what anybody types; unset it outside this machine")
        if config.is_public and not config.is_https:
            self.problems.append("PUBLIC_URL: must be https:// outside this machine")

    def check_mail(self, config: Config) -> None:
        if config.smtp_url and not config.mail_from:
            self.problems.append("MAIL_FROM: is missing; SMTP_URL needs the address that mails come from")
        if config.mail_from and not config.smtp_url:
            self.problems.append("SMTP_URL: is missing; MAIL_FROM alone sends nothing")
        if config.is_public and config.smtp_url and config.smtp_url.startswith("smtp://"):
            relay = urlsplit(config.smtp_url)
            if relay.password and not values.is_loopback(relay.hostname or ""):
                self.problems.append(
                    "SMTP_URL: would send the password in clear; use smtps:// or smtp+starttls://"
                )

    def check_telegram(self, config: Config) -> None:
        secrets_of_hook = ("TELEGRAM_WEBHOOK_SECRET", "TELEGRAM_WEBHOOK_SECRET_PREVIOUS")
        others = ("TELEGRAM_API_URL", "TELEGRAM_MODE", *secrets_of_hook)
        if config.telegram_bot_token is None:
            if alone := [name for name in others if self.raw(name)]:
                self.problems.append(f"TELEGRAM_BOT_TOKEN: is missing; {alone[0]} alone does nothing")
            return
        if config.telegram_webhook_secret_previous and not config.telegram_webhook_secret:
            self.problems.append("TELEGRAM_WEBHOOK_SECRET: is missing; the previous one alone is not enough")
        if config.telegram_mode == "polling":
            return
        if not config.telegram_webhook_secret:
            self.problems.append(
                "TELEGRAM_WEBHOOK_SECRET: is missing; without it anybody could speak for Telegram"
            )
        elsewhere = not values.is_loopback(urlsplit(config.telegram_api_url).hostname or "")
        if elsewhere and not config.is_https:
            self.problems.append("PUBLIC_URL: must be https://; Telegram brings a webhook nowhere else")

    def check_twilio(self, config: Config) -> None:
        """An account with its token and a number to write from, or nothing of it."""
        sms = (config.twilio_sms_from, config.twilio_messaging_service_sid)
        tokens = (config.twilio_auth_token, config.twilio_auth_token_previous)
        used = any((config.twilio_account_sid, *tokens, *sms, config.twilio_whatsapp_from))
        if all(sms):
            self.problems.append(
                "TWILIO_SMS_FROM: set either this or TWILIO_MESSAGING_SERVICE_SID, which chooses the number"
            )
        if used and not config.twilio_account_sid:
            self.problems.append("TWILIO_ACCOUNT_SID: is missing; nothing goes out through Twilio without it")
        if used and not config.twilio_auth_token:
            self.problems.append("TWILIO_AUTH_TOKEN: is missing; it signs us in, and proves what comes in")
        if used and not any((*sms, config.twilio_whatsapp_from)):
            self.problems.append(
                "TWILIO_SMS_FROM: is missing, as are TWILIO_MESSAGING_SERVICE_SID and TWILIO_WHATSAPP_FROM;"
                " one of them says who writes"
            )
        if config.sms_daily_spend is not None and not config.sms_prices:
            self.problems.append("SMS_PRICES: is missing; SMS_DAILY_SPEND counts what each text costs")
        if config.sms_prices and config.sms_daily_spend is None:
            self.problems.append("SMS_DAILY_SPEND: is missing; SMS_PRICES alone limits nothing")
