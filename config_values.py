"""How the value of each setting is read: what comes back is right, a ValueError says what is wrong."""

import ipaddress
import re
from collections.abc import Callable
from email.utils import parseaddr
from urllib.parse import SplitResult, urlsplit

MINUTE_RATE = re.compile(r"([1-9][0-9]{0,6})/minute")
SECRET_LENGTH = 32  # characters; shorter ones can be guessed
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


def number(raw: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", raw) or not least <= int(raw) <= most:
        raise ValueError(f"{raw!r} is not a whole number from {least} to {most}")
    return int(raw)


def port(raw: str) -> int:
    return number(raw, 1, 65_535)


def workers(raw: str) -> int:
    return number(raw, 1, 64)


def hops(raw: str) -> int:
    return number(raw, 0, 10)


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
    repeats = raw in (raw + raw)[1:-1]
    if len(raw) < SECRET_LENGTH or len(set(raw)) < 10 or repeats or WELL_KNOWN.search(raw):
        raise ValueError(f"is too easy to guess; it needs at least {SECRET_LENGTH} random characters")
    return raw


def optional_secret(raw: str) -> str | None:
    return secret(raw) if raw else None


def split(raw: str) -> SplitResult:
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
    parts = split(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{raw!r} is not an address such as https://retorno.example")
    return raw.rstrip("/")


def smtp_url(raw: str) -> str | None:
    if not raw:
        return None
    parts = split(raw)
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
