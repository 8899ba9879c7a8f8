"""Before a schedule begins: the messages themselves, for real people, made as sending makes them.

Nothing is written: what stands where links will is of the same length and leads nowhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import takewhile

from sqlalchemy import ColumnElement, Select, case, or_, select
from sqlalchemy.orm import Session

from app.domain import sms_prices
from app.domain.addresses import country_of, takes_texts
from app.domain.preflight import Texts
from app.domain.sms_segments import SmsCount, count_segments, without_costly
from app.models import Contact, Logo, Survey, Workspace
from app.runtime import Runtime
from app.services import composing, composing_chats, sms_rules
from app.services.asking_terms import Asking
from app.services.departing import Departing
from app.services.eligible_sql import told
from app.services.preflight_counts import Group

SHOWN = 8  # messages: every channel and language that is likely, and no page without end
MADE = 500  # text messages that are written to count their segments; ids are random, so these are any


@dataclass(frozen=True)
class Sample:
    """One message as this person would get it. `people` get one like it; none: they are not counted."""

    channel: str
    locale: str
    people: int | None
    contact_id: str
    name: str
    address: str
    subject: str
    text: str
    buttons: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Made:
    """Text messages that were written: what they come to, and how many go where none may."""

    texts: tuple[Texts, ...] = ()
    refused: int = 0


class Maker:
    """Writes messages of one survey for people of one workspace."""

    def __init__(self, session: Session, runtime: Runtime, workspace: Workspace, survey: Survey) -> None:
        self.session, self.runtime = session, runtime
        self._same = dict.fromkeys(each.name for each in fields(Departing)) | {
            "id": "preflight", "workspace_id": workspace.id, "purpose": "invitation",
            "invitation_id": "preflight", "tries": 0, "created_at": runtime.clock(),
            "survey_id": survey.id, "version_id": survey.published_version_id, "metric": survey.metric,
            "sandbox": False, "already_answered": False, "workspace_slug": workspace.slug,
            "workspace_name": workspace.name, "sender_name": workspace.sender_name,
            "reply_to": workspace.reply_to, "postal_address": workspace.postal_address,
            "workspace_locale": workspace.locale, "time_zone": workspace.time_zone,
            "rest_days": workspace.rest_days, "workspace_kind": workspace.kind,
            "logo_id": session.scalar(select(Logo.id).where(Logo.workspace_id == workspace.id)),
        }  # fmt: skip

    def sample(self, group: Group) -> Sample | None:
        """The message of one of this group; None where it cannot be written."""
        contact = self.session.get_one(Contact, group.example)
        leaving = self._departing(contact, group.channel, group.locale)
        subject, buttons = "", tuple[tuple[str, ...], ...]()
        try:
            if group.channel == "email":
                subject, text = composing.sample(self.session, self.runtime, leaving)
            else:
                text, buttons = composing_chats.sample(self.session, self.runtime, leaving)
        except composing.UNWRITABLE:
            return None
        return Sample(
            group.channel, group.locale, group.people, contact.id, contact.label,
            contact.address_on(group.channel) or "", subject, text.strip(), buttons,
        )  # fmt: skip

    def text(self, contact: Contact, locale: str) -> str:
        """The text message of this person."""
        return composing_chats.sample(self.session, self.runtime, self._departing(contact, "sms", locale))[0]

    def _departing(self, contact: Contact, channel: str, locale: str) -> Departing:
        return Departing(
            **self._same | {
                "channel": channel, "contact_id": contact.id, "to_address": contact.address_on(channel) or "",
                "locale": locale, "contact_name": contact.name, "contact_zone": contact.time_zone,
                "attributes": contact.attributes, "contact_active": True,
            }
        )  # fmt: skip


def shown(groups: Iterable[Group]) -> list[Group]:
    """The groups to show one of: each channel and each language at least once, then the largest."""
    rest, first = list(groups), []
    seen: set[str] = set()
    for each in rest:
        if each.channel not in seen or each.locale not in seen:
            first.append(each)
            seen |= {each.channel, each.locale}
    return [*first, *(each for each in rest if each not in first)][:SHOWN]


def texts(maker: Maker, ask: Asking, people: Select[Contact], groups: Iterable[Group]) -> Made:
    """What the text messages come to, by language: those of some people are written, the others are alike.

    Of every language at least one. First of all people whom no channel before the texts reaches.
    """
    session, runtime = maker.session, maker.runtime
    texted = [each for each in groups if each.channel == "sms"]
    if not texted:
        return Made()
    by_text = {each.locale: each.people for each in texted}
    has_number = people.where(Contact.phone_key.is_not(None))
    each = told(ask, has_number.order_by(*_reached_before(ask), Contact.id).limit(MADE))
    ids = select(each.c.id).where(each.c.code.is_(None), each.c.channel == "sms")
    one_of_each = [each.example for each in texted]
    written: dict[str, list[tuple[SmsCount, int, str | None]]] = {}
    refused, allowed = 0, sms_rules.allowed(session, runtime)
    default = session.get_one(Workspace, ask.workspace_id).locale
    for contact in session.scalars(select(Contact).where(Contact.id.in_(ids) | Contact.id.in_(one_of_each))):
        country = country_of(contact.phone or "")
        if country not in allowed or not takes_texts(contact.phone or ""):
            refused += 1
            continue
        text = maker.text(contact, contact.locale or default)
        plain = count_segments(without_costly(text)).segments
        written.setdefault(contact.locale or default, []).append((count_segments(text), plain, country))
    number = sum(map(len, written.values())) + refused
    share = sum(by_text.values()) / number if number else 1
    return Made(
        tuple(
            _come_to(runtime, locale, by_text.get(locale, len(made)), made)
            for locale, made in written.items()
        ),
        round(refused * share),
    )


def _reached_before(ask: Asking) -> Iterable[ColumnElement[int]]:
    """Last who has an address on a channel that is taken before the texts."""
    before = takewhile(lambda way: way.channel != "sms", ask.ways)
    keys = [Contact.key_of(way.channel).is_not(None) for way in before if way.ready]
    return [case((or_(*keys), 1), else_=0)] if keys else []


def _come_to(
    runtime: Runtime, locale: str, people: int, made: list[tuple[SmsCount, int, str | None]]
) -> Texts:
    prices = dict(runtime.config.sms_prices)
    segments = sum(each.segments for each, _, _ in made)
    plain_segments = sum(plain for _, plain, _ in made)
    longest = max(made, key=lambda each: each[0].segments)
    letters = dict.fromkeys(letter for each, _, _ in made for letter in each.costly)
    return Texts(
        locale=locale,
        people=people,
        segments=_of_all(segments, len(made), people),
        plain_segments=_of_all(plain_segments, len(made), people),
        each=longest[0].segments,
        plain_each=longest[1],
        letters=tuple(letters),
        money=_cost(prices, [(country, each.segments) for each, _, country in made], people),
        plain_money=_cost(prices, [(country, plain) for _, plain, country in made], people),
    )


def _of_all(number: int, made: int, people: int) -> int:
    return -(-number * people // made)


def _cost(prices: dict[str, Decimal], sent: list[tuple[str | None, int]], people: int) -> Decimal | None:
    costs = [sms_prices.cost(prices, country, segments) for country, segments in sent] if prices else [None]
    known = [each for each in costs if each is not None]
    if len(known) < len(costs):
        return None
    return Decimal(_of_all(sum(known), len(sent), people)) / sms_prices.UNITS
