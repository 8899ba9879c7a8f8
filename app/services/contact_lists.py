"""The list of contacts, some by name and how many there are of each kind, also among a million of them."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, CompoundSelect, func, select
from sqlalchemy.orm import Session

from app.errors import Unavailable
from app.models import Contact
from app.services.access import Visitor
from app.services.contact_rows import Card, card
from app.services.contact_search import Show
from app.services.few import FEW, are_few
from app.services.in_time import in_time
from app.services.opt_out_sets import who_opted_out
from app.services.opt_outs import is_bounced, is_opted_out
from app.services.paging import Page, cut, in_order

SECONDS = 15  # for the page itself, beside its numbers; whoever stands before us waits for a minute
Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    contact: Card
    opted_out: bool
    bounced: bool


@dataclass(frozen=True)
class Listing:
    """A page of the list, and how many there are of each kind in all."""

    page: Page[Listed] | None  # none: to find them takes too long
    counts: dict[Show, int] | None  # of what the query finds; none: to count them takes too long
    anybody: bool  # is there anybody at all?


def page_of(
    session: Session,
    who: Visitor,
    found: Conditions,
    show: Show,
    *,
    cursor: str | None,
    limit: int,
    number: int | None = None,
) -> Page[Listed]:
    """A step: those of this kind by name, from the cursor on. Unavailable when to find them takes too long.

    Names are an index; but to come upon a few people in their order, one would look at everybody. `number`:
    how many they are, if somebody has counted.
    """
    if number == 0:
        return Page(())
    wanted = [*found, *shown_as(show, who)]
    few = are_few(session, select(Contact.id).where(*wanted)) if number is None else number <= FEW
    chosen = select(Contact, is_opted_out(), is_bounced())
    if show == "opted_out" or few:
        those = select(Contact.id).where(*wanted).cte().prefix_with("MATERIALIZED")
        chosen = chosen.join(those, those.c.id == Contact.id)
    else:
        chosen = chosen.where(*wanted)
    chosen = in_order(chosen, cursor, Contact.search_name, Contact.id)
    with in_time(session, SECONDS):
        rows = session.execute(chosen.limit(limit + 1)).all()
    shown, more = cut(rows, limit, lambda row: (row[0].search_name, row[0].id))
    return Page(tuple(Listed(card(row), bool(out), bool(bounced)) for row, out, bounced in shown), more)


def counts_of(session: Session, who: Visitor, found: Conditions) -> dict[Show, int] | None:
    """A step: in one pass over whom the query finds, and one over those who opted out, who are far fewer."""
    both = (func.count(), func.count().filter(Contact.active.is_(True)))
    out = _opted_out(who).subquery()
    opted = select(*both).select_from(out).join(Contact, Contact.id == out.c.id).where(*found)
    try:
        with in_time(session):
            everybody, active = session.execute(select(*both).select_from(Contact).where(*found)).one()
            opted_out, of_active = session.execute(opted).one()
    except Unavailable:
        return None
    return {
        "active": active - of_active,
        "inactive": everybody - active,
        "opted_out": opted_out,
        "all": everybody,
    }


def shown_as(show: Show, who: Visitor) -> Conditions:
    """Those of a kind."""
    if show == "active":
        return [Contact.active.is_(True), ~is_opted_out()]
    if show == "inactive":
        return [Contact.active.is_(False)]
    return [Contact.id.in_(_opted_out(who))] if show == "opted_out" else []


def _opted_out(who: Visitor) -> CompoundSelect[str]:
    return who_opted_out(who.workspace_id)
