"""Hashing passwords with argon2id; as costly for an account that does not exist as for one that does."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST

from app.domain.passwords import LONGEST, normalised
from app.errors import TooMany
from app.runtime import Runtime

# Half as much again as OWASP's floor for argon2id (19 MiB, 2 passes): about 70 ms on one core.
MEMORY_KIB = 32 * 1024
PASSES = 3
# Two at a time take 64 MiB and leave a core for respondents; who waits longer than this tries again.
AT_ONCE = 2
WAIT_SECONDS = 5
_turn = BoundedSemaphore(AT_ONCE)


@cache
def _hasher(profile: str) -> tuple[PasswordHasher, str]:
    """The hasher of a profile and a hash that no password has."""
    if profile == "cheapest":
        hasher = PasswordHasher.from_parameters(CHEAPEST)
    else:
        hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
    return hasher, hasher.hash(secrets.token_urlsafe(32))


@contextmanager
def _taking_turns() -> Iterator[None]:
    if not _turn.acquire(timeout=WAIT_SECONDS):
        raise TooMany(retry_after=WAIT_SECONDS)
    try:
        yield
    finally:
        _turn.release()


def hashed(runtime: Runtime, password: str) -> str:
    """The argon2id hash of a password that has been checked. Never call it with a transaction open."""
    hasher, _ = _hasher(runtime.config.argon2_profile)
    with _taking_turns():
        return hasher.hash(normalised(password))


def matches(runtime: Runtime, stored: str | None, password: str) -> bool:
    """Is it this password? Without a stored hash the same work is done and the answer is no."""
    if len(password) > LONGEST:
        return False
    hasher, nobodys = _hasher(runtime.config.argon2_profile)
    with _taking_turns():
        try:
            return hasher.verify(stored or nobodys, normalised(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(runtime: Runtime, stored: str) -> bool:
    """Was it hashed more cheaply than we hash today?"""
    hasher, _ = _hasher(runtime.config.argon2_profile)
    return hasher.check_needs_rehash(stored)
