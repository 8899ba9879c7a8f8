"""Many rows at once, alike on both databases: looked for by thousands of values, written, and taken away."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    Row,
    Select,
    delete,
    func,
    inspect,
    select,
    text,
    true,
    tuple_,
)  # fmt: skip
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.db import changed, driver_of, is_postgresql, written
from app.models import Base

_JSON = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make one for each row
_HASHED, _AS_USUAL = text("SET LOCAL enable_nestloop = off"), text("SET LOCAL enable_nestloop TO DEFAULT")
_ONE_AT_A_TIME = Lock()
_Model = TypeVar("_Model", bound=Base)
BETWEEN = "\x1f"  # in no name, address or id: nobody can see it


def rows_with(
    session: Session,
    query: Select[*tuple[Any, ...]],
    column: InstrumentedAttribute[Any],
    values: Collection[str],
) -> Sequence[Row[Any]]:
    """What `query` finds where the column has one of these values, thousands of them.

    On PostgreSQL each value is looked up by itself: a planner without statistics of a table that is being
    filled would read all of it for every chunk.
    """
    if not values:
        return []
    if not is_postgresql(session):
        return session.execute(query.where(column.in_(values))).all()
    # One text, taken apart there: the driver writes a long array value by value
    array = func.string_to_array(BETWEEN.join(values), BETWEEN)
    mark = func.unnest(array).table_valued("value").render_derived("mark")
    found = query.where(column == mark.c.value).offset(0).lateral("found")  # the offset keeps it a look-up
    return session.execute(select(*found.c).select_from(mark.join(found, true()))).all()


def few_with(
    session: Session,
    query: Select[Any],
    column: InstrumentedAttribute[Any],
    values: Collection[str],
    most: int,
) -> Mapping[str, list[str]]:
    """As rows_with, for a query of ids: of each value at most so many, where nobody looks at the others."""
    found: dict[str, list[str]] = {}
    if not values:
        return found
    rows: Any
    if is_postgresql(session):
        rows = rows_with(session, query.add_columns(column).limit(most), column, values)
    else:
        mark = func.json_each(_JSON(list(values))).table_valued("value")
        few = query.where(column == mark.c.value).limit(most).correlate(mark)
        # Looked up by its own key: SQLite knows no lateral join
        model: Any = column.class_
        one = once_more(model)
        found_by: Any = select(one.id, mark.c.value)
        rows = session.execute(found_by.select_from(mark).join(one, one.id.in_(few))).all()
    for row in rows:
        found.setdefault(row[1], []).append(row[0])
    return found


def once_more(model: type[_Model]) -> type[_Model]:
    """The table under another name: one for all statements, whose parts are kept and must name the same."""
    with _ONE_AT_A_TIME:
        return _under_another_name(model)


@cache  # to make one for each statement takes longer than the statement
def _under_another_name(model: type[_Model]) -> type[_Model]:
    return aliased(model)


def insert_many(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """New rows, all with the same columns: COPY on PostgreSQL, one prepared INSERT on SQLite."""
    if not rows:
        return
    is_sqlite, raw = driver_of(session)
    columns = [column for column in model.__table__.columns if column.name in rows[0]]
    names = ", ".join(f'"{column.name}"' for column in columns)
    places = [(column.name, isinstance(column.type, JSON)) for column in columns]
    if is_sqlite:
        marks = ", ".join("?" * len(columns))
        words = f"INSERT INTO {model.__tablename__} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
        raw.executemany(words, ([_kept(row[name], is_json) for name, is_json in places] for row in rows))
        return
    with raw.cursor().copy(f"COPY {model.__tablename__} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_dumped(row[name]) if is_json else row[name] for name, is_json in places])


def delete_some(session: Session, model: type[Base], condition: ColumnElement[bool], most: int) -> int:
    """Delete at most so many of the rows that are meant: how many it were."""
    key = list(inspect(model).primary_key)
    some = select(*key).where(condition).limit(most)
    return changed(session, delete(model).where(tuple_(*key).in_(some)))


def _dumped(value: Any) -> str | None:
    return None if value is None else _JSON(value)


def _kept(value: Any, is_json: bool) -> Any:
    """As SQLAlchemy's types keep it in SQLite."""
    if is_json:
        return _dumped(value)
    return written(value) if isinstance(value, datetime) else value


def unindexed(column: InstrumentedAttribute[str]) -> ColumnElement[str]:
    """While its statistics know of no rows, a database takes any index: this one would find nearly all."""
    return column.concat("")


@contextmanager
def hashed(session: Session) -> Iterator[None]:
    """Everybody of a workspace is joined at once: decision 0012.

    To PostgreSQL a workspace that grew since it last analysed its tables is one person, for whom it would
    read the other side, and again for each of the thousands that there are.
    """
    if not is_postgresql(session):
        yield
        return
    session.execute(_HASHED)
    yield
    session.execute(_AS_USUAL)
