"""The statements that find an audience mean what the pure rule means, for every person on both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.domain.audience import Condition
from app.domain.audience_fields import ATTRIBUTE, ATTRIBUTE_OPERATORS, FIELDS, Takes, operators_of
from app.domain.audience_matching import (
    Answered,
    Asked,
    Person,
    Scene,
    matches,
    number_of,
    opposite,
    unmet,
)
from app.domain.audience_reading import read_audience
from app.domain.metrics import RULES, Metric, band_of
from app.models import Answer, Contact, FollowUp, Invitation, Occurrence, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import audiences, person_facts
from app.services.asking_terms import COUNTED
from tests.world import World

ZONE = "America/Sao_Paulo"
TEXTS = (
    *("São Paulo", "SAO PAULO", "sao", "É", "e", "straße", "ﬁm", "İ", "ñandú", "Ωmega", "100%", "100", "a_b"),
    *("axb", "a/b", "\\", "10", "10.0", "007", "7", "-5.5", "1e5", "1,5", "1.234", "true", "True", "%"),
    *("2026-11-01", "2026-11-16T10:00", "2026-11-20", "2026-13-45", "31/12/2026", " ", "0", "-0", "'; --"),
)  # fmt: skip
SHARP = ("%", "_", "a", "10", "true", "São", "\\")  # what could be more than text
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


Said = dict[str, Any]


@st.composite
def conditions(draw: st.DrawFn, words: list[str], numbers: list[float]) -> Said:
    """Something that can be said, as it is sent; mostly of values that somebody has."""
    name = draw(
        st.sampled_from([*FIELDS, *(f"{ATTRIBUTE}{key}" for key in KEYS * 6), "answered", "answered"])
    )
    operators = operators_of(name) or {}
    operator = draw(st.sampled_from(sorted(operators)))
    said: Said = {"field": name, "op": operator}
    match operators[operator]:
        case Takes.VALUES:
            said["value"] = draw(st.lists(values_of(name, words), min_size=1, max_size=2))
        case Takes.NUMBER:
            said["value"] = draw(st.sampled_from(numbers))
        case Takes.DAY:
            said["value"] = draw(st.sampled_from(["2026-11-01", "2026-11-16", "2026-11-17", "2026-10-20"]))
        case Takes.DAYS:
            said["days"] = draw(st.sampled_from([0, 4, 15, 16, 40]))
        case Takes.ASKS | Takes.ANSWERS as takes:
            said |= draw(histories(takes))
    return said


def values_of(name: str, words: list[str]) -> st.SearchStrategy[str]:
    known = {
        "tags": ["vip", "são", "a_b", "outra"],
        "email_domain": ["aroeira.example", "AROEIRA.example", "a_oeira.example", "b.c"],
        "kind": ["customer", "employee"],
        "locale": ["pt-BR", "es"],
        "time_zone": [ZONE, "UTC"],
        "lawful_basis": ["none", "consent"],
    }
    return st.sampled_from(known.get(name, words))


@st.composite
def histories(draw: st.DrawFn, takes: Takes) -> Said:
    found: Said = {}
    if draw(st.booleans()):
        found["days"] = draw(st.sampled_from([0, 5, 10, 40]))
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
                    found |= {"low": 2, "high": draw(st.integers(1, 5))}  # upside down: as older rows have it
    return found


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Said], list[Said]]:
    """Some people, and many audiences that speak of what these people have."""
    crowd = draw(st.lists(people, min_size=2, max_size=5))
    facts = [
        value for each in crowd for value in (*each["attributes"].values(), each["name"], each["source"])
    ]
    words = [each for each in facts if isinstance(each, str) and each.strip()]
    found = [each if isinstance(each, int | float) else number_of(each or "") for each in facts]
    numbers = [each for each in found if each is not None and not isinstance(each, bool)]
    one = conditions([*words, *SHARP], [*numbers, 10, -5.5])
    group = st.builds(
        lambda join, members: {join: members},
        st.sampled_from(["all", "any"]),
        st.lists(st.one_of(one, st.builds(lambda each: {"any": [each]}, one)), min_size=2, max_size=3),
    )
    alone = st.lists(one, min_size=14, max_size=14)
    return crowd, draw(alone) + draw(st.lists(group, min_size=2, max_size=2))


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


@pytest.mark.on_both
@settings(
    deadline=None,
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],  # to shrink a scene takes minutes; the audience is told anyway
    suppress_health_check=list(HealthCheck),
)
@given(scene=scenes(), sandbox_on=st.booleans())
def test_the_statement_finds_whom_the_rule_means(
    runtime: Runtime, house: House, scene: tuple[list[Said], list[Said]], sandbox_on: bool
) -> None:
    crowd, audiences_said = scene
    place = runtime
    if not sandbox_on:
        config = replace(runtime.config, smtp_url="smtp://127.0.0.1:2525", mail_from="p@retorno.example")
        place = replace(runtime, config=config)
    assert place.config.sandbox_on == sandbox_on
    made = [house.add(each, sandbox_on) for each in crowd]
    now = Scene(house.world.now, ZoneInfo(ZONE))
    for raw in audiences_said:
        tree = read_audience(raw, kept=True)
        with place.db.read() as session:
            fits = audiences.condition(session, place, house.workspace.id, tree)
            ids = [contact.id for contact, _ in made]
            found = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), fits)))
            read = {
                contact.id: person_facts.person_of(session, contact, sandbox_on=sandbox_on)
                for contact, _ in made
            }
        meant = {contact.id for contact, person in made if matches(tree, person, now)}
        assert found == meant, tree.to_json()
        for id, person in read.items():  # what keeps somebody out is nothing for whom it means, and is untrue
            missing = unmet(tree, person, now)
            assert (missing == ()) == (id in meant), tree.to_json()
            assert not any(matches(each, person, now) for each in missing)
            conditions = [each for each in missing if isinstance(each, Condition)]
            assert all(matches(each, person, now) for each in map(opposite, conditions) if each)
        assert read_audience(tree.to_json(), kept=True) == tree


NOBODY: Said = {
    "name": "", "email": None, "phone": None, "telegram_chat_id": None, "external_id": None,
    "kind": "customer", "locale": None, "time_zone": None, "source": None, "lawful_basis": "consent",
    "attributes": {}, "tags": [], "created": timedelta(0), "asks": [], "answers": [], "followup": None,
}  # fmt: skip
VALUES = (*TEXTS, True, False, 10, 10.0, -5.5, 0, 100, 1e-7, 1e15, 2**53 - 1, None)


def test_every_operator_means_the_same_for_every_kind_of_value(runtime: Runtime, house: House) -> None:
    """All that can be said of an attribute, of everything that an attribute can be."""
    made = [
        house.add(NOBODY | {"attributes": {} if value is None else {"plan": value}}, sandbox_on=True)
        for value in VALUES
    ]
    scene, ids = Scene(house.world.now, ZoneInfo(ZONE)), [contact.id for contact, _ in made]
    words = [each for each in TEXTS if each.strip()] + list(SHARP)
    of_takes: dict[Takes, list[Said]] = {
        Takes.NOTHING: [{}],
        Takes.VALUES: [{"value": each} for each in words],
        Takes.NUMBER: [{"value": each} for each in (10, -5.5, 0, 1e-7, 1e15)],
        Takes.DAY: [{"value": each} for each in ("2026-11-01", "2026-11-16", "2026-11-17")],
        Takes.DAYS: [{"days": each} for each in (0, 4, 15)],
    }
    with runtime.db.read() as session:
        for operator, takes in ATTRIBUTE_OPERATORS.items():
            for more in of_takes[takes]:
                tree = read_audience({"all": [{"field": "attributes.plan", "op": operator, **more}]})
                fits = audiences.condition(session, runtime, house.workspace.id, tree)
                found = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), fits)))
                meant = {contact.id: person for contact, person in made if matches(tree, person, scene)}
                wrong = [
                    person.attributes
                    for contact, person in made
                    if (contact.id in found) != (contact.id in meant)
                ]
                assert not wrong, (operator, more)
