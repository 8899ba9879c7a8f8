"""Guessing is limited, asking is not: unknown tokens from one address count, in this process's memory."""

from collections import OrderedDict
from threading import Lock
from typing import cast

from flask import Flask, current_app, request

from app.errors import TooMany
from app.web.policy import runtime_of

# Unknown tokens from one address within a window: a company behind one address with dead links stays below.
MOST = 120
WINDOW = 60  # seconds
ADDRESSES = 10_000  # remembered at a time; the oldest is forgotten first


class Tried:
    """How many unknown tokens each address has tried within the present window."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def one_more(self, address: str, window: int) -> int:
        """Count this one; how many there are."""
        with self._lock:
            since, count = self._counts.pop(address, (window, 0))
            count = count + 1 if since == window else 1
            self._counts[address] = (window, count)
            while len(self._counts) > ADDRESSES:
                self._counts.popitem(last=False)
        return count


def register(app: Flask) -> None:
    app.extensions["unknown_tokens"] = Tried()


def count_unknown() -> None:
    """One more unknown token from this address. Raises TooMany when it has tried many already.

    Whoever holds a link is never counted and never refused, whatever their neighbours behind the same
    address do: 128 random bits are what keeps links from being guessed, this only slows the guessing down.
    """
    tried = cast(Tried, current_app.extensions["unknown_tokens"])
    window = int(runtime_of().clock().timestamp() // WINDOW)
    if tried.one_more(request.remote_addr or "", window) > MOST:
        raise TooMany(WINDOW)
