"""A metric with its interval, response rate and change: the same numbers wherever they are asked for."""

import random
from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import sqrt

import pytest
from sqlalchemy import delete, select, update

from app.domain.metrics import Band, Metric
from app.errors import Invalid, NotFound
from app.models import Answer, Survey, Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.counting import Filters
from app.services.metrics import MOST_GROUPS, metric, pulse_metric
from app.services.pulse_closing import close_pulse
from tests.many_answers import many_answers
from tests.pulse_world import open_pulse
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


def test_a_metric_without_answers_says_nothing_rather_than_zero(runtime: Runtime, who: Visitor) -> None:
    found = metric(runtime, who, "ces", Filters()).to_json()
    assert found == {
        "metric": "ces", "score": None, "n": 0, "low": None, "high": None, "mean": None,
        "easy": 0, "neutral": 0, "high_effort": 0, "response_rate": None,
        "change": {"difference": None, "verdict": "unclear", "needed": None},
    }  # fmt: skip


def test_a_metric_is_told_in_whole_numbers_with_its_counts(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    for score in (10, 9, 9, 8, 3):
        world.answer(workspace, score, survey=survey)
    world.invitation(workspace, survey, world.contact(workspace), state="delivered")
    found = metric(runtime, who, "nps", Filters()).to_json()
    assert found == {
        "metric": "nps", "score": 40, "n": 5, "low": -30, "high": 80, "promoters": 3, "passives": 1,
        "detractors": 1, "response_rate": 5 / 6,
        "change": {"difference": None, "verdict": "unclear", "needed": None},
    }  # fmt: skip


def test_ces_carries_its_mean_beside_the_share(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor
) -> None:
    survey = world.survey(workspace, Metric.CES)
    for score in (7, 6, 4, 2):
        world.answer(workspace, score, survey=survey, metric="ces")
    found = metric(runtime, who, "ces", Filters()).to_json()
    assert (found["score"], found["mean"]) == (50, 4.8)


def test_a_period_is_compared_with_the_same_time_before_it(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    start = world.now - timedelta(days=30)
    for number in range(12):
        world.answer(workspace, 2, survey=survey, recorded_at=start - timedelta(days=1, hours=number))
        world.answer(workspace, 10, survey=survey, recorded_at=start + timedelta(days=1, hours=number))
    world.answer(workspace, 10, survey=survey, recorded_at=start - timedelta(days=31))
    report = metric(runtime, who, "nps", Filters(since=start))
    assert (report.whole.counts.n, report.whole.before.n) == (12, 12)
    assert report.to_json()["change"] == {"difference": 200, "verdict": "up", "needed": 0}


def test_groups_come_largest_first_each_with_its_own_rate(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    for plan, scores in (("prata", [9]), ("ouro", [9, 9, 1])):
        for score in scores:
            contact = world.contact(workspace, attributes={"plano": plan})
            world.answer(workspace, score, survey=survey, contact=contact, attributes={"plano": plan})
    gold = world.contact(workspace, attributes={"plano": "ouro"})
    world.invitation(workspace, survey, gold, state="sent")
    report = metric(runtime, who, "nps", Filters(), "attribute.plano")
    assert report.groups is not None
    assert [(each.group, each.counts.n, each.response_rate) for each in report.groups] == [
        ("ouro", 3, Fraction(3, 4)),
        ("prata", 1, 1),
    ]
    groups = report.to_json()["groups"]
    assert isinstance(groups, list) and [each["group"] for each in groups] == ["ouro", "prata"]


@pytest.mark.parametrize("name", ["enps", "nope", "", "NPS"])
def test_a_metric_that_this_workspace_does_not_ask_is_not_found(
    runtime: Runtime, who: Visitor, name: str
) -> None:
    with pytest.raises(NotFound):
        metric(runtime, who, name, Filters())


def test_filters_that_cannot_be_are_named(runtime: Runtime, who: Visitor, clock: Clock) -> None:
    wrong = Filters(survey="a\0", attributes={"plano": "\0"}, since=clock.now, until=clock.now)
    with pytest.raises(Invalid) as raised:
        metric(runtime, who, "nps", wrong, "mood")
    assert {each.field for each in raised.value.problems} == {"survey", "attribute", "until", "group_by"}


def test_a_list_of_people_is_not_a_comparison(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    for number in range(MOST_GROUPS + 1):
        many_answers(world, workspace, survey, [(9, world.now)], attributes={"number": number})
    with pytest.raises(Invalid):
        metric(runtime, who, "nps", Filters(), "attribute.number")


def test_another_workspaces_ids_find_nothing(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor
) -> None:
    other = world.workspace()
    theirs = world.survey(other)
    world.answer(other, 9, survey=theirs)
    assert metric(runtime, who, "nps", Filters(survey=theirs.id)).whole.score is None


# --- pulses ------------------------------------------------------------------------------------------------


def test_e_nps_is_of_the_last_pulse_that_closed_compared_with_the_one_before(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    first = open_pulse(world, 6)
    who = world.member(first.workspace)
    with pytest.raises(NotFound):
        pulse_metric(runtime, who)
    for number in range(6):
        first.answer(number, 3)
    close_pulse(runtime, who, first.pulse.id)
    clock.advance(days=90)
    second = open_pulse(world, 7, workspace=first.workspace)
    for number in range(6):
        second.answer(number, 10)
    assert pulse_metric(runtime, who, second.pulse.id).to_json() == {
        "metric": "enps", "score": None, "n": None, "low": None, "high": None, "promoters": None,
        "passives": None, "detractors": None, "response_rate": None, "hidden": "open",
        "change": {"difference": None, "verdict": "unclear", "needed": None},
    }  # fmt: skip
    assert pulse_metric(runtime, who).to_json()["score"] == -100
    close_pulse(runtime, who, second.pulse.id)
    found = pulse_metric(runtime, who).to_json()
    assert (found["score"], found["n"], found["promoters"]) == (100, 6, 6)
    assert found["response_rate"] == pytest.approx(6 / 7)
    assert found["change"] == {"difference": 200, "verdict": "up", "needed": 0}


def test_a_small_pulse_tells_nothing_but_that_it_was_small(runtime: Runtime, world: World) -> None:
    pulse = open_pulse(world, 4)
    who = world.member(pulse.workspace)
    for number in range(4):
        pulse.answer(number, 10)
    close_pulse(runtime, who, pulse.pulse.id)
    found = pulse_metric(runtime, who).to_json()
    assert (found["score"], found["n"], found["hidden"]) == (None, None, "fewer_than_5")


def test_pulses_are_not_for_customers_workspaces_nor_the_reverse(
    runtime: Runtime, world: World, who: Visitor
) -> None:
    pulse = open_pulse(world, 5)
    with pytest.raises(NotFound):
        pulse_metric(runtime, who, pulse.pulse.id)
    with pytest.raises(NotFound):
        metric(runtime, world.member(pulse.workspace), "enps", Filters())


# --- I9: scores recompute ----------------------------------------------------------------------------------


def whole(number: float | Fraction) -> int:
    exact = (
        Decimal(number.numerator) / number.denominator if isinstance(number, Fraction) else Decimal(number)
    )
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def recomputed(scores: Sequence[int], promoters: int, detractors: int) -> dict[str, object]:
    """NPS from raw scores by another hand: nothing of app/domain is used."""
    n = len(scores)
    up, down = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    half = 1.96 * sqrt((up + down - (up - down) ** 2) / (n + 3))
    return {
        "score": whole(Fraction(100 * (promoters - detractors), n)) if n else None,
        "low": whole(max(-100, 100 * (up - down - half))) if n else None,
        "high": whole(min(100, 100 * (up - down + half))) if n else None,
        "n": n,
    }


def test_scores_recompute_from_raw_answers_after_every_edit_and_deletion(
    runtime: Runtime, world: World, workspace: Workspace, who: Visitor, survey: Survey
) -> None:
    chance = random.Random(20261116)
    many_answers(world, workspace, survey, [(chance.randint(0, 10), world.now) for _ in range(60)])
    for _ in range(12):
        with runtime.db.write() as session:
            ids = session.scalars(select(Answer.id).order_by(Answer.id)).all()
            for id in chance.sample(list(ids), 3):
                score = chance.randint(0, 10)
                band = Band.PROMOTER if score >= 9 else Band.PASSIVE if score >= 7 else Band.DETRACTOR
                session.execute(update(Answer).where(Answer.id == id).values(score=score, band=band.value))
            session.execute(delete(Answer).where(Answer.id.in_(chance.sample(list(ids), 4))))
            session.execute(
                update(Answer).where(Answer.id == chance.choice(ids)).values(suspect=chance.random() < 0.5)
            )
        with runtime.db.read() as session:
            scores = session.scalars(select(Answer.score).where(Answer.suspect.is_(False))).all()
        expected = recomputed(scores, sum(each >= 9 for each in scores), sum(each <= 6 for each in scores))
        found = metric(runtime, who, "nps", Filters()).to_json()
        assert {name: found[name] for name in expected} == expected
