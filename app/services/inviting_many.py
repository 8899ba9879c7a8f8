"""Many people of a run in a few statements: the database makes the rows, we the ids."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    null,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.domain.eligibility import Facts, rested_at
from app.models import Contact, Invitation, Message, Occurrence, new_id
from app.services import caps_sql
from app.services.asking_terms import Asking
from app.services.eligible_sql import asked_at
from app.services.eligible_sql import told as told_of
from app.services.inviting import OPEN_FOR
from app.services.outbox import USUAL


@dataclass(frozen=True)
class Done:
    """How many people were decided about, who was the last of them, and how many are asked."""

    number: int
    last: str | None
    asked: int


@dataclass(frozen=True)
class Fresh:
    """New ids as a table of a statement: each id and its place, from 1."""

    table: FromClause
    id: ColumnElement[str]
    place: ColumnElement[int]


def invite_some(
    session: Session,
    occurrence: Occurrence,
    ask: Asking,
    people: Select[Contact],
    most: int,
    *,
    locale: str,
    due_at: datetime,
) -> Done:
    """A step: invitations for the next people in the order of their ids, and messages for whom we ask.

    `people` are those whom the run has not come to yet.
    """
    after = occurrence.expanded_to or ""
    if is_postgresql(session):  # a plan made while the run was small would read all of it for each person
        session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    some = people.order_by(Contact.id).limit(most)
    session.execute(_invitations(occurrence, ask, some, _fresh_ids(session, most), locale))
    made = and_(Invitation.occurrence_id == occurrence.id, Invitation.contact_id > after)
    # No word of the state: an index on that finds the whole run, not these few
    asked = func.count().filter(Invitation.reason.is_(None))
    told = session.execute(select(func.count(), func.max(Invitation.contact_id), asked).where(made)).one()
    number, last, asked_number = told
    if number:
        session.execute(_messages(session, made, number, ask.now, due_at))
        _say_until_when(session, ask, made)
    return Done(number, last, asked_number)


def _invitations(
    occurrence: Occurrence, ask: Asking, people: Select[Contact], fresh: Fresh, locale: str
) -> Any:
    each = told_of(ask, people)
    asked = each.c.code.is_(None)
    values = {
        Invitation.id: fresh.id,
        Invitation.workspace_id: literal(occurrence.workspace_id),
        Invitation.occurrence_id: literal(occurrence.id),
        Invitation.schedule_id: literal(occurrence.schedule_id, String),
        Invitation.survey_id: literal(occurrence.survey_id),
        Invitation.version_id: literal(occurrence.version_id, String),
        Invitation.metric: literal(ask.metric.value),
        Invitation.contact_id: each.c.id,
        Invitation.address_key: each.c.key,
        Invitation.locale: func.coalesce(each.c.locale, literal(locale)),
        Invitation.channel: case((asked, each.c.channel), else_=null()),
        Invitation.state: case((asked, literal("queued")), else_=literal("skipped")),
        Invitation.reason: each.c.code,
        Invitation.sandbox: literal(False),
        Invitation.remind_after: case(
            (asked, literal(ask.terms.reminder_after(None), Integer)), else_=null()
        ),
        Invitation.created_at: literal(ask.now, Invitation.created_at.type),
        Invitation.expires_at: literal(ask.now + OPEN_FOR, Invitation.expires_at.type),
    }
    rows = select(*values.values()).join(fresh.table, fresh.place == each.c.place)
    return insert(Invitation).from_select(list(values), rows)


def _fresh_ids(session: Session, number: int) -> Fresh:
    """So many new ids."""
    ids = [new_id() for _ in range(number)]
    if is_postgresql(session):
        given = func.unnest(bindparam("ids", ids, ARRAY(String), unique=True))
        table = given.table_valued("id", with_ordinality="place", name="fresh").render_derived()
        return Fresh(table, table.c.id, table.c.place)
    table = func.json_each(bindparam("ids", json.dumps(ids), String, unique=True)).table_valued(
        "value", "key"
    )
    return Fresh(table, table.c.value, table.c.key + 1)


def _messages(
    session: Session, made: ColumnElement[bool], number: int, now: datetime, due_at: datetime
) -> Any:
    """The first message of everybody who was just queued."""
    place = func.row_number().over(order_by=Invitation.contact_id).label("place")
    asked = select(Invitation, place).where(made, Invitation.reason.is_(None)).cte()
    fresh = _fresh_ids(session, number)
    address = case(
        (asked.c.channel == "email", Contact.email),
        (asked.c.channel == "telegram", Contact.telegram_chat_id),
        else_=Contact.phone,
    )
    values = {
        Message.id: fresh.id,
        Message.workspace_id: asked.c.workspace_id,
        Message.purpose: literal("invitation"),
        Message.priority: literal(USUAL),
        Message.channel: asked.c.channel,
        Message.invitation_id: asked.c.id,
        Message.contact_id: asked.c.contact_id,
        Message.to_address: address,
        Message.address_key: asked.c.address_key,
        Message.locale: asked.c.locale,
        Message.state: literal("queued"),
        Message.tries: literal(0),
        Message.due_at: literal(due_at, Message.due_at.type),
        Message.created_at: literal(now, Message.created_at.type),
    }
    rows = (
        select(*values.values())
        .select_from(asked)
        .join(Contact, Contact.id == asked.c.contact_id)
        .join(fresh.table, fresh.place == asked.c.place)
    )
    return insert(Message).from_select(list(values), rows)


def _say_until_when(session: Session, ask: Asking, made: ColumnElement[bool]) -> None:
    """Those who rest or were asked often enough are told with the day of its end, by the rule itself."""
    query = (
        select(
            Invitation.id, Invitation.reason, Invitation.contact_id,
            asked_at(ask).label("any"), asked_at(ask, ask.metric).label("same"),
        )
        .join(Contact, Contact.id == Invitation.contact_id)
        .where(made, Invitation.reason.in_(("resting", "capped")))
    )  # fmt: skip
    rows = session.execute(query).all()
    capped = [row.contact_id for row in rows if row.reason == "capped"]
    asked = caps_sql.messages_at(session, ask, capped) if capped else {}
    ends = [
        {
            "b_id": row.id,
            "b_until": ask.rest.caps.until(asked.get(row.contact_id, ()), ask.now, ask.rest.zone)
            if row.reason == "capped"
            else rested_at(Facts(asked_at=row.any, asked_metric_at=row.same), ask.rest),
        }
        for row in rows
    ]
    if ends:
        table = cast(Table, Invitation.__table__)  # by key: not one object for each row
        until = bindparam("b_until", type_=Invitation.until.type)
        statement = update(table).where(table.c.id == bindparam("b_id")).values(until=until)
        session.connection().execute(statement, ends)
