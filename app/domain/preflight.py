"""What somebody should know before a schedule begins to ask: findings, the serious ones first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

# While one of these stands nobody would be asked, or nothing could be said to them.
SERIOUS = ("unpublished", "no_texts", "no_channel", "nobody", "unwritable")


@dataclass(frozen=True)
class Finding:
    """One thing to know: its code, how many people (or segments) it is about, and what else it names."""

    code: str
    number: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_serious(self) -> bool:
        return self.code in SERIOUS


@dataclass(frozen=True)
class Missing:
    """A language that people have and the survey has not."""

    locale: str
    instead: str
    people: int


@dataclass(frozen=True)
class Texts:
    """Text messages in one language: `segments` and `money` of all of them, from texts that were made."""

    locale: str
    people: int
    segments: int
    plain_segments: int  # without the letters that cost
    each: int  # the segments of the longest
    plain_each: int
    letters: tuple[str, ...]
    money: Decimal | None
    plain_money: Decimal | None


@dataclass(frozen=True)
class Budget:
    """What the day still has for text messages; `money` is None where no cap in money is set."""

    segments: int
    money: Decimal | None
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything that findings are read from."""

    published: bool
    has_texts: bool
    changed: bool  # has the survey words that are not published?
    waits_for_events: bool
    total: int
    asked: int
    no_address: int
    ready: tuple[str, ...]  # of its channels, those that are set up
    not_ready: tuple[str, ...]
    sandbox: bool
    sending_paused: bool
    counted: bool = True  # else no number of people is known
    missing: tuple[Missing, ...] = ()
    unfilled: tuple[tuple[str, int], ...] = ()  # a placeholder, and how many have no value for it
    without_template: tuple[tuple[str, int], ...] = ()  # a language, and how many on WhatsApp
    refused_countries: int = 0
    unwritable: int = 0
    texts: tuple[Texts, ...] = ()
    budget: Budget | None = None


def findings(facts: Facts) -> tuple[Finding, ...]:
    """What is to be said, the serious first."""
    found = [*_of_the_whole(facts), *_of_channels(facts), *_of_words(facts), *_of_texts(facts)]
    return tuple(sorted(found, key=lambda each: not each.is_serious))


def _of_the_whole(facts: Facts) -> Iterator[Finding]:
    if not facts.published:
        yield Finding("unpublished")
    elif not facts.has_texts:
        yield Finding("no_texts")
    if not facts.counted:
        yield Finding("not_counted")
    elif not facts.asked and not facts.waits_for_events:
        yield Finding("nobody", facts.total)
    if facts.no_address:
        yield Finding("no_address", facts.no_address)
    if facts.changed:
        yield Finding("changed")


def _of_channels(facts: Facts) -> Iterator[Finding]:
    if not facts.ready:
        yield Finding("no_channel")
        return
    for channel in facts.not_ready:
        yield Finding("channel_missing", facts={"channel": channel})
    if facts.sending_paused:
        yield Finding("sending_paused")
    if facts.sandbox:
        yield Finding("sandbox")


def _of_words(facts: Facts) -> Iterator[Finding]:
    if facts.unwritable:
        yield Finding("unwritable", facts.unwritable)
    for each in facts.missing:
        yield Finding("translation", each.people, {"locale": each.locale, "instead": each.instead})
    for name, people in facts.unfilled:
        yield Finding("unfilled", people, {"name": name})
    for locale, people in facts.without_template:
        yield Finding("no_template", people, {"locale": locale})


def _of_texts(facts: Facts) -> Iterator[Finding]:
    for each in facts.texts:
        if each.plain_segments < each.segments:
            saved = (
                each.money - each.plain_money
                if each.money is not None and each.plain_money is not None
                else None
            )
            yield Finding(
                "dear_letters",
                each.segments - each.plain_segments,
                {"locale": each.locale, "letters": " ".join(each.letters[:4]), "money": _money(saved)},
            )
    if facts.refused_countries:
        yield Finding("country_not_allowed", facts.refused_countries)
    if facts.budget is None or not facts.texts:
        return
    if facts.budget.unpriced:
        yield Finding("unpriced", len(facts.budget.unpriced), {"countries": ", ".join(facts.budget.unpriced)})
    segments = sum(each.segments for each in facts.texts)
    if segments > facts.budget.segments:
        yield Finding("over_segments", segments, {"left": str(max(0, facts.budget.segments))})
    money = needed(facts.texts)
    if money is not None and facts.budget.money is not None and money > facts.budget.money:
        yield Finding("over_money", segments, {"money": _money(money), "left": _money(facts.budget.money)})


def needed(texts: tuple[Texts, ...]) -> Decimal | None:
    """What all of them cost; None where nobody knows."""
    costs = [each.money for each in texts]
    known = [each for each in costs if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _money(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.2f}"
