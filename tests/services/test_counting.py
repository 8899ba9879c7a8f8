"""What counts and what does not, on both databases; and that a score is the same however it is recomputed."""

import json
from datetime import timedelta

import pytest

from app.domain.metrics import Metric, band_of
from app.domain.statistics import Counts
from app.models import Survey, Workspace
from app.runtime import Runtime
from app.services.counting import Cohort, Filters, Scope, cohorts_by, counts_by, counts_in_steps
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def counted(
    runtime: Runtime,
    workspace: Workspace,
    filters: Filters | None = None,
    *,
    group: str | None = None,
    sandbox: bool = True,
    metric: Metric = Metric.NPS,
) -> dict[str | None, Counts]:
    with runtime.db.read() as session:
        return counts_by(session, Scope(workspace.id, sandbox), metric, filters or Filters(), group)


def reached(
    runtime: Runtime,
    workspace: Workspace,
    filters: Filters | None = None,
    *,
    group: str | None = None,
    sandbox: bool = True,
) -> dict[str | None, Cohort]:
    with runtime.db.read() as session:
        return cohorts_by(session, Scope(workspace.id, sandbox), Metric.NPS, filters or Filters(), group)


def test_answers_fall_into_their_bands_and_their_scores_add_up(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    for score in (10, 9, 8, 3, 0):
        world.answer(workspace, score, survey=survey)
    assert counted(runtime, workspace) == {None: Counts(upper=2, middle=1, lower=2, total=30)}


def test_suspect_and_late_answers_do_not_count(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    world.answer(workspace, 9, survey=survey)
    world.answer(workspace, 0, survey=survey, suspect=True)
    world.answer(workspace, 0, survey=survey, late=True)
    assert counted(runtime, workspace) == {None: Counts(upper=1, total=9)}


def test_another_workspace_and_another_metric_do_not_count(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    world.answer(world.workspace(), 9)
    world.answer(workspace, 5, metric="csat")
    assert counted(runtime, workspace) == {}
    assert counted(runtime, workspace, metric=Metric.CSAT) == {None: Counts(upper=1, total=5)}


def test_what_the_sandbox_asked_counts_only_while_no_channel_is_real(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    invitation = world.invitation(workspace, survey, world.contact(workspace), sandbox=True, state="answered")
    world.answer(workspace, 9, survey=survey, invitation=invitation, sandbox=True)
    assert counted(runtime, workspace, sandbox=True)[None].n == 1
    assert counted(runtime, workspace, sandbox=False) == {}
    assert reached(runtime, workspace, sandbox=True) == {None: Cohort(1, 1)}
    assert reached(runtime, workspace, sandbox=False) == {}


def test_the_beginning_of_a_period_is_in_it_and_its_end_is_not(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, clock: Clock
) -> None:
    start = clock.now
    for day in range(3):
        world.answer(workspace, 10 - day, survey=survey, recorded_at=start + timedelta(days=day))
    period = Filters(since=start, until=start + timedelta(days=2))
    assert counted(runtime, workspace, period) == {None: Counts(upper=2, total=19)}


def test_filters_by_survey_contact_and_channel_join_by_and(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    maria, other = world.contact(workspace), world.survey(workspace)
    world.answer(workspace, 9, survey=survey, contact=maria)
    world.answer(workspace, 8, survey=survey)
    world.answer(workspace, 2, survey=other, contact=maria, channel="sms")
    assert counted(runtime, workspace, Filters(survey=survey.id))[None].n == 2
    assert counted(runtime, workspace, Filters(contact=maria.id))[None].n == 2
    assert counted(runtime, workspace, Filters(channel="sms")) == {None: Counts(lower=1, total=2)}
    assert counted(runtime, workspace, Filters(survey=survey.id, contact=maria.id))[None].n == 1
    assert counted(runtime, workspace, Filters(survey=survey.id, channel="sms")) == {}


@pytest.mark.parametrize(
    "name", ["plano", "região", 'o "grande"', "a.b", "it's", "a\\b", "$[0]", "ключ", "a b"]
)
def test_any_attribute_name_filters_and_groups(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, name: str
) -> None:
    world.answer(workspace, 9, survey=survey, attributes={name: "São Paulo"})
    world.answer(workspace, 8, survey=survey, attributes={name: "outro", "x": "São Paulo"})
    world.answer(workspace, 2, survey=survey)
    assert counted(runtime, workspace, Filters(attributes={name: "São Paulo"})) == {None: Counts(1, 0, 0, 9)}
    assert counted(runtime, workspace, group=f"attribute.{name}") == {
        "São Paulo": Counts(1, 0, 0, 9),
        "outro": Counts(0, 1, 0, 8),
        None: Counts(0, 0, 1, 2),
    }


@pytest.mark.parametrize("value", [5, True, False, 1.5])
def test_an_attribute_that_is_not_text_is_found_by_its_text(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, value: object
) -> None:
    world.answer(workspace, 9, survey=survey, attributes={"plano": value})
    assert counted(runtime, workspace, Filters(attributes={"plano": json.dumps(value)}))[None].n == 1


def test_groups_are_counted_apart(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    other = world.survey(workspace)
    world.answer(workspace, 9, survey=survey)
    world.answer(workspace, 1, survey=other, channel="sms")
    assert counted(runtime, workspace, group="survey") == {
        survey.id: Counts(1, 0, 0, 9),
        other.id: Counts(0, 0, 1, 1),
    }
    assert set(counted(runtime, workspace, group="channel")) == {"email", "sms"}


def test_steps_hold_each_answer_once_and_none_from_outside(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, clock: Clock
) -> None:
    edges = [clock.now + timedelta(days=day) for day in range(4)]
    for hours in (-1, 0, 23, 24, 71, 72):
        world.answer(workspace, 9, survey=survey, recorded_at=edges[0] + timedelta(hours=hours))
    with runtime.db.read() as session:
        steps = counts_in_steps(session, Scope(workspace.id, True), Metric.NPS, edges)
    assert [step.n for step in steps] == [2, 1, 1]


def test_the_response_rate_is_of_those_whom_the_question_reached(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    states = (
        "answered",
        "answered",
        "sent",
        "delivered",
        "expired",
        "failed",
        "unknown",
        "cancelled",
        "skipped",
    )
    for state in states:
        world.invitation(workspace, survey, world.contact(workspace), state=state)
    world.invitation(workspace, survey, world.contact(workspace), state="expired", sent_at=None)
    world.invitation(workspace, survey, world.contact(workspace), state="queued", sent_at=None)
    assert reached(runtime, workspace) == {None: Cohort(delivered=5, answered=2)}


def test_an_answer_proves_that_an_attempt_whose_end_nobody_heard_arrived(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, clock: Clock
) -> None:
    world.invitation(workspace, survey, world.contact(workspace), state="answered", sent_at=None)
    today = Filters(since=clock.now - timedelta(hours=1), until=clock.now + timedelta(hours=1))
    assert reached(runtime, workspace, today) == {None: Cohort(delivered=1, answered=1)}


def test_the_cohort_is_of_the_day_of_sending_however_late_they_answer(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, clock: Clock
) -> None:
    early = clock.now - timedelta(days=20)
    asked = world.invitation(workspace, survey, world.contact(workspace), state="answered", sent_at=early)
    world.answer(workspace, 9, survey=survey, invitation=asked)
    this_week = Filters(since=clock.now - timedelta(days=7), until=clock.now + timedelta(days=1))
    assert counted(runtime, workspace, this_week)[None].n == 1
    assert reached(runtime, workspace, this_week) == {}
    assert reached(runtime, workspace, Filters(until=clock.now)) == {None: Cohort(1, 1)}


def test_a_cohort_by_attribute_takes_the_contacts_present_ones_for_both_counts(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    for plan, state in (("ouro", "answered"), ("ouro", "sent"), ("prata", "answered")):
        contact = world.contact(workspace, attributes={"plano": plan})
        world.invitation(workspace, survey, contact, state=state)
    assert reached(runtime, workspace, Filters(attributes={"plano": "ouro"})) == {None: Cohort(2, 1)}
    assert reached(runtime, workspace, group="attribute.plano") == {
        "ouro": Cohort(2, 1),
        "prata": Cohort(1, 1),
    }
    assert reached(runtime, workspace, group="survey") == {survey.id: Cohort(3, 2)}


def test_the_scale_of_every_metric_is_counted_as_it_is_banded(
    runtime: Runtime, world: World, workspace: Workspace
) -> None:
    for metric, top in ((Metric.CSAT, 5), (Metric.CES, 7)):
        survey = world.survey(workspace, metric)
        for score in range(1, top + 1):
            world.answer(workspace, score, survey=survey, metric=metric.value)
        found = counted(runtime, workspace, metric=metric)[None]
        bands = [band_of(metric, score) for score in range(1, top + 1)]
        assert found == Counts(
            upper=bands.count(band_of(metric, top)),
            middle=1,
            lower=bands.count(band_of(metric, 1)),
            total=sum(range(1, top + 1)),
        )
