"""Whom a schedule asks, as its form says it: everybody, a saved audience, or filters of its own."""

from dataclasses import dataclass

from flask import request

from app.domain.audience import Group
from app.rendering import audience_words
from app.services import segments
from app.services.schedule_sheets import Sheet
from app.web.pages import language
from app.web.policy import runtime_of, visitor

OWN = "own"  # filters without a name: the form leaves them as they are


@dataclass(frozen=True)
class Chosen:
    """What stands in the field: nothing for everybody, a segment's id, or OWN."""

    value: str = ""

    @classmethod
    def sent(cls) -> "Chosen":
        return cls(request.values.get("audience", ""))

    @classmethod
    def of(cls, sheet: Sheet) -> "Chosen":
        if sheet.segment is not None:
            return cls(sheet.segment[0])
        return cls(OWN if sheet.audience.members else "")

    def raw(self) -> dict[str, object]:
        """What the verbs take."""
        return {} if self.value == OWN else {"audience": self.value or "all"}


def options() -> list[tuple[str, str]]:
    """The saved audiences, by name."""
    return segments.names(runtime_of(), visitor())


def words_of(sheet: Sheet) -> str | None:
    """Whom it asks, inside a sentence; None for everybody."""
    if sheet.segment is not None:
        return f"“{sheet.segment[1]}”"
    return told(sheet.audience) if sheet.audience.members else None


def told(audience: Group) -> str:
    """An audience without a name, in words."""
    return audience_words.audience_words(language(), audience)
