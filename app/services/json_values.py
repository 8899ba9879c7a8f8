"""What stands in JSON columns, and text without case and accents, in SQL: alike on SQLite and PostgreSQL."""

import json
from typing import Any

from sqlalchemy import Boolean, Double, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

_NUMBER = r"'^-?[0-9]{1,15}(\.[0-9]{1,9})?$'"  # as domain.audience_matching.number_of
_DAY = "'^[0-9]{4}-[0-9]{2}-[0-9]{2}'"
_DAY_GLOB = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
_ACCENTS = r"'[\u0300-\u036f]'"
Attributes = InstrumentedAttribute[dict[str, Any]]


class Plain(FunctionElement[str]):
    """Text as domain.audience_matching.plain writes it."""

    name = "plain"  # SQLite knows it by this name: app/engines.py
    type = String()
    inherit_cache = True


class _OfAttribute(FunctionElement[Any]):
    """Something about the value under one name; null when it is not there, or is none of that."""

    inherit_cache = True
    on_sqlite: str  # over json_each
    on_postgresql: str  # {json} is the value, {text} the same as text


class AttributeIsNumber(_OfAttribute):
    """Is it a number in JSON?"""

    name = "attribute_is_number"
    type = Boolean()
    inherit_cache = True
    on_sqlite = "type IN ('integer', 'real')"
    on_postgresql = "jsonb_typeof({json}) = 'number'"


class AttributeNumber(_OfAttribute):
    """A number, also one that came as text."""

    name = "attribute_number"
    type = Double()
    inherit_cache = True
    on_sqlite = (
        "CASE WHEN type IN ('integer', 'real') THEN CAST(value AS REAL)"
        " WHEN type = 'text' THEN number_of(value) END"
    )
    on_postgresql = (
        "CASE WHEN jsonb_typeof({json}) = 'number' THEN CAST({text} AS float8)"
        f" WHEN {{text}} ~ {_NUMBER.replace('{', '{{').replace('}', '}}')} THEN CAST({{text}} AS float8) END"
    )


class AttributeExactNumber(_OfAttribute):
    """A number that is one in JSON."""

    name = "attribute_exact_number"
    type = Double()
    inherit_cache = True
    on_sqlite = "CASE WHEN type IN ('integer', 'real') THEN CAST(value AS REAL) END"
    on_postgresql = "CASE jsonb_typeof({json}) WHEN 'number' THEN CAST({text} AS float8) END"


class AttributeStart(_OfAttribute):
    """The first ten characters of a text: a day, if AttributeIsDay."""

    name = "attribute_start"
    type = String()
    inherit_cache = True
    on_sqlite = "CASE WHEN type = 'text' THEN substr(value, 1, 10) END"
    on_postgresql = "left({text}, 10)"


class AttributeIsDay(_OfAttribute):
    """Does it begin with a day, as 2026-12-01?"""

    name = "attribute_is_day"
    type = Boolean()
    inherit_cache = True
    on_sqlite = f"type = 'text' AND value GLOB {_DAY_GLOB}"
    on_postgresql = f"{{text}} ~ {_DAY.replace('{', '{{').replace('}', '}}')}"


class HasTag(FunctionElement[bool]):
    """Does this tag stand in a list?"""

    name = "has_tag"
    type = Boolean()
    inherit_cache = True


def plain(text: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """`plain(Contact.name)`, to compare with what domain's plain gives."""
    return Plain(text)


def of_attribute(kind: type[_OfAttribute], attributes: Attributes, name: str) -> ColumnElement[Any]:
    """`of_attribute(AttributeDay, Contact.attributes, "renewal")`."""
    return kind(attributes, literal(name, String()))


def has_tag(tags: InstrumentedAttribute[list[str]], tag: str) -> ColumnElement[bool]:
    """`has_tag(Contact.tags, "vip")`."""
    return HasTag(tags, literal(tag, String()), literal(json.dumps([tag]), String()))


@compiles(Plain, "sqlite")
def _plain_on_sqlite(element: Plain, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = element.clauses
    return f"plain({compiler.process(text, **kw)})"


@compiles(Plain, "postgresql")
def _plain_on_postgresql(element: Plain, compiler: SQLCompiler, **kw: Any) -> str:
    (clause,) = element.clauses
    text = compiler.process(clause, **kw)
    # Nearly every text is ASCII, where this is a tenth of the work
    unsigned = f"regexp_replace(normalize({text}, NFKD), {_ACCENTS}, '', 'g')"
    ascii_only = f"octet_length({text}) = char_length({text})"
    return f'lower(CASE WHEN {ascii_only} THEN {text} ELSE {unsigned} END COLLATE "C")'


@compiles(_OfAttribute, "postgresql")
def _attribute_on_postgresql(element: _OfAttribute, compiler: SQLCompiler, **kw: Any) -> str:
    attributes, name = (compiler.process(each, **kw) for each in element.clauses)
    wanted = f"CAST({name} AS TEXT)"
    return (
        "("
        + element.on_postgresql.format(
            json=f"({attributes} -> {wanted})", text=f"({attributes} ->> {wanted})"
        )
        + ")"
    )


@compiles(_OfAttribute, "sqlite")
def _attribute_on_sqlite(element: _OfAttribute, compiler: SQLCompiler, **kw: Any) -> str:
    attributes, name = (compiler.process(each, **kw) for each in element.clauses)
    return f"(SELECT {element.on_sqlite} FROM json_each({attributes}) WHERE key = {name})"  # noqa: S608


@compiles(HasTag, "postgresql")
def _tag_on_postgresql(element: HasTag, compiler: SQLCompiler, **kw: Any) -> str:
    tags, _, listed = (compiler.process(each, **kw) for each in element.clauses)
    return f"({tags} @> CAST({listed} AS JSONB))"


@compiles(HasTag, "sqlite")
def _tag_on_sqlite(element: HasTag, compiler: SQLCompiler, **kw: Any) -> str:
    tags, tag, _ = (compiler.process(each, **kw) for each in element.clauses)
    return f"(EXISTS (SELECT 1 FROM json_each({tags}) WHERE value = {tag}))"  # noqa: S608
