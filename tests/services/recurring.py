"""What tests of recurrence share: a workspace with its manager, schedules by their fields, ticks."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from app.models import Contact, Invitation, Occurrence, Survey, new_id
from app.runtime import Runtime
from app.services import expanding, planning, runs, schedules
from app.services.access import Visitor
from tests.world import Clock, World


@dataclass
class House:
    """One workspace, its manager and its NPS survey."""

    world: World
    clock: Clock
    who: Visitor
    survey: Survey

    @property
    def runtime(self) -> Runtime:
        return self.world.runtime

    def plans(self, **given: object) -> str:
        """A schedule with these fields; its id."""
        return schedules.create(self.runtime, self.who, {"survey": self.survey.id} | given)

    def tick(self) -> None:
        """What the worker does each second."""
        planning.plan_schedules(self.runtime)
        expanding.expand_occurrences(self.runtime)

    def live(self, days: int = 0, hours: int = 0) -> None:
        """Let time pass day by day, then hour by hour, with a worker awake; what is queued leaves at once."""
        for step in [24] * days + [1] * hours:
            self.clock.advance(hours=step)
            self.tick()
            self.leave()

    def leave(self) -> None:
        """Everything that is queued has been sent."""
        with self.runtime.db.write() as session:
            session.execute(
                update(Invitation)
                .where(Invitation.state == "queued")
                .values(state="sent", sent_at=self.clock.now)
            )

    def crowd(self, number: int) -> list[str]:
        """So many people who may be asked, written quickly; their ids."""
        rows = [
            {
                "id": new_id(), "workspace_id": self.who.workspace_id, "name": f"P{place}",
                "search_name": f"p{place}", "email": f"p{place}@b.example", "email_key": f"k{place}",
                "kind": "customer", "attributes": {}, "lawful_basis": "consent", "active": True,
                "revision": 1, "created_at": self.clock.now, "updated_at": self.clock.now,
            }
            for place in range(number)
        ]  # fmt: skip
        with self.runtime.db.write() as session:
            session.execute(insert(Contact), rows)
        return [str(row["id"]) for row in rows]

    def outcomes(self, id: str) -> list[tuple[str, str | None]]:
        """State and reason of every occurrence of a schedule, oldest due first."""
        query = select(Occurrence).where(Occurrence.schedule_id == id)
        with self.runtime.db.read() as session:
            rows = session.scalars(query.order_by(Occurrence.due_at, Occurrence.step)).all()
        return [(row.state, row.reason) for row in rows]

    def asked(self, id: str) -> list[int]:
        """How many people each run that took place has asked, oldest first."""
        found = runs.history(self.runtime, self.who, id, limit=500).items
        return [run.asked + run.waiting for run in reversed(found) if run.state == "run"]

    def count(self, *conditions: object) -> int:
        """How many invitations there are like this."""
        with self.runtime.db.read() as session:
            query = select(func.count()).select_from(Invitation).where(*conditions)  # type: ignore[arg-type]
            return session.scalar(query) or 0
