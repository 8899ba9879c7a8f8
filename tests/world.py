"""A small world for tests: workspaces, members, contacts, surveys and invitations with believable values."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.sql.schema import ScalarElementColumnDefault as Usual

from app.domain.access import Role
from app.domain.metrics import Metric, band_of
from app.domain.ready_texts import ready_texts
from app.models import (
    Answer,
    Base,
    Contact,
    Invitation,
    Member,
    Message,
    Occurrence,
    Survey,
    SurveyVersion,
    Token,
    User,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import many_rows
from app.services.access import Visitor
from app.services.address_keys import address_key
from app.services.chat_addresses import telegram_form
from app.services.tokens import token_hash, unsubscribe_token

Row = TypeVar("Row", bound=Base)
START = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)  # a Monday, 10:00 in São Paulo


@dataclass
class Clock:
    """The injected clock; stands still until told to move."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


@dataclass
class World:
    """Factories that write rows as the services would; every value can be overridden by name."""

    runtime: Runtime
    numbers: Iterator[int] = field(default_factory=_numbers)

    @property
    def now(self) -> datetime:
        return self.runtime.clock()

    def add(self, row: Row) -> Row:
        with self.runtime.db.write() as session:
            session.add(row)
        return row

    def add_many(self, rows: Sequence[Base]) -> None:
        """Many rows of one kind at once: the ORM takes longer to write thousands than a test to use them."""
        columns = {each.key: each.columns[0] for each in inspect(type(rows[0])).column_attrs}
        usual = {key: each.default.arg for key, each in columns.items() if isinstance(each.default, Usual)}
        given = [{key: getattr(row, key) for key in columns} for row in rows]
        said = [key for key in columns if key in usual or any(each[key] is not None for each in given)]
        written = [
            {columns[key].name: usual.get(key) if each[key] is None else each[key] for key in said}
            for each in given
        ]
        with self.runtime.db.write() as session:
            many_rows.insert_many(session, type(rows[0]), written)

    def workspace(self, kind: str = "customers", **values: Any) -> Workspace:
        number = next(self.numbers)
        defaults: dict[str, Any] = {
            "id": new_id(),
            "slug": f"w{number}",
            "kind": kind,
            "name": f"Aroeira {number}",
            "locale": "pt-BR",
            "time_zone": "America/Sao_Paulo",
            "business_days": [0, 1, 2, 3, 4],
            "opens_at": "09:00",
            "closes_at": "18:00",
            "holidays": ["2026-11-20"],
            "rest_days": 30,
            "rest_days_by_metric": {"nps": 90, "enps": 90, "csat": 14, "ces": 14},
            "root_causes": ["Sistema fora do ar", "Demora no atendimento"],
            "lawful_basis": "legitimate_interest",
            "created_at": self.now,
        }
        return self.add(Workspace(**defaults | values))

    def workspace_of(self, survey: Survey) -> Workspace:
        with self.runtime.db.read() as session:
            return session.get_one(Workspace, survey.workspace_id)

    def user(self, **values: Any) -> User:
        number = next(self.numbers)
        defaults = {
            "id": new_id(),
            "email": f"membro{number}@aroeira.example",
            "name": f"Beatriz {number}",
            "locale": "pt-BR",
            "created_at": self.now,
        }
        return self.add(User(**defaults | values))

    def member(self, workspace: Workspace, role: Role = Role.OWNER, user: User | None = None) -> Visitor:
        """A user with this role in the workspace, as the Visitor that verbs take."""
        user = user or self.user()
        member = self.add(
            Member(
                id=new_id(), workspace_id=workspace.id, user_id=user.id, role=role.value, created_at=self.now
            )
        )
        return Visitor(
            workspace_id=workspace.id,
            workspace_slug=workspace.slug,
            workspace_kind=workspace.kind,
            role=role,
            name=user.name,
            locale=user.locale,
            time_zone=workspace.time_zone,
            user_id=user.id,
            member_id=member.id,
        )

    def contact(self, workspace: Workspace, **values: Any) -> Contact:
        number = next(self.numbers)
        email = values.pop("email", f"maria{number}@bemtevi.example")
        with self.runtime.db.write() as session:
            key = address_key(session, email) if email else None
            phone, chat = values.get("phone"), values.get("telegram_chat_id")
            values["phone_key"] = address_key(session, phone) if phone else None
            values["telegram_key"] = address_key(session, telegram_form(chat)) if chat else None
        defaults: dict[str, Any] = {
            "id": new_id(),
            "workspace_id": workspace.id,
            "name": f"Maria Figueiredo {number}",
            "search_name": f"maria figueiredo {number} {email}",
            "email": email,
            "email_key": key,
            "kind": "employee" if workspace.kind == "people" else "customer",
            "locale": "pt-BR",
            "attributes": {},
            "lawful_basis": "legitimate_interest",
            "created_at": self.now,
            "updated_at": self.now,
        }
        return self.add(Contact(**defaults | values))

    def survey(self, workspace: Workspace, metric: Metric = Metric.NPS, **values: Any) -> Survey:
        """A published survey with the ready-made texts; its version's id stands in published_version_id."""
        texts = {locale: ready_texts(metric, locale).to_json() for locale in ("pt-BR", "en", "es")}
        survey_id, version_id = new_id(), new_id()
        defaults: dict[str, Any] = {
            "id": survey_id,
            "workspace_id": workspace.id,
            "name": f"Pesquisa {metric.value}",
            "metric": metric.value,
            "draft": texts,
            "opens_followup": True,
            "published_version_id": version_id,
            "created_at": self.now,
            "updated_at": self.now,
        }
        survey = self.add(Survey(**defaults | values))
        self.add(
            SurveyVersion(
                id=version_id,
                workspace_id=workspace.id,
                survey_id=survey.id,
                number=1,
                metric=metric.value,
                texts=texts,
                opens_followup=True,
                published_at=self.now,
            )
        )
        return survey

    def occurrence(self, survey: Survey, origin: str = "request") -> Occurrence:
        """A run that is over; its invitations are added to it."""
        return self.add(
            Occurrence(
                id=new_id(), workspace_id=survey.workspace_id, survey_id=survey.id,
                version_id=survey.published_version_id, origin=origin, key=new_id(), audience={},
                channels=["email"], state="run", due_at=self.now, created_at=self.now, ended_at=self.now,
            )
        )  # fmt: skip

    def message(self, invitation: Invitation, contact: Contact, **values: Any) -> Message:
        """A mail of this ask that waits to be sent."""
        defaults: dict[str, Any] = {
            "id": new_id(),
            "workspace_id": invitation.workspace_id,
            "purpose": "invitation",
            "priority": 1,
            "channel": "email",
            "invitation_id": invitation.id,
            "contact_id": contact.id,
            "to_address": contact.email or "",
            "address_key": contact.email_key,
            "locale": invitation.locale,
            "state": "queued",
            "due_at": self.now,
            "created_at": self.now,
        }
        return self.add(Message(**defaults | values))

    def invitation(
        self,
        workspace: Workspace,
        survey: Survey,
        contact: Contact,
        told: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Invitation:
        """An invitation that was sent just now, with its message and the tokens `token_of` tells.

        `told` is what is different about the message.
        """
        occurrence = self.occurrence(survey)
        defaults: dict[str, Any] = {
            "id": new_id(),
            "workspace_id": workspace.id,
            "occurrence_id": occurrence.id,
            "survey_id": survey.id,
            "version_id": survey.published_version_id,
            "metric": survey.metric,
            "contact_id": contact.id,
            "address_key": contact.email_key,
            "locale": contact.locale or "pt-BR",
            "channel": "email",
            "state": "sent",
            "created_at": self.now,
            "sent_at": self.now,
            "expires_at": self.now + timedelta(days=30),
        }
        invitation = self.add(Invitation(**defaults | values))
        sent: dict[str, Any] = {"state": "sent", "created_at": self.now, "sent_at": self.now}
        message = self.message(invitation, contact, **sent | (told or {}))
        purposes = ("pulse" if workspace.kind == "people" else "answer", "unsubscribe")
        for purpose in purposes:
            self.add(
                Token(
                    token_hash=token_hash(token_of(invitation, purpose)),
                    purpose=purpose,
                    workspace_id=workspace.id,
                    message_id=message.id,
                    invitation_id=invitation.id,
                    created_at=self.now,
                )
            )
        return invitation

    def answer(self, workspace: Workspace, score: int, **values: Any) -> Answer:
        """An answer with its contact, survey and invitation, unless they are given."""
        metric = Metric(values.pop("metric", "nps"))
        survey = values.pop("survey", None) or self.survey(workspace, metric)
        contact = values.pop("contact", None) or self.contact(workspace)
        invitation = values.pop("invitation", None) or self.invitation(
            workspace, survey, contact, state="answered"
        )
        defaults: dict[str, Any] = {
            "id": new_id(),
            "workspace_id": workspace.id,
            "invitation_id": invitation.id,
            "survey_id": survey.id,
            "version_id": survey.published_version_id,
            "contact_id": contact.id,
            "metric": metric.value,
            "score": score,
            "band": band_of(metric, score).value,
            "channel": "email",
            "attributes": {},
            "recorded_at": self.now,
            "updated_at": self.now,
        }
        return self.add(Answer(**defaults | values))


def token_of(invitation: Invitation, purpose: str = "answer") -> str:
    """The token that stands in the invitation's mail: the same for the same invitation, unlike real ones."""
    token = hashlib.sha256(f"token of {invitation.id}".encode()).hexdigest()[:26]
    return unsubscribe_token(token) if purpose == "unsubscribe" else token
