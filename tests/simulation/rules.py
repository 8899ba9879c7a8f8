"""What each accepted message must keep: rest, caps, quiet, opt-outs. Judged from ledger and script alone."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.simulation.people import HOME, Town
from tests.simulation.provider import Taken
from tests.simulation.schedules import EARLY, NIGHT, REST, REST_BY_METRIC, Plan
from tests.simulation.wishes import Wishes

RULES = (
    "rest by person", "rest by address", "daily cap", "weekly cap", "quiet hours", "quiet days", "opt-out",
    "asked twice", "too soon after", "closed address", "old address", "due moments", "left behind", "counts",
)  # fmt: skip
ZONE = ZoneInfo(HOME)
SHOWN = 5  # of each rule
APART = timedelta(hours=8)  # between a question and its reminders


@dataclass
class Breaches:
    """How often each rule was broken, with some of the cases."""

    number: Counter[str] = field(default_factory=Counter)
    cases: list[str] = field(default_factory=list)

    def __add__(self, other: "Breaches") -> "Breaches":
        return Breaches(self.number + other.number, self.cases + other.cases)

    def add(self, rule: str, case: str) -> None:
        self.number[rule] += 1
        if self.number[rule] <= SHOWN:
            self.cases.append(f"{rule}: {case}")


@dataclass(frozen=True)
class Said:
    """What the service says that a message of its own is."""

    purpose: str
    contact_id: str
    invitation_id: str
    occurrence_id: str
    metric: str
    plan: Plan | None
    by_clock: bool  # asked by the rule itself, not by an event or as a later step


@dataclass(frozen=True)
class Ask:
    """One first message that arrived somewhere."""

    day: date  # of the workspace
    metric: str
    message_id: str


@dataclass
class Settings:
    """What the workspace has chosen, as the script chose it."""

    night: tuple[int, int] = NIGHT
    quiet_days: frozenset[int] = frozenset({6})  # Sundays
    daily_cap: int | None = 1
    weekly_cap: int | None = 2


@dataclass
class Judge:
    """Sees each accepted message once, in order."""

    town: Town
    wishes: Wishes
    settings: Settings
    breaches: Breaches = field(default_factory=Breaches)
    asks: dict[str, list[Ask]] = field(default_factory=lambda: defaultdict(list))
    days: dict[str, list[tuple[date, str]]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, Taken] = field(default_factory=dict)  # by invitation: its first message that arrived
    reminded: dict[str, list[Taken]] = field(default_factory=lambda: defaultdict(list))  # and its reminders
    last: dict[str, datetime] = field(default_factory=dict)  # by invitation: its last message
    withdrawn: set[str] = field(default_factory=set)  # messages that were accepted and failed afterwards

    def see(self, taken: Taken, said: Said) -> None:
        """One message that asks, or asks again."""
        self._wanted(taken, said)
        self._in_quiet(taken, said)
        self._within_caps(taken, said)
        self._apart(taken, said)
        if said.purpose == "invitation":
            self._once(taken, said)
            self._rested(taken, said)
        else:
            self.reminded[said.invitation_id].append(taken)

    def failed(self, message_id: str) -> None:
        """The provider says later that it did not arrive: nobody was asked by it."""
        self.withdrawn.add(message_id)

    def _wanted(self, taken: Taken, said: Said) -> None:
        who = f"{said.contact_id} at {taken.address}, {taken.at}"
        if any(self.wishes.stands(each, taken.place) for each in (said.contact_id, taken.address)):
            self.breaches.add("opt-out", who)
        if said.contact_id not in taken.zones:
            self.breaches.add("old address", who)

    def _in_quiet(self, taken: Taken, said: Said) -> None:
        if taken.channel == "email":
            return
        begins, ends = self.settings.night
        local = taken.at.astimezone(ZoneInfo(taken.zones.get(said.contact_id, HOME)))
        if local.hour >= begins or local.hour < ends:
            self.breaches.add("quiet hours", f"{said.contact_id} by {taken.channel} at {local}")
        if local.weekday() in self.settings.quiet_days:
            self.breaches.add("quiet days", f"{said.contact_id} by {taken.channel} at {local}")

    def _within_caps(self, taken: Taken, said: Said) -> None:
        today = taken.at.astimezone(ZONE).date()
        for key in (said.contact_id, taken.address):
            self.days[key].append((today, taken.message.id))
            arrived = (day for day, message_id in self.days[key] if message_id not in self.withdrawn)
            week = [day for day in arrived if today - timedelta(days=7) < day <= today]
            if self.settings.daily_cap and week.count(today) > self.settings.daily_cap:
                self.breaches.add("daily cap", f"{key} on {today}")
            if self.settings.weekly_cap and len(week) > self.settings.weekly_cap:
                self.breaches.add("weekly cap", f"{key} until {today}")

    def _apart(self, taken: Taken, said: Said) -> None:
        """Whatever happened to the worker, one question never comes twice within hours."""
        last = self.last.get(said.invitation_id)
        if said.purpose == "reminder" and last is not None and taken.at - last < APART:
            self.breaches.add("too soon after", f"{said.contact_id}, reminded at {taken.at} after {last}")
        self.last[said.invitation_id] = taken.at

    def _once(self, taken: Taken, said: Said) -> None:
        if self.has(said.invitation_id):
            self.breaches.add("asked twice", f"{said.contact_id} by {said.invitation_id} at {taken.at}")
        self.asked[said.invitation_id] = taken

    def has(self, invitation_id: str) -> bool:
        """Did its question arrive, or a reminder on another channel than the one where that was lost?"""
        first = self.asked.get(invitation_id)
        if first is None or first.message.id not in self.withdrawn:
            return first is not None
        return any(
            each.message.id not in self.withdrawn and each.channel != first.channel
            for each in self.reminded[invitation_id]
        )

    def _rested(self, taken: Taken, said: Said) -> None:
        ask = Ask(taken.at.astimezone(ZONE).date(), said.metric, taken.message.id)
        early = EARLY if said.by_clock and said.plan and said.plan.early_days else 0
        least = said.plan.least_days if said.by_clock and said.plan else 0
        needs = {said.metric: max(REST_BY_METRIC[said.metric], least)}
        for rule, key in (("rest by person", said.contact_id), ("rest by address", taken.address)):
            for before in self.asks[key]:
                if before.message_id in self.withdrawn:
                    continue
                needed = max(REST, needs.get(before.metric, 0)) - early
                if abs((ask.day - before.day).days) < needed:
                    gap = f"{before.metric} {before.day}, {ask.metric} {ask.day}"
                    self.breaches.add(rule, f"{key}: {gap} ({said.plan.name if said.plan else '?'})")
                    break
            self.asks[key].append(ask)
