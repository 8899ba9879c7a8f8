"""Asking one person now: decided as for many, and always with a row that says what became of it."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, NotFound
from app.models import Invitation, Message, OptOut, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import asking
from app.services.access import Visitor
from tests.services.loop import at_once
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relacionamento")


def test_who_may_be_asked_gets_an_invitation_and_a_message(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace, name="Maria")
    assert asking.eligibility(runtime, camila, survey.id, maria.id).reason is None
    told = asking.asked(runtime, camila, asking.ask(runtime, camila, survey.id, maria.id))
    assert (told.name, told.state, told.reason) == ("Maria", "queued", None)
    assert asking.eligibility(runtime, camila, survey.id, maria.id).reason == "resting"


def test_who_may_not_be_asked_gets_a_row_that_says_why(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    gone = world.contact(workspace)
    world.add(
        OptOut(
            id=new_id(), workspace_id=workspace.id, contact_id=gone.id, kind="own_wish", origin="console",
            created_at=world.now,
        )
    )  # fmt: skip
    told = asking.asked(runtime, camila, asking.ask(runtime, camila, survey.id, gone.id))
    assert (told.state, told.reason) == ("skipped", "opted_out")
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


@pytest.mark.on_both
def test_c24_two_who_ask_the_same_person_at_once_ask_once(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace)
    other = world.survey(workspace, Metric.CSAT)
    at_once(
        *[lambda: asking.ask(runtime, camila, survey.id, maria.id)] * 3,
        lambda: asking.ask(runtime, camila, other.id, maria.id),
    )
    with runtime.db.read() as session:
        states = sorted(session.scalars(select(Invitation.state)))
    assert states == ["queued", "skipped", "skipped", "skipped"]


def test_a_channel_that_is_not_set_up_is_said(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace, phone="+5531988884417")
    by_mail = replace(runtime, channels={"email": runtime.channels["email"]})
    told = asking.asked(by_mail, camila, asking.ask(by_mail, camila, survey.id, maria.id, ["sms"]))
    assert told.reason == "channel_not_configured"
    told = asking.asked(runtime, camila, asking.ask(runtime, camila, survey.id, maria.id, ["sms", "email"]))
    assert told.reason is None
    for channels in ([], ["fax"], ["email", "email"]):
        with pytest.raises(Invalid):
            asking.ask(runtime, camila, survey.id, maria.id, channels)


def test_only_a_published_survey_of_customers_asks_one_person(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor
) -> None:
    maria = world.contact(workspace)
    with pytest.raises(Conflict):
        asking.ask(runtime, camila, world.survey(workspace, published_version_id=None).id, maria.id)
    people = world.workspace("people")
    hr = world.member(people)
    with pytest.raises(Invalid):
        asking.ask(runtime, hr, world.survey(people, Metric.ENPS).id, world.contact(people).id)


def test_another_workspaces_people_and_surveys_do_not_exist(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    other = world.workspace()
    stranger, theirs = world.contact(other), world.survey(other)
    erased = world.contact(workspace, erased_at=world.now)
    maria = world.contact(workspace)
    for survey_id, contact_id in ((survey.id, stranger.id), (theirs.id, maria.id), (survey.id, erased.id)):
        with pytest.raises(NotFound):
            asking.ask(runtime, camila, survey_id, contact_id)
        with pytest.raises(NotFound):
            asking.eligibility(runtime, camila, survey_id, contact_id)


def test_a_search_finds_people_and_says_of_each_whether_they_may_be_asked(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    rested = world.contact(workspace, name="Ana Prado", search_name="ana prado")
    world.invitation(workspace, survey, rested)
    for name in ("Ana Souza", "Bia Souza"):
        world.contact(workspace, name=name, search_name=name.lower(), email="familia@souza.example")
    world.contact(workspace, name="Ana Fora", search_name="ana fora", active=False)
    found = asking.candidates(runtime, camila, survey.id, "ANÁ")
    assert [(each.name, each.verdict.reason) for each in found.people] == [
        ("Ana Prado", "resting"),
        ("Ana Souza", None),
    ]
    everybody = asking.candidates(runtime, camila, survey.id)
    assert [each.verdict.reason for each in everybody.people] == ["resting", None, None]
    assert not everybody.more


def test_the_choices_for_a_person_say_of_each_survey_whether_it_may_be_asked(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    maria = world.contact(workspace)
    world.survey(workspace, Metric.CSAT, name="Depois do suporte")
    world.survey(workspace, Metric.CES, published_version_id=None)
    world.invitation(workspace, survey, maria)
    clock.advance(days=40)
    chosen = asking.choices(runtime, camila, maria.id)
    assert [(each.name, each.verdict.reason) for each in chosen] == [
        ("Depois do suporte", None),
        ("Relacionamento", "resting"),
    ]
