"""All settings, read once from the environment and `.env`; what is missing, unknown or unsafe is named."""

import contextlib
import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parseaddr
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values

T = TypeVar("T")
ROOT = Path(__file__).parent
MINUTE_RATE = re.compile(r"([1-9][0-9]{0,6})/minute")
SECRET_LENGTH = 32  # characters; shorter ones can be guessed
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
WELL_KNOWN = re.compile(r"change.?me|secret.?key|your.?secret|password|insecure|placeholder|replace", re.I)
SECRETS = ("DATABASE_URL", "SECRET_KEY", "SECRET_KEY_PREVIOUS", "SMTP_URL")  # also read from NAME_FILE


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
    secret_files: tuple[Path, ...] = ()  # where secrets were read from, for the doctor to look at
    argon2_profile: str = "default"  # tests take the cheapest; no setting does

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def is_public(self) -> bool:
        """Do people outside this machine use it?"""
        return not _is_loopback(urlsplit(self.public_url).hostname or "")

    @property
    def has_channel(self) -> bool:
        """Is any channel real?"""
        return self.smtp_url is not None

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
        port = self.read("PORT", "8000", _port) or 0
        config = Config(
            database_url=self.read("DATABASE_URL", f"sqlite:///{ROOT / 'var' / 'retorno.db'}", _database_url),
            keys_dir=self.read("KEYS_DIR", str(ROOT / "var" / "keys"), Path),
            secret_key=self.read("SECRET_KEY", "", _secret),
            secret_key_previous=self.read("SECRET_KEY_PREVIOUS", "", _optional_secret),
            public_url=self.read("PUBLIC_URL", f"http://127.0.0.1:{port}", _public_url),
            host=host,
            port=port,
            web_concurrency=self.read("WEB_CONCURRENCY", "2", _workers),
            log_level=self.read("LOG_LEVEL", "INFO", _one_of(*LOG_LEVELS)),
            log_format=self.read("LOG_FORMAT", "console", _one_of("console", "json")),
            trusted_proxies=self.read("TRUSTED_PROXIES", "0", _hops),
            api_rate_limit=self.read("API_RATE_LIMIT", "600/minute", _rate),
            sandbox=self.read("SANDBOX", "auto", _one_of("auto", "on", "off")),
            smtp_url=self.read("SMTP_URL", "", _smtp_url),
            mail_from=self.read("MAIL_FROM", "", _mail_from),
        )
        if not self.problems:
            self.check_together(config)
        if self.problems:
            raise BadConfig(self.problems)
        return config

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
        if config.smtp_url and not config.mail_from:
            self.problems.append("MAIL_FROM: is missing; SMTP_URL needs the address that mails come from")
        if config.mail_from and not config.smtp_url:
            self.problems.append("SMTP_URL: is missing; MAIL_FROM alone sends nothing")
        if not _is_loopback(config.host) and not config.is_public:
            self.problems.append(
                "PUBLIC_URL: is missing; HOST listens outside this machine, so links need a name"
            )
        outside = config.is_public
        debug = self.environ.get("FLASK_DEBUG", "").strip().lower() not in ("", "0", "false", "no")
        if debug and (outside or not _is_loopback(config.host)):
            self.problems.append("FLASK_DEBUG: runs what anybody types; unset it outside this machine")
        if outside and not config.is_https:
            self.problems.append("PUBLIC_URL: must be https:// outside this machine")
        if outside and config.smtp_url and config.smtp_url.startswith("smtp://"):
            relay = urlsplit(config.smtp_url)
            if relay.password and not _is_loopback(relay.hostname or ""):
                self.problems.append(
                    "SMTP_URL: would send the password in clear; use smtps:// or smtp+starttls://"
                )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in allowed:
            raise ValueError(f"{raw!r} is unknown; say {' or '.join(allowed)}")
        return raw

    return parse


def _number(raw: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", raw) or not least <= int(raw) <= most:
        raise ValueError(f"{raw!r} is not a whole number from {least} to {most}")
    return int(raw)


def _port(raw: str) -> int:
    return _number(raw, 1, 65_535)


def _workers(raw: str) -> int:
    return _number(raw, 1, 64)


def _hops(raw: str) -> int:
    return _number(raw, 0, 10)


def _rate(raw: str) -> int:
    found = MINUTE_RATE.fullmatch(raw)
    if not found:
        raise ValueError(f"{raw!r} is not a rate such as 600/minute")
    return int(found[1])


def _secret(raw: str) -> str:
    if not raw:
        raise ValueError(
            "is missing; make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    repeats = raw in (raw + raw)[1:-1]
    if len(raw) < SECRET_LENGTH or len(set(raw)) < 10 or repeats or WELL_KNOWN.search(raw):
        raise ValueError(f"is too easy to guess; it needs at least {SECRET_LENGTH} random characters")
    return raw


def _optional_secret(raw: str) -> str | None:
    return _secret(raw) if raw else None


def _split(raw: str) -> SplitResult:
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError as error:
        raise ValueError("is not an address that we can read") from error
    return parts


def _database_url(raw: str) -> str:
    for given in ("postgres://", "postgresql://"):
        if raw.startswith(given):
            return "postgresql+psycopg://" + raw.removeprefix(given)
    if raw.startswith(("sqlite:///", "postgresql+psycopg://")):
        return raw
    raise ValueError("must begin with sqlite:/// or postgresql://")


def _public_url(raw: str) -> str:
    parts = _split(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{raw!r} is not an address such as https://retorno.example")
    return raw.rstrip("/")


def _smtp_url(raw: str) -> str | None:
    if not raw:
        return None
    parts = _split(raw)
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
        raise ValueError("must look like smtp+starttls://user:password@host:587, smtps:// or smtp://")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("has a user without a password, or the reverse")
    return raw


def _mail_from(raw: str) -> str | None:
    if not raw:
        return None
    address = parseaddr(raw)[1]
    if address != raw or not address.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise ValueError(f"{raw!r} is not a plain address such as pergunta@loja.example")
    return raw
