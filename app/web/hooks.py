"""The providers' webhooks: what they send is kept first, and only then do they hear that we have it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.errors import Unavailable
from app.services import inbound
from app.web.policy import by_token, runtime_of

pages = Blueprint("hooks", __name__, url_prefix="/hooks")

AGAIN_SECONDS = "5"
TWIML = (
    '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # "nothing to say now": our answer leaves by itself
)


class Room:
    """So many webhooks at a time: a process's other threads are there for people who answer.

    Whoever finds no place waits while those inside get through, and is turned away once one is held up.
    """

    def __init__(self, places: int, held_up_seconds: float) -> None:
        self._places, self._held_up = places, held_up_seconds
        self._changed = Condition()
        self._inside: list[float] = []  # since when, the earliest first

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises Unavailable when there is none, and none soon."""
        with self._changed:
            while len(self._inside) >= self._places:
                left = self._inside[0] + self._held_up - time.monotonic()
                if left <= 0:
                    raise Unavailable("webhooks: the database holds them up")
                self._changed.wait(left)
            since = time.monotonic()
            self._inside.append(since)
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(since)
                self._changed.notify()


ROOM = Room(places=2, held_up_seconds=0.3)  # of the four threads that a web process has


@pages.post("/twilio/message")
@by_token
def twilio_message() -> ResponseReturnValue:
    """A text or a WhatsApp message came in."""
    return _receive("sms", "whatsapp")


@pages.post("/twilio/status")
@by_token
def twilio_status() -> ResponseReturnValue:
    """What became of a message of ours."""
    return _receive("sms", "whatsapp")


@pages.post("/telegram")
@by_token
def telegram() -> ResponseReturnValue:
    """An update, where Telegram calls us instead of being asked."""
    return _receive("telegram")


def _receive(*channels: str) -> ResponseReturnValue:
    body = request.get_data(cache=False)
    try:
        with ROOM.place():
            inbound.receive(runtime_of(), channels, _address(), _headers(), body)
    except inbound.Unreadable:
        return Response("unreadable\n", status=400, mimetype="text/plain")
    except Unavailable:
        return _not_now()
    if "telegram" in channels:
        return Response("", status=200)
    return Response(TWIML, mimetype="text/xml")


def _not_now() -> ResponseReturnValue:
    """Nothing was kept: Telegram brings it again, Twilio is asked for it within a quarter of an hour."""
    later = {"Retry-After": AGAIN_SECONDS}
    return Response("busy\n", status=503, mimetype="text/plain", headers=later)


def _address() -> str:
    """As the signature knows it: under our public address, whatever the proxy calls us."""
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return f"{runtime_of().config.public_url}{request.path}{query}"


def _headers() -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
