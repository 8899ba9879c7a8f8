"""The SQL that plans and previews says the same as the pure rule, for every person."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.channels.sandbox import Sandbox
from app.domain.channel_choice import in_their_order
from app.domain.contacts import LAWFUL_BASES
from app.domain.delivery import Leaving, refusal
from app.domain.eligibility import Facts, Rest, Verdict, Way, may_ask
from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.models import Attempt, Contact, OptOut, Survey, new_id
from app.runtime import Runtime
from app.services import asking_terms, eligible, eligible_sql
from tests.pulse_world import open_pulse
from tests.world import Clock, World

NOW = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def test_rest_is_counted_in_calendar_days_of_the_workspace() -> None:
    rest = Rest(days=30, metric_days=90, zone=SAO_PAULO)
    asked = datetime(2026, 10, 17, 2, 0, tzinfo=UTC)  # 23:00 of the 16th in São Paulo
    verdict = may_ask(Facts(asked_at=asked), rest, datetime(2026, 11, 15, 2, 59, tzinfo=UTC))
    assert verdict.reason == "resting"
    assert verdict.until == datetime(2026, 11, 15, 3, 0, tzinfo=UTC)
    assert may_ask(Facts(asked_at=asked), rest, datetime(2026, 11, 15, 3, 0, tzinfo=UTC)).reason is None


def test_a_quarterly_rule_meets_the_rest_of_ninety_days() -> None:
    asked = datetime(2026, 2, 1, 13, 0, tzinfo=UTC)
    now = datetime(2026, 5, 1, 13, 0, tzinfo=UTC)
    facts = Facts(asked_at=asked, asked_metric_at=asked)
    assert may_ask(facts, Rest(30, 90, SAO_PAULO), now).reason == "resting"
    assert may_ask(facts, Rest(30, 90, SAO_PAULO, early_days=7), now).reason is None


def test_the_later_of_the_two_clocks_wins() -> None:
    facts = Facts(asked_at=NOW - timedelta(days=5), asked_metric_at=NOW - timedelta(days=80))
    verdict = may_ask(facts, Rest(30, 90, ZoneInfo("UTC")), NOW)
    assert verdict.until == datetime(2026, 12, 11, tzinfo=UTC)


def test_an_opt_out_weighs_more_than_what_passes() -> None:
    facts = Facts(opted_out=True, ways=(Way("email", closed=True),), asked_at=NOW)
    assert may_ask(facts, Rest(30, 90, SAO_PAULO), NOW).reason == "opted_out"


def test_j06_of_all_bases_only_none_keeps_somebody_from_being_asked() -> None:
    rest = Rest(30, 90, SAO_PAULO)
    for basis in LAWFUL_BASES:
        reason = "no_lawful_basis" if basis == "none" else None
        assert may_ask(Facts(lawful_basis=basis), rest, NOW).reason == reason
        assert refusal(Leaving("invitation", lawful_basis=basis), NOW) == reason


def with_mail(runtime: Runtime) -> Runtime:
    """With a real way out, what the sandbox asked no longer counts."""
    config = replace(runtime.config, smtp_url="smtp://127.0.0.1:2525", mail_from="p@retorno.example")
    return replace(runtime, config=config)


def test_their_wish_leads_then_their_habit_then_the_schedules_order() -> None:
    ways = (Way("email"), Way("sms"), Way("whatsapp", closed=True), Way("telegram"))
    rest = Rest(30, 90, SAO_PAULO)
    for first, channel in (
        (("telegram", "sms"), "telegram"),
        ((None, "sms"), "sms"),
        (("whatsapp", "sms"), "sms"),  # what they would like is closed
        (("pigeon", None), "email"),  # not in the schedule's list
        ((), "email"),
    ):
        assert may_ask(Facts(ways=ways, first=first), rest, NOW).channel == channel
    assert in_their_order(("email", "sms"), ("sms", "sms")) == ("sms", "email")


people = st.fixed_dictionaries(
    {
        "active": st.booleans(),
        "basis": st.sampled_from(["none", "consent"]),
        "address": st.booleans(),
        "phone": st.booleans(),
        "prefers": st.sampled_from([None, "sms", "whatsapp", "telegram"]),
        "answered_on": st.sampled_from([None, "email", "sms", "whatsapp"]),
        "theirs_first": st.booleans(),
        "opt_out": st.sampled_from([None, "own_wish", "bounce", "legal", "erasure", "complaint"]),
        "by": st.sampled_from(["person", "address"]),
        "channel": st.sampled_from([None, "email", "sms"]),
        "lifted": st.booleans(),
        "asks": st.lists(
            st.tuples(
                st.integers(0, 100),
                st.sampled_from(["nps", "csat"]),
                st.sampled_from(["sent", "skipped", "planned", "queued", "sending", "unknown", "answered"]),
                st.booleans(),
            ),
            max_size=3,
        ),
    }
)


@pytest.mark.on_both
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=people)
def test_sql_and_the_pure_rule_agree(runtime: Runtime, world: World, clock: Clock, person: dict) -> None:
    workspace = world.workspace()
    contact = world.contact(
        workspace,
        active=person["active"],
        lawful_basis=person["basis"],
        email=f"{new_id()}@bemtevi.example" if person["address"] else None,
        phone="+5531988884417" if person["phone"] else None,
        preferred_channel=person["prefers"],
    )
    if person["opt_out"] and (person["by"] == "person" or contact.email_key):
        world.add(
            OptOut(
                id=new_id(),
                workspace_id=workspace.id,
                kind=person["opt_out"],
                origin="console",
                created_at=NOW,
                contact_id=contact.id if person["by"] == "person" else None,
                address_key=contact.email_key if person["by"] == "address" else None,
                channel=person["channel"] if person["opt_out"] != "bounce" else None,
                lifted_at=NOW if person["lifted"] else None,
            )
        )
    surveys = {metric: world.survey(workspace, metric) for metric in (Metric.NPS, Metric.CSAT)}
    for days, metric, state, in_time in person["asks"]:
        at = clock.now - timedelta(days=days)
        sent = at if state == "sent" else None
        world.invitation(
            workspace, surveys[Metric(metric)], contact, state=state, created_at=at, sent_at=sent,
            expires_at=clock.now + timedelta(days=1 if in_time else -1),
        )  # fmt: skip
    if person["answered_on"]:
        at = clock.now - timedelta(days=200)
        asked = world.invitation(
            workspace, surveys[Metric.CSAT], contact, state="answered", created_at=at, sent_at=at
        )
        world.answer(
            workspace, 5, metric="csat", survey=surveys[Metric.CSAT], contact=contact, invitation=asked,
            channel=person["answered_on"], recorded_at=at,
        )  # fmt: skip
    place = replace(runtime, channels=dict.fromkeys(("email", "sms", "whatsapp"), Sandbox()))
    terms = Terms(their_channel_first=person["theirs_first"])
    with runtime.db.read() as session:
        ask = asking_terms.asking(
            session, place, workspace.id, Metric.NPS, channels=("email", "sms", "whatsapp"), terms=terms
        )
        facts = eligible.facts(session, ask, contact.id)
        people = eligible.audience(workspace.id).where(Contact.id == contact.id)
        in_sql = session.execute(eligible_sql.judged(ask, people)).one_or_none()
    verdict = may_ask(facts, ask.rest, clock.now)
    if not person["active"]:
        assert (in_sql, verdict.reason) == (None, "inactive")
    else:
        assert in_sql is not None
        assert in_sql.reason == verdict.reason
        assert verdict.reason is not None or in_sql.channel == verdict.channel


capped = st.fixed_dictionaries(
    {
        "caps": st.tuples(st.none() | st.integers(1, 3), st.none() | st.integers(1, 4)),
        "messages": st.lists(
            st.tuples(
                st.integers(0, 9 * 24),
                st.sampled_from(["invitation", "reminder", "dialogue"]),
                st.sampled_from(
                    ["sent", "delivered", "unknown", "attempting", "queued", "failed", "cancelled"]
                ),
                st.sampled_from(
                    ["theirs", "same address", "came elsewhere", "came to them", "somebody else's", "played"]
                ),
            ),
            max_size=6,
        ),
        "with_mail": st.booleans(),
    }
)


def message_of(world: World, survey: Survey, whose: Contact, told: tuple[int, str, str, str]) -> None:
    """One message that asked so many hours ago, of an ask that is older than every rest.

    Who shares their address may get a reminder elsewhere than its question, or the reminder alone there.
    """
    hours, purpose, state, how = told
    at, longest = world.now - timedelta(hours=hours), world.now - timedelta(days=200)
    workspace = world.workspace_of(survey)
    shares, elsewhere = how in ("same address", "came elsewhere", "came to them"), new_id()
    other = world.contact(workspace, email=whose.email if shares else f"{new_id()}@b.example")
    asked = whose if how in ("theirs", "played") else other
    asked_at = elsewhere if how == "came to them" and purpose == "reminder" else asked.email_key
    came_to = elsewhere if how == "came elsewhere" and purpose == "reminder" else asked.email_key
    invitation = world.invitation(
        workspace, survey, asked, {"state": "failed"}, created_at=longest, sent_at=longest,
        sandbox=how == "played", address_key=asked_at,
    )  # fmt: skip
    left = state in ("sent", "delivered")
    message = world.message(
        invitation, asked, purpose=purpose, state=state, created_at=at, sent_at=at if left else None,
        address_key=came_to,
    )  # fmt: skip
    if state in ("unknown", "attempting"):
        world.add(Attempt(id=new_id(), message_id=message.id, number=1, started_at=at))


@pytest.mark.on_both
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=capped)
def test_sql_and_the_pure_rule_agree_about_caps(
    runtime: Runtime, world: World, clock: Clock, person: dict
) -> None:
    daily, weekly = person["caps"]
    workspace = world.workspace(rest_days=0, rest_days_by_metric={}, daily_cap=daily, weekly_cap=weekly)
    survey, contact = world.survey(workspace), world.contact(workspace, email=f"{new_id()}@bemtevi.example")
    for each in person["messages"]:
        message_of(world, survey, contact, each)
    place = with_mail(runtime) if person["with_mail"] else runtime
    with place.db.read() as session:
        ask = asking_terms.asking(session, place, workspace.id, Metric.NPS)
        facts = eligible.facts(session, ask, contact.id)
        people = eligible.audience(workspace.id).where(Contact.id == contact.id)
        in_sql = session.execute(eligible_sql.judged(ask, people)).one()
    verdict = may_ask(facts, ask.rest, clock.now)
    event(f"{verdict.reason}")
    assert in_sql.reason == verdict.reason
    assert len(facts.messages_at) == len(weighing(person, world)) or not ask.rest.caps.are_set


def weighing(person: dict, world: World) -> list[int]:
    """Which of the messages count, read off the story itself."""
    days = 6 if person["caps"][1] is not None else 0
    first = world.now.astimezone(SAO_PAULO).date() - timedelta(days=days)
    return [
        hours
        for hours, purpose, state, how in person["messages"]
        if purpose != "dialogue" and state not in ("failed", "cancelled")
        and how in ("theirs", "same address", "came to them", *(() if person["with_mail"] else ("played",)))
        + (("came elsewhere",) if purpose == "invitation" else ())
        and (
            state in ("attempting", "queued")
            or (world.now - timedelta(hours=hours)).astimezone(SAO_PAULO).date() >= first
        )
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["skipped", "failed", "cancelled"])
def test_what_never_left_starts_no_rest(runtime: Runtime, world: World, clock: Clock, state: str) -> None:
    workspace = world.workspace()
    contact = world.contact(workspace)
    world.invitation(workspace, world.survey(workspace), contact, state=state, sent_at=None)
    with runtime.db.read() as session:
        ask = asking_terms.asking(session, runtime, workspace.id, Metric.NPS)
        assert may_ask(eligible.facts(session, ask, contact.id), ask.rest, clock.now).reason is None


@pytest.mark.on_both
def test_nobodys_question_reads_the_asks_of_all_the_others(runtime: Runtime, world: World) -> None:
    """One read of everybody's invitations for each of a thousand people is a million reads."""
    if not runtime.db.is_sqlite:
        pytest.skip("the plan is told in SQLite's words")
    workspace = world.workspace()
    with runtime.db.read() as session:
        ask = asking_terms.asking(session, runtime, workspace.id, Metric.NPS)
        query = select(eligible_sql.told(ask, eligible.audience(workspace.id)))
        told = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {told}")]
    asks = [line for line in plan if "invitations" in line]
    assert asks
    assert all("contact_id=?" in line or "address_key=?" in line for line in asks), plan


@pytest.mark.on_both
def test_nobodys_cap_reads_the_asks_of_all_the_others(runtime: Runtime, world: World) -> None:
    if not runtime.db.is_sqlite:
        pytest.skip("the plan is told in SQLite's words")
    workspace = world.workspace(daily_cap=1, weekly_cap=3)
    with runtime.db.read() as session:
        ask = asking_terms.asking(session, runtime, workspace.id, Metric.NPS)
        query = eligible.because(ask, eligible.audience(workspace.id), "capped")
        told = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {told}")]
    looks = [line for line in plan if "messages" in line or "attempts" in line or "invitations" in line]
    assert any("messages" in line for line in looks)
    keys = ("_id=?", "(id=?", "address_key=?")
    assert all(any(key in line for key in keys) for line in looks), plan


@pytest.mark.on_both
def test_nobodys_question_reads_the_opt_outs_of_all_the_others(runtime: Runtime, world: World) -> None:
    if not runtime.db.is_sqlite:
        pytest.skip("the plan is told in SQLite's words")
    workspace = world.workspace()
    with runtime.db.read() as session:
        ask = asking_terms.asking(session, runtime, workspace.id, Metric.NPS)
        query = select(eligible_sql.told(ask, eligible.audience(workspace.id)))
        told = str(query.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {told}")]
    looks = [line for line in plan if "opt_outs" in line]
    assert looks
    assert all("contact_id=?" in line or "address_key=?" in line for line in looks), plan


neighbours = st.lists(
    st.fixed_dictionaries(
        {
            "address": st.sampled_from(["one@b.example", "two@b.example", None]),
            "asked": st.sampled_from([None, "sent", "played", "skipped", "pulse"]),
            "opted_out": st.booleans(),
        }
    ),
    min_size=1,
    max_size=5,
)


def once_each(decided: eligible.Decided) -> eligible.Decided:
    """Of several people with one address a run asks the first."""
    taken: set[str | None] = set()
    found = []
    for contact, verdict in decided:
        key = contact.key_on(verdict.channel) if verdict.channel else None
        is_second = verdict.reason is None and key in taken
        found.append((contact, Verdict("duplicate") if is_second else verdict))
        taken |= {key} if verdict.reason is None else set()
    return found


@pytest.mark.parametrize("metric", [Metric.NPS, Metric.ENPS])
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=neighbours, mail=st.booleans(), with_channel=st.booleans(), capped=st.booleans())
def test_a_preview_counts_what_a_run_would_decide(
    runtime: Runtime, world: World, metric: Metric, people: list, mail: bool, with_channel: bool, capped: bool
) -> None:
    """Several people with few addresses, some asked in play or by an open pulse, under a cap or a rest."""
    place = with_mail(runtime) if mail else runtime
    rests = {"rest_days": 0, "rest_days_by_metric": {}, "daily_cap": 1} if capped else {}
    workspace = world.workspace("people" if metric is Metric.ENPS else "customers", **rests)
    survey = world.survey(workspace, metric)
    pulse = open_pulse(world, 0, workspace=workspace) if metric is Metric.ENPS else None
    for each in people:
        contact = world.contact(workspace, email=each["address"])
        if each["opted_out"]:
            world.add(
                OptOut(
                    id=new_id(), workspace_id=workspace.id, contact_id=contact.id, kind="own_wish",
                    origin="console", created_at=NOW,
                )
            )  # fmt: skip
        if each["asked"] == "pulse" and pulse is not None:
            occurrence = pulse.pulse.occurrence_id
            world.invitation(workspace, survey, contact, occurrence_id=occurrence)
        elif each["asked"] not in (None, "pulse"):
            state = "skipped" if each["asked"] == "skipped" else "sent"
            told = {"state": "cancelled"} if state == "skipped" else None
            world.invitation(workspace, survey, contact, told, state=state, sandbox=each["asked"] == "played")
    with place.db.read() as session:
        channels = ("email",) if with_channel else ("sms",)
        ask = asking_terms.asking(session, place, workspace.id, metric, channels=channels)
        audience = eligible.audience(workspace.id, metric)
        counted = eligible.counts(session, ask, audience)
        decided = once_each(eligible.verdicts(session, ask, audience.order_by(Contact.id)))
        each = eligible_sql.told(ask, audience)  # as a run asks it, some people at a time
        of_a_run = {row.id: row.code for row in session.execute(select(each.c.id, each.c.code))}
        lists = {
            code: set(session.scalars(eligible.because(ask, audience, code)))
            for code in {verdict.reason for _, verdict in decided}
        }
    assert counted == Counter(verdict.reason for _, verdict in decided)
    assert of_a_run == {contact.id: verdict.reason for contact, verdict in decided}
    for code, ids in lists.items():
        assert ids == {contact.id for contact, verdict in decided if verdict.reason == code}
