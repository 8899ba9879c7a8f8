"""The form of a schedule says how it asks: channels, reminders, a share; what is wrong stays as typed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Schedule, Survey, Workspace
from app.runtime import Runtime
from app.services import schedules
from app.services.access import Visitor
from tests.web.forms import untouched
from tests.world import World

HERE = "/w/aroeira/schedules"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila", locale="en"))


@pytest.fixture
def console(client_for: Callable[[Visitor], FlaskClient], camila: Visitor) -> FlaskClient:
    return client_for(camila)


def sent(survey: Survey, **more: str) -> dict[str, Any]:
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


@pytest.mark.parametrize(
    ("repeat", "most"), [("daily", 60), ("weekly", 60), ("monthly", 24), ("quarterly", 8)]
)
def test_the_form_says_how_long_an_interval_may_be_and_means_it(
    console: FlaskClient, runtime: Runtime, survey: Survey, repeat: str, most: int
) -> None:
    assert f"From 1 to {most}." in console.get(f"{HERE}/new?repeat={repeat}").text
    refused = console.post(f"{HERE}/new", data=sent(survey, repeat=repeat, every=str(most + 1)))
    assert refused.status_code == 422
    assert f'<a href="#every">A whole number, from 1 to {most}.</a>' in refused.text
    taken = console.post(f"{HERE}/new", data=sent(survey, repeat=repeat, every=str(most)))
    assert taken.status_code == 303
    page = console.get(taken.location).text
    assert f'value="{3 * most if repeat == "quarterly" else most}"' in page


def test_what_becomes_of_days_off_is_never_hidden_also_while_a_business_day_is_chosen(
    console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    rule = {"repeat": "custom", "rrule": "FREQ=MONTHLY;BYMONTHDAY=1", "off_days": "next"}
    id = schedules.create(runtime, camila, {"survey": survey.id} | rule)
    page = console.get(f"{HERE}/{id}").text
    assert '<option value="first_business" selected>' in page
    assert '<select class="input" id="off_days" name="off_days"' in page
    assert page.count('name="off_days"') == 1
    assert "move by themselves" in page
    assert untouched(page, "schedule")["off_days"] == ["next"]


def only_the_name_is_corrected(console: FlaskClient, id: str) -> None:
    """As a browser sends the form in which nothing else was touched."""
    typed = untouched(console.get(f"{HERE}/{id}").text, "schedule")
    saved = console.post(f"{HERE}/{id}", data=typed | {"name": ["Corrected"]})
    assert saved.status_code == 303, saved.text


@pytest.mark.parametrize(
    "given",
    [
        {"channels": ["whatsapp", "sms", "email", "telegram"]},
        {"terms": {"sample": {"number": 500, "by": "plan"}}},
        {"time_zone": "Brazil/East", "at": "2026-12-01T10:00"},  # a zone that the form does not offer
        {"repeat": "custom", "rrule": "FREQ=DAILY;INTERVAL=90"},
        {"repeat": "custom", "rrule": "FREQ=WEEKLY;INTERVAL=61;BYDAY=MO"},
        {"repeat": "event", "trigger": {"event": "ticket.solved", "only": [
            {"property": "agent", "operator": "one_of", "values": ["Smith, John", "X"]},
            {"property": "plan", "operator": "equals", "values": [""]},
            {"property": "closed_by", "operator": "not", "values": ["", " auto", '"', "a\r\nb\u2028c"]},
            {"property": "note", "operator": "is_set", "values": []},
        ]}},
    ],
)  # fmt: skip
def test_what_the_api_said_outlives_a_form_in_which_only_the_name_was_corrected(
    console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey, given: dict[str, object]
) -> None:
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "weekly"} | given)
    before = kept(runtime)
    only_the_name_is_corrected(console, id)
    after = kept(runtime)
    assert after.name == "Corrected"
    for name in (
        "repeat",
        "rrule",
        "trigger",
        "channels",
        "terms",
        "off_days",
        "every_days",
        "starts_at",
        "time_zone",
        "steps",
    ):
        assert getattr(after, name) == getattr(before, name), name


def test_a_step_whose_survey_was_put_away_stays_and_says_its_name(
    console: FlaskClient, runtime: Runtime, world: World, camila: Visitor, survey: Survey
) -> None:
    then = world.survey(world.workspace_of(survey), name="A month later")
    given = {"survey": survey.id, "repeat": "weekly", "steps": [{"survey": then.id, "after_days": 30}]}
    id = schedules.create(runtime, camila, given)
    before = kept(runtime)
    with runtime.db.write() as session:
        session.get_one(Survey, then.id).archived_at = runtime.clock()
    chosen = f'value="{then.id}" selected>A month later<'
    page = console.get(f"{HERE}/{id}").text
    assert chosen in page
    refused = console.post(f"{HERE}/{id}", data=untouched(page, "schedule"))
    assert refused.status_code == 422
    assert chosen in refused.text
    assert kept(runtime).steps == before.steps


@pytest.mark.parametrize("channels", [["telegram"], ["sms", "email"], ["email", "whatsapp"]])
def test_a_channel_that_is_not_set_up_any_more_stays_until_another_is_chosen(
    app: Flask, console: FlaskClient, runtime: Runtime, camila: Visitor, survey: Survey, channels: list[str]
) -> None:
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "weekly", "channels": channels})
    app.extensions["runtime"] = replace(runtime, channels={"email": runtime.channels["email"]})
    assert "(not set up)" in console.get(f"{HERE}/{id}").text
    only_the_name_is_corrected(console, id)
    assert kept(runtime).channels == channels
    typed = untouched(console.get(f"{HERE}/{id}").text, "schedule")
    assert console.post(f"{HERE}/{id}", data=typed | {"channel": "email", "then": ""}).status_code == 303
    assert kept(runtime).channels == ["email"]


def test_all_channels_are_chosen_in_order(console: FlaskClient, runtime: Runtime, survey: Survey) -> None:
    """Those after the second are asked for once there is a second."""
    first, last = (
        ("Channel", "If it does not reach them"),
        ("If that does not either", "And if none of them does"),
    )
    page = console.get(f"{HERE}/new").text
    assert [f">{label}</label>" in page for label in (*first, *last)] == [True, True, False, False]
    more = {"channel": "email", "then": "whatsapp", "action": "look"}
    page = console.post(f"{HERE}/new", data=sent(survey) | more).text
    assert all(f">{label}</label>" in page for label in (*first, *last))
    said = {"channel": "telegram", "then": "whatsapp", "further": ["sms", "email"]}
    console.post(f"{HERE}/new", data=sent(survey) | said)
    assert kept(runtime).channels == ["telegram", "whatsapp", "sms", "email"]


def test_a_pulse_has_channels_in_order_as_well(
    client_for: Callable[[Visitor], FlaskClient], runtime: Runtime, world: World
) -> None:
    people = world.workspace("people", slug="gente")
    hr = world.member(people, Role.MANAGER, world.user(locale="en"))
    enps = world.survey(people, Metric.ENPS, name="Pulse")
    console = client_for(hr)
    given = {
        "survey": enps.id, "repeat": "weekly", "channels": ["sms", "email", "telegram"],
        "terms": {"per_hour": 600},
    }  # fmt: skip
    id = schedules.create(runtime, hr, given)
    here = f"/w/gente/schedules/{id}"
    typed = untouched(console.get(here).text, "schedule")
    assert console.post(here, data=typed | {"name": "Corrected"}).status_code == 303
    assert kept(runtime).channels == ["sms", "email", "telegram"]
    assert kept(runtime).terms == {"per_hour": 600}  # its form says nothing of terms


def test_several_values_are_one_a_line_and_is_takes_one(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    event = {"repeat": "event", "event": "ticket.solved", "after_hours": "1", "newest_within_hours": "0"}
    row = {"property": "closed_by", "operator": "equals", "values": "auto\r\nbot, robot\r\n"}
    refused = console.post(f"{HERE}/new", data=sent(survey) | event | row)
    assert refused.status_code == 422
    assert "“is” compares with one value" in refused.text
    assert "auto\r\nbot, robot</textarea>" in refused.text
    for missing in (row | {"values": ""}, row | {"property": "", "operator": "not"}):
        refused = console.post(f"{HERE}/new", data=sent(survey) | event | missing)
        assert "A condition has a property, an operator and its values." in refused.text
    console.post(f"{HERE}/new", data=sent(survey) | event | row | {"operator": "not"})
    (only,) = kept(runtime).trigger["only"]
    assert only == {"property": "closed_by", "operator": "not", "values": ["auto", "bot, robot"]}


def test_a_first_run_that_was_typed_stays_while_one_looks_at_another_way_of_repeating(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    """After an event there is none, so the form neither shows it nor is refused for it."""
    at = "2027-01-04T09:00"
    event = {"repeat": "event", "event": "ticket.solved", "after_hours": "1", "newest_within_hours": "0"}
    shown = console.post(f"{HERE}/new", data=sent(survey) | event | {"at": at, "action": "fields"})
    assert "First run" not in shown.text
    typed = untouched(shown.text, "schedule")
    assert typed["at"] == [at]
    again = console.post(f"{HERE}/new", data=typed | {"repeat": "weekly", "action": "fields"})
    assert untouched(again.text, "schedule")["at"] == [at]
    assert console.post(f"{HERE}/new", data=typed | {"action": "save"}).status_code == 303
    assert kept(runtime).starts_at == "2026-11-16T13:00"


def test_alike_in_each_group_needs_a_share_or_a_number(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    answer = console.post(f"{HERE}/new", data=sent(survey, by="plan"))
    assert answer.status_code == 422
    assert "Say either a share in per cent or a number of people." in answer.text
    assert 'value="plan"' in answer.text
    assert '<details class="fold" open>' in answer.text


def test_a_share_and_a_number_at_once_are_refused_and_both_stay(console: FlaskClient, survey: Survey) -> None:
    answer = console.post(f"{HERE}/new", data=sent(survey, share="20", number="500"))
    assert answer.status_code == 422
    assert 'id="share-error"' in answer.text
    assert 'value="20"' in answer.text and 'value="500"' in answer.text
