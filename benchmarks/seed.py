"""A database with many people who have been asked and not answered, as planning and sending leave them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import insert

from app.db import Database
from app.domain.metrics import Metric
from app.domain.ready_texts import ready_texts
from app.models import (
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
)  # fmt: skip
from app.services import migrating
from app.services.tokens import token_hash

CHUNK = 2_000


def seed(db: Database, people: int, *, queued: bool = False) -> list[str]:
    """Migrate and fill an empty database; the answer tokens. `queued`: the mails still wait instead."""
    migrating.upgrade(db)
    now = datetime.now(UTC)
    place = open_place(db, now)
    tokens: list[str] = []
    rows = _people(place, now, people, queued)
    while chunk := list(islice(rows, CHUNK)):
        with db.write() as session:
            connection = session.connection()
            connection.execute(insert(Contact), [each["contact"] for each in chunk])
            connection.execute(insert(Invitation), [each["invitation"] for each in chunk])
            connection.execute(insert(Message), [each["message"] for each in chunk])
            if not queued:
                connection.execute(insert(Token), [each["token"] for each in chunk])
        tokens += [each["text"] for each in chunk]
    return tokens


def open_place(db: Database, now: datetime) -> dict[str, str]:
    """A workspace with an agent, a published survey and a run that is over; their ids."""
    workspace, user, survey, version, occurrence = (new_id() for _ in range(5))
    texts = {locale: ready_texts(Metric.NPS, locale).to_json() for locale in ("pt-BR", "en", "es")}
    with db.write() as session:
        session.add(
            Workspace(
                id=workspace,
                slug=f"bench-{workspace[:6]}",
                kind="customers",
                name="Aroeira",
                locale="pt-BR",
                time_zone="America/Sao_Paulo",
                business_days=[0, 1, 2, 3, 4],
                opens_at="09:00",
                closes_at="18:00",
                holidays=[],
                rest_days=30,
                rest_days_by_metric={},
                root_causes=[],
                lawful_basis="consent",
                created_at=now,
            )
        )
        email = f"{user}@aroeira.example"
        session.add(User(id=user, email=email, name="Bia", locale="pt-BR", created_at=now))
        session.flush()
        session.add(Member(id=new_id(), workspace_id=workspace, user_id=user, role="agent", created_at=now))
        session.add(
            Survey(
                id=survey,
                workspace_id=workspace,
                name="NPS",
                metric="nps",
                draft=texts,
                created_at=now,
                updated_at=now,
                published_version_id=version,
            )
        )
        session.flush()
        session.add(
            SurveyVersion(
                id=version,
                workspace_id=workspace,
                survey_id=survey,
                number=1,
                metric="nps",
                texts=texts,
                opens_followup=True,
                published_at=now,
            )
        )
        session.flush()
        session.add(
            Occurrence(
                id=occurrence,
                workspace_id=workspace,
                survey_id=survey,
                version_id=version,
                origin="request",
                key=new_id(),
                audience={},
                channels=["email"],
                state="run",
                due_at=now,
                created_at=now,
            )
        )
    return {"workspace": workspace, "survey": survey, "version": version, "occurrence": occurrence}


def _people(place: dict[str, str], now: datetime, people: int, queued: bool) -> Iterator[dict[str, Any]]:
    state = "queued" if queued else "sent"
    for number in range(people):
        contact, invitation, message, token = (new_id() for _ in range(4))
        email, key = f"maria{number}.{contact[:8]}@bemtevi.example", contact * 2
        workspace = place["workspace"]
        yield {
            "text": token,
            "contact": {
                "id": contact, "workspace_id": workspace, "name": f"Maria Figueiredo {number}",
                "search_name": email, "email": email, "email_key": key, "kind": "customer", "locale": "pt-BR",
                "attributes": {"plano": "ouro"}, "active": True, "lawful_basis": "consent", "revision": 1,
                "created_at": now, "updated_at": now,
            },
            "invitation": {
                "id": invitation, "workspace_id": workspace, "occurrence_id": place["occurrence"],
                "survey_id": place["survey"], "version_id": place["version"], "metric": "nps",
                "contact_id": contact, "address_key": key, "locale": "pt-BR", "channel": "email",
                "state": state,
                "sandbox": False, "created_at": now, "sent_at": None if queued else now,
                "expires_at": now + timedelta(days=30),
            },
            "message": {
                "id": message, "workspace_id": workspace, "purpose": "invitation", "priority": 1,
                "channel": "email", "invitation_id": invitation, "contact_id": contact, "to_address": email,
                "address_key": key, "locale": "pt-BR", "state": state, "tries": 0, "due_at": now,
                "created_at": now,
            },
            "token": {
                "token_hash": token_hash(token), "purpose": "answer", "workspace_id": workspace,
                "message_id": message, "invitation_id": invitation, "created_at": now,
            },
        }  # fmt: skip
