"""The editor's draft of an audience: what stands in its fields, changed by its buttons, as a verb takes it.

A place in the tree is a name: `t` is the whole, `t-0` its first member, `t-0-1` the second in that. Fields
carry it, so that the form works without a script.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from flask import request
from werkzeug.datastructures import MultiDict

from app.domain.audience import DEEPEST, MOST_CONDITIONS, Condition, Group, Member
from app.domain.audience_fields import ATTRIBUTE, Takes, operators_of
from app.errors import Problem

WHOLE = "t"
TEXTS = ("field", "name", "op", "value", "what", "low", "high")  # value: also days, a number, a date
FIRST: Mapping[str, Mapping[str, str]] = {  # what is most often meant
    "asked": {"op": "has_not", "value": "90"},
    "answered": {"op": "has", "value": "90"},
    "created": {"op": "within", "value": "30"},
}
_PLAIN = re.compile(r"[+-]?[0-9]{1,400}([.,][0-9]{1,400})?")
_EITHER = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")  # a separator of thousands, or a decimal point
_SEVERAL = ("kind", "locale", "lawful_basis")  # boxes to tick


@dataclass(frozen=True)
class Node:
    """A group with its members, or a condition with its texts."""

    place: str
    join: str | None = None  # all, any; none: a condition
    members: tuple["Node", ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return self.place.count("-") + 1

    @property
    def may_nest(self) -> bool:
        return self.depth < DEEPEST

    @property
    def takes(self) -> Takes:
        """What the operator that is chosen needs."""
        operators = operators_of(self.texts.get("field", "")) or {}
        return operators.get(self.texts.get("op", ""), Takes.NOTHING)

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(operators_of(self.texts.get("field", "")) or {})

    @property
    def values(self) -> list[str]:
        """The lines of its value."""
        return [line.strip() for line in self.texts.get("value", "").splitlines() if line.strip()]

    def raw(self) -> dict[str, object]:
        """As a verb takes it, with whatever was typed: the verb says what is wrong."""
        if self.join is not None:
            members = [each.raw() for each in self.members]
            return {self.join: members} if members or self.place != WHOLE else {}
        name = self.texts.get("field", "")
        if name == ATTRIBUTE:
            name += self.texts.get("name", "").strip()
        said: dict[str, object] = {"field": name, "op": self.texts.get("op", "")}
        match self.takes:
            case Takes.VALUES:
                said["value"] = self.values
            case Takes.NUMBER:
                said["value"] = _number(self.texts.get("value", ""))
            case Takes.DAY:
                said["value"] = self.texts.get("value", "").strip()
            case Takes.DAYS:
                said["days"] = _whole(self.texts.get("value", ""))
            case Takes.ASKS | Takes.ANSWERS:
                said |= self._history()
        return said

    def _history(self) -> dict[str, object]:
        metric, _, band = self.texts.get("what", "").partition(":")
        given: dict[str, object] = {"metric": metric, "band": band}
        for name, text in (("days", "value"), ("low", "low"), ("high", "high")):
            given[name] = _whole(self.texts.get(text, "")) if self.texts.get(text, "").strip() else None
        return {name: value for name, value in given.items() if value not in ("", None)}


def of(audience: Member, place: str = WHOLE) -> Node:
    """The draft of what is saved."""
    if isinstance(audience, Group):
        members = tuple(of(each, f"{place}-{at}") for at, each in enumerate(audience.members))
        return Node(place, "all" if audience.every else "any", members)
    return Node(place, texts=_texts(audience))


def _texts(condition: Condition) -> dict[str, str]:
    takes = (operators_of(condition.field) or {})[condition.operator]
    shown: dict[str, object] = {"field": condition.field, "op": condition.operator}
    if takes in (Takes.DAYS, Takes.ASKS, Takes.ANSWERS):
        shown["value"] = condition.days
    elif condition.values:
        shown["value"] = "\n".join(condition.values)
    elif condition.number is not None:
        shown["value"] = _as_typed(condition.number)
    elif condition.day is not None:
        shown["value"] = condition.day
    if takes in (Takes.ASKS, Takes.ANSWERS):
        shown["what"] = ":".join(each for each in (condition.metric, condition.band) if each)
        shown |= {"low": condition.low, "high": condition.high}
    return {name: str(value) for name, value in shown.items() if value is not None}


def sent() -> Node:
    """The draft as it was sent, after what its button did."""
    act, _, place = request.form.get("act", "").partition(":")
    tree = _read(request.form, WHOLE)
    if act == "add":
        wanted = request.form.get(f"{place}.add", "")
        new = Node("", texts=_fresh(wanted)) if operators_of(wanted) else None
        return numbered(_grown(tree, place, new)) if new else tree
    if act == "group":
        return numbered(_grown(tree, place, Node("", join="any")))
    return numbered(_without(tree, place)) if act == "remove" else tree


def _fresh(name: str) -> dict[str, str]:
    """A condition that has just been chosen."""
    first = next(iter(operators_of(name) or ()), "")
    return {"field": name, "op": first, **FIRST.get(name, {})}


def _read(form: MultiDict[str, str], place: str) -> Node:
    join = form.get(f"{place}.join")
    if join is None and place != WHOLE:
        several = form.get(f"{place}.field") in _SEVERAL
        texts = {name: form.get(f"{place}.{name}", "") for name in TEXTS}
        if several:
            texts["value"] = "\n".join(form.getlist(f"{place}.value"))
        return Node(place, texts=texts)
    members: list[Node] = []
    while len(members) <= MOST_CONDITIONS and place.count("-") <= DEEPEST:
        inner = f"{place}-{len(members)}"
        if f"{inner}.join" not in form and f"{inner}.field" not in form:
            break
        members.append(_read(form, inner))
    return Node(place, "any" if join == "any" else "all", tuple(members))


def _grown(node: Node, place: str, new: Node) -> Node:
    if node.join is None:
        return node
    grown = tuple(_grown(each, place, new) for each in node.members)
    return replace(node, members=(*grown, new) if node.place == place else grown)


def _without(node: Node, place: str) -> Node:
    kept = (_without(each, place) for each in node.members if each.place != place)
    return replace(node, members=tuple(kept))


def numbered(node: Node, place: str = WHOLE) -> Node:
    """The same tree with places that follow each other."""
    members = tuple(numbered(each, f"{place}-{at}") for at, each in enumerate(node.members))
    return replace(node, place=place, members=members)


def placed(problems: Iterable[Problem]) -> list[Problem]:
    """Problems at the fields of the form: `audience.all.0.any.1.value` is `t-0-1.value`."""
    return [Problem(_field_of(each.field), each.message, each.params) for each in problems]


def _field_of(path: str) -> str:
    found = re.fullmatch(r"audience((?:\.(?:all|any)\.\d+)*)(?:\.(?:all|any))?(?:\.(\w+))?", path)
    if found is None:
        return path
    place = WHOLE + "".join(f"-{at}" for at in re.findall(r"\d+", found[1]))
    name = {"days": "value", "metric": "what", "band": "what", "field": "name"}.get(found[2], found[2])
    return f"{place}.{name}" if name else place


def _number(text: str) -> object:
    """None for what is none, or could be one of two: “1.200” is 1200 to some readers, and 1.2 to others."""
    typed = text.strip()
    if not _PLAIN.fullmatch(typed) or _EITHER.fullmatch(typed):
        return None
    number = float(typed.replace(",", "."))
    return int(number) if number.is_integer() else number


def _as_typed(number: float) -> str:
    """The number in a form that is read as this one."""
    plain = f"{Decimal(str(number)):f}"
    return f"{plain}0" if _EITHER.fullmatch(plain) else plain


def _whole(text: str) -> object:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text.strip(), re.ASCII) else text
