"""The macros that pages are made of."""

import pytest

from tests.web.drawing import draw_text, shell
from tests.web.page_checks import check_page, problems_of

FIELD = '{% from "console/parts/field.html" import field, area, select, tick, group, problems with context %}'


def test_a_field_in_error_says_so_to_a_screen_reader_too() -> None:
    html = draw_text(
        FIELD + '{{ field("email", "E-mail", "x@", "Falta o domínio.", "Para respostas.") }}', **shell()
    )
    assert '<label for="email">E-mail</label>' in html
    assert 'aria-describedby="email-help email-error" aria-invalid="true"' in html
    assert '<span class="field-error" id="email-error">Falta o domínio.</span>' in html


def test_a_password_is_never_written_back() -> None:
    html = draw_text(FIELD + '{{ field("password", "Senha", "correct horse", type="password") }}', **shell())
    assert "correct horse" not in html


def test_what_was_typed_is_text() -> None:
    source = (
        FIELD
        + "{{ field('a', 'A', typed) }}{{ area('b', 'B', typed) }}{{ select('c', 'C', [(typed, typed)]) }}"
    )
    html = draw_text(source, typed='"><script>x</script>', **shell())
    assert "<script>" not in html
    assert '"">' not in html


def test_the_first_empty_line_of_a_text_survives() -> None:
    html = draw_text(FIELD + "{{ area('b', 'B', '\\nsegunda') }}", **shell())
    assert ">\n\nsegunda</textarea>" in html


def test_choices_keep_what_was_chosen() -> None:
    html = draw_text(
        FIELD
        + "{{ select('zone', 'Fuso', [(1, 'a'), (2, 'b')], '2') }}"
        + "{{ group('days', 'Dias', [(0, 'seg'), (1, 'ter')], [1], type='checkbox') }}",
        **shell(),
    )
    assert '<option value="2" selected>' in html
    assert 'id="days-2" name="days" value="1" checked' in html
    assert html.count(" checked") == 1


@pytest.mark.parametrize(("value", "selected"), [("'7'", 1), ("7", 1), ("none", 0), ("''", 0), ("1", 1)])
def test_a_value_that_is_no_option_stays_what_is_sent(value: str, selected: int) -> None:
    html = draw_text(FIELD + "{{ select('zone', 'Fuso', [(1, 'a'), (2, 'b')], " + value + ") }}", **shell())
    assert html.count(" selected") == selected
    assert ('<option value="7" selected>7</option>' in html) is ("7" in value)


def test_a_form_of_every_field_is_a_good_page() -> None:
    source = (
        '{% extends "console/shell.html" %}'
        + FIELD
        + '{% from "console/parts/button.html" import button, link_button, act, csrf with context %}'
        + '{% from "console/parts/head.html" import page_head %}'
        + "{% block title %}Ajustes{% endblock %}{% block head %}"
        + '{% call page_head("Ajustes", "Tudo", "Início", "/") %}'
        + '{{ act("/x", "Pausar", fields={"a": 1}) }}{% endcall %}{% endblock %}'
        + '{% block main %}{{ problems({"name": "Falta.", "": "Tudo."}) }}'
        + '<form method="post" action="/x">{{ csrf() }}'
        + '{{ field("name", "Nome", error="Falta.") }}{{ area("text", "Texto", help="Curto.") }}'
        + '{{ select("zone", "Fuso", [("a", "A")], empty="Escolha") }}'
        + '{{ tick("remind", "Lembrar", help="Uma vez.") }}'
        + '{{ group("role", "Papel", [("a", "A", "lê"), ("b", "B")], "a", error="Escolha.") }}'
        + '{{ button("Salvar", "go") }}{{ link_button("Cancelar", "/", "plain") }}</form>{% endblock %}'
    )
    check_page(draw_text(source, **shell(active="settings")))


def test_an_answer_without_a_score_has_an_empty_flag() -> None:
    flag = '{% from "console/parts/flag.html" import flag with context %}'
    assert "sem nota" in draw_text(flag + "{{ flag() }}", **shell())
    drawn = draw_text(flag + '{{ flag(0, "detractor") }}', **shell())
    assert 'class="flag flag-down">0<span class="visually-hidden">, detrator' in drawn


@pytest.mark.parametrize("gone, dash", [(-1, "0.0"), (0.5, "20.4"), (7, "40.8")])
def test_the_ring_of_a_clock_never_passes_its_end(gone: float, dash: str) -> None:
    clock = '{% from "console/parts/clock.html" import clock %}{{ clock("em 2 h", "soon", gone) }}'
    assert f'stroke-dasharray="{dash} 40.8"' in draw_text(clock, gone=gone, **shell())


@pytest.mark.parametrize("name, letters", [("Maria Figueiredo", "MF"), ("cher", "C"), ("", "?"), (None, "?")])
def test_initials_stand_for_a_name(name: str | None, letters: str) -> None:
    avatar = '{% from "console/parts/avatar.html" import avatar %}{{ avatar(name) }}'
    assert f">{letters}</span>" in draw_text(avatar, name=name, **shell())


def test_the_page_check_sees_what_is_wrong() -> None:
    html = (
        '<html><head><title>X</title></head><body onload="x()"><h1>a</h1><h1>b</h1>'
        '<p style="color:red" id="a">'
        '<input name="q" id="a"><img src="x"><a href="#gone"><form method="post"></form>'
        "<script>1</script></body></html>"
    )
    found = " ".join(problems_of(html))
    for words in (
        "2 h1", "does not end with Retorno", "style attribute", "inline handler", "no label", "used 2 times",
        "without alt", "CSRF", "inline script", "no language", "closes nothing", "link to #gone",
    ):  # fmt: skip
        assert words in found, words
