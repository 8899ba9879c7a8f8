"""The page of answers, its filters and its file."""

import csv
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import Answer, Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from tests.services.loop import opened
from tests.world import Clock, World

SignIn = Callable[[Visitor], FlaskClient]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(slug="aroeira")


@pytest.fixture
def viewer(world: World, client_for: SignIn, workspace: Workspace) -> FlaskClient:
    return client_for(world.member(workspace, Role.VIEWER, world.user(name="Ana", locale="en")))


@pytest.fixture
def manager(world: World, client_for: SignIn, workspace: Workspace) -> FlaskClient:
    return client_for(world.member(workspace, Role.MANAGER, world.user(name="Camila", locale="en")))


def rows(client: FlaskClient, query: str = "") -> list[dict[str, str]]:
    text = client.get(f"/w/aroeira/answers/export.csv{query}").data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_an_empty_room_says_what_will_be_here(viewer: FlaskClient) -> None:
    page = viewer.get("/w/aroeira/answers").text
    assert "Nobody has answered yet." in page
    assert page.count("button-go") == 1


def test_an_answer_stands_with_its_words_its_person_and_what_was_done(
    world: World, viewer: FlaskClient, workspace: Workspace
) -> None:
    id = opened(world, workspace, 4, comment="It was down twice.")
    world.answer(workspace, 10, metric="nps")
    page = viewer.get("/w/aroeira/answers").text
    for words in ("2 answers", "One of them with words.", "It was down twice.", f"/followups/{id}"):
        assert words in page
    assert "Gave the score and did not comment." in page


def test_each_filter_narrows_and_the_file_follows(
    world: World, clock: Clock, viewer: FlaskClient, workspace: Workspace
) -> None:
    answer = world.answer(workspace, 3, attributes={"plan": "Pro"}, comment="First.")
    clock.advance(days=3)
    world.answer(workspace, 5, metric="csat", comment="Second.")
    cases = {
        "?metric=nps": True,
        "?metric=nps&band=detractor": True,
        "?metric=nps&band=promoter": False,
        f"?survey={answer.survey_id}": True,
        f"?contact={answer.contact_id}": True,
        "?channel=email&since=2026-11-16&until=2026-11-16": True,
        "?since=2026-11-17&until=2026-11-18": False,
        "?attribute=plan&value=Pro": True,
        "?attribute=plan&value=Basic": False,
        "?survey=nothing' OR 1=1": False,
    }
    for query, found in cases.items():
        page = viewer.get(f"/w/aroeira/answers{query}").text
        assert ("First." in page, "Second." in page) == (found, False), query
        assert [row["comment"] for row in rows(viewer, query)] == (["First."] if found else [])


@pytest.mark.parametrize(
    "query", ["?metric=x", "?metric=enps", "?band=x", "?since=yesterday", "?until=9999-12-31", "?cursor=x"]
)
def test_a_filter_that_cannot_be_is_said_in_words(
    world: World, viewer: FlaskClient, workspace: Workspace, query: str
) -> None:
    world.answer(workspace, 3)
    answer = viewer.get(f"/w/aroeira/answers{query}")
    assert answer.status_code == 422
    assert "One thing is not right yet" in answer.text


def test_the_file_is_a_download_that_no_cache_keeps(viewer: FlaskClient) -> None:
    answer = viewer.get("/w/aroeira/answers/export.csv")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="answers-aroeira-2026-11-16.csv"'
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '"><svg onload=x>', "=1+1", "\u202eabc"])
def test_words_are_inert_on_the_page_and_in_the_file(
    world: World, viewer: FlaskClient, workspace: Workspace, words: str
) -> None:
    contact = world.contact(workspace, name=words, attributes={"company": words})
    world.answer(workspace, 3, comment=words, contact=contact)
    page = viewer.get("/w/aroeira/answers").text
    assert "<script>alert" not in page
    assert "<svg onload" not in page
    (row,) = rows(viewer)
    assert row["comment"] in (words, f"'{words}")
    assert not row["comment"].startswith("=")


def test_what_does_not_count_is_seen_and_counted_by_a_manager(
    world: World, runtime: Runtime, viewer: FlaskClient, manager: FlaskClient, workspace: Workspace
) -> None:
    answer = world.answer(workspace, 2, suspect=True, comment="Click.")
    assert "Click." not in viewer.get("/w/aroeira/answers").text
    aside = "/w/aroeira/answers?shown=set_aside"
    assert "Click." in viewer.get(aside).text
    assert "Count it" not in viewer.get(aside).text
    assert viewer.post(f"/w/aroeira/answers/{answer.id}/confirmation").status_code == 403
    assert "Count it" in manager.get(aside).text
    assert manager.post(f"/w/aroeira/answers/{answer.id}/confirmation?shown=set_aside").location.endswith(
        aside
    )
    assert "Click." in viewer.get("/w/aroeira/answers").text
    manager.post(f"/w/aroeira/answers/{answer.id}/doubt")
    with runtime.db.write() as session:
        assert session.get_one(Answer, answer.id).suspect


def test_pages_lead_to_older_answers(
    world: World, viewer: FlaskClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.answers.PAGE", 1)
    survey = world.survey(workspace)
    for number in (1, 2):
        world.answer(workspace, number, survey=survey, comment=f"Words {number}.")
    first = viewer.get("/w/aroeira/answers?metric=nps").text
    (older,) = [part.split('"')[0] for part in first.split('href="')[1:] if "cursor=" in part.split('"')[0]]
    second = viewer.get(older.replace("&amp;", "&")).text
    assert {"Words 1." in first, "Words 2." in first} == {True, False}
    assert ("Words 1." in first) != ("Words 1." in second)


def test_another_workspaces_answers_are_nowhere(
    world: World, viewer: FlaskClient, manager: FlaskClient
) -> None:
    other = world.answer(world.workspace(), 2, suspect=True, comment="Theirs.")
    assert "Theirs." not in viewer.get("/w/aroeira/answers?shown=set_aside").text
    assert viewer.get(f"/w/aroeira/answers?contact={other.contact_id}").status_code == 404
    assert manager.post(f"/w/aroeira/answers/{other.id}/confirmation").status_code == 404
    assert manager.post(f"/w/aroeira/answers/{other.id}/doubt").status_code == 404
