"""Half a year of questions in the demonstration: whom was asked what, who answered, and with which words."""

from datetime import datetime, time, timedelta
from itertools import cycle, islice
from typing import Any

from app.domain.cadence import LOCAL, Cadence, Repeat, Run, add_months, moment_of
from app.domain.days_off import OffDays
from app.domain.metrics import RULES, Metric, band_of, tone
from app.models import Answer, Invitation, Message, Occurrence, OptOut, Schedule, new_id
from app.services.coming_due import days_off_of
from app.services.demo_house import MONTHS, House, Person
from app.services.demo_words import CUSTOMERS, SCENES, Scene
from app.services.inviting import OPEN_FOR
from app.services.outbox import USUAL

CUSTOMERS_NUMBER = 900
LAST_RUN = timedelta(days=8)  # before now: answers still come in
ANSWERING = {Metric.NPS: 0.31, Metric.CSAT: 0.44, Metric.CES: 0.38}
# Shares of the upper and the middle band, half a year ago and today: the product got better, and it shows.
SHARES = {
    Metric.NPS: ((0.44, 0.30), (0.58, 0.28)),
    Metric.CSAT: ((0.81, 0.09), (0.89, 0.07)),
    Metric.CES: ((0.78, 0.11), (0.77, 0.11)),
}
MEAN_HOURS = 20.0  # until somebody answers
WITH_WORDS = {"up": 0.3, "flat": 0.35, "down": 0.75}
OPTED_OUT, BOUNCED = 9, 6  # people

Row = dict[str, Any]


class Asking:
    """Fills one customers workspace. `answers` are its rows, for those who follow up."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.answers: list[Row] = []
        last = (house.now - LAST_RUN).astimezone(house.zone).replace(tzinfo=None)
        first = add_months(datetime.combine(last.date(), time(10)), 1 - MONTHS)
        days_off = days_off_of(house.session, house.workspace.id)
        rule = Cadence(Repeat.MONTHLY, first, house.zone, off_days=OffDays.NEXT, days_off=days_off)
        *over, coming, after = islice(rule.runs(), MONTHS + 2)
        # A day of the company's own, so that a run that keeps away from one is always among the next
        own = after.due_at.astimezone(house.zone).date().isoformat()
        house.workspace.holidays = sorted({*house.workspace.holidays, own})
        self.schedule_id = self._schedule(rule, coming)
        self.runs = [self._run(each) for each in over]

    def fill(self) -> None:
        """Everything, then the words: the latest answers take the best ones."""
        people = self.house.people(CUSTOMERS_NUMBER)
        for index, person in enumerate(people):
            self._half_a_year(person, index % 3)
        self._leave(people)
        self._say_something()
        for scene in SCENES:
            self._play(scene)

    def ask(self, person: Person, metric: Metric, at: datetime, occurrence: Row | None = None) -> Row:
        """An invitation with its message, sent at that moment."""
        house = self.house
        occurrence = occurrence or self._occur(metric, "request", new_id(), at)
        survey_id, version_id = house.surveys[metric]
        ended = at + OPEN_FOR <= house.now
        invitation = house.heap.put(
            Invitation, id=new_id(), workspace_id=house.workspace.id, occurrence_id=occurrence["id"],
            schedule_id=occurrence["schedule_id"], survey_id=survey_id, version_id=version_id,
            metric=metric.value, contact_id=person.id, address_key=person.key, locale=person.locale,
            channel="email", state="expired" if ended else "sent", reason="expired" if ended else None,
            until=None, sandbox=False, created_at=at, sent_at=at, expires_at=at + OPEN_FOR,
        )  # fmt: skip
        house.heap.put(
            Message, id=new_id(), workspace_id=house.workspace.id, purpose="invitation", priority=USUAL,
            channel="email", invitation_id=invitation["id"], contact_id=person.id, to_address=person.email,
            address_key=person.key, locale=person.locale, state="sent", tries=1, due_at=at, created_at=at,
            sent_at=at,
        )  # fmt: skip
        return invitation

    def answer(self, person: Person, invitation: Row, score: int, at: datetime, **values: Any) -> Row:
        """What they said, recorded at that moment."""
        metric = Metric(invitation["metric"])
        invitation["state"], invitation["reason"] = "answered", None
        row = self.house.heap.put(
            Answer, id=new_id(), workspace_id=invitation["workspace_id"], invitation_id=invitation["id"],
            survey_id=invitation["survey_id"], version_id=invitation["version_id"], contact_id=person.id,
            metric=metric.value, score=score, band=band_of(metric, score).value,
            comment=values.get("comment"), contact_me=values.get("contact_me", False), channel="email",
            sandbox=False, attributes=person.attributes, suspect=False, late=False, recorded_at=at,
            updated_at=at,
        )  # fmt: skip
        self.answers.append(row | {"person": person, "row": row})
        return row

    def _schedule(self, rule: Cadence, coming: Run) -> str:
        house, began = self.house, moment_of(rule.starts_at, self.house.zone)
        schedule_id = new_id()
        house.heap.put(
            Schedule, id=schedule_id, workspace_id=house.workspace.id, survey_id=house.surveys[Metric.NPS][0],
            name="Todo mês, quem já descansou", audience={}, repeat=rule.repeat.value,
            starts_at=rule.starts_at.strftime(LOCAL), time_zone=house.workspace.time_zone,
            off_days=rule.off_days.value, channels=["email"], state="active", next_due_at=coming.due_at,
            revision=1, created_at=began, updated_at=began,
        )  # fmt: skip
        return schedule_id

    def _run(self, run: Run) -> Row:
        key = f"{self.schedule_id}:{run.local}:{self.house.workspace.time_zone}"
        return self._occur(Metric.NPS, "schedule", key, run.due_at)

    def _occur(self, metric: Metric, origin: str, key: str, at: datetime) -> Row:
        survey_id, version_id = self.house.surveys[metric]
        return self.house.heap.put(
            Occurrence, id=new_id(), workspace_id=self.house.workspace.id,
            schedule_id=self.schedule_id if origin == "schedule" else None, survey_id=survey_id,
            version_id=version_id, origin=origin, key=key, audience={}, channels=["email"], state="run",
            due_at=at, created_at=at, ended_at=at,
        )  # fmt: skip

    def occur_again(self, metric: Metric, closure_id: str, at: datetime) -> Row:
        """The occurrence of asking again after a closing."""
        return self._occur(metric, "closure", closure_id, at)

    def _half_a_year(self, person: Person, first: int) -> None:
        """The relationship once a quarter, by the schedule; in between once about a case; else they rest."""
        for number, run in enumerate(self.runs):
            at = run["due_at"]
            if number % 3 == first:
                self._ask_and_maybe_answer(person, Metric.NPS, at, run)
                self._ask_about_a_case(person, at + timedelta(days=31 + self.house.chance.randrange(29)))
            else:
                self._rest(person, run, at + timedelta(days=30 * ((first - number) % 3)))

    def _ask_about_a_case(self, person: Person, day: datetime) -> None:
        chance = self.house.chance
        at = self.house.calendar.add_hours(day, chance.uniform(0, 9))
        if at < self.house.now:
            metric = Metric.CSAT if chance.random() < 0.7 else Metric.CES
            self._ask_and_maybe_answer(person, metric, at)

    def _ask_and_maybe_answer(
        self, person: Person, metric: Metric, at: datetime, occurrence: Row | None = None
    ) -> None:
        chance = self.house.chance
        invitation = self.ask(person, metric, at, occurrence)
        after = timedelta(hours=min(chance.expovariate(1 / MEAN_HOURS), 600))
        if chance.random() < ANSWERING[metric] and at + after < self.house.now:
            self.answer(person, invitation, self._score(metric, at), at + after)

    def _score(self, metric: Metric, at: datetime) -> int:
        """Drawn from shares that moved evenly from half a year ago until today."""
        chance, (old, new) = self.house.chance, SHARES[metric]
        gone = 1 - (self.house.now - at) / timedelta(days=31 * MONTHS)
        upper, middle = (before + (after - before) * gone for before, after in zip(old, new, strict=True))
        (drawn,) = chance.choices(RULES[metric].bands, (upper, middle, 1 - upper - middle))
        return chance.choice([each for each in RULES[metric].scores if band_of(metric, each) is drawn])

    def _rest(self, person: Person, run: Row, until: datetime) -> None:
        house = self.house
        survey_id, version_id = house.surveys[Metric.NPS]
        house.heap.put(
            Invitation, id=new_id(), workspace_id=house.workspace.id, occurrence_id=run["id"],
            schedule_id=self.schedule_id, survey_id=survey_id, version_id=version_id, metric=Metric.NPS.value,
            contact_id=person.id, address_key=person.key, locale=person.locale, channel=None, state="skipped",
            reason="resting", until=until, sandbox=False, created_at=run["due_at"], sent_at=None,
            expires_at=run["due_at"] + OPEN_FOR,
        )  # fmt: skip

    def _leave(self, people: list[Person]) -> None:
        """Some asked to be left alone, and some addresses are dead."""
        house, kinds = (
            self.house,
            [("own_wish", "one_click")] * OPTED_OUT + [("bounce", "provider")] * BOUNCED,
        )
        for person, (kind, origin) in zip(house.chance.sample(people, len(kinds)), kinds, strict=True):
            house.heap.put(
                OptOut, id=new_id(), workspace_id=house.workspace.id, address_key=person.key,
                contact_id=person.id if kind == "own_wish" else None, kind=kind, origin=origin,
                created_at=house.now - timedelta(days=house.chance.uniform(0.2, 6)),
            )  # fmt: skip

    def _say_something(self) -> None:
        words = {
            (locale, way): cycle(texts) for locale, ways in CUSTOMERS.items() for way, texts in ways.items()
        }
        for answer in sorted(self.answers, key=lambda each: each["recorded_at"], reverse=True):
            way = tone(band_of(Metric(answer["metric"]), answer["score"]))
            if self.house.chance.random() < WITH_WORDS[way]:
                answer["row"]["comment"] = next(words[answer["person"].locale, way])

    def _play(self, scene: Scene) -> None:
        """Somebody whom the first look meets."""
        now = self.house.now
        person = self.house.person(scene.name, scene.company, scene.locale)
        at = now - timedelta(minutes=scene.minutes_ago) if scene.minutes_ago else self._so_late(scene)
        if scene.metric is Metric.NPS:
            months_ago = self.ask(person, Metric.NPS, self.runs[2]["due_at"], self.runs[2])
            self.answer(person, months_ago, 8, self.runs[2]["due_at"] + timedelta(hours=5))
        invitation = self.ask(person, scene.metric, at - timedelta(hours=3))
        self.answer(person, invitation, scene.score, at, comment=scene.comment, contact_me=scene.contact_me)
        self.answers[-1]["scene"] = scene

    def _so_late(self, scene: Scene) -> datetime:
        """When they answered, if today we are so many business hours past the first contact."""
        calendar, at = self.house.calendar, self.house.now
        while calendar.add_hours(at, 24 + scene.hours_late) > self.house.now:
            at -= timedelta(minutes=13)
        return at
