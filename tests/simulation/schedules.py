"""Twelve schedules of every kind, each with what the oracle has to know of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

NIGHT = (21, 9)  # from and to, on the clock of the person
REST, REST_BY_METRIC = 30, {"nps": 90, "csat": 14, "ces": 14}
EARLY = 7  # days by which a monthly rule may come early
EVENT = "ticket.solved"


@dataclass(frozen=True)
class Plan:
    """One schedule: what the service is given, and its rule as the oracle reads it."""

    name: str
    metric: str
    given: dict[str, Any]
    rule: str | None = None  # iCalendar, or "once"; None: it waits for events
    begins: timedelta = timedelta(days=3, hours=10)  # on the wall, after the first day's midnight
    zone: str = "America/Sao_Paulo"
    late_hours: int = 168  # how late a run may be
    group: str | None = None  # of whom it asks; None: everybody
    early_days: int = 0
    least_days: int = 0  # between two asks of one person
    steps: tuple[tuple[str, int], ...] = ()
    holdout: int = 0

    @property
    def off_days(self) -> str:
        return str(self.given.get("off_days", "run"))

    def starts_at(self, midnight: datetime) -> datetime:
        """The beginning on the wall."""
        return midnight.replace(tzinfo=None) + self.begins

    def fields(self, surveys: dict[str, str], midnight: datetime) -> dict[str, Any]:
        """Everything that the service is given."""
        fields = {
            "name": self.name,
            "survey": surveys[self.metric],
            "time_zone": self.zone,
            **self.given,
        }
        if self.rule is not None:  # events decide for themselves
            fields["at"] = self.starts_at(midnight).strftime("%Y-%m-%dT%H:%M")
        if self.group is not None:
            fields["audience"] = {"attributes": {"group": self.group}}
        if self.steps:
            fields["steps"] = [{"survey": surveys[metric], "after_days": days} for metric, days in self.steps]
        return fields


def days(number: int, hour: int, minute: int = 0) -> timedelta:
    return timedelta(days=number, hours=hour, minutes=minute)


def _plan(name: str, metric: str, rule: str | None, begins: timedelta, repeat: str, **more: Any) -> Plan:
    known = {each: more.pop(each) for each in tuple(more) if each in Plan.__dataclass_fields__}
    return Plan(name, metric, {"repeat": repeat, **more}, rule, begins, **known)


ALL = ["email", "sms"]
SUNDAYS = "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;COUNT=16"  # a time that some nights leap over
PLANS = (
    _plan(
        "once", "csat", "once", days(2, 11), "once", channels=ALL, off_days="next", terms={"reminders": []}
    ),
    _plan(
        "quarterly, on the 31st", "nps", "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
        days(30, 10), "quarterly", channels=ALL, off_days="next", early_days=EARLY, group="core",
        terms={"reminders": []},
    ),
    _plan(
        "every business day of some months", "ces", "FREQ=DAILY;COUNT=35", days(4, 9, 30), "custom",
        rrule="FREQ=DAILY;COUNT=35", channels=["sms", "email"], off_days="skip", late_hours=12,
        group="pilot", terms={"reminders": [1, 2, 4]},
    ),
    _plan(
        "weekly", "csat", "FREQ=WEEKLY", days(581, 20, 30), "weekly", channels=["sms", "email"],
        late_hours=72, group="visits", terms={"reminders": [2, 10]},
    ),
    _plan(
        "monthly, on the 31st, so many an hour", "csat", "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1",
        days(30, 15), "monthly", channels=ALL, group="shop", early_days=EARLY,
        terms={"reminders": [28], "per_hour": 60},
    ),
    _plan(
        "last Friday, with a holdout", "ces", "FREQ=MONTHLY;BYDAY=-1FR", days(6, 16), "custom",
        rrule="FREQ=MONTHLY;BYDAY=-1FR", channels=ALL, group="care", early_days=EARLY,
        terms={"reminders": [7], "holdout": 10}, holdout=10,
    ),
    _plan(
        "last business day", "csat", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1", days(7, 8), "custom",
        rrule="FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1", off_days="previous", channels=["email"],
        group="club", early_days=EARLY, terms={"reminders": []},
    ),
    _plan(
        "each person every 40 days", "ces", "FREQ=DAILY", days(671, 14), "each_person", every_days=40,
        channels=ALL, late_hours=12, group="care", least_days=40, terms={"reminders": []},
    ),
    _plan(
        "sequence", "nps", "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=12", days(11, 12), "custom",
        rrule="FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=12", channels=ALL, group="steps", early_days=EARLY,
        steps=(("ces", 60), ("nps", 30)), terms={"reminders": [3], "remind_elsewhere": True},
    ),
    _plan(
        "after a ticket", "csat", None, days(0, 0), "event", channels=["sms", "email"], group=None,
        trigger={
            "event": EVENT, "after_hours": 24, "newest_within_hours": 48,
            "only": [{"property": "auto_closed", "operator": "not", "values": ["true"]}],
        },
        late_hours=72, terms={"reminders": [3]},
    ),
    _plan(
        "a sample of one in five", "csat", "FREQ=MONTHLY;INTERVAL=4;BYMONTHDAY=15", days(14, 10), "custom",
        rrule="FREQ=MONTHLY;INTERVAL=4;BYMONTHDAY=15", off_days="next", channels=ALL, early_days=EARLY,
        group="rest", terms={"reminders": [4], "sample": {"share": 20, "by": "plan"}},
    ),
    _plan(
        "Sundays at half past two in New York", "csat", SUNDAYS, days(6, 2, 30), "custom", rrule=SUNDAYS,
        zone="America/New_York", late_hours=72, channels=["telegram", "sms", "email"], group="club",
        terms={"reminders": [3], "their_channel_first": True, "remind_elsewhere": True},
    ),
)  # fmt: skip


def within(days_in_all: int) -> tuple[Plan, ...]:
    """The same for a shorter time: all of them begin early, and a sequence comes to its next step."""
    return PLANS if days_in_all > 365 else tuple(map(_soon, PLANS))


def _soon(plan: Plan) -> Plan:
    begins = days(30, 10) if "31st" in plan.name else min(plan.begins, days(5, 14))
    if plan.rule == "once":
        begins = days(20, 11)  # it asks everybody, who then rest
    return replace(plan, begins=begins, steps=tuple((metric, 31) for metric, _ in plan.steps))
