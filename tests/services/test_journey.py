"""Home in one snapshot: the metric's own numbers, past beside present, today by the workspace's zone."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.metrics import RULES, Metric
from app.domain.statistics import Counts
from app.models import Headline, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.counting import Filters
from app.services.journey import STEPS, Journey, Stage, journey
from app.services.metrics import metric
from tests.many_answers import many_answers
from tests.pulse_world import open_pulse
from tests.services.loop import opened
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def who(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def stage(found: Journey, metric: Metric) -> Stage:
    return next(each for each in found.stages if each.reading.metric is metric)


def headline(
    world: World, workspace: Workspace, counts: tuple[int, int, int], asked: int, at: datetime
) -> None:
    pulse = open_pulse(world, 1).pulse
    world.add(
        Headline(
            id=new_id(),
            pulse_id=pulse.id,
            workspace_id=workspace.id,
            promoters=counts[0],
            passives=counts[1],
            detractors=counts[2],
            asked=asked,
            closed_at=at,
            published_at=at,
        )
    )


def test_nothing_has_begun_until_somebody_is_asked(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    assert not journey(runtime, who, 90).begun
    world.invitation(workspace, survey, world.contact(workspace))
    found = journey(runtime, who, 90)
    assert found.begun
    assert not found.anybody_answered
    assert [each.reading.metric for each in found.stages] == [Metric.NPS, Metric.CSAT, Metric.CES]
    assert all(each.reading.score is None for each in found.stages)
    assert found.team is None


@pytest.mark.parametrize("days", [30, 90, 365])
def test_every_number_of_home_is_the_metrics_own(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, days: int
) -> None:
    chance = random.Random(days)
    for asked in (Metric.NPS, Metric.CSAT, Metric.CES):
        ages = [timedelta(days=chance.uniform(0, 2.2 * days)) for _ in range(120)]
        answers = [(chance.choice(RULES[asked].scores), world.now - age) for age in ages]
        many_answers(world, workspace, world.survey(workspace, asked), answers)
    found = journey(runtime, who, days)
    midnight = found.since + timedelta(days=days)
    for asked in (Metric.NPS, Metric.CSAT, Metric.CES):
        report = metric(runtime, who, asked, Filters(since=found.since, until=midnight))
        assert stage(found, asked).reading == report.whole
        assert report.whole.counts.n > 0
        assert report.whole.before.n > 0


def test_a_trend_is_the_score_of_a_period_up_to_each_point(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    chance = random.Random(7)
    ages = [timedelta(days=chance.uniform(0, 190)) for _ in range(150)]
    many_answers(world, workspace, survey, [(chance.randint(0, 10), world.now - age) for age in ages])
    nps = stage(journey(runtime, who, 90), Metric.NPS)
    assert len(nps.trend) == len(nps.moments) == STEPS + 1
    for at, score in zip(nps.moments, nps.trend, strict=True):
        window = Filters(since=at - timedelta(days=90), until=at)
        assert metric(runtime, who, "nps", window).whole.score == score
    assert nps.trend[-1] == nps.reading.score
    assert nps.trend[0] == nps.reading.score_before


def test_points_stand_at_midnights_of_the_workspaces_zone(
    runtime: Runtime, who: Visitor, clock: Clock
) -> None:
    clock.now = datetime(2026, 11, 17, 2, 30, tzinfo=UTC)  # still Monday the 16th in São Paulo
    found = journey(runtime, who, 30)
    assert found.since == datetime(2026, 10, 18, 3, 0, tzinfo=UTC)
    moments = found.stages[0].moments
    assert moments[0] == found.since
    assert moments[-1] == datetime(2026, 11, 17, 3, 0, tzinfo=UTC)
    assert {at.hour for at in moments} == {3}


def test_today_begins_at_midnight_where_the_workspace_is(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    midnight = datetime(2026, 11, 16, 3, 0, tzinfo=UTC)
    world.answer(workspace, 9, survey=survey, comment="Ontem.", recorded_at=midnight - timedelta(minutes=1))
    world.answer(workspace, 8, survey=survey, comment="Hoje.", recorded_at=midnight)
    found = journey(runtime, who, 90)
    assert [each.comment for each in found.said] == ["Hoje."]
    assert found.answered_today == 1


def test_those_with_words_are_heard_first_and_the_latest_before_the_rest(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    for minutes, comment in ((50, "Primeiro."), (40, None), (30, "Segundo."), (20, None), (10, None)):
        at = world.now - timedelta(minutes=minutes)
        world.answer(workspace, 9, survey=survey, comment=comment, recorded_at=at)
    found = journey(runtime, who, 90)
    assert [each.comment for each in found.said] == ["Segundo.", "Primeiro.", None, None]
    assert found.answered_today == 5


def test_what_somebody_said_comes_with_who_and_from_where(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    contact = world.contact(
        workspace, name="Priya Raman", locale="en", attributes={"company": "Harbour Physio"}
    )
    world.answer(workspace, 9, survey=survey, contact=contact, comment="Sorted in one message.")
    (said,) = journey(runtime, who, 90).said
    assert (said.contact_name, said.company, said.locale) == ("Priya Raman", "Harbour Physio", "en")
    assert (said.metric, said.score, said.band, said.channel) == ("nps", 9, "promoter", "email")


def test_suspect_answers_are_neither_counted_nor_heard(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    world.answer(workspace, 0, survey=survey, comment="Robô.", suspect=True)
    found = journey(runtime, who, 90)
    assert (found.said, found.answered_today) == ((), 0)
    assert stage(found, Metric.NPS).reading.counts == Counts()


def test_the_loop_is_tallied_and_the_most_urgent_come_first(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, clock: Clock
) -> None:
    first = opened(world, workspace, 2)
    clock.advance(days=6)
    later = [opened(world, workspace, score) for score in (3, 4, 5)]
    found = journey(runtime, who, 90)
    assert (found.tally.open, found.tally.overdue) == (4, 1)
    assert len(found.urgent) == 3
    assert found.urgent[0].record.id == first
    assert {each.record.id for each in found.urgent[1:]} <= set(later)


def test_the_team_is_what_hr_published_here_against_the_pulse_before(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, clock: Clock
) -> None:
    headline(world, workspace, (26, 22, 17), 80, clock.now - timedelta(days=90))
    headline(world, workspace, (31, 22, 15), 91, clock.now - timedelta(days=3))
    headline(world, world.workspace(), (0, 0, 50), 50, clock.now)
    team = journey(runtime, who, 30).team
    assert team is not None
    assert team.reading.counts == Counts(31, 22, 15)
    assert team.reading.before == Counts(26, 22, 17)
    assert team.reading.response_rate is not None
    assert round(float(team.reading.response_rate), 2) == 0.75
    assert [score.n for score in team.trend if score] == [65, 68]
    assert team.moments[-1] == clock.now - timedelta(days=3)


def test_another_workspace_is_never_seen(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor
) -> None:
    other = world.workspace()
    opened(world, other, 0, comment="Segredo.")
    found = journey(runtime, who, 90)
    assert not found.begun
    assert (found.tally.open, found.urgent, found.said) == (0, (), ())
