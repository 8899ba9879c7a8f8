"""Audiences: read strictly with every problem at once, bounded, and meaning what people mean by them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.audience import EVERYBODY, Group
from app.domain.audience_matching import Answered, Asked, Person, Scene, matches, number_of, plain
from app.domain.audience_reading import read_audience
from app.domain.tags import read_tags
from app.errors import Invalid

NOW = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
SCENE = Scene(NOW, ZoneInfo("America/Sao_Paulo"))
ANA = Person(created_at=NOW - timedelta(days=10), name="Ana Ávila", email="ana@aroeira.example")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "field", "op", "value", "days", "metric", "band", "attributes"]),
            inner,
        )
    ),
    max_leaves=15,
)


def wrong(given: object) -> dict[str, str]:
    """The places and the sentences with which it is refused."""
    with pytest.raises(Invalid) as refused:
        read_audience(given)
    return {each.field: str(each) for each in refused.value.problems}


def fits(person: Person = ANA, /, **condition: Any) -> bool:
    return matches(read_audience({"all": [condition]}), person, SCENE)


def somebody(**values: Any) -> Person:
    return Person(**{"created_at": NOW} | values)


@pytest.mark.parametrize("given", [None, "", "all", {}])
def test_nothing_is_everybody(given: object) -> None:
    assert read_audience(given) == EVERYBODY
    assert EVERYBODY.to_json() == {}
    assert matches(EVERYBODY, ANA, SCENE)


def test_every_problem_is_said_at_once_at_its_place() -> None:
    said = {
        "all": [
            {"field": "password_hash", "op": "is", "value": "x"},
            {"field": "name", "op": "matches", "value": "^(a+)+$"},
            {"any": [{"field": "tags", "op": "has_any", "value": []}, {"any": []}]},
            {"field": "created", "op": "before", "value": "31/12/2026"},
            {"field": "answered", "op": "has", "band": "detractor", "days": -1},
            {"field": "attributes.seats", "op": "above", "value": "many"},
            {"field": "email", "op": "is_set", "value": "x"},
            {"field": "email_domain", "op": "is", "value": "nowhere"},
            "DROP TABLE contacts",
        ]
    }
    assert set(wrong(said)) == {
        "audience.all.0.field",
        "audience.all.1.op",
        "audience.all.2.any.0.value",
        "audience.all.2.any.1.any",
        "audience.all.3.value",
        "audience.all.4.days",
        "audience.all.4.metric",
        "audience.all.5.value",
        "audience.all.6.value",
        "audience.all.7.value",
        "audience.all.8",
    }


@pytest.mark.parametrize(
    "field",
    ["id", "workspace_id", "email_key", "attributes", "attributes.", "contacts.name", "Name", "name; --"],
)
def test_only_listed_fields_are_known(field: str) -> None:
    assert list(wrong({"all": [{"field": field, "op": "is", "value": "x"}]})) == ["audience.all.0.field"]


def test_j07_five_thousand_conditions_and_deep_logic_are_refused_at_once() -> None:
    condition = {"field": "name", "op": "is", "value": "x"}
    deep: object = condition
    for _ in range(900):
        deep = {"all": [deep]}
    started = time.perf_counter()
    assert wrong({"any": [condition] * 5_000}) == {"audience": "An audience has at most 50 conditions."}
    assert wrong({"any": [{"any": []}] * 5_000}) == {"audience": "An audience has at most 50 conditions."}
    assert wrong(deep) == {"audience": "Groups stand in groups at most 3 deep."}
    long = {"field": "name", "op": "is", "value": ["x" * 200] * 51}
    assert "audience" in wrong({"any": [long] * 2})
    assert time.perf_counter() - started < 0.5
    assert len(list(read_audience({"any": [condition] * 50}).conditions())) == 50


def test_the_short_form_of_attributes_stays() -> None:
    read = read_audience({"attributes": {"team": "Suporte", "site": "sul"}})
    assert read.to_json() == {
        "all": [
            {"field": "attributes.team", "op": "is", "value": "Suporte"},
            {"field": "attributes.site", "op": "is", "value": "sul"},
        ]
    }


@given(JSON)
def test_whatever_is_sent_is_read_or_refused_and_what_is_read_stays_the_same(sent: object) -> None:
    try:
        read = read_audience(sent)
    except Invalid:
        return
    assert isinstance(read, Group)
    assert read_audience(read.to_json()) == read
    matches(read, ANA, SCENE)


def test_values_are_kept_as_contacts_keep_them() -> None:
    read = read_audience(
        {
            "all": [
                {"field": "locale", "op": "is", "value": "português"},
                {"field": "kind", "op": "is", "value": ["cliente"]},
                {"field": "tags", "op": "has_all", "value": [" VIP ", "vip", "Beta  2"]},
                {"field": "email_domain", "op": "is", "value": "@Aroeira.example"},
            ]
        }
    )
    assert [each.values for each in read.conditions()] == [
        ("pt-BR",),
        ("customer",),
        ("beta 2", "vip"),
        ("aroeira.example",),
    ]


def test_text_is_compared_without_case_and_accents() -> None:
    assert fits(field="name", op="contains", value="AVILA")
    assert not fits(field="name", op="contains", value="%")
    assert fits(field="name", op="is_not", value="Ana")
    assert plain("São JOÃO ﬁ") == "sao joao fi"


def test_whoever_has_no_value_is_not_it_and_has_none_of_it() -> None:
    assert not fits(field="attributes.plan", op="is", value="pro")
    assert fits(field="attributes.plan", op="is_not", value="pro")
    assert fits(field="attributes.plan", op="contains_not", value="pro")
    assert fits(field="attributes.plan", op="is_not_set")
    assert not fits(field="attributes.seats", op="below", value=10)
    assert not fits(field="attributes.renewal", op="before", value="2030-01-01")


@pytest.mark.parametrize(
    ("value", "is_ten", "above_nine"),
    [(10, True, True), (10.0, True, True), ("10", True, True), ("10.0", False, True), ("010", False, True),
     ("1,000", False, False), (True, False, False), ("ten", False, False)],
)  # fmt: skip
def test_numbers_that_came_as_text_compare_as_numbers_and_codes_stay_codes(
    value: object, is_ten: bool, above_nine: bool
) -> None:
    person = somebody(attributes={"seats": value})
    assert fits(person, field="attributes.seats", op="is", value="10") == is_ten
    assert fits(person, field="attributes.seats", op="above", value=9) == above_nine
    assert number_of("1.234") == 1.234


def test_days_are_those_of_the_workspaces_calendar() -> None:
    late = somebody(created_at=datetime(2026, 11, 15, 2, 59, tzinfo=UTC))  # the 14th, 23:59 in São Paulo
    assert not fits(late, field="created", op="within", days=1)
    assert fits(late, field="created", op="within", days=2)
    assert fits(late, field="created", op="before", value="2026-11-15")
    assert fits(late, field="created", op="since", value="2026-11-14")
    renewal = somebody(attributes={"renewal": "2026-12-01T10:00"})
    assert fits(renewal, field="attributes.renewal", op="coming", days=15)
    assert not fits(renewal, field="attributes.renewal", op="coming", days=14)
    assert not fits(renewal, field="attributes.renewal", op="within", days=30)


def test_asks_and_answers_speak_of_metrics_bands_and_days() -> None:
    person = somebody(
        asks=(Asked("nps", NOW - timedelta(days=40)),),
        answers=(
            Answered("nps", "detractor", 2, NOW - timedelta(days=80)),
            Answered("csat", "satisfied", 5, NOW - timedelta(days=5)),
            Answered("nps", "promoter", 9, NOW - timedelta(days=3)),
        ),
    )
    assert fits(person, field="answered", op="has", metric="nps", band="detractor", days=90)
    assert not fits(person, field="answered", op="latest", metric="nps", band="detractor")
    assert fits(person, field="answered", op="latest", metric="nps", low=9)
    assert not fits(person, field="answered", op="has", metric="nps", high=6, days=30)
    assert fits(person, field="answered", op="has_not", metric="ces")
    assert fits(person, field="asked", op="has", metric="nps", days=40)
    assert fits(person, field="asked", op="has_not", days=39)
    assert fits(ANA, field="asked", op="has_not")


def test_tags_are_small_sorted_and_few() -> None:
    assert read_tags("tags", "VIP, beta;  Conta   Chave,, vip") == ["beta", "conta chave", "vip"]
    assert read_tags("tags", ["São Paulo"]) == ["são paulo"]
    assert read_tags("tags", None) == []
    for bad in (7, [7], ["x" * 41], ["a\x07b"], [str(number) for number in range(51)], ["a,b"]):
        with pytest.raises(Invalid):
            read_tags("tags", bad)
