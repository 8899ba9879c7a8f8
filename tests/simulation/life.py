"""What people and the console do: come, move, answer, say no and yes, are forgotten; tickets; pauses."""

import heapq
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.errors import Conflict, NotFound
from app.runtime import Runtime
from app.services import arrival, contacts, erasure, events, inbound, opt_outs, schedules, unsubscribing
from app.services.access import Visitor
from app.services.events import Told
from tests.simulation.people import HOME, ZONES, Person, Town
from tests.simulation.provider import OURS, Ledger, Taken
from tests.simulation.rules import Judge
from tests.simulation.schedules import EVENT
from tests.simulation.wishes import Wishes

SCORES = {"nps": range(11), "csat": range(1, 6), "ces": range(1, 8)}
_LINK = re.compile(rb"/r/([a-z2-7]{26})")
_OUT = re.compile(rb"List-Unsubscribe: <https?://[^/]+/u/([^>]+)>")


@dataclass
class Life:
    """Everything that happens outside the service, each at its moment."""

    runtime: Runtime
    who: Visitor
    town: Town
    wishes: Wishes
    ledger: Ledger
    judge: Judge
    chance: random.Random
    tickets: list[str] = field(default_factory=list)  # our ids of the events that count
    pauses: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    did: Counter[str] = field(default_factory=Counter)
    _waiting: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (moment, next(self.ledger.places), act))

    def next_moment(self) -> datetime | None:
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> Callable[[], None]:
        return heapq.heappop(self._waiting)[2]

    def plan(self, begins: datetime, days: int, schedule_ids: Sequence[str]) -> None:
        """What is bound to happen, spread over the time."""
        people = len(self.town.people)
        several: tuple[tuple[Callable[[], None], int], ...] = (
            (self.comes, people // 20), (self.moves, people // 20), (self.is_forgotten, people // 60),
            (self.tells_the_console, people // 40), (self.has_a_ticket, people // 40),
        )  # fmt: skip
        for act, number in several:
            for _ in range(max(1, number)):
                self.at(begins + timedelta(days=days * self.chance.random()), act)
        for each in self.chance.sample(list(schedule_ids), min(4, len(schedule_ids))):
            begin = begins + timedelta(days=days * (0.1 + 0.7 * self.chance.random()))
            end = begin + timedelta(days=self.chance.choice((1, 4, 12)))
            self.at(begin, lambda each=each, end=end: self.pauses_it(each, end))  # type: ignore[misc]

    def comes(self) -> None:
        """Somebody new."""
        for person in self.town.born(1, self.runtime.clock()):
            card, _ = contacts.upsert(self.runtime, self.who, person.as_given())
            self.town.settle(person, card.id)
            self.did["added"] += 1

    def moves(self, person: Person | None = None) -> None:
        """To another zone, with another number, or to another mailbox."""
        person = person or self._anybody()
        if self.chance.random() < 0.5:
            person.zone = self.chance.choice(list(ZONES))
            contacts.edit(self.runtime, self.who, person.id, {"time_zone": person.zone})
        elif person.phone is not None:
            self.town.leave(person, person.phone)
            person.phone_zone = person.zone or HOME
            person.phone = self.town.phone(person.phone_zone)
            self.town.at[person.phone].append(person)
            contacts.edit(self.runtime, self.who, person.id, {"phone": person.phone})
        else:
            self.town.leave(person, person.email)
            person.email = f"maria{person.number}.{next(self.ledger.places)}@bemtevi.example"
            self.town.at[person.email].append(person)
            contacts.edit(self.runtime, self.who, person.id, {"email": person.email})
        self.did["moved"] += 1

    def is_forgotten(self) -> None:
        person = self._anybody()
        self.wishes.say(next(self.ledger.places), (person.id, *person.addresses), is_final=True)
        for each in person.addresses:
            self.town.leave(person, each)
        person.erased_at = self.runtime.clock()
        erasure.erase(self.runtime, self.who, person.id)
        self.did["erased"] += 1

    def tells_the_console(self) -> None:
        self.says_no(self._anybody())

    def says_no(self, person: Person) -> None:
        """By the phone, to somebody at the console: it holds for them and for all of their addresses."""
        opt_outs.opt_out(self.runtime, self.who, person.id, origin="console")
        self._noted(person, (person.id, *person.addresses))

    def has_a_ticket(self) -> None:
        """A ticket of theirs was solved; of some nobody wants to be asked."""
        person, counts = self._anybody(), self.chance.random() < 0.8
        told = Told(
            f"t{next(self.ledger.places)}",
            EVENT,
            person.id,
            self.runtime.clock(),
            {"auto_closed": not counts},
        )
        id, _ = events.tell(self.runtime, self.who, told)
        if counts:
            self.tickets.append(id)
        if self.chance.random() < 0.2:  # and soon another one
            self.at(self.runtime.clock() + timedelta(hours=5), self.has_a_ticket)

    def pauses_it(self, schedule_id: str, until: datetime) -> None:
        try:
            schedules.pause(self.runtime, self.who, schedule_id)
        except Conflict:
            return  # it has ended
        now = self.runtime.clock()
        self.pauses.setdefault(schedule_id, []).append((now, until))
        self.did["pauses"] += 1
        self.at(until, lambda: self.goes_on(schedule_id))

    def goes_on(self, schedule_id: str) -> None:
        schedules.resume(self.runtime, self.who, schedule_id)
        begin, _ = self.pauses[schedule_id].pop()
        self.pauses[schedule_id].append((begin, self.runtime.clock()))

    def gets(self, taken: Taken, metric: str, contact_id: str) -> None:
        """Somebody has a question before them: an answer, a no, or nothing comes of it, some time later."""
        drawn = self.chance.random()
        later = self.runtime.clock() + timedelta(hours=self.chance.choice((0.1, 1, 4, 20, 50, 120, 300)))
        if drawn < 0.12:
            self.at(later, lambda: self._answers(taken, metric))
        elif drawn < 0.14:
            self.at(later, lambda: self._refuses(taken, contact_id))
        elif drawn < 0.17 and taken.channel == "sms":
            self.at(later, lambda: self._did_not_arrive(taken))

    def _answers(self, taken: Taken, metric: str) -> None:
        score = self.chance.choice(SCORES[metric])
        if taken.channel == "email":
            token = _found(_LINK, taken)
            try:
                arrival.record(self.runtime, token, arrival.Given(score=score))
            except NotFound:
                return  # too late, or forgotten since
        else:
            self._writes(taken, kind="text", text=str(score))
        self.did["answers"] += 1

    def _refuses(self, taken: Taken, contact_id: str) -> None:
        """By the link in a mail, or with a word in the chat: for them, and for whoever has the address."""
        if taken.channel == "email":
            try:
                unsubscribing.unsubscribe(self.runtime, _found(_OUT, taken), one_click=True)
            except NotFound:
                return  # they were forgotten since
        else:
            self._writes(taken, kind="text", text="STOP")
        person = self.town.by_id[contact_id]
        whose = (contact_id, taken.address) if taken.channel == "email" else (taken.address,)
        self._noted(person, whose)

    def _did_not_arrive(self, taken: Taken) -> None:
        """The provider says hours later that this text is lost for good."""
        self.judge.failed(taken.message.id)
        why = {"reason": "unreachable", "permanent": True}
        self._writes(taken, kind="status", state="failed", message_id=taken.message.id, **why)
        self.did["lost after all"] += 1

    def _writes(self, taken: Taken, **told: object) -> None:
        name = f"{taken.channel}-in-{next(self.ledger.places)}"
        body = json.dumps({"provider_id": name, "address": taken.address, **told}).encode()
        headers: Mapping[str, str] = {}
        inbound.receive(self.runtime, [taken.channel], f"https://{OURS['telegram']}.example", headers, body)
        inbound.handle_new(self.runtime)

    def _noted(self, person: Person, whose: Sequence[str]) -> None:
        """From here on they are not asked; some change their mind after weeks."""
        self.wishes.say(next(self.ledger.places), whose)
        if self.chance.random() < 0.3:
            later = self.runtime.clock() + timedelta(days=20 + 100 * self.chance.random())
            self.at(later, lambda: self._says_yes(person))

    def _says_yes(self, person: Person) -> None:
        if person.erased_at is not None:
            return
        opt_outs.opt_in(self.runtime, self.who, person.id, "Said so on the phone")
        self.wishes.lift(next(self.ledger.places), (person.id, *person.addresses))
        self.did["opt-outs lifted"] += 1

    def _anybody(self) -> Person:
        return self.chance.choice(self.town.alive())


def _found(what: re.Pattern[bytes], taken: Taken) -> str:
    found = what.search(taken.message.mime.replace(b"=\r\n", b""))
    assert found is not None, "a question without its link"
    return found[1].decode()
