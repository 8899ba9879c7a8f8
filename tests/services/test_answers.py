"""The list, the file and the score speak of the same answers, whatever is asked (B03, B18, B27, K01, K02)."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.domain.statistics import Counts, score_of
from app.errors import Invalid, NotFound
from app.models import FollowUp, Message, Workspace
from app.runtime import Runtime
from app.services import answer_export, answers, metrics
from app.services.access import Visitor
from app.services.answer_rows import Wanted
from app.services.counting import Filters
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


def listed(runtime: Runtime, who: Visitor, wanted: Wanted) -> list[str]:
    return [line.id for line in answers.answers(runtime, who, wanted).page.items]


def exported(runtime: Runtime, who: Visitor, wanted: Wanted) -> list[dict[str, str]]:
    text = b"".join(answer_export.export(runtime, who, wanted)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_each_filter_finds_what_it_says_and_the_file_has_the_same(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, manager: Visitor
) -> None:
    survey = world.survey(workspace, Metric.NPS)
    first = world.answer(workspace, 3, survey=survey, comment="Slow.", attributes={"plan": "Pro", "seats": 3})
    clock.advance(days=1)
    second = world.answer(workspace, 9, channel="whatsapp", attributes={"plan": "Basic"})
    clock.advance(days=1)
    third = world.answer(workspace, 4, metric="csat", attributes={"plan": "Pro"})
    world.answer(world.workspace(), 3)
    day = timedelta(days=1)
    cases: list[tuple[Wanted, list[str]]] = [
        (Wanted(), [third.id, second.id, first.id]),
        (Wanted(metric="nps"), [second.id, first.id]),
        (Wanted(metric="nps", band="detractor"), [first.id]),
        (Wanted(band="satisfied"), [third.id]),
        (Wanted(Filters(survey=survey.id)), [first.id]),
        (Wanted(Filters(channel="whatsapp")), [second.id]),
        (Wanted(Filters(contact=third.contact_id)), [third.id]),
        (Wanted(Filters(since=clock.now - day)), [third.id, second.id]),
        (Wanted(Filters(until=clock.now - day)), [first.id]),
        (Wanted(Filters(attributes={"plan": "Pro"})), [third.id, first.id]),
        (Wanted(Filters(attributes={"plan": "Pro", "seats": "3"})), [first.id]),
        (Wanted(Filters(attributes={"plan": "' OR 1=1 --"})), []),
        (Wanted(changed_since=clock.now), [third.id]),
    ]
    for wanted, ids in cases:
        assert listed(runtime, manager, wanted) == ids
        assert [row["id"] for row in exported(runtime, manager, wanted)] == ids


def test_the_score_of_the_list_of_the_file_and_of_the_metric_is_one(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor
) -> None:
    for score in (0, 3, 6, 7, 8, 9, 10, 10):
        world.answer(workspace, score)
    world.answer(workspace, 0, suspect=True)
    world.answer(workspace, 0, late=True)
    reading = metrics.metric(runtime, manager, "nps", Filters()).whole
    page = answers.answers(runtime, manager, Wanted(metric="nps"))
    on_the_page = [(line.band, line.score) for line in page.page.items]
    in_the_file = [
        (row["band"], int(row["score"])) for row in exported(runtime, manager, Wanted(metric="nps"))
    ]
    for found in (on_the_page, in_the_file):
        bands = [band for band, _score in found]
        total = sum(score for _band, score in found)
        counted = Counts(bands.count("promoter"), bands.count("passive"), bands.count("detractor"), total)
        assert score_of(Metric.NPS, counted) == reading.score
    assert page.total == reading.counts.n == 8


def test_one_reads_as_the_api_says(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor
) -> None:
    answer = world.answer(workspace, 3, comment="Slow.")
    assert answers.get(runtime, manager, answer.id).to_json() == {
        "id": answer.id, "survey": answer.survey_id, "metric": "nps", "score": 3, "band": "detractor",
        "comment": "Slow.", "channel": "email", "contact": answer.contact_id,
        "invitation": answer.invitation_id, "recorded_at": answer.recorded_at,
        "updated_at": answer.updated_at,
    }  # fmt: skip


def test_what_does_not_count_is_shown_apart(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor
) -> None:
    counted = world.answer(workspace, 9)
    suspect = world.answer(workspace, 1, suspect=True)
    late = world.answer(workspace, 2, late=True)
    assert listed(runtime, manager, Wanted()) == [counted.id]
    assert set(listed(runtime, manager, Wanted(shown="set_aside"))) == {suspect.id, late.id}
    assert answers.answers(runtime, manager, Wanted()).set_aside == 2


def followups_of(runtime: Runtime, answer_id: str) -> tuple[int, int]:
    with runtime.db.read() as session:
        found = session.scalars(select(FollowUp.id).where(FollowUp.answer_id == answer_id)).all()
        alerts = session.scalars(select(Message.id).where(Message.followup_id.in_(found))).all()
    return len(found), len(alerts)


def test_a_confirmed_answer_counts_and_opens_what_it_would_have(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor
) -> None:
    answer = world.answer(workspace, 1, suspect=True)
    for _ in range(2):
        answers.confirm(runtime, manager, answer.id)
    assert listed(runtime, manager, Wanted()) == [answer.id]
    assert followups_of(runtime, answer.id) == (1, 1)
    for _ in range(2):
        answers.set_aside(runtime, manager, answer.id)
    assert listed(runtime, manager, Wanted()) == []
    answers.confirm(runtime, manager, answer.id)
    assert followups_of(runtime, answer.id) == (1, 1)


def test_an_answer_of_a_survey_that_opens_nothing_opens_nothing(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor
) -> None:
    answer = world.answer(workspace, 10, suspect=True)
    answers.confirm(runtime, manager, answer.id)
    assert followups_of(runtime, answer.id) == (0, 0)


def test_another_workspaces_answer_is_not_there(world: World, runtime: Runtime, manager: Visitor) -> None:
    other = world.answer(world.workspace(), 1, suspect=True)
    for act in (answers.get, answers.confirm, answers.set_aside):
        with pytest.raises(NotFound):
            act(runtime, manager, other.id)
    with pytest.raises(NotFound):
        answers.answers(runtime, manager, Wanted(Filters(contact=other.contact_id)))
    assert listed(runtime, manager, Wanted(Filters(survey=other.survey_id))) == []


@pytest.mark.parametrize(
    "wanted",
    [Wanted(metric="enps"), Wanted(metric="x"), Wanted(band="x"), Wanted(metric="csat", band="detractor")],
)
def test_filters_that_cannot_be_are_refused(runtime: Runtime, manager: Visitor, wanted: Wanted) -> None:
    with pytest.raises(Invalid):
        answers.answers(runtime, manager, wanted)
    with pytest.raises(Invalid):
        answer_export.export(runtime, manager, wanted)


def test_an_end_before_the_beginning_is_refused(runtime: Runtime, clock: Clock, manager: Visitor) -> None:
    with pytest.raises(Invalid):
        answers.answers(runtime, manager, Wanted(Filters(since=clock.now, until=clock.now)))


def test_pages_and_changes_follow_each_other_without_gap_or_repeat(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, manager: Visitor
) -> None:
    start = clock.now
    survey = world.survey(workspace)
    made = [world.answer(workspace, 5, survey=survey).id for _ in range(5)]  # all in one moment
    for wanted in (Wanted(), Wanted(changed_since=start)):
        seen, cursor = [], None
        while True:
            page = answers.listed(runtime, manager, wanted, cursor, limit=2)
            seen += [line.id for line in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(made)
    clock.advance(minutes=1)
    answers.set_aside(runtime, manager, made[0])
    answers.confirm(runtime, manager, made[0])
    assert [
        line.id for line in answers.listed(runtime, manager, Wanted(changed_since=clock.now)).items
    ] == made[:1]


@pytest.mark.parametrize(
    "words",
    [
        "=cmd|' /C calc'!A0",
        "@SUM(1)",
        '"=1',
        "<script>alert(1)</script>",
        "{{7*7}}",
        'two\nlines, and "quotes"',
    ],
)
def test_comments_are_stored_as_they_came_and_run_nowhere(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor, words: str
) -> None:
    world.answer(workspace, 3, comment=words, attributes={"=evil": "+1"})
    (line,) = answers.listed(runtime, manager, Wanted()).items
    assert line.comment == words
    (row,) = exported(runtime, manager, Wanted())
    assert row["comment"] == (f"'{words}" if words[0] in '=@"' else words)
    assert row["attribute.=evil"] == "'+1"
    assert row["score"] == "3"


def test_a_long_file_is_read_in_pieces(
    world: World, clock: Clock, workspace: Workspace, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = world.runtime
    monkeypatch.setattr(answer_export, "BATCH", 3)
    survey = world.survey(workspace)
    made = []
    for number in range(7):
        made.append(world.answer(workspace, number, survey=survey).id)
        clock.advance(minutes=number % 2)
    chunks = answer_export.export(runtime, manager, Wanted())
    assert next(chunks).startswith(b"\xef\xbb\xbfid,recorded_at")
    clock.advance(minutes=1)
    world.answer(workspace, 10, survey=survey)  # came while it was being read
    rows = list(csv.reader(io.StringIO(b"".join(chunks).decode(), newline="")))
    assert sorted(row[0] for row in rows) == sorted(made)


def test_a_name_that_looks_like_sql_is_a_name(
    world: World, runtime: Runtime, workspace: Workspace, manager: Visitor
) -> None:
    name = "plan' OR '1'='1"
    answer = world.answer(workspace, 3, attributes={name: "x", "é": "ü", "flag": True})
    assert listed(runtime, manager, Wanted(Filters(attributes={name: "x"}))) == [answer.id]
    assert listed(runtime, manager, Wanted(Filters(attributes={name: "y"}))) == []
    (row,) = exported(runtime, manager, Wanted())
    assert (row[f"attribute.{name}"], row["attribute.é"], row["attribute.flag"]) == ("x", "ü", "true")
