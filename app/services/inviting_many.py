"""Many people of a run in a few statements: the database makes the rows, we the ids."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Executable,
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
    update,
)  # fmt: skip
from sqlalchemy.orm import Session

from app.db import planned_anew
from app.domain.eligibility import Facts, rested_at
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Occurrence, new_ids
from app.services import caps_sql
from app.services.asking_terms import Asking
from app.services.eligible_sql import last_asked
from app.services.eligible_sql import told as told_of
from app.services.inviting import OPEN_FOR
from app.services.outbox import LEVEL, USUAL

AFTER = bindparam("after", type_=String)  # the last person whom the run has come to
THESE: BindParameter[str] = bindparam("these", expanding=True)
_ASKS = cast(Table, Invitation.__table__)  # by key: not one object for each row
_UNTIL = (
    update(_ASKS)
    .where(_ASKS.c.id == bindparam("b_id"))
    .values(until=bindparam("b_until", type_=Invitation.until.type))
)
PASSING = ("resting", "capped")  # reasons that end by themselves, on a day that is told


@dataclass(frozen=True)
class Done:
    """How many were decided about, the last of them, how many are asked, and not for a reason that ends."""

    number: int
    last: str | None
    asked: int
    passing: int


@dataclass(frozen=True)
class Statements:
    """What invites the next people of a run, with what differs between two steps left open.

    Built once for many steps: to build them takes ten times as long as to run them for a few people.
    """

    invitations: Executable
    done: Executable
    messages: Executable
    erased: Executable


@dataclass(frozen=True)
class Fresh:
    """New ids as a table of a statement: each id and its place, from 1."""

    table: FromClause
    id: ColumnElement[str]
    place: ColumnElement[int]


def in_order(people: Select[Contact]) -> Select[Contact]:
    """The next of these people in the order of their ids."""
    return people.where(Contact.id > AFTER).order_by(Contact.id).limit(bindparam("most", type_=Integer))


def looked_up(people: Select[Contact]) -> Select[Contact]:
    """Those of them whom somebody has looked up. Neither limit nor order: for these all would be walked."""
    return people.where(Contact.id.in_(THESE))


def statements(occurrence: Occurrence, ask: Asking, some: Select[Contact], locale: str) -> Statements:
    """A step: for the people who come next."""
    made = _made(occurrence)
    # No word of the state: an index on that finds the whole run, not these few
    asked, passing = (
        func.count().filter(which) for which in (Invitation.reason.is_(None), Invitation.reason.in_(PASSING))
    )
    return Statements(
        invitations=_invitations(occurrence, ask, some, locale),
        done=select(func.count(), func.max(Invitation.contact_id), asked, passing).where(made),
        messages=_messages(ask, made),
        erased=_not_asked(made),
    )


def invite_some(
    session: Session,
    occurrence: Occurrence,
    ask: Asking,
    said: Statements,
    *,
    most: int,
    due_at: datetime,
    expires_at: datetime | None = None,
    these: Sequence[str] | None = None,
) -> Done:
    """A step: invitations for the next so many people, or some of these, and messages for whom we ask."""
    after = occurrence.expanded_to or ""
    values: dict[str, Any] = {
        "after": after,
        "most": most,
        "now": ask.now,
        "expires_at": expires_at or due_at + OPEN_FOR,
        "due_at": due_at,
        "before": occurrence.asked,
    }
    connection = session.connection()  # by tables: not through what the session does for each object
    with planned_anew(session):
        looked_up = {} if these is None else {"these": these}
        connection.execute(said.invitations, values | looked_up | {"ids": _ids(ask, most)})
        done = Done(*connection.execute(said.done, values).one())
        if done.asked:
            said_to = values | {"ids": _ids(ask, done.asked)}
            counted = {"preserve_rowcount": True}  # SQLite's driver counts no INSERT that begins with WITH
            written = connection.execute(said.messages, said_to, execution_options=counted).rowcount
            if (
                ask.on_postgresql and written < done.asked
            ):  # somebody was erased after they were decided about
                connection.execute(said.erased, {"after": after})
                done = replace(done, asked=written)
        if done.passing:
            _say_until_when(session, ask, after, occurrence)
    return done


def _made(occurrence: Occurrence) -> ColumnElement[bool]:
    """The invitations of this step."""
    return and_(Invitation.occurrence_id == occurrence.id, Invitation.contact_id > AFTER)


def _invitations(occurrence: Occurrence, ask: Asking, people: Select[Contact], locale: str) -> Executable:
    each, fresh = told_of(ask, people), _fresh(ask)
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
        Invitation.created_at: bindparam("now", type_=Invitation.created_at.type),
        Invitation.expires_at: bindparam("expires_at", type_=Invitation.expires_at.type),
    }
    rows = select(*values.values()).join(fresh.table, fresh.place == each.c.place)
    return insert(_ASKS).from_select([each.key for each in values], rows)


def _fresh(ask: Asking) -> Fresh:
    if ask.on_postgresql:
        given = func.unnest(bindparam("ids", type_=ARRAY(String)))
        table = given.table_valued("id", with_ordinality="place", name="fresh").render_derived()
        return Fresh(table, table.c.id, table.c.place)
    table = func.json_each(bindparam("ids", type_=String)).table_valued("value", "key")
    return Fresh(table, table.c.value, table.c.key + 1)


def _ids(ask: Asking, number: int) -> list[str] | str:
    """So many new ids, as the database takes them."""
    ids = new_ids(number)
    return ids if ask.on_postgresql else json.dumps(ids)


def _messages(ask: Asking, made: ColumnElement[bool]) -> Executable:
    """The first message of everybody who was just queued."""
    place = func.row_number().over(order_by=Invitation.contact_id).label("place")
    asked = select(Invitation, place).where(made, Invitation.reason.is_(None)).cte()
    fresh = _fresh(ask)
    address = case(
        (asked.c.channel == "email", Contact.email),
        (asked.c.channel == "telegram", Contact.telegram_chat_id),
        else_=Contact.phone,
    )
    values = {
        Message.id: fresh.id,
        Message.workspace_id: asked.c.workspace_id,
        Message.purpose: literal("invitation"),
        Message.priority: _priority(ask, asked.c.place),
        Message.channel: asked.c.channel,
        Message.invitation_id: asked.c.id,
        Message.contact_id: asked.c.contact_id,
        Message.to_address: address,
        Message.address_key: asked.c.address_key,
        Message.locale: asked.c.locale,
        Message.state: literal("queued"),
        Message.tries: literal(0),
        Message.due_at: bindparam("due_at", type_=Message.due_at.type),
        Message.created_at: bindparam("now", type_=Message.created_at.type),
    }
    rows = (
        select(*values.values())
        .select_from(asked)
        .join(Contact, Contact.id == asked.c.contact_id)
        .join(fresh.table, fresh.place == asked.c.place)
        .where(Contact.erased_at.is_(None))
    )
    return insert(cast(Table, Message.__table__)).from_select([each.key for each in values], rows)


def _not_asked(made: ColumnElement[bool]) -> Executable:
    gone = select(Contact.id).where(Contact.id == Invitation.contact_id, Contact.erased_at.is_not(None))
    nothing = {
        "state": "skipped",
        "reason": "erased",
        "channel": None,
        "address_key": None,
        "remind_after": None,
    }
    return update(Invitation).where(made, gone.exists()).values(**nothing)


def _priority(ask: Asking, place: ColumnElement[int]) -> ColumnElement[int]:
    """Later for later ones; where only so many an hour may leave, their moments keep them apart already."""
    if ask.terms.per_hour is not None:
        return literal(USUAL)
    return literal(USUAL) + (bindparam("before", type_=Integer) + place - 1) // LEVEL


def _say_until_when(session: Session, ask: Asking, after: str, occurrence: Occurrence) -> None:
    """Those who rest or were asked often enough are told with the day of its end, by the rule itself."""
    looked = _passing(ask.metric, sandbox_on=ask.sandbox_on)
    rows = session.execute(looked, {"run": occurrence.id, "after": after, "now": ask.now}).all()
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
        session.connection().execute(_UNTIL, ends)


@cache  # to put it together takes longer than to run it for a few people
def _passing(metric: Metric, *, sandbox_on: bool) -> Select[*tuple[Any, ...]]:
    """Who is not asked for a reason that ends, and when they were last asked."""
    run, now = bindparam("run", type_=String), bindparam("now", type_=Invitation.created_at.type)
    return (
        select(
            Invitation.id, Invitation.reason, Invitation.contact_id,
            last_asked(None, run, now, sandbox_on=sandbox_on).label("any"),
            last_asked(metric, run, now, sandbox_on=sandbox_on).label("same"),
        )
        .join(Contact, Contact.id == Invitation.contact_id)
        .where(
            Invitation.occurrence_id == run, Invitation.contact_id > AFTER, Invitation.reason.in_(PASSING)
        )
    )  # fmt: skip
