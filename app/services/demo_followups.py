"""What became of unhappy answers in the demonstration: closed with their reason, waiting, or urgent now."""

from datetime import datetime, timedelta

from app.domain.followups import Reason, due, reason_to_open
from app.domain.metrics import RULES, Band, Metric
from app.models import FollowUp, FollowUpClosure, FollowUpEvent, new_id
from app.services.asking_again import WAIT
from app.services.demo_asks import Asking, Row
from app.services.demo_house import Agent, House
from app.services.demo_words import WE_DID, WE_REPLIED, Scene

IN_TIME = 0.92
ASKED_AGAIN, ANSWERED_AGAIN = 0.5, 0.6
RECOVERED = 0.7


class Following:
    """Opens what the answers need, and works on it as a good team would."""

    def __init__(self, house: House, asking: Asking) -> None:
        self.house = house
        self.asking = asking

    def fill(self) -> None:
        """One follow-up for each answer that needs a person."""
        for answer in list(self.asking.answers):
            reason = reason_to_open(Metric(answer["metric"]), Band(answer["band"]), answer["contact_me"])
            if reason is not None:
                self._follow(answer, reason)

    def _follow(self, answer: Row, reason: Reason) -> None:
        house, opened = self.house, answer["recorded_at"]
        owed = due(opened, house.calendar)
        row = house.heap.put(
            FollowUp, id=new_id(), workspace_id=house.workspace.id, answer_id=answer["id"],
            contact_id=answer["contact_id"], reason=reason.value, assignee_id=None, opened_at=opened,
            first_contact_due_at=owed.first_contact, close_due_at=owed.closing, first_contact_at=None,
            replied_at=None, closed_at=None, revision=1,
        )  # fmt: skip
        self._event(row, "opened", opened)
        scene: Scene | None = answer.get("scene")
        if scene is not None:
            if scene.agent is not None:
                self._claim(row, house.agents[scene.agent], self._within(row, 2, 20))
        elif owed.closing < house.now:
            self._close(row, answer, house.chance.choice(house.agents))
        else:
            self._in_between(row, answer, house.chance.choice(house.agents))

    def _in_between(self, row: Row, answer: Row, agent: Agent) -> None:
        """Not due to be closed yet: contacted where that was due, else as it happens."""
        contact_was_due = row["first_contact_due_at"] < self.house.now
        drawn = self.house.chance.random()
        if drawn < (0.4 if contact_was_due else 0.1):
            self._close(row, answer, agent)
        elif contact_was_due or drawn < 0.35:
            self._reply(row, answer, agent)
        elif drawn < 0.7:
            self._claim(row, agent, self._within(row, 1, 8))

    def _within(self, row: Row, least: float, most: float) -> datetime:
        """A moment so many business hours after the opening, and not in the future."""
        at = self.house.calendar.add_hours(row["opened_at"], self.house.chance.uniform(least, most))
        return min(at, self.house.now - timedelta(minutes=self.house.chance.uniform(5, 50)))

    def _claim(self, row: Row, agent: Agent, at: datetime) -> None:
        row["assignee_id"] = agent.member_id
        self._event(row, "claimed", max(at, row["opened_at"]), agent)

    def _reply(self, row: Row, answer: Row, agent: Agent) -> datetime:
        in_time = self.house.chance.random() < IN_TIME
        at = self._within(row, 3, 23) if in_time else self._within(row, 24.5, 30)
        self._claim(row, agent, row["opened_at"] + (at - row["opened_at"]) / 2)
        row["first_contact_at"] = row["replied_at"] = at
        self._event(row, "replied", at, agent, self.house.chance.choice(WE_REPLIED[answer["person"].locale]))
        return at

    def _close(self, row: Row, answer: Row, agent: Agent) -> None:
        house, chance = self.house, self.house.chance
        replied = self._reply(row, answer, agent)
        at = max(self._within(row, 25, 70 if chance.random() < IN_TIME else 95), replied)
        row["closed_at"] = at
        summary = chance.choice(WE_DID)
        recent = at + WAIT > house.now
        again = recent or chance.random() < ASKED_AGAIN
        closure_id = new_id()
        house.heap.put(
            FollowUpClosure, id=closure_id, workspace_id=house.workspace.id, followup_id=row["id"],
            closed_by=agent.name, summary=summary, root_cause=chance.choice(house.workspace.root_causes),
            ask_again=again, closed_at=at,
        )  # fmt: skip
        self._event(row, "closed", at, agent, summary)
        if again and not recent:
            self._ask_again(answer, closure_id, at + WAIT)

    def _ask_again(self, answer: Row, closure_id: str, at: datetime) -> None:
        house, metric = self.house, Metric(answer["metric"])
        occurrence = self.asking.occur_again(metric, closure_id, at)
        invitation = self.asking.ask(answer["person"], metric, at, occurrence)
        answered = at + timedelta(hours=house.chance.uniform(1, 40))
        if house.chance.random() < ANSWERED_AGAIN and answered < house.now:
            upper, middle, _ = RULES[metric].bands
            band = upper if house.chance.random() < RECOVERED else middle
            scores = [each for each in RULES[metric].scores if RULES[metric].band(each) is band]
            self.asking.answer(answer["person"], invitation, house.chance.choice(scores), answered)

    def _event(
        self, row: Row, kind: str, at: datetime, agent: Agent | None = None, text: str | None = None
    ) -> None:
        self.house.heap.put(
            FollowUpEvent, id=new_id(), workspace_id=self.house.workspace.id, followup_id=row["id"], at=at,
            kind=kind, actor=agent.name if agent else None, member_id=agent.member_id if agent else None,
            text=text,
        )  # fmt: skip
