"""The people of the simulation, as its script knows them: where they live and how they are reached."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import phonenumbers

HOME = "America/Sao_Paulo"  # of the workspace
ZONES = {  # thirty zones, each with the country of its phones
    "America/Sao_Paulo": "BR", "America/Manaus": "BR", "America/New_York": "US", "America/Chicago": "US",
    "America/Denver": "US", "America/Los_Angeles": "US", "America/Anchorage": "US", "Pacific/Honolulu": "US",
    "America/St_Johns": "CA", "America/Halifax": "CA", "America/Mexico_City": "MX", "America/Bogota": "CO",
    "America/Santiago": "CL", "America/Argentina/Buenos_Aires": "AR", "Atlantic/Azores": "PT",
    "Europe/Lisbon": "PT", "Europe/London": "GB", "Europe/Berlin": "DE", "Europe/Athens": "GR",
    "Africa/Cairo": "EG", "Africa/Johannesburg": "ZA", "Asia/Dubai": "AE", "Asia/Kolkata": "IN",
    "Asia/Kathmandu": "NP", "Asia/Shanghai": "CN", "Asia/Tokyo": "JP", "Australia/Adelaide": "AU",
    "Australia/Sydney": "AU", "Australia/Lord_Howe": "AU", "Pacific/Auckland": "NZ",
}  # fmt: skip
GROUPS = (  # in hundredths of the people: who belongs to which group, the audiences of most schedules
    ("pilot", 1), ("visits", 1), ("shop", 1), ("club", 1), ("care", 5), ("steps", 8), ("core", 15),
    ("rest", 68),
)  # fmt: skip
TELLING = (
    HOME,
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Africa/Cairo",
)  # a phone of there says where
PLANS = ("basic", "basic", "plus", "gold")


@dataclass
class Person:
    """Somebody, as they are now."""

    number: int
    zone: str | None
    email: str | None
    phone: str | None
    chat: str | None
    group: str
    plan: str
    added_at: datetime
    phone_zone: str | None = None  # where their phone is at home
    id: str = ""  # once the service has them
    erased_at: datetime | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(each for each in (self.email, self.phone, self.chat) if each)

    @property
    def clock(self) -> ZoneInfo:
        """By which their night is counted: their own zone, else their phone's, else the workspace's."""
        return ZoneInfo(self.zone or (self.phone_zone if self.phone else None) or HOME)

    def as_given(self) -> dict[str, object]:
        """As an import or a form would tell the service of them."""
        return {
            "external_id": f"x{self.number}",
            "name": f"Maria {self.number}",
            "email": self.email,
            "phone": self.phone,
            "telegram_chat_id": self.chat,
            "time_zone": self.zone,
            "attributes": {"group": self.group, "plan": self.plan},
            "lawful_basis": "consent",
        }


@dataclass
class Town:
    """All of them, and who is reached where."""

    chance: random.Random
    is_small: bool = False  # then every group has as many
    people: list[Person] = field(default_factory=list)
    by_id: dict[str, Person] = field(default_factory=dict)
    at: dict[str, list[Person]] = field(default_factory=lambda: defaultdict(list))

    def born(self, number: int, when: datetime) -> Iterator[Person]:
        """So many more people; a few share a phone or a mailbox with somebody who is there already."""
        for _ in range(number):
            person = self._somebody(len(self.people) + 1, when)
            self.people.append(person)
            yield person

    def settle(self, person: Person, id: str) -> None:
        """The service knows them by this id."""
        person.id = id
        self.by_id[id] = person
        for each in person.addresses:
            self.at[each].append(person)

    def leave(self, person: Person, address: str | None) -> None:
        """Nobody reaches this person there any more."""
        if address is not None:
            self.at[address].remove(person)

    def alive(self) -> list[Person]:
        return [each for each in self.people if each.id and each.erased_at is None]

    def phone(self, zone: str) -> str:
        """A new mobile number of the country of this zone."""
        region = ZONES[zone]
        while True:
            usual = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
            digits = str(usual.national_number)
            ours = digits[:-5] + f"{self.chance.randrange(100_000):05}"
            found = phonenumbers.PhoneNumber(usual.country_code, int(ours))
            written = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
            if written not in self.at and _takes_texts(found, region):
                return written

    def _somebody(self, number: int, when: datetime) -> Person:
        chance = self.chance
        zone = chance.choice(list(ZONES))
        email = f"maria{number}@bemtevi.example" if chance.random() < 0.9 else None
        phone = self.phone(zone) if email is None or chance.random() < 0.35 else None
        chat = str(700_000 + number) if chance.random() < 0.3 else None
        known = zone not in TELLING or chance.random() < 0.5
        if number > 5 and chance.random() < (
            0.3 if self.is_small else 0.03
        ):  # a family behind one phone, a team behind one mailbox
            other, known = chance.choice(self.people[-20:]), True
            by_mail = chance.random() < 0.5
            email, phone = (other.email or email, phone) if by_mail else (email, other.phone or phone)
        plan, group = chance.choice(PLANS), _group(chance, evenly=self.is_small)
        return Person(number, zone if known else None, email, phone, chat, group, plan, when, zone)


_TEXTED = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def _takes_texts(number: phonenumbers.PhoneNumber, region: str) -> bool:
    return (
        phonenumbers.number_type(number) in _TEXTED and phonenumbers.region_code_for_number(number) == region
    )


def _group(chance: random.Random, *, evenly: bool) -> str:
    names, weights = zip(*GROUPS, strict=True)
    return str(chance.choice(names) if evenly else chance.choices(names, weights)[0])
