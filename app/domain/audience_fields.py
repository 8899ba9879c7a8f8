"""What an audience may speak of: the only fields there are, and what can be said of each."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from app.domain.metrics import RULES, Metric

ATTRIBUTE = "attributes."  # and the name of one


class Takes(StrEnum):
    """What an operator needs to be told."""

    NOTHING = "nothing"
    VALUES = "values"
    NUMBER = "number"
    DAY = "day"
    DAYS = "days"
    ASKS = "asks"  # days and metric, both only if they matter
    ANSWERS = "answers"  # the same with a band or scores


_TEXT = {
    "is": Takes.VALUES,
    "is_not": Takes.VALUES,
    "contains": Takes.VALUES,
    "contains_not": Takes.VALUES,
    "is_set": Takes.NOTHING,
    "is_not_set": Takes.NOTHING,
}
_CHOICE = {"is": Takes.VALUES, "is_not": Takes.VALUES}
_PRESENCE = {"is_set": Takes.NOTHING, "is_not_set": Takes.NOTHING}
_FLAG = {"yes": Takes.NOTHING, "no": Takes.NOTHING}
_MOMENT = {"before": Takes.DAY, "since": Takes.DAY, "within": Takes.DAYS, "older": Takes.DAYS}
_TAGS = {"has_any": Takes.VALUES, "has_all": Takes.VALUES, "has_none": Takes.VALUES}
_ASKED = {"has": Takes.ASKS, "has_not": Takes.ASKS}
_ANSWERED = {"has": Takes.ANSWERS, "latest": Takes.ANSWERS, "has_not": Takes.ANSWERS}
_NUMBER = {
    "above": Takes.NUMBER,
    "at_least": Takes.NUMBER,
    "at_most": Takes.NUMBER,
    "below": Takes.NUMBER,
}

Operators = Mapping[str, Takes]
ATTRIBUTE_OPERATORS: Operators = MappingProxyType({**_TEXT, **_NUMBER, **_MOMENT, "coming": Takes.DAYS})
FIELDS: Mapping[str, Operators] = MappingProxyType(
    {
        "answered": _ANSWERED,
        "asked": _ASKED,
        "followup": _FLAG,
        "tags": _TAGS,
        "name": _TEXT,
        "email": _PRESENCE,
        "email_domain": _CHOICE,
        "phone": _PRESENCE,
        "telegram": _PRESENCE,
        "external_id": _TEXT,
        "kind": _CHOICE,
        "locale": {**_CHOICE, **_PRESENCE},
        "time_zone": {**_CHOICE, **_PRESENCE},
        "created": _MOMENT,
        "source": _TEXT,
        "lawful_basis": _CHOICE,
        "active": _FLAG,
    }
)
# Pulse answers are nobody's: only these can be spoken of
ANSWERED_METRICS = tuple(metric for metric in RULES if metric is not Metric.ENPS)


def operators_of(field: str) -> Operators | None:
    """What can be said of a field; None for one that does not exist."""
    if field.startswith(ATTRIBUTE):
        return ATTRIBUTE_OPERATORS
    return FIELDS.get(field)
