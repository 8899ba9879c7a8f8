"""Undoing an import: what it changed of somebody, and what of it can be put back: nobody touched it since."""

from collections.abc import Collection, Mapping
from datetime import timedelta

WINDOW = timedelta(days=30)  # how long what is needed for it is kept
VALUES = (
    "external_id", "name", "email", "email_key", "phone", "phone_key", "kind", "locale", "time_zone",
    "preferred_channel", "active", "lawful_basis", "source", "tags",
)  # fmt: skip
BASIS = ("lawful_basis", "source")  # why they may be asked: stay where somebody has proven it since
ATTRIBUTES = "attributes"  # compared one by one
BROUGHT_BACK = "brought_back"  # among the changes of whom an undone import had put away
_WITH = {"email_key": "email", "phone_key": "phone"}  # a key goes with its address, however that is written

Values = Mapping[str, object]


def changes(before: Values, after: Values) -> dict[str, object]:
    """Each value that is another one now: as it was and as it became."""
    found: dict[str, object] = {
        name: [before[name], after[name]] for name in VALUES if before[name] != after[name]
    }
    attributes = _pairs(_attributes(before), _attributes(after))
    return found | ({ATTRIBUTES: attributes} if attributes else {})


def were(changed: Values, names: Collection[str]) -> list[object]:
    """What those of these values that are others now had been."""
    return [_pair(changed[name])[0] for name in names if name in changed]


def put_back(changed: Values, now: Values, stays: Collection[str] = ()) -> dict[str, object]:
    """The values to set, so that what was changed is as it was, where it still is as it became and may go."""
    found: dict[str, object] = {}
    may_go = changed.keys() - set(stays)
    back = {name for name in VALUES if name in may_go and now[name] == _pair(changed[name])[1]}
    for name in VALUES:
        if name in back and _WITH.get(name, name) in back:
            found[name] = _pair(changed[name])[0]
    pairs = changed.get(ATTRIBUTES)
    if isinstance(pairs, Mapping):
        here = dict(_attributes(now))
        mine = {name: _pair(pair)[0] for name, pair in pairs.items() if here.get(name) == _pair(pair)[1]}
        if mine:
            merged = here | mine
            found[ATTRIBUTES] = {name: value for name, value in merged.items() if value is not None}
    return found


def _attributes(values: Values) -> Mapping[str, object]:
    found = values[ATTRIBUTES]
    return found if isinstance(found, Mapping) else {}


def _pairs(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)
    }


def _pair(given: object) -> tuple[object, object]:
    assert isinstance(given, list | tuple)  # as `changes` writes it
    was, became = given
    return was, became
