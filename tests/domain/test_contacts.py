"""What a contact may be, and what it is found by."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.contacts import MAX_SEARCH, fold, read_contact, search_text, search_words
from app.errors import Invalid


def problem_of(field: str, value: object) -> str:
    with pytest.raises(Invalid) as caught:
        read_contact({field: value}, "BR")
    (only,) = caught.value.problems
    assert only.field == field
    return str(only)


def test_a_contact_is_read_field_by_field():
    values = read_contact(
        {
            "name": "  Maria\nFigueiredo ",
            "email": "Maria@BemTeVi.example",
            "phone": "31 9876-4417",
            "external_id": "77",
            "kind": "Funcionária",
            "locale": "pt_br",
            "time_zone": "america/sao_paulo",
            "attributes": {" Plano  anual ": "sim", "seats": 12, "vip": True, "gone": None},
            "active": "Não",
            "lawful_basis": "Consent",
            "source": "feira 2026",
        },
        "BR",
    )
    assert values["name"] == "Maria Figueiredo"
    assert values["email"] is not None and values["email"].key == "maria@bemtevi.example"
    assert values["phone"] is not None and values["phone"].text == "+5531998764417"
    assert values["kind"] == "employee"
    assert values["locale"] == "pt-BR"
    assert values["time_zone"] == "America/Sao_Paulo"
    assert values["attributes"] == {"Plano anual": "sim", "seats": 12, "vip": True, "gone": None}
    assert values["active"] is False
    assert values["lawful_basis"] == "consent"


def test_an_absent_field_stays_absent_and_an_empty_one_empties():
    assert read_contact({"email": "", "phone": None, "locale": " "}, None) == {
        "email": None,
        "phone": None,
        "locale": None,
    }


def test_all_problems_come_at_once():
    with pytest.raises(Invalid) as caught:
        read_contact({"email": "ana@", "phone": "12", "kind": "robot", "role": "owner"}, "BR")
    assert [each.field for each in caught.value.problems] == ["email", "phone", "kind", "role"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("id", "abc", "Nobody knows"),
        ("workspace_id", "abc", "Nobody knows"),
        ("name", 7, "must be a text"),
        ("name", "x" * 201, "longer than 200"),
        ("name", "Ana\x00", "nobody can see"),
        ("name", "Ana\ud800", "nobody can see"),
        ("email", ["a@x.com"], "must be a text"),
        ("kind", "", "customer, employee"),
        ("active", "talvez", "yes or no"),
        ("active", 1, "must be a text"),
        ("locale", "klingon!", "language tag"),
        ("time_zone", "GMT-3 Brasília", "time zone"),
        ("time_zone", "../../etc/passwd", "time zone"),
        ("lawful_basis", "", "consent, contract"),
        ("telegram_chat_id", "@ana", "Telegram chat"),
        ("attributes", [], "an object"),
        ("attributes", {"": "x"}, "1 to 60"),
        ("attributes", {"x" * 61: "x"}, "1 to 60"),
        ("attributes", {"a": {"deep": 1}}, "“a” must be"),
        ("attributes", {"a": float("nan")}, "“a” must be"),
        ("attributes", {"a": 10**400}, "“a” must be"),
        ("attributes", {"a": "x" * 1001}, "“a” is longer"),
        ("attributes", {"a": "x\x00"}, "“a” contains"),
        ("attributes", {str(number): "x" for number in range(101)}, "at most 100"),
    ],
)
def test_what_a_field_cannot_be_says_why(field: str, value: object, words: str):
    assert words in problem_of(field, value)


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "@SUM(1+1)", "+55 11", "<script>", "{{ 7*7 }}", "'; --"]
)
def test_j05_formulas_and_markup_are_only_text(text: str):
    values = read_contact({"name": text, "attributes": {"note": text}}, None)
    assert values["name"] == text
    assert values["attributes"] == {"note": text}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ÁÉÍ", "aei"),
        ("Straße", "STRASSE"),
        ("İSTANBUL", "ıstanbul"),
        ("Łódź", "lodz"),
        ("ﬁm", "FIM"),
        ("ＡＮＡ", "ana"),
    ],
)
def test_e16_search_knows_neither_case_nor_accents(one: str, other: str):
    assert fold(one) == fold(other)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_e16_folding_twice_changes_nothing(text: str):
    assert fold(fold(text)) == fold(text)


def test_a_contact_is_ordered_by_name_and_found_by_its_addresses():
    text = search_text("Márcia  Ávila", "M@x.com", None, "+5511987654321")
    assert text == "marcia avila m@x.com +5511987654321"
    assert len(search_text("ﷺ" * 200, "x" * 300)) == MAX_SEARCH


def test_a_number_with_its_punctuation_is_one_word():
    assert search_words("(11) 98765-4321") == ("11987654321",)
    assert search_words(" Ávila  Márcia ") == ("avila", "marcia")
    assert search_words("   ") == ()
