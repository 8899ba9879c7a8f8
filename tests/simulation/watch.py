"""Reads what became of everything, and holds it against the script: due moments, held-back asks, sums."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.models import Invitation, Message, Occurrence
from app.runtime import Runtime
from tests.simulation.almanac import Calendar, Moment, due_moments
from tests.simulation.outages import JUMPS
from tests.simulation.people import Town
from tests.simulation.provider import Ledger
from tests.simulation.rules import Breaches, Judge
from tests.simulation.schedules import Plan

OPEN = ("planned", "queued", "sending", "unknown")
ASKED = ("sent", "delivered", "answered")
GRACE = timedelta(hours=1)  # by which a worker that is awake may be late, in the leaps of this simulation
SET_BACK = -min(JUMPS)


@dataclass
class Watch:
    """What is known of the whole run at its end."""

    runtime: Runtime
    ids: Mapping[str, Plan]  # the plans by the ids of their schedules
    town: Town
    ledger: Ledger
    judge: Judge
    calendar: Calendar
    begins: datetime  # the midnight from which the plans count their beginnings
    pauses: Mapping[str, Sequence[tuple[datetime, datetime]]]
    tickets: Sequence[str]
    moments: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def breaches(self) -> Breaches:
        return self.judge.breaches

    def look(self) -> None:
        """Everything at once, when the two years are over."""
        now = self.runtime.clock()
        with self.runtime.db.read() as session:
            runs = session.scalars(select(Occurrence).order_by(Occurrence.due_at)).all()
        of: dict[str, list[Occurrence]] = defaultdict(list)
        for run in runs:
            of[str(run.schedule_id)].append(run)
            self.moments[run.state, run.reason or ""] += 1
        for id, plan in self.ids.items():
            self._every_moment(id, plan, [each for each in of[id] if each.origin == "schedule"], now)
            self._every_step(plan, of[id])
            if plan.rule is None:
                self._every_ticket(id, of[id])
        self._every_run(runs, now)
        self._every_ask(now)
        for each in self.ledger.knocked:
            self.breaches.add("closed address", each)

    def _every_moment(self, id: str, plan: Plan, runs: Sequence[Occurrence], now: datetime) -> None:
        """Each moment of the rule has one row, that row is in order, and there is no other."""
        if plan.rule is None:
            return
        wanted = {each.local: each for each in self._wanted(plan, now)}
        found = Counter(run.key.removeprefix(f"{id}:").removesuffix(f":{plan.zone}") for run in runs)
        for local in wanted.keys() - found.keys():
            self.breaches.add("due moments", f"{plan.name}: {local} has no row")
        for local, number in found.items():
            if local not in wanted or number > 1:
                self.breaches.add("due moments", f"{plan.name}: {local} has {number} rows")
        for run in runs:
            moment = wanted.get(run.key.removeprefix(f"{id}:").removesuffix(f":{plan.zone}"))
            if moment is not None and (why := self._wrong(id, plan, run, moment, runs)):
                self.breaches.add("due moments", f"{plan.name}: {moment.local} {why}")

    def _wanted(self, plan: Plan, now: datetime) -> list[Moment]:
        return due_moments(
            plan.rule or "", plan.starts_at(self.begins), plan.zone, plan.off_days, self.calendar, now
        )

    def _wrong(
        self, id: str, plan: Plan, run: Occurrence, moment: Moment, runs: Sequence[Occurrence]
    ) -> str | None:
        """What is wrong with the row of this moment."""
        late = run.created_at - run.due_at
        said = f"{run.state} ({run.reason}) {late} late"
        if run.due_at != moment.due_at:
            return f"is due at {run.due_at}, not {moment.due_at}"
        if moment.off is not None:
            return None if (run.state, run.reason) == ("skipped", moment.off) else said
        allowed = timedelta(hours=plan.late_hours)
        ended = run.ended_at or run.created_at  # one that was written in time may not have begun in time
        newer = any(run.due_at < other.due_at <= ended for other in runs)
        paused = any(begin <= run.due_at <= end for begin, end in self.pauses.get(id, ()))
        fine = {
            ("run", None): late <= allowed,
            ("missed", "late"): newer or ended - run.due_at > allowed,
            ("skipped", "paused"): paused or late > GRACE,
            ("skipped", "overlap"): any(_is_under_way(other, run) for other in runs),
        }
        return None if fine.get((run.state, run.reason), False) else said

    def _every_step(self, plan: Plan, runs: Sequence[Occurrence]) -> None:
        """Each run of a sequence has a row for each of its steps."""
        steps = Counter((run.key.split(":")[0], run.step) for run in runs if run.origin == "sequence")
        for run in runs:
            if run.origin == "schedule" and run.state == "run":
                for number in range(1, len(plan.steps) + 1):
                    if steps.pop((run.id, number), 0) != 1:
                        self.breaches.add("due moments", f"{plan.name}: {run.due_at} lacks step {number}")

    def _every_ticket(self, id: str, runs: Sequence[Occurrence]) -> None:
        """Each event that counts has one row, and the others have none."""
        found = Counter(run.key for run in runs if run.origin == "trigger")
        wanted = {f"{id}:{each}" for each in self.tickets}
        for key in wanted ^ found.keys():
            self.breaches.add("due moments", f"the ticket {key} has {found[key]} rows")

    def _every_run(self, runs: Sequence[Occurrence], now: datetime) -> None:
        """No run is left over, and each has decided about everybody whom it was about."""
        decided = dict(self._decided())
        for run in runs:
            plan = self.ids.get(str(run.schedule_id))
            if run.state in ("due", "running") and run.due_at < now - timedelta(days=1):
                self.breaches.add("left behind", f"a run of {plan and plan.name}, due at {run.due_at}")
            if run.state == "run" and plan is not None:
                least, most = self._audience(run, plan)
                if not least <= decided.get(run.id, 0) <= most:
                    said = f"{decided.get(run.id, 0)} of {least} to {most}"
                    self.breaches.add("counts", f"{plan.name} at {run.due_at}: {said}")

    def _decided(self) -> Iterator[tuple[str, int]]:
        with self.runtime.db.read() as session:
            query = select(Invitation.occurrence_id, func.count()).group_by(Invitation.occurrence_id)
            yield from ((run, number) for run, number in session.execute(query))

    def _audience(self, run: Occurrence, plan: Plan) -> tuple[int, int]:
        """How many people it was about: a range where people came or went while it worked, or chose."""
        if run.origin == "trigger" or run.contact_id:
            return 0, 1
        # Somebody may have come just before the clock was set back
        begins, ends = run.created_at - SET_BACK, (run.ended_at or run.created_at) + SET_BACK
        sure, perhaps = 0, 0
        for person in self.town.people:
            if plan.group is not None and person.group != plan.group:
                continue
            gone = person.erased_at
            sure += person.added_at < begins and (gone is None or gone > ends)
            perhaps += person.added_at <= ends and (gone is None or gone >= begins)
        if run.origin == "sequence":
            return 0, perhaps
        if plan.least_days:
            return 0, -(-perhaps // (plan.least_days - self._dark_days(run, plan.least_days)))
        return sure, perhaps

    def _dark_days(self, run: Occurrence, days: int) -> int:
        """How many of so many days bring nobody, so that the others bring more; it may look a day further."""
        first = run.due_at.date()
        return sum(0 <= (each - first).days <= days for each in self.calendar.blackouts)

    def _every_ask(self, now: datetime) -> None:
        """Each ask has ended, asked or with a reason, or has time left; and the ledger says the same."""
        with self.runtime.db.read() as session:
            rows = session.execute(
                select(
                    Invitation.id, Invitation.state, Invitation.reason, Invitation.expires_at,
                    Invitation.sent_at, Invitation.schedule_id,
                )
            ).all()  # fmt: skip
            first = select(Message.invitation_id, Message.id).where(Message.purpose == "invitation")
            messages: dict[str, list[str]] = defaultdict(list)
            for invitation, message in session.execute(first):
                messages[str(invitation)].append(message)
            waiting = session.execute(
                select(Message.id, Message.due_at).where(
                    Message.state.in_(("queued", "claimed", "attempting")),
                    Message.due_at < now - timedelta(days=2),
                )
            ).all()
        for id, due_at in waiting:
            self.breaches.add("left behind", f"the message {id}, due at {due_at}")
        for row in rows:
            self.outcomes[row.state, row.reason or ""] += 1
            if (why := self._unlike(row, messages[row.id], now)) is not None:
                rule, case = why
                self.breaches.add(rule, f"{self._name(row.schedule_id)}, {row.id}: {case}")

    def _name(self, schedule_id: str) -> str:
        return self.ids[schedule_id].name if schedule_id in self.ids else "?"

    def _unlike(self, row: object, messages: Sequence[str], now: datetime) -> tuple[str, str] | None:
        """Where an ask and the ledger disagree."""
        state, reason = row.state, row.reason  # type: ignore[attr-defined]
        said = f"{state} ({reason})"
        arrived = self.judge.has(row.id)  # type: ignore[attr-defined]
        if state == "answered":  # who answers has it, whatever was said later
            arrived = row.id in self.judge.asked  # type: ignore[attr-defined]
        doubt = any(each in self.ledger.in_doubt for each in messages)
        if state in OPEN:
            over = row.expires_at < now - GRACE  # type: ignore[attr-defined]
            return ("left behind", said) if over else None
        if state in ("skipped", "cancelled", "failed") and not reason:
            return "left behind", f"{state}, and nobody knows why"
        was_sent = state in ASKED or (state == "expired" and row.sent_at is not None)  # type: ignore[attr-defined]
        if was_sent and not arrived and not doubt:
            return "counts", f"{said}, and no provider has it"
        if not was_sent and arrived:
            return "counts", f"{said}, and a provider has it"
        return None


def _is_under_way(other: Occurrence, run: Occurrence) -> bool:
    """Had the one before not come to its end when this one came due?"""
    return other.due_at < run.due_at and (other.ended_at is None or other.ended_at >= run.created_at - GRACE)
