"""Cursor pages: where the next one begins, as a word that callers hand back without reading it."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from app.errors import Invalid, problem

PAGE = 50  # about three screens: enough to look around, little enough to answer at once
MOST = 200  # of one page of the API

Item = TypeVar("Item")
Place = tuple[str | int | datetime, ...]


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items in their order; `next_cursor` is None on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


def cursor_at(place: Place) -> str:
    """The cursor after the row that sorts at this place: its sort values, the id last."""
    written = [value.isoformat() if isinstance(value, datetime) else value for value in place]
    return base64.urlsafe_b64encode(json.dumps(written).encode()).decode().rstrip("=")


def place_of(cursor: str, *kinds: type) -> Place:
    """The sort values in a cursor, each of its kind (str, int, datetime). Raises Invalid for other words."""
    try:
        read = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_value(value, kind) for value, kind in zip(read, kinds, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid([problem("cursor", "This is not one of our cursors.")]) from error


def _value(value: object, kind: type) -> str | int | datetime:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment
    elif kind is int and type(value) is int and abs(value) < 2**31:
        return value
    elif kind is str and isinstance(value, str) and "\0" not in value:
        value.encode()  # half a surrogate pair reaches no database
        return value
    raise ValueError("a sort value of another kind")
