"""What one setting may be: from its text to its value, or a ValueError that says what is wrong with it."""

import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from email.utils import parseaddr
from urllib.parse import SplitResult, urlsplit

import phonenumbers

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MINUTE_RATE = re.compile(r"([1-9][0-9]{0,6})/minute")
SECRET_LENGTH = 32  # characters; shorter ones can be guessed
WEBHOOK_SECRET_LENGTH = 16  # guessed over the network only, and each guess is a request
MOST_SPEND = 100_000  # what a day's counter can hold, in ten-thousandths
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
    return _hard_to_guess(raw, SECRET_LENGTH)


def _hard_to_guess(raw: str, least: int) -> str:
    repeats = raw in (raw + raw)[1:-1]
    if len(raw) < least or len(set(raw)) < 10 or repeats or WELL_KNOWN.search(raw):
        raise ValueError(f"is too easy to guess; it needs at least {least} random characters")
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


def telegram_token(raw: str) -> str | None:
    if raw and not re.fullmatch(r"[1-9][0-9]{0,15}:[A-Za-z0-9_-]{1,128}", raw):
        raise ValueError("is not what @BotFather gives, such as 123456789:AAF…")
    return raw or None


def telegram_api_url(raw: str) -> str:
    parts = split(raw)
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


def sid(kind: str) -> Callable[[str], str | None]:
    """Twilio's name for a thing of ours: its two letters, then 32 hexadecimal digits."""

    def parse(raw: str) -> str | None:
        if raw and not re.fullmatch(kind + "[0-9a-fA-F]{32}", raw):
            raise ValueError(
                f"must be {kind} and 32 digits or letters from a to f, as Twilio's console shows it"
            )
        return raw or None

    return parse


def twilio_token(raw: str) -> str | None:
    if raw and not re.fullmatch(r"[!-~]{16,}", raw):
        raise ValueError("is no token such as Twilio's console shows beside the account's SID")
    return raw or None


def phone(raw: str) -> str | None:
    if raw and not E164.fullmatch(raw):
        raise ValueError(f"{raw!r} is not a number such as +551140028922")
    return raw or None


def whatsapp_phone(raw: str) -> str | None:
    return phone(raw if raw == "whatsapp:" else raw.removeprefix("whatsapp:"))


def api_url(raw: str) -> str:
    """Where a provider answers. What goes there carries our token: in the clear only within this machine."""
    parts = split(raw)
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not secure or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://api.twilio.com; http:// only on this machine")
    return raw.rstrip("/")


def countries(raw: str) -> tuple[str, ...] | None:
    """ISO 3166 codes, each once, in the order given."""
    codes = tuple(dict.fromkeys(each.strip().upper() for each in raw.split(",") if each.strip()))
    unknown = [each for each in codes if each not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no country; say two letters each (ISO 3166), such as BR,PT,US")
    return codes or None


def segments(raw: str) -> int:
    return number(raw, 0, 999_999)


def spend(raw: str) -> Decimal | None:
    """Money for a day, in the account's currency."""
    if not raw:
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,4})?", raw) or not 0 <= Decimal(raw) <= MOST_SPEND:
        raise ValueError(f"{raw!r} is not an amount such as 25 or 12.50, at most {MOST_SPEND}")
    return Decimal(raw)


def prices(raw: str) -> tuple[tuple[str, Decimal], ...]:
    """What one segment costs by country; * is every country that is not named."""
    found: dict[str, Decimal] = {}
    for each in filter(None, (part.strip() for part in raw.split(","))):
        country, _, price = (part.strip().upper() for part in each.partition("="))
        if country != "*" and country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{country!r} is no country; say it as in BR=0.058,US=0.0079,*=0.12")
        if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,8})?", price) or not Decimal(price):
            raise ValueError(f"{each!r} has no price above nothing; say it as in BR=0.058,US=0.0079,*=0.12")
        if country in found:
            raise ValueError(f"{country} has two prices")
        found[country] = Decimal(price)
    return tuple(found.items())
