"""Home says the news first, never a number alone, and "–" where there is nothing."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Answer, Headline, Survey, Workspace, new_id
from app.services.access import Visitor
from tests.many_answers import many_answers
from tests.pulse_world import open_pulse
from tests.services.loop import opened
from tests.world import Clock, World

ClientFor = Callable[[Visitor], FlaskClient]
Home = Callable[..., str]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


@pytest.fixture
def home(world: World, workspace: Workspace, client_for: ClientFor) -> Home:
    """The page as somebody with this role and language sees it, as text without its tags."""

    def see(query: str = "", role: Role = Role.VIEWER, locale: str = "pt-BR", tags: bool = False) -> str:
        client = client_for(world.member(workspace, role, world.user(name="Camila Duarte", locale=locale)))
        response = client.get(f"/w/{workspace.slug}/{query}")
        assert response.status_code == 200
        html = response.get_data(as_text=True)
        return html if tags else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))

    return see


def asked_and_answered(
    world: World, workspace: Workspace, survey: Survey, days_ago: float = 3
) -> list[Answer]:
    """56 promoters, 29 passives and 15 detractors, of a hundred."""
    scores = [10] * 56 + [7] * 29 + [2] * 15
    at = world.now - timedelta(days=days_ago)
    return many_answers(world, workspace, survey, [(score, at) for score in scores])


def test_before_anybody_was_asked_there_is_one_step_to_begin(home: Home) -> None:
    html = home(role=Role.MANAGER, tags=True)
    assert "<h1>Ninguém foi perguntado ainda.</h1>" in html
    assert html.count("button-go") == 1
    assert "/surveys/new" in html


def test_who_may_not_write_questions_is_told_who_does(home: Home) -> None:
    html = home(role=Role.AGENT, tags=True)
    assert "button-go" not in html
    assert "alguém da gestão" in html


def test_asked_but_not_answered_is_a_dash_and_not_a_zero(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    world.invitation(workspace, survey, world.contact(workspace))
    html = home(tags=True)
    assert html.count('<span class="score">–</span>') == 4
    text = home()
    assert "Bom dia, Camila. Ninguém respondeu ainda." in text
    assert "1 pessoa foi perguntada neste período." in text
    assert "Ninguém respondeu hoje ainda." in text


def test_a_score_never_stands_alone(home: Home, world: World, workspace: Workspace, survey: Survey) -> None:
    asked_and_answered(world, workspace, survey)
    for _ in range(100):
        world.invitation(workspace, survey, world.contact(workspace), state="delivered")
    text = home()
    assert "+41" in text
    assert "NPS +41, intervalo de +26 a +54" in text
    assert "Entre +26 e +54." in text
    assert "100 respostas · 50% responderam" in text
    assert "56% promotores" in text
    assert "Ainda não há com o que comparar" in text


def test_a_real_rise_is_told_in_the_head_and_beside_the_score(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    many_answers(world, workspace, survey, [(5, world.now - timedelta(days=100))] * 60)
    asked_and_answered(world, workspace, survey)
    text = home()
    assert "O NPS subiu 141 pontos em 90 dias, e a mudança é real." in text
    assert "Subiu 141" in text
    assert "Era −100 nos 90 dias anteriores." in text


def test_a_change_that_chance_explains_is_not_called_one(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    many_answers(world, workspace, survey, [(9, world.now - timedelta(days=100)), (3, world.now)] * 4)
    text = home()
    assert "Ainda não dá para dizer se algo mudou em 90 dias." not in text  # +100 to −100 among four is clear
    many_answers(world, workspace, survey, [(9, world.now - timedelta(days=1))] * 4)
    text = home()
    assert "Ainda não dá para dizer" in text
    assert "a diferença cabe no acaso" in text


def test_fewer_than_three_answers_are_a_whisker_without_a_dot(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    many_answers(world, workspace, survey, [(3, world.now)])
    html = home(tags=True)
    assert '<span class="score soft">−100</span>' in html
    nps = html[html.index('id="w-nps"') : html.index('id="m-csat"')]
    assert "interval-body" in nps
    assert 'class="point"' not in nps


def test_csat_and_ces_say_their_unit_and_the_mean(home: Home, world: World, workspace: Workspace) -> None:
    for metric, scores in ((Metric.CSAT, [5, 5, 4, 2]), (Metric.CES, [7, 6, 5, 1])):
        survey = world.survey(workspace, metric)
        many_answers(world, workspace, survey, [(score, world.now) for score in scores])
    html = home(tags=True)
    assert html.count('<span class="score">75<small>%</small></span>') == 2
    text = home(locale="en")
    assert "Between 30 and 95% satisfied." in text
    assert "Between 30 and 95% found it easy; mean 4.8." in text


def test_the_published_pulse_is_the_first_station(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    world.invitation(workspace, survey, world.contact(workspace))
    assert "Não publicado aqui" in home()
    pulse = open_pulse(world, 1).pulse
    world.add(
        Headline(
            id=new_id(),
            pulse_id=pulse.id,
            workspace_id=workspace.id,
            promoters=31,
            passives=22,
            detractors=15,
            asked=91,
            closed_at=world.now,
            published_at=world.now,
        )
    )
    text = home()
    assert "e-NPS +24, intervalo de +4 a +41" in text
    assert "68 respostas · 75% responderam" in text


def test_those_who_wait_too_long_are_the_news_and_the_one_thing_to_do(
    home: Home, world: World, workspace: Workspace, clock: Clock
) -> None:
    for score in (2, 4, 1):
        opened(world, workspace, score, comment="Três semanas esperando.")
    clock.advance(days=7)
    html = home(tags=True)
    assert "Três clientes esperam há mais tempo do que prometemos." in html
    assert html.count("button-go") == 1
    assert "Ver os 3 atrasados" in html
    assert "/followups?shown=overdue" in html
    assert html.count('class="wait"') == 3
    assert "clock-late" in html


def test_what_was_said_today_stands_with_its_language_and_inert(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    contact = world.contact(workspace, name="Priya <b>Raman</b>", locale="en")
    world.answer(workspace, 9, survey=survey, contact=contact, comment="<script>alert(1)</script>")
    html = home(tags=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert '<blockquote dir="auto" lang="en">' in html
    assert "Priya &lt;b&gt;Raman&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("query", "chosen"), [("", "90"), ("?days=30", "30"), ("?days=365", "365"), ("?days=x", "90")]
)
def test_the_period_is_chosen_by_links(
    home: Home, world: World, workspace: Workspace, survey: Survey, *, query: str, chosen: str
) -> None:
    world.invitation(workspace, survey, world.contact(workspace))
    assert f'<a href="?days={chosen}" aria-current="true">' in home(query, tags=True)


def test_the_numbers_are_a_table_within_one_press(
    home: Home, world: World, workspace: Workspace, survey: Survey
) -> None:
    asked_and_answered(world, workspace, survey)
    html = home(tags=True)
    assert "<summary>Ver como tabela</summary>" in html
    assert '<tr><th scope="row">NPS</th><td class="number">+41</td><td class="number">+26 e +54</td>' in html


@pytest.mark.parametrize("locale", ["en", "es"])
def test_home_speaks_the_readers_language(
    home: Home, world: World, workspace: Workspace, survey: Survey, locale: str
) -> None:
    asked_and_answered(world, workspace, survey)
    opened(world, workspace, 3)
    text = home(locale=locale)
    assert {"en": "Good morning, Camila.", "es": "Buenos días, Camila."}[locale] in text
    assert {"en": "What they said today", "es": "Lo que dijeron hoy"}[locale] in text


def test_people_workspaces_go_to_their_pulses(world: World, client_for: ClientFor) -> None:
    people = world.workspace("people")
    response = client_for(world.member(people, Role.VIEWER)).get(f"/w/{people.slug}/")
    assert response.status_code == 303
    assert response.location.endswith(f"/w/{people.slug}/pulses")


def test_another_workspaces_member_finds_nothing(
    world: World, workspace: Workspace, client_for: ClientFor
) -> None:
    stranger = client_for(world.member(world.workspace()))
    assert stranger.get(f"/w/{workspace.slug}/").status_code == 404
