"""The form of a contact: its fields as they are saved or as they were typed, and what a verb gets of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import request

from app.services.contact_rows import Card

TEXTS = (
    *(
        "name",
        "email",
        "phone",
        "external_id",
        "kind",
        "locale",
        "time_zone",
        "preferred_channel",
        "lawful_basis",
        "source",
        "tags",
    ),
)
SPARE = 2  # empty pairs at the end, so that something can be added without a script


@dataclass(frozen=True)
class Form:
    """What stands in the fields. `revision` is 0 for somebody new."""

    texts: Mapping[str, str]
    attributes: tuple[tuple[str, str], ...]
    revision: int

    @classmethod
    def of(cls, contact: Card) -> "Form":
        """The fields as they are saved."""
        texts = {name: _text(getattr(contact, name)) for name in TEXTS}
        attributes = tuple((name, _text(value)) for name, value in contact.attributes.items())
        return cls(texts, attributes, contact.revision)

    @classmethod
    def empty(cls) -> "Form":
        """The fields of somebody new."""
        return cls(dict.fromkeys(TEXTS, ""), (), 0)

    @classmethod
    def sent(cls) -> "Form":
        """The fields as they were sent."""
        sent = request.form
        names = sent.getlist("attribute_name")
        values = [value.replace("\r\n", "\n") for value in sent.getlist("attribute_value")]
        pairs = tuple((name, value) for name, value in zip(names, values, strict=False) if name or value)
        return cls({name: sent.get(name, "") for name in TEXTS}, pairs, sent.get("revision", -1, type=int))

    def rows(self) -> list[tuple[str, str]]:
        """The attributes and some empty pairs."""
        return [*self.attributes, *[("", "")] * SPARE]

    def values(self, before: Card | None = None) -> dict[str, object]:
        """What the verb is given: all fields, and the attributes that changed; None takes one away."""
        values: dict[str, object] = dict(self.texts)
        for name in ("kind", "lawful_basis"):  # without a choice the workspace's own holds
            if not values[name]:
                del values[name]
        saved = before.attributes if before else {}
        attributes: dict[str, object] = dict.fromkeys(saved)
        for name, value in self.attributes:
            kept = saved.get(" ".join(name.split()))
            attributes[name] = kept if kept is not None and _text(kept) == value else value or None
        return {**values, "attributes": attributes}


def differing(typed: Form, saved: Form) -> dict[str, str]:
    """What somebody else saved meanwhile, where it is not what was typed."""
    return {name: text for name, text in saved.texts.items() if text != typed.texts[name]}


def choices_of(known: Iterable[tuple[str, str]], value: str) -> list[tuple[str, str]]:
    """The choices of a select, and the value that is there already."""
    pairs = list(known)
    return pairs if not value or value in dict(pairs) else [*pairs, (value, value)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)
