"""The respondent's pages as they are drawn."""

import re
from typing import Any

import pytest

from app.rendering.assets import STATIC
from tests.web.drawing import draw, spoken
from tests.web.page_checks import check_page

COMMON: dict[str, Any] = {
    "workspace_name": "Aroeira",
    "logo_url": None,
    "unsubscribe_url": "/u/token",
    "action": "/r/token",
    "error": None,
    "closes": "3 de dezembro",
    "least": 5,
    "least_comments": 10,
    "start_url": "/p/token",
    "max_length": 2000,
    "value": None,
    "can_contact": True,
    "contact_me": False,
}
QUESTION = "De 0 a 10, qual a chance de você recomendar a Aroeira?"
SCALE = {"question": QUESTION, "low_label": "nenhuma chance", "high_label": "com certeza", "selected": None}
PAGES: dict[str, dict[str, Any]] = {
    "ask": {**SCALE, "choices": list(range(11))},
    "comment": {"score": 4, "question": "O que pesou?", "value": "", "change_url": "/r/token?change=score"},
    "thanks": {
        "thanks": "Recebemos.",
        "returns": "Alguém vai falar com você.",
        "score": 4,
        "comment": "Caro.",
        "change_url": "/r/token?change=score",
        "until": "amanhã, 13h12",
    },
    "busy": {"score": "3", "comment": "Caro <b>demais</b>.", "contact_me": "yes"},
    "gone": {"workspace_name": None, "unsubscribe_url": None},
    "unsubscribe": {"unsubscribe_url": None},
    "unsubscribed": {"unsubscribe_url": None},
    "pulse_ask": {**SCALE, "choices": list(range(11))},
    "pulse_comment": {"score": 4, "question": "O que pesou?"},
    "pulse_thanks": {"thanks": "Recebemos."},
}


def drawn(name: str, code: str = "pt-BR", **values: Any) -> str:
    return draw(f"answer/{name}.html", **spoken(code), **COMMON | PAGES[name] | values)


@pytest.mark.parametrize("code", ["pt-BR", "en", "es"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_a_good_page_in_every_language(name: str, code: str) -> None:
    check_page(drawn(name, code), "/r/token")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_with_its_sheet_weighs_less_than_thirty_kilobytes(name: str) -> None:
    sheet = (STATIC / "css/answer.css").stat().st_size
    assert len(drawn(name).encode()) + sheet < 30_000


@pytest.mark.parametrize("choices", [range(11), range(1, 6), range(1, 8)])
def test_the_scale_is_a_radio_group_with_its_ends_in_words(choices: range) -> None:
    html = drawn("ask", choices=list(choices))
    assert [int(n) for n in re.findall(r'type="radio" name="score" id="s\d+" value="(\d+)"', html)] == list(
        choices
    )
    assert html.count('<span class="unseen">, nenhuma chance</span>') == 1
    assert html.count('<span class="unseen">, com certeza</span>') == 1
    assert f"scale-{len(choices)}" in html


def test_nothing_is_chosen_unless_the_mail_chose_it() -> None:
    assert " checked" not in drawn("ask")
    assert re.search(r'value="0"[^>]* checked', drawn("ask", selected=0))


def test_a_pulse_preselects_nothing_whatever_it_is_given() -> None:
    assert " checked" not in drawn("pulse_ask", selected=3)


def test_a_pulse_never_shows_what_was_recorded() -> None:
    html = drawn("pulse_comment", score=3)
    assert html.count('<input type="hidden" name="score" value="3">') == 1
    assert "<b>" not in html
    assert "3" not in re.sub(r'name="score" value="3"|3 de dezembro|/css/\S+|/img/\S+', "", html)
    assert "o chefe" not in drawn("pulse_thanks", comment="o chefe", score=3)


def test_a_respondent_sees_no_bands() -> None:
    for name in PAGES:
        assert not re.search(r"detrat|promot|band-|flag-", drawn(name))


def test_a_comment_is_shown_as_it_was_written_and_does_nothing() -> None:
    html = drawn("thanks", comment="<svg onload=x>{{7*7}}")
    assert "&lt;svg onload=x&gt;{{7*7}}" in html


def test_the_promise_of_a_pulse_names_its_numbers() -> None:
    html = drawn("pulse_ask", "en", least=6, least_comments=12)
    assert "Below 6 answers nothing is shown; below 12, no comment." in html


def test_the_page_for_dead_links_names_nobody() -> None:
    assert "Aroeira" not in drawn("gone")
