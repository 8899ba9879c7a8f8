"""The rooms of surveys: choosing, editing in three languages, previewing, publishing (L01, L02, L05, J10)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.access import Role
from app.domain.metrics import Metric
from app.domain.ready_texts import ready_texts
from app.models import Workspace
from app.runtime import Runtime
from app.services import survey_sheets, surveys
from app.services.access import Visitor
from tests.world import World

SignIn = Callable[[Visitor], FlaskClient]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def console(client_for: SignIn, camila: Visitor) -> FlaskClient:
    return client_for(camila)


@dataclass(frozen=True)
class Desk:
    """Camila at the editor of one survey."""

    runtime: Runtime
    camila: Visitor
    console: FlaskClient
    id: str

    @property
    def sheet(self) -> survey_sheets.Sheet:
        return survey_sheets.get(self.runtime, self.camila, self.id)

    def get(self, path: str = "") -> str:
        return self.console.get(f"/w/aroeira/surveys/{self.id}{path}").text

    def post(self, path: str = "", locale: str = "pt-BR", **changed: str) -> TestResponse:
        return self.console.post(f"/w/aroeira/surveys/{self.id}{path}", data=fields(locale, **changed))


@pytest.fixture
def desk(runtime: Runtime, camila: Visitor, console: FlaskClient) -> Desk:
    return Desk(runtime, camila, console, surveys.create(runtime, camila, "Relationship", "nps"))


def fields(locale: str = "pt-BR", **changed: str) -> dict[str, str]:
    texts = ready_texts(Metric.NPS, locale).to_json()
    base = {"name": "Relationship", "locale": locale, "revision": "1", "opens_followup": "yes"}
    return {**base, **texts, **changed}


def test_an_empty_room_says_what_will_be_here(console: FlaskClient):
    page = console.get("/w/aroeira/surveys").text
    assert "Nobody has written a question yet." in page
    assert page.count("button-go") == 1


def test_a_name_and_a_question_are_enough(console: FlaskClient, runtime: Runtime, camila: Visitor):
    assert console.get("/w/aroeira/surveys/new").text.count('type="radio"') == 3
    answer = console.post("/w/aroeira/surveys/new", data={"name": "After delivery", "metric": "csat"})
    assert answer.status_code == 303
    page = console.get(answer.location).text
    assert "<h1>After delivery</h1>" in page
    assert [each.name for each in survey_sheets.list_surveys(runtime, camila)] == ["After delivery"]


def test_what_was_typed_stays_when_it_is_refused(console: FlaskClient):
    answer = console.post("/w/aroeira/surveys/new", data={"name": " ", "metric": "ces"})
    assert answer.status_code == 422
    assert "Give the survey a name." in answer.text
    assert 'value="ces" checked' in answer.text


def test_a_people_workspace_is_offered_enps_alone(client_for: SignIn, world: World):
    hr = world.member(world.workspace("people", slug="rh"), Role.MANAGER, world.user(locale="en"))
    page = client_for(hr).get("/w/rh/surveys/new").text
    assert page.count('type="radio"') == 1
    assert "e-NPS" in page


def test_the_editor_shows_the_words_and_every_channel(desk: Desk):
    page = desk.get()
    assert "Maria, uma pergunta sobre Aroeira" in page
    assert "As Maria sees it" in page
    assert "Publish version 1" in page
    assert page.count("button-go") == 1
    english = desk.get("?locale=en")
    assert "Hello, Maria." in english


def test_the_sample_is_somebody_whom_the_workspace_knows(desk: Desk, world: World, workspace: Workspace):
    world.contact(workspace, name="Ana <b>Prado</b>", attributes={"city": "Recife"})
    page = desk.get()
    assert "As Ana sees it" in page
    assert "<b>Prado" not in page


def test_saving_keeps_the_words_and_stays_in_the_language(desk: Desk):
    answer = desk.post(locale="en", question="How likely,\r\nhonestly?")
    assert (answer.status_code, answer.location) == (303, f"/w/aroeira/surveys/{desk.id}?locale=en")
    sheet = desk.sheet
    assert sheet.texts["en"].question == "How likely, honestly?"
    assert sheet.texts["es"] == ready_texts(Metric.NPS, "es")
    assert "Saved." in desk.console.get(answer.location).text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("question", "{{ config.SECRET_KEY }}", "There is no placeholder “config.SECRET_KEY”."),
        ("greeting", "Hi {{ contact.first_name }},", "“contact.first_name” may be empty"),
        ("thanks_up", "Thanks {% raw %}", "Curly brackets only stand around a placeholder"),
        ("low_label", "x" * 41, "This is 41 characters long; at most 40 fit."),
        ("subject", "a\nBcc: b@example.org", "Write this on one line"),
    ],
)
def test_l01_l02_what_is_wrong_is_said_under_its_field_and_what_was_typed_stays(
    desk: Desk, field: str, typed: str, said: str
):
    answer = desk.post(**{field: typed, "name": "New name"})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{field}-error"' in answer.text
    assert 'value="New name"' in answer.text
    assert typed.rsplit(maxsplit=1)[-1] in answer.text.replace("&#39;", "'")
    assert desk.sheet.name == "Relationship"


def test_publishing_saves_first_and_freezes_version_1(desk: Desk):
    sent = fields(question="Você indicaria {{ workspace.name }}?", action="publish")
    answer = desk.console.post(f"/w/aroeira/surveys/{desk.id}", data=sent)
    assert answer.status_code == 303
    page = desk.console.get(answer.location).text
    assert "Version 1 is live." in page
    assert "Ask somebody" in page
    assert page.count("button-go") == 1
    again = desk.console.post(f"/w/aroeira/surveys/{desk.id}", data=sent)  # pressed twice
    assert again.status_code == 303
    assert len(desk.sheet.versions) == 1


def test_publishing_names_the_language_where_something_is_missing(desk: Desk):
    desk.post(locale="es", thanks_up="")
    answer = desk.post(locale="pt-BR", revision="2", action="publish")
    assert answer.status_code == 422
    assert "It is saved, but not published" in answer.text
    assert 'name="locale" value="es"' in answer.text
    assert "This text is still empty." in answer.text
    assert desk.sheet.versions == ()


def test_a_language_is_left_out_and_begun_again(desk: Desk):
    desk.post(locale="es", action="leave_out")
    assert set(desk.sheet.texts) == {"pt-BR", "en"}
    page = desk.get("?locale=es")
    assert "This survey is not written in Español." in page
    empty = {
        "name": "Relationship",
        "locale": "es",
        "revision": "2",
        "opens_followup": "yes",
    }  # no text fields
    assert desk.console.post(f"/w/aroeira/surveys/{desk.id}", data=empty).status_code == 303
    assert set(desk.sheet.texts) == {"pt-BR", "en"}
    desk.console.post(f"/w/aroeira/surveys/{desk.id}", data={**empty, "action": "begin"})
    assert desk.sheet.texts["es"] == ready_texts(Metric.NPS, "es")


def test_j10_the_second_to_save_sees_both_and_overwrites_only_on_purpose(desk: Desk):
    desk.post(question="A primeira?")
    answer = desk.post(question="A segunda?", name="Other")
    assert answer.status_code == 409
    assert "Saved meanwhile: “A primeira?”" in answer.text
    assert "Saved meanwhile: “Relationship”" in answer.text
    assert "A segunda?</textarea>" in answer.text
    assert desk.sheet.texts["pt-BR"].question == "A primeira?"
    assert 'name="revision" value="2"' in answer.text
    desk.post(question="A segunda?", revision="2")
    assert desk.sheet.texts["pt-BR"].question == "A segunda?"


@pytest.mark.parametrize("revision", ["", "x", "99", "-1"])
def test_j10_a_revision_that_is_not_the_last_one_saves_nothing(desk: Desk, revision: str):
    answer = desk.post(question="Nova?", revision=revision)
    assert answer.status_code == 409
    assert desk.sheet.revision == 1


def test_j10_whatsapp_templates_that_somebody_saved_meanwhile_are_replaced_only_by_whoever_saw_them(
    desk: Desk,
):
    def save(page: str, sid: str) -> TestResponse:
        seen = re.findall(r'name="seen" value="([^"]*)"', page)
        data = {"seen": seen, "whatsapp_en": sid}
        return desk.console.post(f"/w/aroeira/surveys/{desk.id}/whatsapp", data=data)

    opened, theirs, mine = desk.get("/whatsapp"), "HX" + "1" * 32, "HX" + "2" * 32
    assert save(opened, theirs).status_code == 303
    late = save(opened, mine)
    assert late.status_code == 409
    assert mine in late.text and "Nothing of theirs was lost" in late.text
    assert theirs in desk.get("/whatsapp")
    assert save(late.text, mine).status_code == 303
    assert mine in desk.get("/whatsapp")


def test_the_preview_shows_what_is_typed_and_saves_nothing(desk: Desk):
    typed = "Would you tell {{ contact.first_name|a friend }}?"
    answer = desk.post("/preview", "en", question=typed, thanks_up="{{ nobody }}")
    assert answer.status_code == 200
    assert "Would you tell Maria?" in answer.text
    assert "There is no placeholder “nobody”." in answer.text
    assert desk.sheet.texts["en"] == ready_texts(Metric.NPS, "en")


def test_l05_what_is_typed_is_inert_in_the_preview(desk: Desk):
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    answer = desk.post("/preview", question=attack, subject=attack)
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_viewer_reads_and_cannot_change(desk: Desk, client_for: SignIn, world: World, workspace: Workspace):
    reader = client_for(world.member(workspace, Role.VIEWER, world.user(locale="en")))
    page = reader.get(f"/w/aroeira/surveys/{desk.id}").text
    assert "readonly" in page
    assert "Publish version" not in page
    for path in ("", "/preview", "/archive", "/restore"):
        assert reader.post(f"/w/aroeira/surveys/{desk.id}{path}", data=fields()).status_code == 403
    assert reader.get("/w/aroeira/surveys/new").status_code == 403
    assert desk.sheet.revision == 1


def test_the_archive_and_back(desk: Desk):
    assert desk.post("/archive").status_code == 303
    assert "Nobody has written a question yet." in desk.console.get("/w/aroeira/surveys").text
    assert "Relationship" in desk.console.get("/w/aroeira/surveys?archived=yes").text
    page = desk.get()
    assert "This survey is in the archive." in page
    refused = desk.post(question="Nova?")
    assert refused.status_code == 409
    assert "Take it out first." in refused.text
    desk.post("/restore")
    assert "Relationship" in desk.console.get("/w/aroeira/surveys").text


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("locale", ["pt-BR", "en", "es"])
def test_every_metric_has_a_good_editor_in_every_language(
    client_for: SignIn, world: World, runtime: Runtime, metric: Metric, locale: str
):
    place = world.workspace("people" if metric is Metric.ENPS else "customers", name="Aroeira")
    member = world.member(place, Role.MANAGER, world.user(locale=locale))
    id = surveys.create(runtime, member, "Pesquisa", metric.value)
    console = client_for(member)
    for shown in ("pt-BR", "en", "es"):
        answer = console.get(f"/w/{place.slug}/surveys/{id}?locale={shown}")
        assert answer.status_code == 200
        assert ("opens_followup" in answer.text) == (metric is not Metric.ENPS)
    assert console.get(f"/w/{place.slug}/surveys").status_code == 200


def test_another_workspaces_survey_does_not_exist(console: FlaskClient, world: World, runtime: Runtime):
    theirs = surveys.create(runtime, world.member(world.workspace()), "Theirs", "nps")
    assert console.get(f"/w/aroeira/surveys/{theirs}").status_code == 404
    for path in ("", "/preview", "/archive", "/restore"):
        assert console.post(f"/w/aroeira/surveys/{theirs}{path}", data=fields()).status_code == 404


def test_l05_the_whole_mail_is_served_in_an_origin_of_its_own(desk: Desk, app: Flask, client_for: SignIn):
    app.test_client_class = FlaskClient  # a mail is no page: its styles are inline
    attack = "<script>document.title = 'taken'</script>"
    desk.post(question=attack)
    answer = client_for(desk.camila).get(f"/w/aroeira/surveys/{desk.id}/preview/email?locale=pt-BR")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert "<script" not in answer.text
    assert "&lt;script" in answer.text
    frame = desk.get()
    assert 'sandbox="" loading="lazy"' in frame


def test_a_mail_in_a_language_that_is_not_written_does_not_exist(desk: Desk):
    desk.post(locale="es", action="leave_out")
    for locale in ("es", "fr", ""):
        answer = desk.console.get(f"/w/aroeira/surveys/{desk.id}/preview/email?locale={locale}")
        assert answer.status_code == 404
