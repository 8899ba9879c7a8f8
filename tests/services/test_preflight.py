"""Before a schedule begins: the real messages, the numbers, what they cost, and what is missing."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Invalid, NotFound
from app.models import (
    Invitation,
    Message,
    OptOut,
    SandboxCopy,
    Survey,
    SurveyVersion,
    Token,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import (
    expanding,
    planning,
    preflight,
    preflight_samples,
    schedule_previews,
    schedules,
    sending,
)
from app.services.access import Visitor
from tests.services.recurring import House
from tests.world import Clock, World

PHONE = "+5531988884417"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def planned(runtime: Runtime, who: Visitor, survey: Survey, **given: object) -> str:
    return schedules.create(runtime, who, {"survey": survey.id, "repeat": "weekly"} | given)


def codes(report: preflight.Report) -> dict[str, int]:
    return {each.code: each.number for each in report.findings}


def written(world: World, survey: Survey, **texts: str) -> None:
    """The live version says this in Portuguese."""
    with world.runtime.db.write() as session:
        version = session.get_one(SurveyVersion, survey.published_version_id)
        said = {"pt-BR": {**version.texts["pt-BR"], **texts}}
        fresh = SurveyVersion(
            id=new_id(), workspace_id=version.workspace_id, survey_id=survey.id, number=2,
            metric=version.metric, texts=said, opens_followup=True, published_at=world.now,
        )  # fmt: skip
        session.add(fresh)
        row = session.get_one(Survey, survey.id)
        row.published_version_id, row.draft = fresh.id, said


def test_real_messages_for_real_people_each_channel_and_language_once(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    world.contact(workspace, name="Maria Figueiredo", email="maria@b.example")
    world.contact(workspace, name="Owen Price", locale="en", email="owen@b.example")
    world.contact(workspace, name="Lia Souza", email=None, phone=PHONE)
    world.contact(workspace, name="Rui Alves", email=None, telegram_chat_id="77")
    id = planned(runtime, manager, survey, channels=["email", "sms", "telegram"])
    report = preflight.of_schedule(runtime, manager, id)
    seen = {(each.channel, each.locale): each for each in report.samples}
    assert set(seen) == {("email", "pt-BR"), ("email", "en"), ("sms", "pt-BR"), ("telegram", "pt-BR")}
    assert "Maria" in seen["email", "pt-BR"].subject + seen["email", "pt-BR"].text
    assert "Owen" in seen["email", "en"].text
    assert "SAIR" in seen["sms", "pt-BR"].text.upper()
    assert seen["telegram", "pt-BR"].buttons[0][0] == "0"
    assert sum(each.people for each in report.groups) == report.preview.asked == 4
    assert report.is_ready


def test_the_message_is_the_one_that_would_leave(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    world.contact(workspace, name="Lia Souza", email=None, phone=PHONE)
    id = planned(runtime, manager, survey, channels=["sms"])
    foreseen = preflight.of_schedule(runtime, manager, id).samples[0].text
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    sending.send_due(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(SandboxCopy.text)).one().strip() == foreseen


def test_nothing_is_written(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    world.contact(workspace, phone=PHONE, telegram_chat_id="77")
    id = planned(runtime, manager, survey, channels=["whatsapp", "telegram", "email"])
    said: list[str] = []

    @event.listens_for(runtime.db.engine, "before_cursor_execute")
    def hear(*given: object) -> None:
        said.append(str(given[2]).lstrip().split()[0].upper())

    preflight.of_schedule(runtime, manager, id)
    event.remove(runtime.db.engine, "before_cursor_execute", hear)
    assert not {"INSERT", "UPDATE", "DELETE"} & set(said)
    with runtime.db.read() as session:
        for table in (Token, Message, Invitation):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_the_numbers_are_those_of_the_preview(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    for _ in range(3):
        world.contact(workspace)
    world.contact(workspace, email=None)
    gone = world.contact(workspace)
    world.add(
        OptOut(
            id=new_id(), workspace_id=workspace.id, contact_id=gone.id, kind="own_wish", origin="page",
            created_at=world.now,
        )
    )  # fmt: skip
    id = planned(runtime, manager, survey)
    report = preflight.of_schedule(runtime, manager, id)
    assert report.preview == schedule_previews.preview(runtime, manager, id)
    assert dict(report.preview.not_asked) == {"no_address": 1, "opted_out": 1}
    assert codes(report)["no_address"] == 1


def test_of_a_schedule_that_asks_only_some_the_numbers_are_those_who_would_be_drawn(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    for number in range(20):
        world.contact(workspace, locale="es" if number < 5 else "pt-BR")
    report = preflight.of_draft(
        runtime, manager, {"survey": survey.id, "repeat": "weekly", "terms": {"sample": {"share": 20}}}
    )
    assert (report.preview.asked, dict(report.preview.not_asked)) == (4, {"sampled_out": 16})
    assert sorted((each.locale, each.people) for each in report.groups) == [("es", 1), ("pt-BR", 3)]


def test_of_a_schedule_by_each_persons_clock_the_numbers_are_those_of_a_day(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    for number in range(30):
        world.contact(workspace, locale="en" if number < 10 else "pt-BR", phone=f"+55319888844{number:02}")
    world.contact(workspace, email=None)
    given = {"survey": survey.id, "repeat": "each_person", "every_days": 5, "channels": ["sms"]}
    report = preflight.of_draft(runtime, manager, given)
    assert (report.preview.asked, dict(report.preview.not_asked)) == (7, {"another_day": 23, "no_address": 1})
    assert sorted((each.locale, each.people) for each in report.groups) == [("en", 2), ("pt-BR", 5)]
    assert sum(each.people for each in report.texts) == 7
    assert sum(each.people for each in report.samples) == 7


def test_a_schedule_that_is_not_there_yet_is_looked_at_as_well(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    world.contact(workspace, name="Maria Figueiredo")
    report = preflight.of_draft(runtime, manager, {"survey": survey.id, "repeat": "once"})
    assert [each.name for each in report.samples] == ["Maria Figueiredo"]
    with pytest.raises(Invalid):
        preflight.of_draft(runtime, manager, {"survey": "none", "repeat": "once"})


def test_people_of_a_language_that_the_survey_lacks_and_values_that_are_missing(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    written(world, survey, greeting="Olá da {{ contact.attributes.company|sua empresa }}.")
    world.contact(workspace, attributes={"company": "Bem-te-vi"})
    world.contact(workspace, attributes={"company": "  "})
    world.contact(workspace, locale="es-AR")
    id = planned(runtime, manager, survey)
    found = {each.code: each for each in preflight.of_schedule(runtime, manager, id).findings}
    assert (found["translation"].number, dict(found["translation"].facts)) == (
        1, {"locale": "es-AR", "instead": "pt-BR"},
    )  # fmt: skip
    assert found["unfilled"].number == 2
    assert found["unfilled"].facts["name"] == "contact.attributes.company"
    assert not found["unfilled"].is_serious


def test_nobody_is_serious_and_so_is_a_survey_that_was_put_away(
    runtime: Runtime, world: World, manager: Visitor, survey: Survey
) -> None:
    id = planned(runtime, manager, survey)
    report = preflight.of_schedule(runtime, manager, id)
    assert report.findings[0].code == "nobody"
    assert not report.is_ready
    with runtime.db.write() as session:
        session.get_one(Survey, survey.id).published_version_id = None
    report = preflight.of_schedule(runtime, manager, id)
    assert [each.code for each in report.findings if each.is_serious] == ["unpublished", "nobody"]
    assert report.samples == ()


def test_without_a_channel_that_is_set_up_nothing_could_leave(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    world.contact(workspace, phone=PHONE)
    id = planned(runtime, manager, survey, channels=["sms", "email"])
    only_mail = replace(runtime, channels={"email": runtime.channels["email"]})
    assert codes(preflight.of_schedule(only_mail, manager, id)).keys() >= {"channel_missing"}
    none = replace(runtime, channels={})
    report = preflight.of_schedule(none, manager, id)
    assert {"no_channel", "nobody"} <= {each.code for each in report.findings if each.is_serious}


def test_one_letter_makes_every_text_cost_more(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    """C30: the segments and the money, with and without it, and whether the day's budget suffices."""
    config = replace(
        runtime.config, twilio_account_sid="AC" + "0" * 32, twilio_auth_token="x" * 32,
        twilio_sms_from="+551140028922", sms_countries=("BR",), sms_daily_segments=7,
        sms_daily_spend=Decimal("0.20"), sms_prices=(("BR", Decimal("0.05")),),
    )  # fmt: skip
    texting = replace(runtime, config=config, channels=open_channels(config))
    written(world, survey, question="De 0 a 10, recomenda? \N{PARTY POPPER}")
    for number in range(4):
        world.contact(workspace, name="Maria Souza", email=None, phone=f"+553198888441{number}")
    id = planned(texting, manager, survey, channels=["sms"])
    report = preflight.of_schedule(texting, manager, id)
    texts = report.texts[0]
    assert (texts.people, texts.each, texts.plain_each) == (4, 2, 1)
    assert (texts.segments, texts.money) == (8, Decimal("0.40"))
    found = {each.code: each for each in report.findings}
    assert found["dear_letters"].number == 4
    assert "\N{PARTY POPPER}" in found["dear_letters"].facts["letters"]
    assert found["dear_letters"].facts["money"] == "0.20"
    assert (found["over_segments"].number, found["over_segments"].facts["left"]) == (8, "7")
    assert (found["over_money"].facts["money"], found["over_money"].facts["left"]) == ("0.40", "0.20")
    for each in texting.channels.values():
        each.close()


def test_texts_of_every_language_are_counted_however_many_have_a_number_and_get_a_mail(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(preflight_samples, "MADE", 3)
    config = replace(
        runtime.config, twilio_account_sid="AC" + "0" * 32, twilio_auth_token="x" * 32,
        twilio_sms_from="+551140028922", sms_countries=("BR",), sms_prices=(("BR", Decimal("0.05")),),
        smtp_url="smtp://127.0.0.1:1", mail_from="pergunta@aroeira.example",
    )  # fmt: skip
    texting = replace(runtime, config=config, channels=open_channels(config))
    for number in range(10, 20):
        world.contact(workspace, email=f"p{number}@b.example", phone=f"+55319888844{number}")
    for number in range(20, 26):
        world.contact(workspace, email=None, phone=f"+55319888844{number}")
    for number, locale in ((30, "es"), (31, "en")):
        world.contact(workspace, email=None, phone=f"+55319888844{number}", locale=locale)
    id = planned(texting, manager, survey, channels=["email", "sms"])
    report = preflight.of_schedule(texting, manager, id)
    assert {each.locale: each.people for each in report.texts} == {"pt-BR": 6, "es": 1, "en": 1}
    assert all(each.segments and each.money for each in report.texts)
    for each in texting.channels.values():
        each.close()


def test_whatsapp_without_an_approved_template_says_so(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    config = replace(
        runtime.config, twilio_account_sid="AC" + "0" * 32, twilio_auth_token="x" * 32,
        twilio_whatsapp_from="+551140028922",
    )  # fmt: skip
    real = replace(runtime, config=config, channels=open_channels(config))
    world.contact(workspace, email=None, phone=PHONE)
    id = planned(real, manager, survey, channels=["whatsapp"])
    report = preflight.of_schedule(real, manager, id)
    assert codes(report)["no_template"] == 1
    assert report.samples[0].channel == "whatsapp"
    for each in real.channels.values():
        each.close()


def test_a_pulse_shows_its_one_link_and_promise(runtime: Runtime, world: World) -> None:
    office = world.workspace("people")
    who, survey = world.member(office, Role.MANAGER), world.survey(office, Metric.ENPS)
    world.contact(office, name="Rosa Lima")
    report = preflight.of_schedule(runtime, who, planned(runtime, who, survey))
    assert [each.name for each in report.samples] == ["Rosa Lima"]
    assert report.samples[0].text


def test_another_workspaces_schedule_is_not_found(
    runtime: Runtime, world: World, manager: Visitor, survey: Survey
) -> None:
    id = planned(runtime, manager, survey)
    stranger = world.member(world.workspace(), Role.OWNER)
    with pytest.raises(NotFound):
        preflight.of_schedule(runtime, stranger, id)


@pytest.mark.judged_on("postgresql")
def test_a_workspace_that_grew_since_the_tables_were_analysed_is_counted_as_quickly(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    """PostgreSQL takes it for one person's, as all the others are, and 20,000 took more than 15 s."""
    for _ in range(50):
        world.contact(world.workspace())
    with runtime.db.write() as session:
        session.execute(text("ANALYZE"))
        some = [("bounce", number) for number in range(1_000)] + [
            ("legal", number) for number in range(1_000)
        ]
        session.add_all(
            OptOut(
                id=new_id(), workspace_id=workspace.id, address_key=f"{number:064}", kind=kind,
                origin="provider", created_at=clock.now,
            )
            for kind, number in some
        )  # fmt: skip
    House(world, clock, manager, survey).crowd(2_000)
    id = planned(runtime, manager, survey)
    plans: list[str] = []

    @event.listens_for(runtime.db.engine, "before_cursor_execute")
    def explain(connection: Any, cursor: Any, words: str, values: Any, context: Any, many: bool) -> None:
        if "unwanted_" in words and "count(*)" in words:
            plan = connection.connection.driver_connection.execute(f"EXPLAIN {words}", values)
            plans.append("\n".join(step for (step,) in plan))

    try:
        report = preflight.of_schedule(runtime, manager, id)
    finally:
        event.remove(runtime.db.engine, "before_cursor_execute", explain)
    assert report.preview is not None
    assert report.preview.asked == 2_000
    assert plans
    assert not [plan for plan in plans if "Nested Loop" in plan]


def test_a_large_audience_is_counted_in_a_few_statements(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    house = House(world, clock, manager, survey)
    house.crowd(20_000)
    id = planned(runtime, manager, survey)
    began = time.perf_counter()
    report = preflight.of_schedule(runtime, manager, id)
    assert report.preview.asked == 20_000
    assert time.perf_counter() - began < 10
