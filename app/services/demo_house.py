"""The demonstration's walls and people: two workspaces, their members, surveys and contacts."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.domain.addresses import read_email
from app.domain.business_time import BusinessCalendar
from app.domain.contacts import search_text
from app.domain.metrics import Metric, metrics_for
from app.domain.ready_texts import ready_texts
from app.models import Base, Contact, Member, Segment, Survey, SurveyVersion, User, Workspace, new_id
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import workspaces
from app.services.address_keys import address_key
from app.services.demo_words import COMPANIES, FIRST_NAMES, LAST_NAMES, PLANS
from app.services.followup_opening import calendar_of

SEED = 1971
MONTHS = 6
BEFORE = timedelta(days=200)  # everything here was set up before the first answer
ZONE = "America/Sao_Paulo"
OWNER = "denise@aroeira.example"
TEAM = (
    (OWNER, "Denise Moura", Role.OWNER, ("customers", "people")),
    ("camila@aroeira.example", "Camila Duarte", Role.MANAGER, ("customers",)),
    ("beatriz@aroeira.example", "Beatriz Lima", Role.AGENT, ("customers",)),
    ("rafael@aroeira.example", "Rafael Nogueira", Role.AGENT, ("customers",)),
)
ENGLISH = 0.2  # of the customers
HOLIDAYS = (  # of Brazil, those that keep their date: month and day
    (1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25),
)  # fmt: skip


@dataclass
class Heap:
    """Rows by table, written in one statement each; their order is that of the foreign keys."""

    rows: dict[type[Base], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def put(self, model: type[Base], **values: Any) -> dict[str, Any]:
        """Add a row; all rows of a table name the same columns."""
        self.rows[model].append(values)
        return values

    def write(self, session: Session) -> None:
        """Write all of it."""
        order = [table.name for table in Base.metadata.sorted_tables]
        for model in sorted(self.rows, key=lambda each: order.index(each.__tablename__)):
            session.execute(insert(model.__table__), self.rows[model])  # type: ignore[arg-type]  # a Table
        self.rows.clear()


@dataclass(frozen=True)
class Person:
    """A contact, as the other parts of the demonstration need them."""

    id: str
    name: str
    email: str
    key: str
    locale: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Agent:
    """A member who closes loops."""

    member_id: str
    name: str


@dataclass(frozen=True)
class House:
    """One workspace with whoever and whatever is in it."""

    now: datetime
    chance: random.Random
    heap: Heap
    workspace: Workspace
    surveys: dict[Metric, tuple[str, str]]  # survey and published version
    agents: tuple[Agent, ...]
    session: Session

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.workspace.time_zone)

    @property
    def calendar(self) -> BusinessCalendar:
        return calendar_of(self.workspace)

    def person(self, name: str, company: str | None, locale: str, number: int = 0) -> Person:
        """A new contact of this workspace."""
        domain = "aroeira.example" if company is None else f"{workspaces.slug_of(company)}.example"
        local = workspaces.slug_of(name).replace("-", ".")
        address = read_email(f"{local}{number or ''}@{domain}")
        attributes = {} if company is None else {"empresa": company, "plano": self.chance.choice(PLANS)}
        person = Person(
            new_id(), name, address.text, address_key(self.session, address.key), locale, attributes
        )
        self.heap.put(
            Contact, id=person.id, workspace_id=self.workspace.id, name=name, email=person.email,
            search_name=search_text(name, person.email), email_key=person.key, locale=locale,
            kind="customer" if company else "employee", attributes=attributes, active=True, revision=1,
            time_zone="Europe/London" if locale == "en" else None, lawful_basis="contract", source="CRM",
            created_at=self.now - BEFORE, updated_at=self.now - BEFORE,
        )  # fmt: skip
        return person

    def people(self, number: int, *, employees: bool = False) -> list[Person]:
        """So many contacts with names that repeat as little as those of real people."""
        found = []
        for index in range(number):
            locale = "en" if self.chance.random() < ENGLISH else "pt-BR"
            first, last = self.chance.choice(FIRST_NAMES[locale]), self.chance.choice(LAST_NAMES[locale])
            company = None if employees else self.chance.choice(COMPANIES[locale])
            found.append(self.person(f"{first} {last}", company, locale, index + 1))
        return found


def build(session: Session, runtime: Runtime, chance: random.Random) -> tuple[House, House]:
    """Both workspaces with their members and published surveys: customers, then people."""
    users = {email: _user(session, runtime, email, name) for email, name, _, _ in TEAM}
    customers = _house(session, runtime, chance, ("Aroeira", "customers"), users)
    _segment(session, runtime, customers.workspace)
    people = _house(session, runtime, chance, ("Aroeira Pessoas", "people"), users)
    for user in users.values():
        user.last_workspace_id = customers.workspace.id
    session.flush()
    return customers, people


def holidays(today: date) -> list[str]:
    """From before everything here happened to the end of next year, as settings keep them."""
    years = range((today - BEFORE).year, today.year + 2)
    return [date(year, month, day).isoformat() for year in years for month, day in HOLIDAYS]


def _segment(session: Session, runtime: Runtime, workspace: Workspace) -> None:
    """Whom one would want to write to first."""
    unhappy = {"field": "answered", "op": "latest", "metric": "nps", "band": "detractor", "days": 180}
    larger = {"any": [{"field": "attributes.plano", "op": "is", "value": list(PLANS[1:])},
                      {"field": "followup", "op": "yes"}]}  # fmt: skip
    session.add(
        Segment(
            id=new_id(), workspace_id=workspace.id, name="Insatisfeitos dos planos maiores",
            audience={"all": [unhappy, larger]}, revision=1, created_at=runtime.clock() - BEFORE,
            updated_at=runtime.clock() - BEFORE,
        )
    )  # fmt: skip


def _user(session: Session, runtime: Runtime, email: str, name: str) -> User:
    user = User(
        id=new_id(), email=email, name=name, locale="pt-BR", created_at=runtime.clock() - BEFORE
    )  # fmt: skip
    session.add(user)
    session.flush()
    return user


def _house(
    session: Session, runtime: Runtime, chance: random.Random, what: tuple[str, str], users: dict[str, User]
) -> House:
    name, kind = what
    values = {"name": name, "kind": kind, "time_zone": ZONE, "locale": "pt-BR"}
    workspace = workspaces.add(session, runtime, values)
    workspace.sender_name, workspace.reply_to = name, "atendimento@aroeira.example"
    workspace.postal_address = "Rua dos Aimorés, 1000, Belo Horizonte"
    workspace.holidays = holidays(runtime.clock().date())
    agents = []
    for email, who, role, kinds in TEAM:
        if kind in kinds:
            since = runtime.clock() - BEFORE
            member = Member(
                id=new_id(), workspace_id=workspace.id, user_id=users[email].id, role=role.value,
                created_at=since, joined_at=since,
            )  # fmt: skip
            session.add(member)
            agents += [Agent(member.id, who)] if role is Role.AGENT else []
    surveys = {
        metric: _survey(session, runtime, workspace, metric, users[OWNER].id) for metric in metrics_for(kind)
    }
    session.flush()
    return House(runtime.clock(), chance, Heap(), workspace, surveys, tuple(agents), session)


def _survey(
    session: Session, runtime: Runtime, workspace: Workspace, metric: Metric, publisher_id: str
) -> tuple[str, str]:
    names = {
        Metric.NPS: "A relação", Metric.CSAT: "Depois do atendimento", Metric.CES: "Depois de resolver",
        Metric.ENPS: "Pulso do trimestre",
    }  # fmt: skip
    texts = {locale: ready_texts(metric, locale).to_json() for locale in LOCALES}
    survey_id, version_id, since = new_id(), new_id(), runtime.clock() - BEFORE
    session.add(
        Survey(
            id=survey_id, workspace_id=workspace.id, name=names[metric], metric=metric.value, draft=texts,
            opens_followup=metric is not Metric.ENPS, published_version_id=version_id,
            created_at=since, updated_at=since,
        )
    )  # fmt: skip
    session.flush()
    session.add(
        SurveyVersion(
            id=version_id, workspace_id=workspace.id, survey_id=survey_id, number=1, metric=metric.value,
            texts=texts, opens_followup=metric is not Metric.ENPS, published_at=since,
            published_by=publisher_id,
        )
    )  # fmt: skip
    return survey_id, version_id
