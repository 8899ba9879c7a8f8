"""The same question as domain.eligibility, asked of many contacts in SQL; a property test holds the two equal."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Label, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.cadence import EARLY_DAYS, Repeat
from app.domain.eligibility import Facts, Rest
from app.domain.metrics import Metric
from app.models import Contact, Invitation, OptOut, Workspace
from app.services import opt_outs

# An ask that left, or is about to: what a rest is counted from. Skipped, failed and cancelled ones are none.
COUNTED = ("planned", "queued", "sending", "sent", "delivered", "unknown", "answered", "expired")


@dataclass(frozen=True)
class Asking:
    """One question to many: everything that decides, but the people."""

    workspace_id: str
    metric: Metric
    rest: Rest
    now: datetime


def asking(
    session: Session, workspace_id: str, metric: Metric, now: datetime, repeat: str | None = None
) -> Asking:
    """With the workspace's resting periods; a monthly or quarterly rule may come a few days early."""
    workspace = session.get_one(Workspace, workspace_id)
    days = workspace.rest_days
    early = EARLY_DAYS.get(Repeat(repeat), 0) if repeat else 0
    rest = Rest(
        days=days,
        metric_days=int(workspace.rest_days_by_metric.get(metric.value, days)),
        zone=ZoneInfo(workspace.time_zone),
        early_days=early,
    )
    return Asking(workspace_id, metric, rest, now)


def audience(workspace_id: str) -> Select[Contact]:
    """Everybody who is there: the active contacts of the workspace."""
    return select(Contact).where(
        Contact.workspace_id == workspace_id, Contact.active.is_(True), Contact.erased_at.is_(None)
    )


def reason(ask: Asking) -> Label[str | None]:
    """The first reason not to ask this contact, or NULL, as a column of a statement over Contact."""
    rest = ask.rest
    any_ask, this_metric = asked_at(None), asked_at(ask.metric)
    return case(
        (Contact.erased_at.is_not(None), literal("erased")),
        (Contact.active.is_(False), literal("inactive")),
        (Contact.lawful_basis == "none", literal("no_lawful_basis")),
        (opt_outs.is_opted_out(), literal("opted_out")),
        (Contact.email.is_(None), literal("no_address")),
        (is_bounced(), literal("bounced")),
        (
            or_(
                _rests(any_ask, rest, rest.days, ask.now),
                _rests(this_metric, rest, rest.metric_days, ask.now),
            ),
            literal("resting"),
        ),
        else_=None,
    ).label("reason")


def _rests(asked: ColumnElement[datetime], rest: Rest, days: int, now: datetime) -> ColumnElement[bool]:
    return and_(asked.is_not(None), asked >= rest.cutoff(days, now))


def asked_at(metric: Metric | None) -> ColumnElement[datetime]:
    """When this person, or anybody with their address, was last asked in this workspace."""
    ask = aliased(Invitation)
    of_metric = [] if metric is None else [ask.metric == metric.value]
    moment = func.coalesce(ask.sent_at, ask.created_at)
    return (
        select(func.max(moment, type_=Invitation.created_at.type))
        .where(
            ask.workspace_id == Contact.workspace_id,
            or_(ask.contact_id == Contact.id, ask.address_key == Contact.email_key),
            ask.state.in_(COUNTED),
            *of_metric,
        )
        .scalar_subquery()
    )


def is_bounced() -> ColumnElement[bool]:
    """Has this very address bounced?"""
    row = aliased(OptOut)
    return (
        select(row.id)
        .where(
            row.workspace_id == Contact.workspace_id,
            row.address_key == Contact.email_key,
            row.kind == "bounce",
            row.lifted_at.is_(None),
        )
        .exists()
    )


def facts(session: Session, ask: Asking, contact_id: str) -> Facts:
    """What the pure rule needs to know of one person."""
    row = session.execute(
        select(
            Contact,
            opt_outs.is_opted_out().label("opted_out"),
            is_bounced().label("bounced"),
            asked_at(None).label("asked_at"),
            asked_at(ask.metric).label("asked_metric_at"),
        ).where(Contact.id == contact_id, Contact.workspace_id == ask.workspace_id)
    ).one()
    contact: Contact = row.Contact
    return Facts(
        active=contact.active,
        erased=contact.erased_at is not None,
        lawful_basis=contact.lawful_basis,
        opted_out=bool(row.opted_out),
        has_address=contact.email is not None,
        bounced=bool(row.bounced),
        asked_at=row.asked_at,
        asked_metric_at=row.asked_metric_at,
    )
