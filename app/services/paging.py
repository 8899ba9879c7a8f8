"""Cursor pages: where the next one begins, as a word that callers hand back without reading it.

A listing is `in_order(query, cursor, column, id)` with a limit of one more than its page, then `cut`.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import Invalid, problem

PAGE = 50  # about three screens: enough to look around, little enough to answer at once
MOST = 200  # of one page of the API

Item = TypeVar("Item")
Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
Place = tuple[str | int | datetime, ...]


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some items in their order; `next_cursor` is None on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


def in_order(query: Query, cursor: str | None, *order: Column, latest_first: bool = False) -> Query:
    """The query in this order, the id last, from after the cursor on. Raises Invalid for another's cursor."""
    if cursor:
        place = place_of(cursor, *(column.type.python_type for column in order))
        here = tuple_(*(literal(value, column.type) for value, column in zip(place, order, strict=True)))
        query = query.where(tuple_(*order) < here if latest_first else tuple_(*order) > here)
    return query.order_by(*(column.desc() if latest_first else column for column in order))


def cut(
    rows: Sequence[Item], limit: int, place: Callable[[Item], Place]
) -> tuple[Sequence[Item], str | None]:
    """The rows of one page, and where the next one begins if there is more."""
    shown = rows[:limit]
    return shown, cursor_at(place(shown[-1])) if len(rows) > limit else None


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
