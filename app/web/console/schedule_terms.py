"""How a schedule asks, as its form says it: channels in order, reminders, a share of the people, how fast."""

import re
from dataclasses import dataclass

from flask import request

from app.domain.channel_choice import CHANNELS
from app.domain.terms import Sample
from app.errors import Invalid, problem
from app.services import offered_channels
from app.services.schedule_sheets import Sheet
from app.web.policy import runtime_of, visitor

NUMBERS = ("share", "number", "holdout", "per_hour")


@dataclass(frozen=True)
class Manner:
    """Text, as people type it. The channels stand in the order in which they are tried."""

    channels: tuple[str, ...] = ("email",)
    reminders: str = "3"
    elsewhere: bool = False
    theirs_first: bool = False
    share: str = ""
    number: str = ""
    by: str = ""
    holdout: str = ""
    per_hour: str = ""

    @classmethod
    def sent(cls) -> "Manner":
        """What came with this request."""
        given = request.values
        named = (given.get("channel"), given.get("then"), *given.getlist("further"))
        chosen = tuple(dict.fromkeys(each for each in named if each in CHANNELS))
        return cls(
            channels=chosen or offered_channels.offered(runtime_of())[:1],
            reminders=given.get("reminders", "3").strip(),
            elsewhere="elsewhere" in given,
            theirs_first="theirs_first" in given,
            by=given.get("by", "").strip(),
            **{name: given.get(name, "").strip() for name in NUMBERS},
        )

    @classmethod
    def of(cls, sheet: Sheet) -> "Manner":
        """What is saved."""
        terms, sample = sheet.terms, sheet.terms.sample or Sample()
        return cls(
            channels=sheet.channels,
            reminders=", ".join(map(str, terms.reminders)),
            elsewhere=terms.remind_elsewhere,
            theirs_first=terms.their_channel_first,
            share="" if sample.share is None else str(sample.share),
            number="" if sample.number is None else str(sample.number),
            by=sample.by or "",
            holdout=str(terms.holdout or ""),
            per_hour="" if terms.per_hour is None else str(terms.per_hour),
        )

    def raw(self) -> dict[str, object]:
        """What the verbs take. Raises Invalid for numbers that are none. A pulse's form has no terms."""
        channels = list(self.channels)
        if visitor().is_people:
            return {"channels": channels}
        terms: dict[str, object] = {
            "reminders": _days(self.reminders),
            "remind_elsewhere": self.elsewhere,
            "their_channel_first": self.theirs_first,
            "holdout": _whole("holdout", self.holdout) or 0,
            "per_hour": _whole("per_hour", self.per_hour),
        }
        some: dict[str, object] = {name: _whole(name, typed) for name, typed in self._some() if typed}
        if self.by:
            some["by"] = self.by
        if some:
            terms["sample"] = some
        return {"channels": channels, "terms": terms}

    def _some(self) -> tuple[tuple[str, str], ...]:
        return ("share", self.share), ("number", self.number)


def _days(typed: str) -> list[int]:
    found = [_whole("reminders", each.strip()) for each in typed.split(",") if each.strip()]
    return [each for each in found if each is not None]


def _whole(name: str, typed: str) -> int | None:
    if not typed:
        return None
    if not re.fullmatch(r"[0-9]{1,7}", typed, re.ASCII):
        raise Invalid([problem(name, "Write a whole number.")])
    return int(typed)
