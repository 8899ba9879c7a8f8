"""The fields of a schedule as they stand in its form: as saved, as typed, or as a new one begins."""

import re
from dataclasses import dataclass, field, replace

from flask import request

from app.domain.cadence import Repeat
from app.domain.days_off import OffDays
from app.domain.rule_presets import DAYS_OF_MONTH, MOST_EVERY, Preset, preset_of
from app.domain.triggers import OPERATORS, Trigger
from app.errors import Invalid, problem
from app.services.schedule_sheets import Sheet
from app.web.console import trigger_form
from app.web.console.schedule_audience import Chosen
from app.web.console.schedule_terms import Manner
from app.web.console.trigger_form import Row
from app.web.policy import visitor

SIMPLE = ("daily", "weekly", "monthly", "quarterly")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Form:
    """Text, as people type it; `raw` is what the verbs take of it."""

    survey: str = ""
    name: str = ""
    repeat: str = Repeat.ONCE.value
    every: str = "1"
    days: tuple[str, ...] = ()  # of a weekly rule, 0 for Monday
    on: str = ""  # of a monthly one
    rrule: str = ""
    every_days: str = "90"
    event: str = ""
    after_hours: str = "24"
    newest_within_hours: str = "24"
    only: tuple[Row, ...] = ()
    off_days: str = OffDays.RUN.value
    steps: tuple[Pair, ...] = ()  # survey, days
    late_hours: str = ""
    at: str = ""
    time_zone: str = ""
    manner: Manner = field(default_factory=Manner)
    audience: Chosen = field(default_factory=Chosen)
    revision: int | None = None

    @classmethod
    def sent(cls) -> "Form":
        """What came with this request; what did not is as a new one begins."""
        given, blank = request.values, cls()
        plain = ("survey", "name", "repeat", "every", "on", "rrule", "every_days", "event", "after_hours",
                 "newest_within_hours", "off_days", "late_hours", "at")  # fmt: skip
        return cls(
            **{name: given.get(name, getattr(blank, name)).strip() for name in plain},
            days=tuple(given.getlist("days")),
            only=_rows(given.getlist("property"), given.getlist("operator"), given.getlist("values")),
            steps=_pairs(given.getlist("step_survey"), given.getlist("step_days")),
            time_zone=given.get("time_zone", visitor().time_zone),
            manner=Manner.sent(),
            audience=Chosen.sent(),
            revision=given.get("revision", type=int),
        )

    @classmethod
    def of(cls, sheet: Sheet) -> "Form":
        """What is saved."""
        saved = cls(
            survey=sheet.survey_id,
            name=sheet.name,
            repeat=sheet.repeat.value,
            off_days=sheet.off_days.value,
            late_hours="" if sheet.late_hours is None else str(sheet.late_hours),
            steps=tuple((step.survey, str(step.after_days)) for step in sheet.steps),
            at=sheet.at,
            time_zone=sheet.time_zone,
            manner=Manner.of(sheet),
            audience=Chosen.of(sheet),
            revision=sheet.revision,
        )
        if sheet.trigger:
            return saved._with_trigger(sheet.trigger)
        if sheet.every_days is not None:
            return replace(saved, every_days=str(sheet.every_days))
        return saved._with_rule(sheet)

    def _with_trigger(self, trigger: Trigger) -> "Form":
        return replace(
            self,
            event=trigger.event,
            after_hours=str(trigger.after_hours),
            newest_within_hours=str(trigger.newest_within_hours),
            only=trigger_form.rows_of(trigger),
        )

    def _with_rule(self, sheet: Sheet) -> "Form":
        preset = preset_of(sheet.repeat, sheet.cadence.rule, sheet.off_days)
        if preset is None:
            return replace(self, rrule=sheet.rrule or "")
        return replace(
            self,
            repeat=preset.repeat.value,
            every=str(preset.every),
            days=tuple(map(str, preset.weekdays)),
            on=preset.on,
        )

    @property
    def most_every(self) -> int:
        """The longest interval of a simple way of repeating."""
        return MOST_EVERY[Repeat(self.repeat)]

    def raw(self) -> dict[str, object]:
        """What the verbs take. Raises Invalid for numbers that are none."""
        return {
            "survey": self.survey,
            "name": self.name,
            "at": ""
            if self.repeat == Repeat.EVENT.value
            else self.at,  # kept, for who chooses another way again
            "time_zone": self.time_zone,
            "late_hours": None if self.late_hours == "" else _whole("late_hours", self.late_hours),
            "steps": [
                {"survey": survey, "after_days": _whole("steps", days)}
                for survey, days in self.steps
                if survey or days
            ],
            **self.manner.raw(),
            **self.audience.raw(),
            **self._repeats(),
        }

    def _repeats(self) -> dict[str, object]:
        if self.repeat == Repeat.EVENT.value:
            return {"repeat": self.repeat, "trigger": self._trigger(), "off_days": self.off_days}
        if self.repeat == Repeat.EACH_PERSON.value:
            days = _whole("every_days", self.every_days)
            return {"repeat": self.repeat, "every_days": days, "off_days": self.off_days}
        if self.repeat == Repeat.CUSTOM.value:
            return {"repeat": self.repeat, "rrule": self.rrule, "off_days": self.off_days}
        if self.repeat not in SIMPLE:
            return {"repeat": self.repeat, "off_days": self.off_days}
        preset = self._preset()
        rule = preset.rule()
        if rule is None:
            return {"repeat": self.repeat, "off_days": preset.moves.value}
        return {"repeat": Repeat.CUSTOM.value, "rrule": str(rule), "off_days": preset.moves.value}

    def _preset(self) -> Preset:
        repeat, every = Repeat(self.repeat), _whole("every", self.every)
        if not 1 <= every <= MOST_EVERY[repeat]:
            limits = {"least": 1, "most": MOST_EVERY[repeat]}
            raise Invalid([problem("every", "A whole number, from %(least)s to %(most)s.", **limits)])
        return Preset(
            repeat,
            every,
            tuple(int(day) for day in self.days if re.fullmatch("[0-6]", day)),
            self.on if self.on in DAYS_OF_MONTH else "",
            OffDays(self.off_days) if self.off_days in set(OffDays) else OffDays.RUN,
        )

    def _trigger(self) -> dict[str, object]:
        return {
            "event": self.event,
            "after_hours": _whole("trigger", self.after_hours or "0"),
            "newest_within_hours": _whole("trigger", self.newest_within_hours or "0"),
            "only": trigger_form.conditions(self.only),
        }


def operators() -> tuple[str, ...]:
    """How a property may be compared."""
    return tuple(OPERATORS)


def _whole(name: str, typed: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", typed.strip(), re.ASCII):
        raise Invalid([problem(name, "Write a whole number.")])
    return int(typed)


def _pairs(one: list[str], other: list[str]) -> tuple[Pair, ...]:
    return tuple((a, b.strip()) for a, b in zip(one, other, strict=False) if a or b.strip())


def _rows(names: list[str], operators: list[str], values: list[str]) -> tuple[Row, ...]:
    rows = zip(names, operators, values, strict=False)
    return tuple(
        (name.strip(), how, what.strip()) for name, how, what in rows if name.strip() or what.strip()
    )
