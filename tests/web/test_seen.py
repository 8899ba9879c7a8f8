"""The shell, the components and the respondent's pages in a real browser, and the small scripts at work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.rendering.assets import CONSOLE_SHEET, STATIC, console_sheet
from app.web.headers import POLICY
from tests.web.browser import Visit, assert_fits, check_looks, serving
from tests.web.drawing import draw_text, shell
from tests.web.test_answer_templates import PAGES, drawn

pytestmark = pytest.mark.browser

LIST = """{% extends "console/shell.html" %}
{% from "console/parts/flag.html" import flag with context %}
{% from "console/parts/clock.html" import clock %}
{% from "console/parts/head.html" import page_head %}
{% from "console/parts/button.html" import link_button %}
{% from "console/parts/field.html" import field, tick %}
{% block title %}Retornos{% endblock %}
{% block head %}
{{ page_head("Três clientes esperam há mais tempo do que prometemos", "Comece por eles.") }}
{% endblock %}
{% block main %}
<a class="button button-go" href="/?pressed=claim" data-key="c">Assumir</a>
{{ field("note", "Nota", "", "Falta o texto.", "Curta.") }}{{ tick("again", "Perguntar de novo") }}
<section class="inbox" data-keys-list aria-label="Em atraso">
{% for name in ("Tomás", "Maria", "Helen") %}
<article class="wait" data-keys-item>{{ flag(2, "detractor") }}
<h2 class="wait-who"><a href="/?open={{ name }}">{{ name }}</a></h2>
<p class="wait-said">Três semanas esperando.</p>
<div class="wait-meta">{{ clock("5 h de atraso", "late") }}</div></article>
{% endfor %}
</section>
{% endblock %}"""

Show = Callable[..., Page]


@pytest.fixture
def show(chromium: Browser) -> Iterator[Show]:
    """`show(html)` opens a drawn page under the policy that we serve pages with."""
    held: dict[str, str] = {}
    app = Flask("drawn", static_folder=str(STATIC), static_url_path="/static")

    @app.get("/")
    def page() -> Any:
        return held["html"], 200, {"Content-Security-Policy": POLICY}

    @app.get(f"/static/{CONSOLE_SHEET}")
    def sheet() -> Any:
        return console_sheet(), 200, {"Content-Type": "text/css; charset=utf-8"}

    with serving(app) as server:
        context = chromium.new_context(base_url=server.url, viewport={"width": 1280, "height": 860})

        def open_page(html: str) -> Page:
            held["html"] = html
            page = context.new_page()
            page.goto("/")
            return page

        yield open_page
        context.close()


@pytest.mark.parametrize("kind", ["customers", "people"])
def test_the_shell_holds_on_a_phone_and_a_desk_light_and_dark(show: Show, kind: str) -> None:
    values = shell(
        kind, sandbox_on=True, sending_paused=True, active="followups" if kind == "customers" else "pulses"
    )
    check_looks(show(draw_text(LIST, (("message", "Salvo."),), **values)))


@pytest.mark.parametrize("name", PAGES)
def test_a_respondents_page_holds_on_a_phone_and_a_desk_light_and_dark(show: Show, name: str) -> None:
    check_looks(show(drawn(name)))


def test_pages_hold_at_320_pixels(show: Show) -> None:
    for html in (draw_text(LIST, **shell(sandbox_on=True)), drawn("ask")):
        page = show(html)
        page.set_viewport_size({"width": 320, "height": 640})
        assert_fits(page)


def test_the_scale_gives_every_finger_44_pixels(show: Show) -> None:
    page = show(drawn("ask"))
    page.set_viewport_size({"width": 360, "height": 740})
    for cell in page.locator(".scale li").all():
        box = cell.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44


def test_more_opens_without_a_script_and_escape_closes_it_with_one(show: Show) -> None:
    page = show(draw_text(LIST, **shell(code="en", sandbox_on=True)))
    page.set_viewport_size({"width": 390, "height": 844})
    more = page.get_by_text("More", exact=True)
    more.click()
    contacts = page.locator(".rail-more").get_by_role("link", name="Contacts")
    expect(contacts).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(contacts).not_to_be_visible()
    expect(page.locator(".rail-more summary")).to_be_focused()


def test_a_theme_is_chosen_at_once_and_kept_for_the_server(show: Show) -> None:
    page = show(draw_text(LIST, **shell(code="en")))
    page.locator(".rail-who > summary").click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert [(each["name"], each["value"]) for each in page.context.cookies()] == [("theme", "dark")]
    page.get_by_role("button", name="System").click()
    assert page.evaluate("document.documentElement.dataset.theme === undefined")
    assert page.context.cookies() == []


def test_j_and_k_walk_through_the_inbox_and_enter_opens(show: Show) -> None:
    page = show(draw_text(LIST, **shell(code="en")))
    page.get_by_role("link", name="Tomás").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")  # there is no fourth
    expect(page.get_by_role("link", name="Helen")).to_be_focused()
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="Maria")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?open=Maria")


def test_a_letter_presses_its_act_but_never_while_typing(show: Show) -> None:
    page = show(draw_text(LIST, **shell(code="en")))
    page.locator("#note").press("c")
    expect(page.locator("#note")).to_have_value("c")
    page.locator("#note").blur()
    page.keyboard.press("c")
    page.wait_for_url("**/?pressed=claim")


def test_letters_can_be_switched_off(show: Show) -> None:
    page = show(draw_text(LIST, **shell(code="en", shortcuts="off")))
    page.keyboard.press("c")
    page.get_by_role("link", name="Tomás").press("j")
    expect(page.get_by_role("link", name="Tomás")).to_be_focused()
    assert "pressed" not in page.url


def test_an_address_that_leads_nowhere_is_calm_in_the_readers_language(visit: Visit) -> None:
    page = visit("/there-is-nothing", locale="es")
    expect(page.get_by_role("heading", level=1)).to_have_text("Aquí no hay nada")
    check_looks(page)


def test_the_console_sheet_comes_in_one_piece(visit: Visit) -> None:
    page = visit("/there-is-nothing")
    sheets = page.evaluate(
        "performance.getEntriesByType('resource').filter(r => r.name.includes('.css')).length"
    )
    assert sheets == 1
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--go').trim()") == "#f7c244"


def test_a_page_without_javascript_is_refused_at_once_because_axe_would_wait_for_ever(visit: Visit) -> None:
    with pytest.raises(AssertionError, match="without JavaScript"):
        check_looks(visit("/sign-in", javascript=False))
