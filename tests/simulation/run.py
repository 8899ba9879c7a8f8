"""The simulation itself: leaps from one thing that is due to the next, and lets the real jobs work there."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.domain.access import Role
from app.domain.contacts import read_contact
from app.domain.metrics import Metric
from app.errors import Unavailable
from app.jobs.timetable import AT_START, TIMETABLE, Job
from app.models import Invitation, Message, Occurrence
from app.runtime import Runtime
from app.services import contact_rows, schedules
from app.services.access import Visitor
from bots import handle
from tests.simulation.almanac import Calendar
from tests.simulation.due import Due
from tests.simulation.life import Life
from tests.simulation.machine import Machine, running
from tests.simulation.outages import EVERYWHERE, LASTS, Killed, Outage, Trouble, jumps, outages
from tests.simulation.people import HOME, ZONES, Town
from tests.simulation.provider import Ledger, channels
from tests.simulation.report import Report
from tests.simulation.rules import Judge, Said, Settings
from tests.simulation.schedules import REST, REST_BY_METRIC, Plan, within
from tests.simulation.watch import Watch
from tests.simulation.wishes import Wishes
from tests.world import World

MIDNIGHT = datetime(2027, 1, 1, tzinfo=ZoneInfo(HOME))
HOLIDAYS = ("2027-02-09", "2027-04-21", "2027-05-28", "2027-09-07", "2027-11-02", "2028-02-29", "2028-06-30")
BLACKOUTS = ("2027-01-31", "2027-03-02", "2027-12-24", "2027-12-25", "2028-05-31")
AWAKE = timedelta(hours=3)  # the worker looks no more often than this
LONGEST = timedelta(hours=12)  # and no less often
HOUSE = timedelta(days=20)  # how often it does what finds nothing that is due to a person


@dataclass(frozen=True)
class Size:
    """How much of it."""

    people: int = 2_000
    days: int = 731
    seed: int = 1
    outages: int = 24
    points: Sequence[str | None] = EVERYWHERE  # at which the worker or the database goes down
    lasts: Sequence[timedelta] = LASTS
    jumps: int = 6
    dead: int = 40  # one address in so many is nobody's
    hesitating: float = 0.01  # how often somebody says no while their question is in the worker's hands


@dataclass
class Simulation:
    """One workspace, its people and its schedules, and everything that befalls them."""

    runtime: Runtime
    machine: Machine
    size: Size
    settings: Settings = field(default_factory=Settings)  # of the workspace
    until: str = ""  # a rule: once it is seen broken, nothing more needs to happen
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    jumped: int = 0
    looked: dict[str, datetime] = field(default_factory=dict)  # what is due next, as we last saw it
    _housekept: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.plans = within(self.size.days)
        chance = self.chance = random.Random(self.size.seed)
        self.town, self.wishes = Town(chance, is_small=self.size.people < 500), Wishes()
        self.ledger = Ledger(self.machine, self._zones_at, self.size.dead)
        begins, days = MIDNIGHT.astimezone(UTC), self.size.days
        self.due = Due(day for plan in self.plans for day in plan.given["terms"]["reminders"])
        size = self.size
        self.trouble = Trouble(outages(chance, begins, days, size.outages, size.points, size.lasts))
        self.jumps = jumps(chance, begins, days, self.size.jumps)
        self.runtime = replace(
            self.runtime, clock=self.machine, channels=channels(self.ledger, self.size.seed),
            reach=self._reach, inbound=handle,
        )  # fmt: skip
        self.judge = Judge(self.town, self.wishes, self.settings)

    def run(self) -> Report:
        """From the first day to the last; what came of it."""
        begins = MIDNIGHT.astimezone(UTC)
        self.machine.now = begins
        with running(self.machine, self.size.seed), self.trouble.watching(self.runtime.db.engine):
            self.who, ids = self._set_up()
            self.ids = ids
            self.life = Life(
                self.runtime, self.who, self.town, self.wishes, self.ledger, self.judge, self.chance
            )
            self.life.plan(begins, self.size.days, list(ids))
            self._live(begins + timedelta(days=self.size.days))
            watch = Watch(
                self.runtime, ids, self.town, self.ledger, self.judge, self._calendar(), MIDNIGHT,
                self.life.pauses, self.life.tickets,
            )  # fmt: skip
            watch.look()
        return self._report(watch)

    def _report(self, watch: Watch) -> Report:
        did = self.life.did + Counter(
            {"opt-outs": self.wishes.number, "outages": self.trouble.number, "clock set": self.jumped}
        )
        return Report(
            self.size.seed, self.size.days, 1, len(self.town.people), len(self.ids),
            frozenset(each.clock.key for each in self.town.people), did, watch.moments, watch.outcomes,
            self.messages, watch.breaches,
        )  # fmt: skip

    def _set_up(self) -> tuple[Visitor, dict[str, Plan]]:
        world = World(self.runtime)
        workspace = world.workspace(
            time_zone=HOME, holidays=list(HOLIDAYS), blackout_dates=list(BLACKOUTS), rest_days=REST,
            rest_days_by_metric=REST_BY_METRIC, locale="en", quiet_days=sorted(self.settings.quiet_days),
            daily_cap=self.settings.daily_cap, weekly_cap=self.settings.weekly_cap,
        )  # fmt: skip
        who = world.member(workspace, Role.MANAGER)
        surveys = {metric.value: world.survey(workspace, metric).id for metric in Metric if metric != "enps"}
        with self.runtime.db.write() as session:
            for person in self.town.born(self.size.people, self.machine.now):
                known = contact_rows.keyed(session, read_contact(person.as_given(), None))
                row = contact_rows.new_row(known, workspace, self.machine.now)
                session.add(row)
                self.town.settle(person, row.id)
        ids = {
            schedules.create(self.runtime, who, plan.fields(surveys, MIDNIGHT)): plan for plan in self.plans
        }
        return who, ids

    def _calendar(self) -> Calendar:
        return Calendar(
            frozenset(map(date.fromisoformat, HOLIDAYS)), frozenset(map(date.fromisoformat, BLACKOUTS))
        )

    def _zones_at(self, address: str) -> dict[str, str]:
        return {each.id: each.clock.key for each in self.town.at.get(address, ())}

    def _live(self, ends: datetime) -> None:
        while self.machine.now < ends and not self.judge.breaches.number[self.until]:
            self._set_the_clock()
            if (outage := self.trouble.look(self.machine.now)) is not None:
                self._down(outage)
            self._wake()
            self._wait(min(ends, self._next_wake()))
        self.trouble.waiting.clear()
        self.trouble.armed = None
        self._wake()

    def _next_wake(self) -> datetime:
        now = self.machine.now
        due = min(self.looked.values(), default=now + LONGEST)
        return max(now + AWAKE, min(due, now + LONGEST))

    def _wait(self, until: datetime, *, web_is_up: bool = True) -> None:
        """Until then only people do something; what they do while nothing answers, they do afterwards."""
        while web_is_up and (moment := self.life.next_moment()) is not None and moment <= until:
            self.machine.leap(moment)
            self.life.take()()
        self.machine.leap(until)

    def _set_the_clock(self) -> None:
        if self.jumps and self.jumps[0][0] <= self.machine.now:
            self.machine.is_set(self.jumps.pop(0)[1])
            self.jumped += 1

    def _wake(self) -> None:
        """The worker does what is due, until nothing is; or something happens to it."""
        self.trouble.at_work = True
        try:
            while self._work():
                pass
        except Killed:
            self._falls()
        except Unavailable:
            assert self.trouble.is_dead
            self._falls()
        finally:
            self.trouble.at_work = False
        self._see()

    def _work(self) -> int:
        """Every job that has something to do, in the order of the timetable; now and then, all of them."""
        now = self.machine.now
        self.looked = self.due.look(self.runtime)
        due = {name for name, at in self.looked.items() if at <= now}
        if now - self._housekept >= HOUSE:
            self._housekept, due = now, {job.name for job in TIMETABLE if not job.upkeep}
        return sum(self._do(job) for job in TIMETABLE if job.name in due)

    def _do(self, job: Job) -> int:
        return job.work(self.runtime)

    def _falls(self) -> None:
        """The worker is gone, or its database."""
        web_is_up, self.trouble.is_dead, self.trouble.at_work = not self.trouble.is_dead, False, False
        self._note_attempts()
        self._down(self.trouble.struck(), web_is_up=web_is_up)

    def _down(self, outage: Outage, *, web_is_up: bool = True) -> None:
        self._see()
        self._wait(self.machine.now + outage.lasts, web_is_up=web_is_up)
        for job in AT_START:
            self._do(job)

    def _reach(self, point: str) -> None:
        if point == "claimed" and self.chance.random() < self.size.hesitating:
            self._turns_away_just_now()
        self.trouble.reach(point)

    def _turns_away_just_now(self) -> None:
        """Somebody whose question is already in the worker's hands: they say no, or move."""
        with self.runtime.db.read() as session:
            claimed = session.scalars(
                select(Message.contact_id).where(Message.state == "claimed", Message.priority == 1).limit(1)
            ).first()
        person = self.town.by_id.get(claimed or "")
        if person is not None and person.erased_at is None:
            self.chance.choice((self.life.says_no, self.life.moves))(person)

    def _note_attempts(self) -> None:
        """Nobody will ever know of these whether they left."""
        with self.runtime.db.read() as session:
            self.ledger.in_doubt.update(
                session.scalars(select(Message.id).where(Message.state == "attempting"))
            )

    def _see(self) -> None:
        """What the providers have taken since we last looked goes before the judge."""
        fresh, self.ledger.fresh[:] = list(self.ledger.fresh), []
        for start in range(0, len(fresh), 500):
            some = fresh[start : start + 500]
            said = dict(self._said([each.message.id for each in some]))
            for taken in some:
                what = said.get(taken.message.id)
                self.messages[taken.channel, what.purpose if what else "other"] += 1
                if what is not None:
                    self.judge.see(taken, what)
                    self.life.gets(taken, what.metric, what.contact_id)

    def _said(self, ids: list[str]) -> Iterator[tuple[str, Said]]:
        query = (
            select(
                Message.id, Message.purpose, Message.contact_id, Invitation.id, Invitation.metric,
                Invitation.schedule_id, Occurrence.id, Occurrence.origin,
            )
            .join(Invitation, Invitation.id == Message.invitation_id)
            .join(Occurrence, Occurrence.id == Invitation.occurrence_id)
            .where(Message.id.in_(ids), Message.purpose.in_(("invitation", "reminder")))
        )  # fmt: skip
        with self.runtime.db.read() as session:
            for id, purpose, contact, invitation, metric, schedule, run, origin in session.execute(query):
                plan = self.ids.get(schedule)
                yield id, Said(purpose, contact, invitation, run, metric, plan, origin == "schedule")


def settings(url: str, folder: Path) -> dict[str, str]:
    """The service as it would be with real channels."""
    return {
        "DATABASE_URL": url,
        "KEYS_DIR": str(folder / "keys"),
        "JOURNAL_DIR": str(folder / "journal"),
        "SECRET_KEY": "a-secret-only-for-tests-0123456789-abcdefgh",
        "SANDBOX": "off",
        "SMS_COUNTRIES": ",".join(sorted(set(ZONES.values()))),
        "SMS_DAILY_SEGMENTS": "100000",
    }
