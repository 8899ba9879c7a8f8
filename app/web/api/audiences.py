"""How an audience is written in JSON, for the description and for every body that takes one."""

from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from app.domain.audience import DEEPEST, LONGEST_VALUE, MOST_CONDITIONS, MOST_DAYS, MOST_VALUES, Group
from app.domain.audience_fields import ATTRIBUTE, ATTRIBUTE_OPERATORS, FIELDS
from app.domain.metrics import Band, Metric

_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE}
_OPERATORS = sorted({*ATTRIBUTE_OPERATORS, *(each for operators in FIELDS.values() for each in operators)})
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MOST_VALUES}
_WORDS = "\n".join(f"- `{name}`: {', '.join(operators)}" for name, operators in FIELDS.items())
CONDITION: dict[str, Any] = {
    "type": "object",
    "title": "Condition",
    "description": (
        "What is to be true of a person. Text is compared without case and accents, days are whole days of "
        f"the workspace's zone. By field:\n\n{_WORDS}\n"
        f"- `{ATTRIBUTE}<name>`: {', '.join(ATTRIBUTE_OPERATORS)}"
    ),
    "properties": {
        "field": {"anyOf": [{"enum": list(FIELDS)}, {"type": "string", "pattern": "^attributes\\..+"}]},
        "op": {"enum": _OPERATORS},
        "value": {
            "anyOf": [_TEXT, _TEXTS, {"type": "number"}],
            "description": "A text or several, a number, or a date as 2026-12-01.",
        },
        "days": {"type": "integer", "minimum": 0, "maximum": MOST_DAYS},
        "metric": {"enum": [each.value for each in Metric], "description": "Of `asked` and `answered`."},
        "band": {"enum": [each.value for each in Band], "description": "Of `answered`, with a metric."},
        "low": {"type": "integer", "description": "The lowest score that fits, with a metric."},
        "high": {"type": "integer", "description": "The highest."},
    },
    "required": ["field", "op"],
    "additionalProperties": False,
}  # fmt: skip


def _group(depth: int) -> dict[str, Any]:
    """A group with what may stand in it, written out: it is never deeper than this."""
    members = {"anyOf": [CONDITION, _group(depth - 1)]} if depth > 1 else CONDITION
    said = {"type": "array", "items": members, "minItems": 1, "maxItems": MOST_CONDITIONS}
    return {
        "anyOf": [
            {"type": "object", "properties": {join: said}, "required": [join], "additionalProperties": False}
            for join in ("all", "any")
        ]
    }


_ATTRIBUTES = {
    "type": "object",
    "properties": {
        "attributes": {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "minProperties": 1,
        }
    },
    "required": ["attributes"],
    "additionalProperties": False,
}
_ID = {"type": "string", "description": "The id of a segment."}
FILTERS = {"anyOf": [{"const": "all"}, _group(DEEPEST), _ATTRIBUTES]}


def _said(value: object) -> object:
    """Everybody is meant only by saying so: what a script left empty by mistake never widens an audience."""
    if value is None or value == "":
        raise ValueError("Say who is meant: “all” is everybody.")
    return value


_SAID = AfterValidator(_said)
Filters = Annotated[Any, _SAID, WithJsonSchema(FILTERS)]
Audience = Annotated[
    Any, _SAID, WithJsonSchema({"anyOf": [{"const": "all"}, _ID, _group(DEEPEST), _ATTRIBUTES]})
]


def shown(audience: Group, segment: str | None = None) -> object:
    """As it is answered: a segment's id, else the filters."""
    return segment or audience.to_json() or "all"
