"""Guessing is limited, asking is not: unknown tokens from one address count, in this process's memory."""

from collections import OrderedDict
from threading import Lock

from flask import request

from app.errors import TooMany
from app.web.policy import runtime_of

# Unknown tokens from one address within a window: a company behind one address with dead links stays below.
MOST = 120
WINDOW = 60  # seconds
ADDRESSES = 10_000  # remembered at a time; the oldest is forgotten first

_seen: OrderedDict[str, tuple[int, int]] = OrderedDict()
_lock = Lock()


def refuse_guessing() -> None:
    """Raises TooMany for an address that has tried many unknown tokens; before the token is looked up."""
    window, count = _seen.get(request.remote_addr or "", (0, 0))
    if window == _window() and count >= MOST:
        raise TooMany(WINDOW)


def count_unknown() -> None:
    """One more unknown token from this address."""
    address = request.remote_addr or ""
    with _lock:
        window, count = _seen.pop(address, (0, 0))
        _seen[address] = (_window(), count + 1 if window == _window() else 1)
        while len(_seen) > ADDRESSES:
            _seen.popitem(last=False)


def _window() -> int:
    return int(runtime_of().clock().timestamp() // WINDOW)
