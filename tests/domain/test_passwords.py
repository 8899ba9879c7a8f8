"""Passwords (G15): length first, one form of each text, nothing that is on everybody's list."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import passwords

ANA = "ana.souza@aroeira.example"


def messages(password: str, email: str = ANA) -> list[str]:
    return [str(each) for each in passwords.check(password, email)]


@pytest.mark.parametrize(
    "password",
    [
        "chuva fina no quintal",
        "tr0ub4dor&3-ponte",
        "melancia azul 47",
        "Ünïcödé ist schön",
        "密码是一句很长的话没有人知道",
        "x" * 3 + "aBcD9 longer phrase that is odd" + "y" * 3,
    ],
)
def test_a_long_password_of_ones_own_is_accepted(password: str) -> None:
    assert messages(password) == []


def test_g15_one_character_is_too_short_and_says_what_is_enough() -> None:
    assert messages("a") == ["Use at least 12 characters. A few words in a row are easy to remember."]
    assert messages("") != []
    assert messages("elevencharz") != []


def test_g15_a_thousand_characters_are_refused_before_any_work() -> None:
    assert messages("chuva" * 200) == ["Use at most 256 characters."]
    started = time.perf_counter()
    passwords.check("ﷺ" * 5_000_000, ANA)
    assert time.perf_counter() - started < 0.5


def test_g15_a_text_that_grows_by_normalising_is_measured_after_it() -> None:
    assert messages("ﷺ" * 100) == ["Use at most 256 characters."]  # one character becomes eighteen


def test_g15_two_unicode_forms_of_one_password_are_one_password() -> None:
    assert passwords.normalised("canc\u0327a\u0303o azul 12") == passwords.normalised("canção azul 12")
    assert passwords.normalised("ﬁnal de semana") == "final de semana"


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password1234!",
        "PASSWORDPASSWORD",
        "senhasenhasenha",
        "Flamengo2019!!",
        "123456789012",
        "qwertyuiop[]12"[:12],
        "qwertyuiopas",
        "zyxwvutsrqpon",
        "aaaaaaaaaaaa",
        "abababababab",
        "abc123abc123abc123",
        "correct horse battery staple",
        "１２３４５６７８９０１２",
        "111111111111",
        "administrador",
    ],
)
def test_g15_what_attackers_try_first_is_refused(password: str) -> None:
    assert messages(password) == [
        "This password is on the lists that attackers try first. Choose another one."
    ]


@pytest.mark.parametrize(
    "password", [ANA, "ANA.SOUZA@aroeira.example", "ana.souza2026", "aroeira.ana.souza", "ana.souza@aroeira"]
)
def test_ones_own_address_is_refused_in_any_case_and_with_a_few_digits(password: str) -> None:
    assert messages(password) == ["Your own address is too easy to guess. Choose another password."]


def test_a_phrase_that_mentions_the_company_is_still_a_phrase() -> None:
    assert messages("aroeira na beira do rio") == []


def test_a_short_local_part_does_not_forbid_half_of_the_alphabet() -> None:
    assert messages("banana verde anda", "an@an.example") == []


def test_a_nul_would_end_the_text_in_some_databases_and_is_refused() -> None:
    assert len(messages("chuva fina\x00 no quintal")) == 1


def test_the_problem_belongs_to_the_field_that_the_form_names() -> None:
    assert passwords.check("short", ANA, field="new_password")[0].field == "new_password"


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=150)
def test_checking_never_fails_and_finds_at_most_one_thing(password: str) -> None:
    found = passwords.check(password, ANA)
    assert len(found) <= 1
    if not found:
        assert 12 <= len(passwords.normalised(password)) <= 256
