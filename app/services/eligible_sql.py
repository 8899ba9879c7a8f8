"""The rule of domain.eligibility as columns over Contact; a property test holds the two equal."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Label,
    Select,
    Subquery,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union,
)

from app.domain.eligibility import CLOSED
from app.domain.metrics import Metric
from app.models import Answer, Contact, Invitation, Pulse
from app.services import caps_sql, lots, opt_out_sets, opt_outs
from app.services.asking_terms import ABOUT_TO_LEAVE, UNCOUNTED, Asking
from app.services.caps_sql import When
from app.services.many_rows import once_more, unindexed


def told(ask: Asking, people: Select[Contact], *, whole: bool = False) -> CTE:
    """Each of these people with `code`, why not (or NULL), channel, key, locale, group, name, place from 1.

    Of several people with one address only the first is asked, or left out by lot for all of them, whichever
    call of ours comes to them. `whole`: they are a whole audience, not some people of a run.
    """
    each = judged(ask, people, whole=whole).cte()
    turn = func.row_number().over(partition_by=(each.c.key, each.c.reason), order_by=each.c.id)
    place = func.row_number().over(order_by=each.c.id)
    turns = select(each, turn.label("turn"), place.label("place")).cte()
    double = turns.c.turn > 1
    if ask.occurrence_id is not None:
        double = or_(double, found(_asked_here(ask, turns)))
    code = case(
        (turns.c.reason.is_not(None), turns.c.reason),
        (double, literal("duplicate")),
        *lots.left_out(ask, turns),
        else_=None,
    )
    each = select(turns, code.label("code")).cte()
    return each if whole else each.prefix_with("MATERIALIZED")


def _asked_here(ask: Asking, turns: CTE) -> Select[str]:
    return select(Invitation.id).where(
        Invitation.address_key == turns.c.key,
        unindexed(Invitation.workspace_id) == ask.workspace_id,
        unindexed(Invitation.occurrence_id) == ask.occurrence_id,
        or_(Invitation.state != "skipped", Invitation.reason.in_(lots.LEFT_OUT)),
    )


def judged(ask: Asking, people: Select[Contact], *, whole: bool = False) -> Select[Any]:
    """Each of these people: id, the first reason not to ask or NULL, the channel that is open and its key."""
    each = looked(ask, people, whole=whole)
    return select(
        each.c.id,
        reason(ask, each).label("reason"),
        *_chosen(ask, each),
        each.c.locale,
        each.c.group,
        each.c.search_name,
    )


def looked(ask: Asking, people: Select[Contact], *, whole: bool = False) -> CTE:
    """Everything that decides about these people, looked up once for each.

    Of a whole audience opt-outs and asks are found from their own side, once: decision 0012.
    """
    stands, sets = _of_everybody(ask) if whole else (_of_each(ask), [])
    columns = (
        Contact.id, Contact.active, Contact.erased_at, Contact.lawful_basis, Contact.email_key,
        Contact.phone_key, Contact.telegram_key, Contact.locale, Contact.preferred_channel,
        Contact.search_name,
        lots.group(ask.terms.sample).label("group"),
        *stands,
        in_another_pulse(ask).label("elsewhere"),
        (caps_sql.is_capped(ask) if ask.rest.caps.are_set else false()).label("capped"),
        answered_on(ask).label("answered_on"),
    )  # fmt: skip
    if whole:
        facts = people.with_only_columns(*columns)
        for each in sets:
            facts = facts.outerjoin(each, each.c[0] == Contact.id)
        return facts.cte()
    # Who first, their facts then: a sorted and limited statement would gather those of everybody
    who = people.with_only_columns(Contact.id).cte().prefix_with("MATERIALIZED")
    return select(*columns).join(who, who.c.id == Contact.id).cte().prefix_with("MATERIALIZED")


def _of_each(ask: Asking) -> list[Label[bool]]:
    """What they do not want, where nothing arrives, who rests: by looking each of them up."""
    return [opt_outs.is_opted_out().label("opted_out"), *closed_ways(ask), rests(ask).label("rests")]


def _of_everybody(ask: Asking) -> tuple[list[Label[bool]], list[Subquery]]:
    """The same from the side of opt-outs and asks: sets of people to join, and what it is to be in each."""
    here, names = ask.workspace_id, [way.channel for way in ask.ways]
    sets = [opt_out_sets.who_opted_out(here).subquery("opted_out")]
    sets += [opt_out_sets.who_bounced(here, each).subquery(f"closed_{each}") for each in names]
    sets += [opt_out_sets.who_opted_out(here, each).subquery(f"unwanted_{each}") for each in names]
    sets += [_who_rests(ask).subquery("rests")]
    return [each.c[0].is_not(None).label(f"{each.name}") for each in sets], sets


def answered_on(ask: Asking) -> ColumnElement[str | None]:
    """The channel of their last answer that counts, where somebody wants to know."""
    if not ask.terms.their_channel_first:
        return literal(None, Answer.channel.type)
    counted = Answer.suspect.is_(False), Answer.late.is_(False)
    real = () if ask.sandbox_on else (Answer.sandbox.is_(False),)
    latest = select(Answer.channel).where(Answer.contact_id == Contact.id, *counted, *real)
    return latest.order_by(Answer.recorded_at.desc()).limit(1).scalar_subquery()


def closed_ways(ask: Asking) -> list[Label[bool]]:
    """For each channel: did it bounce there, or did they shut us out; and do they want nothing there?"""
    names = [way.channel for way in ask.ways]
    return [
        *(opt_outs.is_bounced(each).label(f"closed_{each}") for each in names),
        *(opt_outs.is_opted_out(each).label(f"unwanted_{each}") for each in names),
    ]


def _shut(each: CTE, channel: str) -> ColumnElement[bool]:
    return or_(each.c[f"closed_{channel}"], each.c[f"unwanted_{channel}"])


def reason(ask: Asking, each: CTE) -> ColumnElement[str | None]:
    """The first reason not to ask, in the order of domain.eligibility."""
    return case(
        (each.c.erased_at.is_not(None), literal("erased")),
        (each.c.active.is_(False), literal("inactive")),
        (each.c.lawful_basis == "none", literal("no_lawful_basis")),
        (each.c.opted_out, literal("opted_out")),
        *_ways_closed(ask, each),
        (each.c.elsewhere, literal("in_another_pulse")),
        (each.c.rests, literal("resting")),
        (each.c.capped, literal("capped")),
        else_=None,
    )


def _key(each: CTE, channel: str) -> ColumnElement[str | None]:
    column: ColumnElement[str | None] = each.c[Contact.key_of(channel).key]
    return column


def _ways_closed(ask: Asking, each: CTE) -> list[tuple[ColumnElement[bool], ColumnElement[str]]]:
    """The same as domain's way_out: no address at all, every address closed, none that we can send on."""
    absent = [_key(each, way.channel).is_(None) for way in ask.ways]
    closed = [_shut(each, way.channel) for way in ask.ways]
    lost = [or_(none, dead) for none, dead in zip(absent, closed, strict=True)]
    shut = [gone if way.ready else true() for way, gone in zip(ask.ways, lost, strict=True)]
    first = [
        (and_(~none, holds), literal(code))
        for way, none in zip(ask.ways, absent, strict=True)
        for holds, code in (
            (each.c[f"unwanted_{way.channel}"], "opted_out"),
            (true(), CLOSED.get(way.channel, "bounced")),
        )
    ]
    return [
        (and_(*absent), literal("no_address")),
        (and_(*lost), case(*first)),
        (and_(*shut), literal("channel_not_configured")),
    ]


def _chosen(ask: Asking, each: CTE) -> tuple[Label[str | None], Label[str | None]]:
    """The first way that is open: the channel, and the keyed address there."""
    open_ways = [
        (and_(_key(each, way.channel).is_not(None), ~_shut(each, way.channel)), way.channel)
        for way in ask.ways
        if way.ready
    ]
    if not open_ways:
        return literal(None, Invitation.channel.type).label("channel"), literal(
            None, Contact.email_key.type
        ).label("key")
    if ask.terms.their_channel_first:  # their wish leads, then where they answered, if of the list and open
        theirs = [
            (and_(is_open, column == name), name)
            for column in (each.c.preferred_channel, each.c.answered_on)
            for is_open, name in open_ways
        ]
        open_ways = [*theirs, *open_ways]
    channel = case(*((is_open, literal(name)) for is_open, name in open_ways), else_=None)
    key = case(*((is_open, _key(each, name)) for is_open, name in open_ways), else_=None)
    return channel.label("channel"), key.label("key")


def rests(ask: Asking) -> ColumnElement[bool]:
    """Was this person, or anybody with their address, asked so lately that one of the two clocks runs?"""
    # One look by person and one by address: each has its own index
    by_person = _asks(ask).where(Invitation.contact_id == Contact.id, _lately(ask))
    by_address = _asks(ask).where(_has_their_address(Invitation), _lately(ask))
    return or_(found(by_person), found(by_address))


def _lately(ask: Asking) -> ColumnElement[bool]:
    rest, moment = ask.rest, asks_at(Invitation, ask.now)
    either = [
        moment >= rest.cutoff(rest.days, ask.now),
        and_(Invitation.metric == ask.metric.value, moment >= rest.cutoff(rest.metric_days, ask.now)),
    ]
    return or_(*either)


def _who_rests(ask: Asking) -> CompoundSelect[str]:
    """The ids of those for whom rests() holds, from the side of the asks: whoever has an address of one."""
    asks = _asks(ask).where(Invitation.workspace_id == ask.workspace_id, _lately(ask))
    late = asks.with_only_columns(Invitation.contact_id, Invitation.address_key).cte()
    each = late.prefix_with("MATERIALIZED")
    here = select(Contact.id).where(Contact.workspace_id == ask.workspace_id)
    keys = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    return union(select(each.c.contact_id), *(here.join(each, each.c.address_key == key) for key in keys))


def found(query: Select[str]) -> ColumnElement[bool]:
    """Is there any of these ids? Counted, so that PostgreSQL looks for one person and never reads all asks.

    It would turn an EXISTS into a hash of everybody's rows, and look for a least id in the order of ids.
    """
    return query.with_only_columns(func.count()).select_from(Invitation).scalar_subquery() > 0


def asked_at(ask: Asking, metric: Metric | None = None) -> ColumnElement[datetime]:
    """When this person, or anybody with their address, was last asked in this workspace."""
    return last_asked(metric, ask.occurrence_id, ask.now, sandbox_on=ask.sandbox_on)


def last_asked(
    metric: Metric | None, but: str | ColumnElement[str] | None, now: When, *, sandbox_on: bool
) -> ColumnElement[datetime]:
    """The same by what it depends on: the metric, the run that does not count, and the sandbox."""
    theirs = once_more(Invitation)
    whose = or_(theirs.contact_id == Contact.id, _has_their_address(theirs))
    latest = func.max(asks_at(theirs, now), type_=Invitation.created_at.type)
    query = select(latest).where(whose, counts(theirs))
    if metric is not None:
        query = query.where(theirs.metric == metric.value)
    return query.where(*caps_sql.of_others(theirs, but, sandbox_on=sandbox_on)).scalar_subquery()


def in_another_pulse(ask: Asking) -> ColumnElement[bool]:
    """Is this person, or anybody with their address, being asked by a pulse that is open?"""
    if ask.metric is not Metric.ENPS:
        return false()
    theirs = once_more(Invitation)
    pulses = select(Pulse.occurrence_id).where(Pulse.workspace_id == ask.workspace_id, Pulse.state == "open")
    # From the person: from the pulse, all whom it asks would be read for each of them
    its = unindexed(theirs.occurrence_id).in_(pulses), counts(theirs), *_counts_for(ask, theirs)
    number = select(func.count()).select_from(theirs).where(*its)
    by_person = number.where(theirs.contact_id == Contact.id).correlate(Contact).scalar_subquery()
    by_address = number.where(_has_their_address(theirs)).correlate(Contact).scalar_subquery()
    return or_(by_person > 0, by_address > 0)


def _asks(ask: Asking) -> Select[str]:
    """Earlier asks that weigh on this one."""
    return select(Invitation.id).where(counts(Invitation), *_counts_for(ask, Invitation))


def counts(theirs: type[Invitation]) -> ColumnElement[bool]:
    """It left, or is about to. Said by the others: an index on the state would find nearly every row."""
    return theirs.state.not_in(UNCOUNTED)


def asks_at(theirs: type[Invitation], now: When) -> ColumnElement[datetime]:
    """When it left, which a rest is counted from. What still waits may leave now, unless it is too late."""
    at = literal(now, Invitation.created_at.type) if isinstance(now, datetime) else now
    may_leave = and_(theirs.state.in_(ABOUT_TO_LEAVE), theirs.expires_at > at)
    return case((may_leave, at), else_=func.coalesce(theirs.sent_at, theirs.created_at))


def _has_their_address(theirs: type[Invitation]) -> ColumnElement[bool]:
    keys = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    return and_(unindexed(theirs.workspace_id) == Contact.workspace_id, theirs.address_key.in_(keys))


def _counts_for(ask: Asking, theirs: type[Invitation]) -> list[ColumnElement[bool]]:
    return caps_sql.of_others(theirs, ask.occurrence_id, sandbox_on=ask.sandbox_on)
