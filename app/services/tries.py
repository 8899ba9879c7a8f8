"""How often somebody may try a password or a code, and why a stranger's tries lock nobody out.

Every try is counted before it is made and given back when it succeeds, so that fifty at once are fifty tries.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import TooMany
from app.models import UserSession
from app.services import limits
from app.services.address_keys import address_key
from app.services.limits import Limit

FAILURES = Limit(10, 15 * 60)  # per account and per address, in a quarter of an hour
# Of one address' failures this many count for the account: one address alone never fills the account's ten.
SHARE = FAILURES.most // 2


@dataclass(frozen=True)
class Caller:
    """Where a request comes from. `browser` is the lasting id of one in which the users `known` signed in."""

    address: str
    device: str | None = None
    browser: str | None = None
    known: frozenset[str] = frozenset()

    @property
    def network(self) -> str:
        """The address, or the /64 of an IPv6 one: whoever has one of those has all of them."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address[:64]
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
        return str(address)


def count_sign_in(
    session: Session, email: str, user_id: str | None, caller: Caller, now: datetime
) -> list[str]:
    """Count a try to sign in; returns the keys to give back when it succeeds. Raises TooMany.

    A browser in which this account was signed in counts for itself alone. A place where it is at home counts
    apart from the account, but like any other for what comes from there: it may be a colleague who tries.
    """
    here = f"sign-in:address:{caller.network}"
    if browser := _known_browser(user_id, caller):
        limits.count(session, browser, FAILURES, now)
        return [browser]
    if place := _known_place(session, user_id, caller):
        limits.count(session, here, FAILURES, now)
        limits.count(session, place, FAILURES, now)
        return [here, place]
    account = hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()[:32]
    pair, there = f"sign-in:pair:{account}:{caller.network}", f"sign-in:account:{account}"
    limits.count(session, here, FAILURES, now)
    if limits.count(session, pair, FAILURES, now) <= SHARE:
        limits.count(session, there, FAILURES, now)
        return [here, pair, there]
    if limits.so_far(session, there, FAILURES, now) >= FAILURES.most:
        raise TooMany(FAILURES.retry_after(now))
    return [here, pair]


def count_secret(session: Session, what: str, user_id: str, caller: Caller, now: datetime) -> list[str]:
    """Count a try at a code or at one's own password; returns the keys to give back. Raises TooMany."""
    home = _known_browser(user_id, caller) or _known_place(session, user_id, caller)
    key = f"{what}:{home or user_id}"
    limits.count(session, key, FAILURES, now)
    return [key]


def give_back(session: Session, keys: list[str], now: datetime) -> None:
    """It succeeded: it was no failure."""
    for key in keys:
        limits.give_back(session, key, FAILURES, now)


def network_key(session: Session, caller: Caller) -> str:
    """What a session keeps of where it began: enough to know the place again, too little to read it."""
    return address_key(session, caller.network)


def _known_browser(user_id: str | None, caller: Caller) -> str | None:
    if user_id is not None and caller.browser and user_id in caller.known:
        return f"home:{user_id}:{caller.browser[:32]}"
    return None


def _known_place(session: Session, user_id: str | None, caller: Caller) -> str | None:
    query = select(UserSession.user_id).where(
        UserSession.user_id == (user_id or ""), UserSession.address_key == network_key(session, caller)
    )
    return f"home:{user_id}:{caller.network}" if session.scalar(query.limit(1)) else None
