"""The room of saved audiences: putting one together by form posts, saving, deleting, and where it is used."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import contacts, schedule_sheets, schedules, segments, tagging
from app.services.access import Visitor
from tests.world import World

SignIn = Callable[[Visitor], FlaskClient]
PRO = {"all": [{"field": "attributes.plan", "op": "is", "value": "pro"}]}
HERE = "/w/aroeira/audiences"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def console(client_for: SignIn, camila: Visitor) -> FlaskClient:
    return client_for(camila)


@pytest.fixture(autouse=True)
def people(world: World, workspace: Workspace) -> None:
    for plan in ("pro", "Pro", "basic"):
        world.contact(workspace, attributes={"plan": plan}, tags=["vip"] if plan == "pro" else [])


def fields(page: str) -> dict[str, str]:
    """What a browser would send back of the editor."""
    found: dict[str, str] = {}
    form = page[page.index('<form id="audience"') :]
    form = form[: form.index("</form>")]
    for name, value in re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form):
        found[name] = value
    for name, value in re.findall(r'<input[^>]* value="([^"]*)"[^>]* name="([^"]+)"', form):
        found.setdefault(value, name)
    for name, inside in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', inside) or re.search(r'value="([^"]*)"', inside)
        found[name] = chosen[1] if chosen else ""
    for name, inside in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.S):
        found[name] = inside
    found.pop("csrf_token", None)
    return found


def test_an_empty_room_says_what_will_be_here(console: FlaskClient) -> None:
    page = console.get(HERE).text
    assert "No audience is saved yet." in page
    assert page.count("button-go") == 1


def test_one_is_put_together_step_by_step(console: FlaskClient, runtime: Runtime, camila: Visitor) -> None:
    page = console.get(f"{HERE}/new").text
    assert "3 people now" in page
    sent = fields(page) | {"name": "Pro or VIP", "t.join": "any", "t.add": "attributes.plan"}
    page = console.post(f"{HERE}/new", data=sent | {"act": "add:t"}).text
    assert "How many people it is stands here" in page
    sent = fields(page) | {"t-0.value": "PRO\nPremium", "t.add": "tags"}
    page = console.post(f"{HERE}/new", data=sent | {"act": "group:t"}).text
    sent = fields(page) | {"t-1.join": "all", "t-1.add": "tags"}
    page = console.post(f"{HERE}/new", data=sent | {"act": "add:t-1"}).text
    sent = fields(page) | {"t-1-0.value": "VIP", "t-1.add": "created"}
    page = console.post(f"{HERE}/new", data=sent | {"act": "add:t-1"}).text
    assert "2 people now, of 3." in page
    made = console.post(f"{HERE}/new", data=fields(page) | {"act": "save"})
    assert made.status_code == 303
    (sheet,) = segments.list_segments(runtime, camila).items
    assert sheet.name == "Pro or VIP"
    assert sheet.audience.to_json() == {
        "any": [
            {"field": "attributes.plan", "op": "is", "value": ["PRO", "Premium"]},
            {"all": [
                {"field": "tags", "op": "has_any", "value": "vip"},
                {"field": "created", "op": "within", "days": 30},
            ]},
        ]
    }  # fmt: skip
    page = console.get(made.headers["Location"]).text
    assert "Plan is “PRO” or “Premium”, or (tagged “vip”, and here for at most 30 days)." in page


def test_what_is_opened_and_saved_unchanged_stays_the_same(
    console: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    said = {
        "all": [
            {"field": "answered", "op": "latest", "days": 90, "metric": "nps", "band": "detractor"},
            {"field": "answered", "op": "has_not", "metric": "csat", "low": 1, "high": 3},
            {"field": "asked", "op": "has_not"},
            {"field": "followup", "op": "no"},
            {"field": "locale", "op": "is_not", "value": ["en", "fr-CA"]},
            {"field": "attributes.seats", "op": "at_least", "value": 12.5},
            {"field": "attributes.renewal", "op": "coming", "days": 30},
            {"field": "created", "op": "before", "value": "2026-01-31"},
            {"any": [{"field": "name", "op": "contains", "value": "<b>Ana & “Bia”</b>"}]},
        ]
    }
    id = segments.create(runtime, camila, {"name": "Everything", "audience": said})
    page = console.get(f"{HERE}/{id}").text
    sent: dict[str, object] = {**fields(page), "act": "save", "t-4.value": ["en", "fr-CA"]}
    sent["t-8-0.value"] = "<b>Ana & “Bia”</b>"
    assert console.post(f"{HERE}/{id}", data=sent).status_code == 303
    assert segments.get(runtime, camila, id).audience.to_json() == said


def test_a_part_is_taken_away_with_what_is_in_it(
    console: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    said = {"all": [{"any": PRO["all"]}, {"field": "tags", "op": "has_any", "value": "vip"}]}
    id = segments.create(runtime, camila, {"name": "x", "audience": said})
    page = console.post(
        f"{HERE}/{id}", data=fields(console.get(f"{HERE}/{id}").text) | {"act": "remove:t-0"}
    ).text
    sent = fields(page)
    assert (sent["t-0.field"], "t-1.field" in sent) == ("tags", False)
    assert segments.get(runtime, camila, id).audience.to_json() == said  # nothing is saved by it


def test_mistakes_are_said_beside_their_fields_and_nothing_typed_is_lost(console: FlaskClient) -> None:
    sent = {
        "name": "", "t.join": "all", "act": "save",
        "t-0.field": "attributes.seats", "t-0.op": "above", "t-0.value": "many",
        "t-1.field": "attributes.", "t-1.name": "", "t-1.op": "is", "t-1.value": "x",
        "t-2.join": "any",
        "t-3.field": "answered", "t-3.op": "has", "t-3.what": "nps:promoter", "t-3.value": "soon",
        "t-3.low": "99",
    }  # fmt: skip
    answer = console.post(f"{HERE}/new", data=sent)
    assert answer.status_code == 422
    page = answer.text
    for place in ("name", "t-0.value", "t-1.name", "t-2", "t-3.value", "t-3.low"):
        assert f'href="#{place}"' in page or f'id="{place}-error"' in page, place
    assert 'value="many"' in page
    assert 'value="soon"' in page
    assert "This must be a number" in page


def test_a_range_of_scores_upside_down_is_refused_and_both_numbers_stay(console: FlaskClient) -> None:
    sent = {
        "name": "Upside down", "t.join": "all", "act": "save", "t-0.field": "answered", "t-0.op": "has",
        "t-0.what": "nps", "t-0.value": "", "t-0.low": "9", "t-0.high": "2",
    }  # fmt: skip
    answer = console.post(f"{HERE}/new", data=sent)
    assert answer.status_code == 422
    assert '<a href="#t-0.high">The highest is not below the lowest.</a>' in answer.text
    kept = fields(answer.text)
    assert (kept["t-0.low"], kept["t-0.high"]) == ("9", "2")


def test_whoever_was_overtaken_keeps_what_they_made_and_decides(
    console: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    id = segments.create(runtime, camila, {"name": "Pro", "audience": PRO})
    sent = fields(console.get(f"{HERE}/{id}").text) | {"name": "Mine", "act": "save"}
    segments.edit(runtime, camila, id, {"name": "Theirs"})
    answer = console.post(f"{HERE}/{id}", data=sent)
    assert answer.status_code == 409
    assert "Somebody else has changed this audience" in answer.text
    again = fields(answer.text)
    assert (again["name"], again["revision"]) == ("Mine", "2")
    assert console.post(f"{HERE}/{id}", data=again | {"act": "save"}).status_code == 303
    assert segments.get(runtime, camila, id).name == "Mine"


def test_one_in_use_is_not_deleted_and_says_where(
    console: FlaskClient, runtime: Runtime, camila: Visitor, world: World, workspace: Workspace
) -> None:
    id = segments.create(runtime, camila, {"name": "Pro", "audience": PRO})
    survey = world.survey(workspace)
    schedule = schedules.create(
        runtime, camila, {"survey": survey.id, "repeat": "monthly", "audience": id, "name": "Every month"}
    )
    assert "Every month" in console.get(f"{HERE}/{id}/removal").text
    refused = console.post(f"{HERE}/{id}/removal")
    assert refused.status_code == 409
    assert "A schedule still asks this audience: “Every month”." in refused.text
    schedules.cancel(runtime, camila, schedule)
    assert console.post(f"{HERE}/{id}/removal").status_code == 303
    assert console.get(f"{HERE}/{id}").status_code == 404


def test_a_viewer_reads_and_changes_nothing(
    client_for: SignIn, world: World, workspace: Workspace, runtime: Runtime, camila: Visitor
) -> None:
    id = segments.create(runtime, camila, {"name": "Pro", "audience": PRO})
    viewer = client_for(world.member(workspace, Role.VIEWER, world.user(locale="en")))
    page = viewer.get(f"{HERE}/{id}").text
    assert "2 people now" in page
    assert "<form id=" not in page
    assert viewer.post(f"{HERE}/{id}", data={"act": "look"}).status_code == 403


def test_a_people_workspace_is_not_asked_about_answers_and_warned_of_too_few(
    client_for: SignIn, world: World
) -> None:
    company = world.workspace("people", slug="gente")
    world.contact(company)
    page = client_for(world.member(company, Role.MANAGER, world.user(locale="en"))).get(
        "/w/gente/audiences/new"
    )
    assert "What they answered" not in page.text
    assert "A pulse to fewer than 5 people can never show a result." in page.text


def test_a_schedule_is_given_an_audience_and_keeps_filters_of_its_own(
    console: FlaskClient, runtime: Runtime, camila: Visitor, world: World, workspace: Workspace
) -> None:
    id, survey = segments.create(runtime, camila, {"name": "Pro", "audience": PRO}), world.survey(workspace)
    form = {
        "survey": survey.id, "repeat": "monthly", "at": "2026-12-01T10:00", "time_zone": "America/Sao_Paulo",
        "audience": id, "action": "look",
    }  # fmt: skip
    assert (
        "If it ran now, 2 people would be asked" in console.post("/w/aroeira/schedules/new", data=form).text
    )
    made = console.post("/w/aroeira/schedules/new", data=form | {"action": "save"}).headers["Location"]
    page = console.get(made).text
    assert f'value="{id}" selected' in page
    assert "for “Pro”." in page
    schedule = made.rsplit("/", 1)[-1]
    schedules.edit(runtime, camila, schedule, {"audience": PRO})
    assert 'value="own" selected' in console.get(made).text
    console.post(made, data=form | {"audience": "own", "name": "Kept"})
    sheet = schedule_sheets.get(runtime, camila, schedule)
    assert (sheet.name, sheet.audience.to_json()) == ("Kept", PRO)
    console.post(made, data=form | {"audience": ""})
    assert schedule_sheets.get(runtime, camila, schedule).audience.to_json() == {}


def test_contacts_are_narrowed_by_audience_and_tag(
    console: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    id = segments.create(runtime, camila, {"name": "Pro", "audience": PRO})
    page = console.get(f"/w/aroeira/contacts?segment={id}").text
    assert "2 people found" in page
    assert "Those of the audience “Pro”." in page
    assert "1 person found" in console.get(f"/w/aroeira/contacts?segment={id}&tag=VIP").text
    assert console.get("/w/aroeira/contacts?segment=nobody").status_code == 404


def test_tags_are_written_on_the_form_of_a_contact(
    console: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    made = console.post("/w/aroeira/contacts/new", data={"name": "Ana", "tags": "VIP, Conta Chave"})
    page = console.get(made.headers["Location"]).text
    assert "conta chave" in page
    assert "?tag=vip" in page
    id = made.headers["Location"].rsplit("/", 1)[-1]
    form = console.get(f"/w/aroeira/contacts/{id}/edit").text
    assert 'value="conta chave, vip"' in form
    console.post(f"/w/aroeira/contacts/{id}/edit", data={"name": "Ana", "tags": "", "revision": "1"})
    assert contacts.one(runtime, camila, id).tags == []


def test_all_of_an_audience_are_tagged_after_the_number_was_seen(
    console: FlaskClient, runtime: Runtime, camila: Visitor, world: World, workspace: Workspace
) -> None:
    id = segments.create(runtime, camila, {"name": "Pro", "audience": PRO})
    page = console.get(f"{HERE}/{id}/tags").text
    assert "Tag 2 people?" in page
    assert 'name="number" value="2"' in page
    assert console.post(f"{HERE}/{id}/tags", data={"tags": "", "number": "2"}).status_code == 422
    world.contact(workspace, attributes={"plan": "pro"})
    late = console.post(f"{HERE}/{id}/tags", data={"tags": "early", "number": "2"})
    assert late.status_code == 409
    assert 'value="early"' in late.text
    done = console.post(f"{HERE}/{id}/tags", data={"tags": "early", "number": "3"}, follow_redirects=True)
    assert "The tags of 3 people changed." in done.text


def test_too_many_to_tag_at_once_are_told_the_limit_and_no_other_number(
    console: FlaskClient, runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagging, "MOST", 1)
    id = segments.create(runtime, camila, {"name": "All", "audience": "all"})
    refused = console.post(f"{HERE}/{id}/tags", data={"tags": "early", "number": "3"})
    assert refused.status_code == 422
    assert "At most 1 people at once. Take a file for more." in refused.text
    assert "people now, not" not in refused.text
