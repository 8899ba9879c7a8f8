"""How a schedule asks, as its form says it: channels in order, reminders, a share of the people, how fast."""

import re
from dataclasses import dataclass

from flask import request

from app.domain.channel_choice import CHANNELS
from app.domain.terms import Sample
from app.errors import Invalid, problem
from app.services import offered_channels
from app.services.schedule_sheets import Sheet
from app.web.policy import runtime_of

NUMBERS = ("share", "number", "holdout", "per_hour")


@dataclass(frozen=True)
class Manner:
    """Text, as people type it. `then` is the channel that is taken where the first does not reach them.

    `further` are those after it: the form shows what a schedule has, and offers none to others.
    """

    channel: str = "email"
    then: str = ""
    further: tuple[str, ...] = ()
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
        given, runtime = request.values, runtime_of()
        then = given.get("then", "")
        return cls(
            channel=offered_channels.chosen(runtime, given.get("channel")),
            then=then if then in offered_channels.offered(runtime) else "",
            further=tuple(each for each in given.getlist("further") if each in CHANNELS),
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
            channel=sheet.channels[0],
            then=sheet.channels[1] if len(sheet.channels) > 1 else "",
            further=tuple(sheet.channels[2:]),
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
        """What the verbs take. Raises Invalid for numbers that are none."""
        channels = [each for each in dict.fromkeys((self.channel, self.then, *self.further)) if each]
        terms: dict[str, object] = {
            "reminders": _days(self.reminders),
            "remind_elsewhere": self.elsewhere,
            "their_channel_first": self.theirs_first,
            "holdout": _whole("holdout", self.holdout) or 0,
            "per_hour": _whole("per_hour", self.per_hour),
        }
        some = {name: _whole(name, typed) for name, typed in self._some() if typed}
        if some:
            terms["sample"] = {**some, **({"by": self.by} if self.by else {})}
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
