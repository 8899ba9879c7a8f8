"""The statements that find an audience mean what the pure rule means, for every person on both databases."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.domain.audience_fields import ATTRIBUTE, FIELDS, Takes, operators_of
from app.domain.audience_matching import Answered, Asked, Person, Scene, matches
from app.domain.audience_reading import read_audience
from app.domain.metrics import RULES, Metric, band_of
from app.errors import Invalid
from app.models import Answer, Contact, FollowUp, Invitation, Occurrence, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import audiences
from app.services.eligible import COUNTED
from tests.world import World

ZONE = "America/Sao_Paulo"
TEXTS = (
    *("São Paulo", "SAO PAULO", "sao", "É", "e", "straße", "ﬁm", "İ", "ñandú", "Ωmega", "100%", "100", "a_b"),
    *("axb", "a/b", "\\", "10", "10.0", "007", "7", "-5.5", "1e5", "1,5", "1.234", "true", "True", "%"),
    *("2026-11-01", "2026-11-16T10:00", "2026-11-20", "2026-13-45", "31/12/2026", " ", "0", "-0", "'; --"),
)  # fmt: skip
KEYS = ("plan", "área", 'we"ird.$key')
texts = st.sampled_from(TEXTS)
scalars = st.one_of(
    texts, st.booleans(), st.integers(-20, 20), st.sampled_from([0.5, 10.0, -5.5, 1e-7, 1e15, 2**53 - 1])
)
tags = st.lists(st.sampled_from(["vip", "são", "a_b", "beta 2"]), max_size=3, unique=True)
moments = st.integers(0, 40).map(lambda days: timedelta(days=days, minutes=days * 7))
people = st.fixed_dictionaries(
    {
        "name": st.one_of(st.just(""), texts),
        "email": st.sampled_from([None, "ana@Aroeira.example", "x@sub.aroeira.example", "y@a_oeira.example"]),
        "phone": st.sampled_from([None, "+5511999990000"]),
        "telegram_chat_id": st.sampled_from([None, "1"]),
        "external_id": st.none(),
        "kind": st.sampled_from(["customer", "employee"]),
        "locale": st.sampled_from([None, "pt-BR", "en"]),
        "time_zone": st.sampled_from([None, ZONE]),
        "source": st.one_of(st.none(), texts),
        "lawful_basis": st.sampled_from(["none", "consent"]),
        "attributes": st.dictionaries(st.sampled_from(KEYS), scalars, max_size=3),
        "tags": tags,
        "created": moments,
        "asks": st.lists(
            st.tuples(
                st.sampled_from(["nps", "csat"]),
                moments,
                st.sampled_from(["sent", "queued", "skipped"]),
                st.booleans(),
            ),
            max_size=2,
        ),
        "answers": st.lists(
            st.tuples(
                st.sampled_from(["nps", "csat"]),
                st.integers(1, 5),
                moments,
                st.sampled_from(["counted", "counted", "counted", "suspect", "late", "sandbox"]),
            ),
            max_size=3,
        ),
        "followup": st.sampled_from([None, "open", "closed"]),
    }
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, object]:
    """Something that can be said, as it is sent."""
    name = draw(st.sampled_from([*FIELDS, *(f"{ATTRIBUTE}{key}" for key in KEYS * 4)]))
    operators = operators_of(name) or {}
    operator = draw(st.sampled_from(sorted(operators)))
    said: dict[str, object] = {"field": name, "op": operator}
    few = st.lists(values_of(name), min_size=1, max_size=2)
    match operators[operator]:
        case Takes.VALUES:
            said["value"] = draw(few)
        case Takes.NUMBER:
            said["value"] = draw(st.one_of(st.integers(-20, 20), st.sampled_from([0.5, 1.234, -5.5, 1e15])))
        case Takes.DAY:
            said["value"] = draw(st.dates(date(2026, 10, 1), date(2026, 11, 30))).isoformat()
        case Takes.DAYS:
            said["days"] = draw(st.integers(0, 45))
        case Takes.ASKS | Takes.ANSWERS as takes:
            said |= draw(histories(takes))
    return said


def values_of(name: str) -> st.SearchStrategy[str]:
    known = {
        "tags": st.sampled_from(["vip", "são", "a_b", "outra"]),
        "email_domain": st.sampled_from(["aroeira.example", "AROEIRA.example", "sub.aroeira.example", "b.c"]),
        "kind": st.sampled_from(["customer", "employee"]),
        "locale": st.sampled_from(["pt-BR", "es"]),
        "time_zone": st.sampled_from([ZONE, "UTC"]),
        "lawful_basis": st.sampled_from(["none", "consent"]),
    }
    return known.get(name, st.sampled_from([each for each in TEXTS if each.strip()]))


@st.composite
def histories(draw: st.DrawFn, takes: Takes) -> dict[str, object]:
    found: dict[str, object] = {}
    if draw(st.booleans()):
        found["days"] = draw(st.integers(0, 45))
    if draw(st.booleans()):
        metric = Metric(draw(st.sampled_from(["nps", "csat"])))
        found["metric"] = metric.value
        if takes is Takes.ANSWERS:
            match draw(st.integers(0, 3)):
                case 1:
                    found["band"] = draw(st.sampled_from([each.value for each in RULES[metric].bands]))
                case 2:
                    found["low"] = draw(st.integers(1, 5))
                case 3:
                    found |= {"low": 2, "high": draw(st.integers(1, 5))}
    return found


trees = st.recursive(
    conditions(),
    lambda inner: st.builds(
        lambda join, members: {join: members},
        st.sampled_from(["all", "any"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


class House:
    """One workspace in which people are made fast."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.workspace: Workspace = world.workspace(time_zone=ZONE)
        self.surveys = {each: world.survey(self.workspace, Metric(each)) for each in ("nps", "csat")}

    def add(self, said: dict[str, Any], sandbox_on: bool) -> tuple[Contact, Person]:
        """Somebody as a row, and as the rule sees them."""
        now, id = self.world.now, new_id()
        plain_values = {
            name: said[name]
            for name in (
                *("name", "email", "phone", "telegram_chat_id", "external_id", "kind", "locale", "time_zone"),
                *("source", "lawful_basis", "attributes", "tags"),
            )
        }
        contact = Contact(
            id=id, workspace_id=self.workspace.id, search_name="", active=True,
            created_at=now - said["created"], updated_at=now, **plain_values,
        )  # fmt: skip
        rows: list[Any] = []
        asks, answers = [], []
        for metric, ago, state, sandbox in said["asks"]:
            invitation = self.invitation(contact, metric, now - ago, state, sandbox, rows)
            if state in COUNTED and (sandbox_on or not sandbox):
                asks.append(Asked(metric, invitation.sent_at or invitation.created_at))
        for metric, score, ago, how in said["answers"]:
            sandbox = how == "sandbox"
            invitation = self.invitation(contact, metric, now - ago, "answered", sandbox, rows)
            answer = self.answer(contact, invitation, score, how)
            rows.append(answer)
            if sandbox_on or not sandbox:
                asks.append(Asked(metric, now - ago))
                if how in ("counted", "sandbox"):
                    answers.append(answer)
        if said["followup"]:
            rows.append(self.followup(contact, said["followup"] == "closed"))
        with self.world.runtime.db.write() as session:
            session.add(contact)
            session.flush()
            for kind in (Occurrence, Invitation, Answer, FollowUp):
                session.add_all([row for row in rows if isinstance(row, kind)])
                session.flush()
        answers.sort(key=lambda each: (each.recorded_at, each.id))
        values = {
            ("telegram" if name == "telegram_chat_id" else name): each for name, each in plain_values.items()
        }
        return contact, Person(
            created_at=contact.created_at,
            **values | {"tags": tuple(said["tags"])},
            asks=tuple(asks),
            answers=tuple(Answered(each.metric, each.band, each.score, each.recorded_at) for each in answers),
            open_followup=said["followup"] == "open",
        )

    def invitation(
        self, contact: Contact, metric: str, at: Any, state: str, sandbox: bool, rows: list[Any]
    ) -> Invitation:
        survey: Survey = self.surveys[metric]
        occurrence = Occurrence(
            id=new_id(), workspace_id=self.workspace.id, survey_id=survey.id, origin="request", key=new_id(),
            version_id=survey.published_version_id, audience={}, channels=["email"], state="run", due_at=at,
            created_at=at,
        )  # fmt: skip
        invitation = Invitation(
            id=new_id(), workspace_id=self.workspace.id, occurrence_id=occurrence.id, survey_id=survey.id,
            version_id=survey.published_version_id, metric=metric, contact_id=contact.id, locale="en",
            state=state, sandbox=sandbox, created_at=at, expires_at=at,
            sent_at=at if state in ("sent", "answered") else None,
        )  # fmt: skip
        rows += [occurrence, invitation]
        return invitation

    def answer(self, contact: Contact, invitation: Invitation, score: int, how: str) -> Answer:
        at = invitation.created_at
        return Answer(
            id=new_id(), workspace_id=self.workspace.id, invitation_id=invitation.id,
            survey_id=invitation.survey_id, version_id=invitation.version_id, contact_id=contact.id,
            metric=invitation.metric, score=score, band=band_of(Metric(invitation.metric), score).value,
            channel="email", sandbox=how == "sandbox", attributes={}, suspect=how == "suspect",
            late=how == "late", recorded_at=at, updated_at=at,
        )  # fmt: skip

    def followup(self, contact: Contact, closed: bool) -> FollowUp:
        now = self.world.now
        return FollowUp(
            id=new_id(), workspace_id=self.workspace.id, contact_id=contact.id, reason="asked", opened_at=now,
            first_contact_due_at=now, close_due_at=now, closed_at=now if closed else None,
        )  # fmt: skip


@pytest.fixture
def house(world: World) -> House:
    return House(world)


@settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    crowd=st.lists(people, min_size=1, max_size=4),
    trees=st.lists(trees, min_size=4, max_size=8),
    sandbox_on=st.booleans(),
)
def test_the_statement_finds_whom_the_rule_means(
    runtime: Runtime, house: House, crowd: list[dict[str, Any]], trees: list[Any], sandbox_on: bool
) -> None:
    place = runtime
    if not sandbox_on:
        config = replace(runtime.config, smtp_url="smtp://127.0.0.1:2525", mail_from="p@retorno.example")
        place = replace(runtime, config=config)
    assert place.config.sandbox_on == sandbox_on
    made = [house.add(each, sandbox_on) for each in crowd]
    scene = Scene(house.world.now, ZoneInfo(ZONE))
    for raw in trees:
        try:
            tree = read_audience(raw)
        except Invalid:
            continue  # deeper than an audience may be
        with place.db.read() as session:
            fits = audiences.condition(session, place, house.workspace.id, tree)
            ids = [contact.id for contact, _ in made]
            found = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), fits)))
        meant = {contact.id for contact, person in made if matches(tree, person, scene)}
        assert found == meant, tree.to_json()
        assert read_audience(tree.to_json()) == tree
