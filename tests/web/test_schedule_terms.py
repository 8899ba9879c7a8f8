"""The form of a schedule says how it asks: channels, reminders, a share; what is wrong stays as typed."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.access import Role
from app.models import Schedule, Survey, Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from tests.world import World

HERE = "/w/aroeira/schedules"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


@pytest.fixture
def console(world: World, workspace: Workspace, client_for: Callable[[Visitor], FlaskClient]) -> FlaskClient:
    return client_for(world.member(workspace, Role.MANAGER, world.user(name="Camila", locale="en")))


def sent(survey: Survey, **more: str) -> dict[str, str]:
    base = {"survey": survey.id, "name": "", "repeat": "once", "at": "", "time_zone": "UTC", "action": "save"}
    return base | more


def kept(runtime: Runtime) -> Schedule:
    with runtime.db.read() as session:
        return session.scalars(select(Schedule)).one()


def test_a_new_schedule_reminds_once_after_three_days_and_asks_everybody(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    page = console.get(f"{HERE}/new").text
    assert 'name="reminders" type="text" value="3"' in page
    console.post(f"{HERE}/new", data=sent(survey))
    assert (kept(runtime).terms, kept(runtime).channels) == ({}, ["email"])


def test_what_is_said_is_kept_and_stands_in_the_form_again(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    said = {
        "channel": "whatsapp", "then": "email", "reminders": "3, 7", "elsewhere": "yes", "share": "20",
        "by": "plan", "holdout": "5", "per_hour": "600", "theirs_first": "yes",
    }  # fmt: skip
    console.post(f"{HERE}/new", data=sent(survey, **said))
    row = kept(runtime)
    assert row.channels == ["whatsapp", "email"]
    assert row.terms == {
        "reminders": [3, 7], "remind_elsewhere": True, "sample": {"share": 20, "by": "plan"}, "holdout": 5,
        "per_hour": 600, "their_channel_first": True,
    }  # fmt: skip
    page = console.get(f"{HERE}/{row.id}").text
    for value in ("3, 7", "20", "plan", "5", "600"):
        assert f'value="{value}"' in page
    assert '<details class="fold" open>' in page


def test_what_cannot_be_is_refused_beside_its_field_and_stays_as_it_was_typed(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    for name, typed in (("reminders", "three"), ("holdout", "90"), ("share", "0"), ("per_hour", "fast")):
        answer = console.post(f"{HERE}/new", data=sent(survey, **{name: typed}))
        assert answer.status_code == 422, name
        assert f'value="{typed}"' in answer.text
        assert f'id="{name}-error"' in answer.text
    with runtime.db.read() as session:
        assert session.scalars(select(Schedule)).all() == []


class Typed(HTMLParser):
    """What a browser sends of the form of a schedule."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.form = self.select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = given.get("id", "")
        elif tag == "select":
            self.select = given["name"]
        elif self.form != "schedule":
            return
        elif tag == "option" and "selected" in given:
            self.values.setdefault(self.select, []).append(given["value"])
        elif tag == "input" and ("checked" in given or given["type"] not in ("checkbox", "radio")):
            self.values.setdefault(given["name"], []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self.form = "" if tag == "form" else self.form


def test_what_the_api_said_outlives_a_form_in_which_only_the_name_was_corrected(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    channels, terms = ["whatsapp", "sms", "email", "telegram"], {"sample": {"number": 500, "by": "plan"}}
    console.post(f"{HERE}/new", data=sent(survey))
    with runtime.db.write() as session:
        row = session.scalars(select(Schedule)).one()
        row.channels, row.terms = channels, terms
    typed = Typed(console.get(f"{HERE}/{row.id}").text).values
    assert console.post(f"{HERE}/{row.id}", data=typed | {"name": ["Corrected"]}).status_code == 303
    assert (kept(runtime).name, kept(runtime).channels, kept(runtime).terms) == ("Corrected", channels, terms)


def test_a_share_and_a_number_at_once_are_refused_and_both_stay(console: FlaskClient, survey: Survey) -> None:
    answer = console.post(f"{HERE}/new", data=sent(survey, share="20", number="500"))
    assert answer.status_code == 422
    assert 'id="share-error"' in answer.text
    assert 'value="20"' in answer.text and 'value="500"' in answer.text
