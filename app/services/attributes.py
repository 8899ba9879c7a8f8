"""One attribute of a contact or an answer as text, in SQL, the same on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, func, literal, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from app.db import is_postgresql


class AttributeText(FunctionElement[str]):
    """The value under a name, as text; null when it is not there. Any name goes: accents, quotes, dots."""

    name = "attribute_text"
    type = String()
    inherit_cache = True


def attribute_text(attributes: InstrumentedAttribute[dict[str, Any]], name: str) -> ColumnElement[str]:
    """`attribute_text(Answer.attributes, "plano")`, to compare and to group by."""
    return AttributeText(attributes, literal(name, String()))


@compiles(AttributeText, "postgresql")
def _on_postgresql(element: AttributeText, compiler: SQLCompiler, **kw: Any) -> str:
    attributes, name = element.clauses
    return f"({compiler.process(attributes, **kw)} ->> CAST({compiler.process(name, **kw)} AS TEXT))"


@compiles(AttributeText, "sqlite")
def _on_sqlite(element: AttributeText, compiler: SQLCompiler, **kw: Any) -> str:
    # json_extract takes a path: before 3.42 it misses names with an accent that is stored escaped, and quotes
    # cannot be said in it at all. json_each compares the name itself. It knows true as 1; PostgreSQL as true.
    attributes, name = element.clauses
    value = "CASE WHEN type IN ('true', 'false') THEN type ELSE CAST(value AS TEXT) END"
    each, wanted = compiler.process(attributes, **kw), compiler.process(name, **kw)
    return f"(SELECT {value} FROM json_each({each}) WHERE key = {wanted})"  # noqa: S608 - bound parameters


def attribute_names(
    session: Session,
    attributes: InstrumentedAttribute[dict[str, Any]],
    conditions: Sequence[ColumnElement[bool]],
) -> tuple[str, ...]:
    """The names that occur in these rows, sorted: what a list is filtered by, the columns of a file."""
    taken_apart = func.jsonb_each_text if is_postgresql(session) else func.json_each
    each = taken_apart(attributes).table_valued("key", "value", name="each")
    query = select(each.c.key).distinct().select_from(attributes.class_).join(each, true())
    return tuple(sorted(session.scalars(query.where(*conditions))))
