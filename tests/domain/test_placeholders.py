"""Placeholders: what is refused on save, and that filling is one literal pass (faults L01 to L04)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.placeholders import (
    Placeholder,
    Segments,
    check,
    fill,
    first_name,
    one_line,
    parse,
    values_for,
)
from app.errors import Invalid

MARIA = values_for("Aroeira", "Maria Figueiredo", {"city": "Recife", "seats": 12, "gone": None})


def filled(text: str, values: dict[str, str] = MARIA) -> str:
    return fill(parse(text), values)


def complaints(text: str, **ways: bool) -> list[str]:
    return [str(each) for each in check(text, "greeting", **ways)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello, {{ contact.first_name|there }}.", "Hello, Maria."),
        ("{{contact.name|you}}", "Maria Figueiredo"),
        ("{{ workspace.name }}", "Aroeira"),
        ("in {{ contact.attributes.city|your city }}", "in Recife"),
        ("{{ contact.attributes.seats|some }} seats", "12 seats"),
        ("{{ contact.attributes.gone|nothing yet }}", "nothing yet"),
        ("{{ contact.attributes.never heard of|still fine }}", "still fine"),
        ("no placeholder at all", "no placeholder at all"),
        ("", ""),
    ],
)
def test_a_placeholder_becomes_its_value_or_its_fallback(text: str, said: str):
    assert check(text, "greeting") == []
    assert filled(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "{{ config }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ contact.__class__|x }}",
        "{{ contact|x }}",
        "{{ contact.attributes.|x }}",
        "{{ workspace.secret_key }}",
        '{{ env "HOME" }}',
        "{{ 7*7 }}",
        "{{ }}",
        "{{ contact.FIRST_NAME|x }}",
    ],
)
def test_l01_only_the_listed_names_exist(text: str):
    assert any("There is no placeholder" in each for each in complaints(text))


@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ contact.first_name|there }",
        "Hello { contact.first_name }",
        "Hello contact.first_name }}",
        "{{ contact.first_name|{{ contact.name|x }} }}",
        "{{{ workspace.name }}}",
        "{% for x in y %}",
        "{# note #}",
        "${workspace.name}",
        "{{ contact.first_name|a|b",
        "{{",
    ],
)
def test_l01_curly_brackets_stand_only_around_placeholders(text: str):
    assert any("Curly brackets" in each for each in complaints(text))
    with pytest.raises(Invalid):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{ contact.first_name }},",
        "Hi {{ contact.first_name| }},",
        "Hi {{ contact.attributes.city|   }},",
        "{{ workspace.name| }}",
    ],
)
def test_l02_a_value_that_may_be_empty_needs_a_fallback(text: str):
    assert any("may be empty" in each for each in complaints(text))


@pytest.mark.parametrize("name", ["", "   ", "\t"])
def test_l02_nobody_is_ever_greeted_as_nobody(name: str):
    assert filled("Hi {{ contact.first_name|there }},", values_for("Aroeira", name)) == "Hi there,"


@pytest.mark.parametrize(
    "value",
    [
        "{{ workspace.name }}",
        "{{ contact.name|x }}",
        "$& $1 \\1 \\g<0>",
        "%(name)s {0} {name}",
        "<script>alert(1)</script>",
    ],
)
def test_l03_a_value_stays_as_it_is_whatever_it_contains(value: str):
    values = values_for("Aroeira", "x", {"city": value})
    assert filled("a {{ contact.attributes.city|b }} c", values) == f"a {value} c"


@settings(deadline=None, max_examples=200)
@given(value=st.text(min_size=1).filter(str.strip), around=st.text(alphabet="ab {}|$&%\n", max_size=8))
def test_l03_filling_is_a_single_pass_for_every_value(value: str, around: str):
    segments = Segments((around, Placeholder("contact.name", "nobody"), around))
    assert fill(segments, {"contact.name": value}) == around + value + around


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="{}|. contactfirst_nameworkspace\n", max_size=60))
def test_every_text_is_either_refused_or_can_be_filled(text: str):
    if check(text, "greeting", lines=True):
        with pytest.raises(Invalid):
            parse(text)
    else:
        assert "{{" not in filled(text)


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: everybody@example.org", "a\nb", "a\tb", "a\x00b", "a\x85b", "a\u2028b", "\ud83d"]
)
def test_l04_a_subject_is_one_line_without_control_characters(bad: str):
    assert complaints(bad) == ["Write this on one line, without control characters."]


def test_l04_a_value_cannot_break_out_of_the_subject():
    values = values_for("Aroeira", "Maria\r\nBcc: everybody@example.org")
    assert (
        one_line(filled("{{ contact.name|You }}, a question", values))
        == "Maria Bcc: everybody@example.org, a question"
    )


def test_a_text_of_several_lines_may_have_line_feeds_and_nothing_else():
    assert complaints("one\n\ntwo", lines=True) == []
    assert complaints("one\r\ntwo", lines=True) == ["Control characters are not allowed."]


def test_nobody_is_addressed_by_name_where_answers_are_anonymous():
    assert complaints("{{ workspace.name }}", contact=False) == []
    assert "anonymous" in complaints("{{ contact.first_name|you }}", contact=False)[0]


def test_the_same_mistake_twice_is_told_once():
    assert len(complaints("{{ x }} and {{ x }}")) == 1


def test_a_text_knows_whether_it_needs_the_contact():
    assert parse("{{ contact.name|x }}").speaks_of_contact
    assert not parse("{{ workspace.name }} asks").speaks_of_contact


def test_a_missing_value_without_fallback_is_loud():
    with pytest.raises(LookupError):
        fill(parse("{{ workspace.name }}"), {})


@pytest.mark.parametrize(
    ("name", "first"), [("Maria Figueiredo", "Maria"), ("  Ana  ", "Ana"), ("", ""), (" ", "")]
)
def test_the_first_name_is_the_first_word(name: str, first: str):
    assert first_name(name) == first
