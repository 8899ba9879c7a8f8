"""The shell around every console page."""

import re
from types import SimpleNamespace

import pytest

from tests.web.drawing import draw, draw_text, shell, spoken
from tests.web.page_checks import check_page

PAGE = (
    '{% extends "console/shell.html" %}{% block title %}Início{% endblock %}'
    "{% block main %}<h1>Olá</h1>{% endblock %}"
)


def rooms(html: str) -> list[str]:
    """The words of the rail, before "More"."""
    rail = html[html.index('class="rail-nav"') : html.index('class="rail-more"')]
    return re.findall(r"</svg><span>([^<]+)</span>", rail)


@pytest.mark.parametrize("code", ["pt-BR", "en", "es"])
@pytest.mark.parametrize("kind", ["customers", "people"])
def test_the_shell_is_a_good_page_in_every_language(kind: str, code: str) -> None:
    check_page(draw_text(PAGE, **shell(kind, code, sandbox_on=True, sending_paused=True)))


def test_a_customers_workspace_has_its_rooms() -> None:
    assert rooms(draw_text(PAGE, **shell(code="en"))) == [
        "Home", "Follow-ups", "Answers", "Surveys", "Schedules", "Contacts", "Settings",
    ]  # fmt: skip


def test_a_people_workspace_has_no_follow_ups_and_no_answers() -> None:
    html = draw_text(PAGE, **shell("people", "en", active="pulses", sandbox_on=True))
    assert rooms(html) == ["Pulses", "Surveys", "Schedules", "People", "Sandbox", "Settings"]


def test_the_room_that_one_is_in_is_marked() -> None:
    html = draw_text(PAGE, **shell(code="en", active="surveys"))
    assert html.count('href="/w/aroeira/surveys" aria-current="page"') == 1


def test_what_does_not_fit_on_a_phone_is_under_more_without_a_script() -> None:
    html = draw_text(PAGE, **shell(code="en", active="contacts"))
    more = html[html.index('class="rail-more"') : html.index("</nav>", html.index('class="rail-more"'))]
    assert '<summary class="is-here">' in more
    links = re.findall(r'href="([^"]+)"', more)
    assert links == ["/w/aroeira/schedules", "/w/aroeira/contacts", "/w/aroeira/settings"]


def test_somebody_in_one_workspace_is_offered_no_switch() -> None:
    assert "Your workspaces" not in draw_text(PAGE, **shell(code="en"))


def test_somebody_in_several_changes_by_the_name_at_the_top() -> None:
    places = tuple(SimpleNamespace(name=name, slug=name.lower()) for name in ("Aroeira", "Pessoas"))
    html = draw_text(PAGE, **shell(code="en", workspaces=places))
    assert '<a href="/w/aroeira/" aria-current="true">Aroeira</a>' in html
    assert '<a href="/w/pessoas/">Pessoas</a>' in html


def test_paused_sending_is_said_everywhere_with_what_to_do() -> None:
    manager = draw_text(PAGE, **shell(code="en", sending_paused=True))
    assert "Sending is paused." in manager
    assert 'href="/w/aroeira/settings#sending"' in manager
    agent = SimpleNamespace(name="Beatriz Lima", role="agent")
    assert "A manager can resume it" in draw_text(PAGE, **shell(code="en", sending_paused=True, who=agent))


def test_the_theme_is_the_systems_until_one_is_chosen() -> None:
    assert "data-theme=" not in draw_text(PAGE, **shell())
    assert '<html lang="pt-BR" data-theme="dark">' in draw_text(PAGE, **shell(theme="dark"))


def test_what_just_happened_is_said_politely_and_as_text() -> None:
    html = draw_text(PAGE, (("message", "Salvo <b>"), ("error", "Não deu.")), **shell())
    region = html[html.index('role="status"') :]
    assert "Salvo &lt;b&gt;" in region
    assert "flash-wrong" in region


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503, 418])
@pytest.mark.parametrize("code", ["pt-BR", "en", "es"])
def test_every_refusal_is_a_calm_page(status: int, code: str) -> None:
    html = draw("error.html", status=status, message=None, theme=None, **spoken(code))
    check_page(html)
    assert "None" not in html
