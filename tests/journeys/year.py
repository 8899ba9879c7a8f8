"""Customers and a year of their lives: what each does when asked, and a ledger of what they got and said."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator

from app.models import Contact
from tests.journeys.letters import fetch, link_to, one_click
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio
from tests.smtp import Arrived, SmtpSink
from tests.world import Clock

OURS = "+551140028922"
AT_ONCE, WHEN_REMINDED, NEVER = "at once", "when reminded", "never"
OFTEN = (AT_ONCE, AT_ONCE, WHEN_REMINDED, NEVER, NEVER)


@dataclass
class Year:
    """`asked` and `reminded`: who got a message, by the run's day. `scores`: what they said, by the same."""

    people: Sequence[Contact]
    mails: SmtpSink
    texts: ScriptedTwilio
    clock: Clock
    url: str
    leaves: Contact  # in the second run
    asked: dict[date, dict[str, str]] = field(default_factory=dict)  # person → channel
    reminded: dict[date, set[str]] = field(default_factory=dict)
    scores: dict[date, dict[str, int]] = field(default_factory=dict)
    left: str | None = None
    _read: dict[str, int] = field(default_factory=dict)
    _chance: random.Random = field(default_factory=lambda: random.Random(20261201))

    @property
    def days(self) -> list[date]:
        """When somebody was asked."""
        return sorted(self.asked)

    @property
    def all_scores(self) -> list[int]:
        return [score for said in self.scores.values() for score in said.values()]

    def begins(self) -> None:
        """From here on whoever gets something was asked by the run of this day."""
        day = self.clock.now.date()
        self.asked[day], self.reminded[day], self.scores[day] = {}, set(), {}

    def pass_a_day(self) -> None:
        """They read what came since yesterday, and do as they are."""
        for person in self.people:
            for letter in self._fresh("email", person.email, self.mails.to(person.email or "")):
                self._got(person, "email", letter)
            texts = [each for each in self.texts.created if each["To"] == person.phone]
            if self._fresh("sms", person.phone, texts):
                self._got(person, "sms", None)
                # What we say to their answer comes at once: it is read, and asks nothing new
                self._read[f"sms {person.phone}"] = -1

    def skip_texts(self) -> None:
        """The thanks for an answer is no question."""
        for person in self.people:
            if self._read.get(f"sms {person.phone}") == -1:
                texts = [each for each in self.texts.created if each["To"] == person.phone]
                self._read[f"sms {person.phone}"] = len(texts)

    def _fresh(self, kind: str, address: str | None, all_of_them: Sequence[object]) -> list[object]:
        key = f"{kind} {address}"
        known = self._read.get(key, 0)
        self._read[key] = len(all_of_them)
        return list(all_of_them[known:]) if address else []

    def _got(self, person: Contact, channel: str, letter: object) -> None:
        day = self.days[-1]
        first = person.id not in self.asked[day]
        if first:
            self.asked[day][person.id] = channel
        else:
            assert person.id not in self.reminded[day], "one reminder, not two"
            self.reminded[day].add(person.id)
        if first and person is self.leaves and len(self.days) == 2:
            assert isinstance(letter, Arrived)
            assert one_click(letter) == 200
            self.left = person.id
            return
        wish = AT_ONCE if channel == "sms" else self._wish(person, day)
        if wish == (AT_ONCE if first else WHEN_REMINDED):
            self._answers(person, day, letter)

    def _wish(self, person: Contact, day: date) -> str:
        return random.Random(f"{person.name} {day}").choice(OFTEN)

    def _answers(self, person: Contact, day: date, letter: object) -> None:
        score = self._chance.choice((0, 3, 6, 7, 8, 9, 9, 10, 10, 10))
        self.scores[day][person.id] = score
        if isinstance(letter, Arrived):
            link = link_to(letter, f"score={score}")
            assert fetch(link.split("?")[0], "POST", {"score": str(score)}) == 303
        else:
            assert self._texts_back(person.phone or "", str(score)) == 200

    def _texts_back(self, phone: str, words: str) -> int:
        """As Twilio posts and signs it."""
        path, number = "/hooks/twilio/message", self._chance.getrandbits(100)
        form = {"MessageSid": f"SM{number:032x}", "AccountSid": SID, "From": phone, "To": OURS, "Body": words}
        signature = RequestValidator(TOKEN).compute_signature(self.url + path, form)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request("POST", path, urlencode(form), headers)
            return connection.getresponse().status
        finally:
            connection.close()
