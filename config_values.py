"""What one setting may be: from its text to its value, or a ValueError that says what is wrong with it."""

import ipaddress
import re
from collections.abc import Callable
from email.utils import parseaddr
from urllib.parse import SplitResult, urlsplit

MINUTE_RATE = re.compile(r"([1-9][0-9]{0,6})/minute")
SECRET_LENGTH = 32  # characters; shorter ones can be guessed
WEBHOOK_SECRET_LENGTH = 16  # guessed over the network only, and each guess is a request
WELL_KNOWN = re.compile(r"change.?me|secret.?key|your.?secret|password|insecure|placeholder|replace", re.I)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in allowed:
            raise ValueError(f"{raw!r} is unknown; say {' or '.join(allowed)}")
        return raw

    return parse


def _number(raw: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", raw) or not least <= int(raw) <= most:
        raise ValueError(f"{raw!r} is not a whole number from {least} to {most}")
    return int(raw)


def port(raw: str) -> int:
    return _number(raw, 1, 65_535)


def workers(raw: str) -> int:
    return _number(raw, 1, 64)


def hops(raw: str) -> int:
    return _number(raw, 0, 10)


def rate(raw: str) -> int:
    found = MINUTE_RATE.fullmatch(raw)
    if not found:
        raise ValueError(f"{raw!r} is not a rate such as 600/minute")
    return int(found[1])


def secret(raw: str) -> str:
    if not raw:
        raise ValueError(
            "is missing; make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return _hard_to_guess(raw, SECRET_LENGTH)


def _hard_to_guess(raw: str, least: int) -> str:
    repeats = raw in (raw + raw)[1:-1]
    if len(raw) < least or len(set(raw)) < 10 or repeats or WELL_KNOWN.search(raw):
        raise ValueError(f"is too easy to guess; it needs at least {least} random characters")
    return raw


def optional_secret(raw: str) -> str | None:
    return secret(raw) if raw else None


def _split(raw: str) -> SplitResult:
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError as error:
        raise ValueError("is not an address that we can read") from error
    return parts


def database_url(raw: str) -> str:
    for given in ("postgres://", "postgresql://"):
        if raw.startswith(given):
            return "postgresql+psycopg://" + raw.removeprefix(given)
    if raw.startswith(("sqlite:///", "postgresql+psycopg://")):
        return raw
    raise ValueError("must begin with sqlite:/// or postgresql://")


def public_url(raw: str) -> str:
    parts = _split(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{raw!r} is not an address such as https://retorno.example")
    return raw.rstrip("/")


def smtp_url(raw: str) -> str | None:
    if not raw:
        return None
    parts = _split(raw)
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
        raise ValueError("must look like smtp+starttls://user:password@host:587, smtps:// or smtp://")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("has a user without a password, or the reverse")
    return raw


def mail_from(raw: str) -> str | None:
    if not raw:
        return None
    address = parseaddr(raw)[1]
    if address != raw or not address.isascii() or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise ValueError(f"{raw!r} is not a plain address such as pergunta@loja.example")
    return raw


def telegram_token(raw: str) -> str | None:
    if raw and not re.fullmatch(r"[1-9][0-9]{0,15}:[A-Za-z0-9_-]{1,128}", raw):
        raise ValueError("is not what @BotFather gives, such as 123456789:AAF…")
    return raw or None


def telegram_api_url(raw: str) -> str:
    parts = _split(raw)
    path = parts.path.rstrip("/")
    more = parts.query or parts.fragment or parts.username or parts.password
    if parts.scheme not in ("http", "https") or not parts.hostname or more:
        raise ValueError("is not an address such as https://api.telegram.org")
    if path.rpartition("/")[2].startswith("bot"):
        raise ValueError("ends before /bot and the token, which we add")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("would send the token in clear; use https://")
    return raw.rstrip("/")


def telegram_webhook_secret(raw: str) -> str | None:
    if raw and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", raw):
        raise ValueError("has at most 256 of A-Z a-z 0-9 _ -, as Telegram demands")
    return _hard_to_guess(raw, WEBHOOK_SECRET_LENGTH) if raw else None
