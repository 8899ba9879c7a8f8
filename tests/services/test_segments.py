"""Segments: kept under a name, changed by one at a time, asked by schedules and pulses, frozen into runs."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, NotFound
from app.models import Contact, Invitation, Occurrence, Schedule, Survey, Workspace
from app.runtime import Runtime
from app.services import (
    audiences,
    contacts,
    erasure,
    expanding,
    planning,
    pulses,
    schedule_previews,
    schedules,
    segments,
    tagging,
)
from app.services.access import Visitor
from app.services.contact_search import Sought
from tests.services.loop import at_once
from tests.world import Clock, World

PRO = {"all": [{"field": "attributes.plan", "op": "is", "value": "pro"}]}
BASIC = {"all": [{"field": "attributes.plan", "op": "is", "value": "basic"}]}


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


@pytest.fixture
def crowd(world: World, workspace: Workspace) -> dict[str, list[str]]:
    """Three on pro, two on basic, one without a plan."""
    found: dict[str, list[str]] = {}
    for plan in ("Pro", "pro", "PRO", "basic", "Basic", None):
        contact = world.contact(workspace, attributes={"plan": plan} if plan else {})
        found.setdefault((plan or "none").lower(), []).append(contact.id)
    return found


@pytest.fixture
def make(runtime: Runtime, camila: Visitor) -> Callable[..., str]:
    return lambda name="Pro", audience=PRO: segments.create(
        runtime, camila, {"name": name, "audience": audience}
    )


def asked(runtime: Runtime) -> set[str]:
    with runtime.db.read() as session:
        return set(session.scalars(select(Invitation.contact_id)))


def tick(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def test_a_segment_is_kept_and_found_by_name(
    runtime: Runtime, camila: Visitor, make: Callable[..., str]
) -> None:
    second, first = make("Pro"), make("Basic", BASIC)
    found = segments.list_segments(runtime, camila)
    assert [(each.id, each.name) for each in found.items] == [(first, "Basic"), (second, "Pro")]
    assert segments.get(runtime, camila, second).audience.to_json() == PRO


def test_everything_that_is_wrong_is_said_at_once(
    runtime: Runtime, camila: Visitor, make: Callable[..., str]
) -> None:
    with pytest.raises(Invalid) as wrong:
        segments.create(runtime, camila, {"name": " ", "audience": {"any": []}, "workspace_id": "x"})
    assert set(wrong.value.by_field()) == {"name", "audience.any", "workspace_id"}
    with pytest.raises(Invalid) as wrong:
        segments.create(runtime, camila, {})
    assert set(wrong.value.by_field()) == {"name", "audience"}
    make("Pro")
    with pytest.raises(Invalid, match="Another saved audience has this name"):
        make("Pro")


def test_names_are_each_workspaces_own(runtime: Runtime, world: World, make: Callable[..., str]) -> None:
    make("Pro")
    other = world.member(world.workspace(), Role.MANAGER)
    segments.create(runtime, other, {"name": "Pro", "audience": "all"})
    assert len(segments.list_segments(runtime, other).items) == 1


def test_whoever_was_overtaken_is_told_and_overwrites_nothing(
    runtime: Runtime, camila: Visitor, make: Callable[..., str]
) -> None:
    id = make()
    assert segments.edit(runtime, camila, id, {"name": "Premium"}, 1) == 2
    with pytest.raises(Conflict):
        segments.edit(runtime, camila, id, {"audience": BASIC}, 1)
    sheet = segments.get(runtime, camila, id)
    assert (sheet.name, sheet.audience.to_json(), sheet.revision) == ("Premium", PRO, 2)


@pytest.mark.on_both
def test_two_who_save_at_once_do_not_both_succeed(
    runtime: Runtime, camila: Visitor, make: Callable[..., str]
) -> None:
    id = make()

    def save(name: str) -> object:
        try:
            return segments.edit(runtime, camila, id, {"name": name}, 1)
        except Conflict:
            return None

    assert sorted(map(str, at_once(lambda: save("One"), lambda: save("Two")))) == ["2", "None"]


def test_a_preview_counts_and_shows_at_most_ten(
    runtime: Runtime, camila: Visitor, crowd: dict[str, list[str]], world: World, workspace: Workspace
) -> None:
    found = audiences.preview(runtime, camila, PRO)
    assert (found.number, found.everybody) == (3, 6)
    assert {each.id for each in found.sample} == set(crowd["pro"])
    for _ in range(12):
        world.contact(workspace, attributes={"plan": "pro"})
    world.contact(workspace, attributes={"plan": "pro"}, active=False)
    found = audiences.preview(runtime, camila, PRO)
    assert (found.number, len(found.sample)) == (15, 10)


def test_h09_neither_count_nor_sample_nor_words_show_another_workspace(
    runtime: Runtime, world: World, crowd: dict[str, list[str]], camila: Visitor, make: Callable[..., str]
) -> None:
    other = world.member(world.workspace(), Role.OWNER)
    found = audiences.preview(runtime, other, PRO)
    assert (found.number, found.everybody, found.sample) == (0, 0, ())
    said = audiences.vocabulary(runtime, other)
    assert (said.attributes, said.tags) == ((), ())
    assert audiences.vocabulary(runtime, camila).attributes == ("plan",)
    id = make()
    for act in (
        lambda: segments.get(runtime, other, id),
        lambda: segments.edit(runtime, other, id, {"name": "x"}),
        lambda: segments.delete(runtime, other, id),
        lambda: contacts.listing(runtime, other, Sought(segment=id)),
    ):
        with pytest.raises(NotFound):
            act()
    survey = world.survey(world.workspace())
    with pytest.raises(Invalid):
        schedules.create(runtime, other, {"survey": survey.id, "repeat": "daily", "audience": id})


def test_a_schedule_asks_its_audience_and_nobody_else(
    runtime: Runtime, camila: Visitor, survey: Survey, crowd: dict[str, list[str]], make: Callable[..., str]
) -> None:
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "daily", "audience": make()})
    seen = schedule_previews.preview(runtime, camila, id)
    assert (seen.asked, seen.total, seen.not_asked) == (3, 3, ())
    tick(runtime)
    assert asked(runtime) == set(crowd["pro"])


def test_a_schedule_may_have_filters_of_its_own(
    runtime: Runtime, camila: Visitor, survey: Survey, crowd: dict[str, list[str]]
) -> None:
    schedules.create(runtime, camila, {"survey": survey.id, "repeat": "daily", "audience": BASIC})
    tick(runtime)
    assert asked(runtime) == set(crowd["basic"])


def test_a_run_keeps_the_audience_that_it_came_due_with(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, crowd: dict[str, list[str]],
    make: Callable[..., str],
) -> None:  # fmt: skip
    segment = make()
    schedules.create(runtime, camila, {"survey": survey.id, "repeat": "daily", "audience": segment})
    planning.plan_schedules(runtime)
    segments.edit(runtime, camila, segment, {"audience": BASIC})
    expanding.expand_occurrences(runtime)
    assert asked(runtime) == set(crowd["pro"])
    clock.advance(days=1)
    tick(runtime)
    assert asked(runtime) == {*crowd["pro"], *crowd["basic"]}


def test_never_asked_means_before_this_run(
    runtime: Runtime, camila: Visitor, survey: Survey, workspace: Workspace, world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A run of several chunks, and again after a crash, goes through the same people."""
    monkeypatch.setattr(expanding, "FIRST", 2)
    monkeypatch.setattr(expanding, "MOST", 2)
    people = {world.contact(workspace).id for _ in range(5)}
    world.invitation(workspace, survey, world.contact(workspace))
    never = {"all": [{"field": "asked", "op": "has_not"}]}
    schedules.create(runtime, camila, {"survey": survey.id, "repeat": "daily", "audience": never})
    tick(runtime)
    with runtime.db.read() as session:
        run = session.scalars(select(Occurrence).where(Occurrence.origin == "schedule")).one()
        invited = select(Invitation.contact_id).where(Invitation.occurrence_id == run.id)
        assert set(session.scalars(invited)) == people
        again = audiences.of_occurrence(session, runtime, run).with_only_columns(Contact.id)
        assert set(session.scalars(again)) == people


def test_one_that_a_schedule_asks_is_not_deleted(
    runtime: Runtime, camila: Visitor, survey: Survey, make: Callable[..., str]
) -> None:
    id = make()
    schedule = schedules.create(
        runtime, camila, {"survey": survey.id, "repeat": "daily", "audience": id, "name": "Monthly"}
    )
    assert segments.get(runtime, camila, id).used_by == ((schedule, "Monthly"),)
    with pytest.raises(Conflict, match="Monthly"):
        segments.delete(runtime, camila, id)
    schedules.cancel(runtime, camila, schedule)
    segments.delete(runtime, camila, id)
    with runtime.db.read() as session:
        row = session.get_one(Schedule, schedule)
        assert (row.segment_id, row.audience) == (None, PRO)
    with pytest.raises(NotFound):
        segments.get(runtime, camila, id)


@pytest.mark.on_both
def test_a_schedule_made_while_its_audience_is_deleted_has_one_or_is_refused(
    runtime: Runtime, camila: Visitor, survey: Survey, make: Callable[..., str]
) -> None:
    for number in range(5):
        id = make(f"Pro {number}")

        def plan(id: str = id) -> object:
            try:
                return schedules.create(
                    runtime, camila, {"survey": survey.id, "repeat": "daily", "audience": id}
                )
            except Invalid:
                return None

        def delete(id: str = id) -> object:
            try:
                segments.delete(runtime, camila, id)
            except Conflict:
                return "kept"
            return "gone"

        made, ended = at_once(plan, delete)
        assert (made is None) == (ended == "gone")


def test_changing_a_schedule_to_another_audience_counts_from_then_on(
    runtime: Runtime, camila: Visitor, survey: Survey, crowd: dict[str, list[str]], make: Callable[..., str]
) -> None:
    id = schedules.create(
        runtime, camila,
        {"survey": survey.id, "repeat": "daily", "at": "2026-12-01T10:00", "audience": make()},
    )  # fmt: skip
    assert schedule_previews.preview(runtime, camila, id).total == 3
    schedules.edit(runtime, camila, id, {"audience": BASIC})
    assert schedule_previews.preview(runtime, camila, id).total == 2
    schedules.edit(runtime, camila, id, {"name": "x"})
    assert schedule_previews.preview(runtime, camila, id).total == 2
    schedules.edit(runtime, camila, id, {"audience": "all"})
    assert schedule_previews.preview(runtime, camila, id).total == 6


def test_a_pulse_takes_a_segment_and_keeps_it_as_it_is_now(runtime: Runtime, world: World) -> None:
    company = world.workspace("people")
    hr, survey = world.member(company, Role.MANAGER), world.survey(company, Metric.ENPS)
    for tags in (["remote"], ["remote", "new"], []):
        world.contact(company, tags=tags)
    remote = {"all": [{"field": "tags", "op": "has_any", "value": "remote"}]}
    id = segments.create(runtime, hr, {"name": "Remote", "audience": remote})
    assert pulses.preview_pulse(runtime, hr, survey.id, id).people == 2
    pulses.open_pulse(runtime, hr, survey.id, audience=id)
    assert len(asked(runtime)) == 2
    with runtime.db.read() as session:
        assert session.scalars(select(Occurrence.audience)).one() == remote
    segments.delete(runtime, hr, id)


def test_contacts_are_listed_by_segment_and_by_tag(
    runtime: Runtime, camila: Visitor, crowd: dict[str, list[str]], make: Callable[..., str]
) -> None:
    contacts.edit(runtime, camila, crowd["pro"][0], {"tags": "VIP, Beta"})
    found = contacts.listing(runtime, camila, Sought(segment=make()))
    assert (found.counts["all"], {each.contact.id for each in found.page.items}) == (3, set(crowd["pro"]))
    tagged = contacts.find(runtime, camila, Sought(tag=" vip "))
    assert [each.contact.tags for each in tagged.items] == [["beta", "vip"]]
    assert contacts.find(runtime, camila, Sought(tag="vi%")).items == ()
    erasure.erase(runtime, camila, crowd["pro"][0])
    assert contacts.find(runtime, camila, Sought(tag="vip")).items == ()
    with runtime.db.read() as session:
        assert session.get_one(Contact, crowd["pro"][0]).tags == []


def test_days_are_counted_anew_at_each_run(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, world: World, workspace: Workspace
) -> None:
    person = world.contact(workspace, created_at=clock.now - timedelta(days=29))
    newcomers = {"all": [{"field": "created", "op": "within", "days": 30}]}
    id = schedules.create(
        runtime,
        camila,
        {"survey": survey.id, "repeat": "once", "at": "2026-12-01T10:00", "audience": newcomers},
    )
    assert schedule_previews.preview(runtime, camila, id).total == 1
    clock.advance(days=2)
    assert schedule_previews.preview(runtime, camila, id).total == 0
    assert person.id not in asked(runtime)


def test_j11_tags_for_an_audience_are_put_on_the_number_that_was_confirmed(
    runtime: Runtime, camila: Visitor, crowd: dict[str, list[str]], make: Callable[..., str], world: World,
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(tagging, "CHUNK", 2)
    id = make()
    assert tagging.tag(runtime, camila, id, "VIP, beta", number=3) == 3
    assert tagging.tag(runtime, camila, id, "vip", number=3) == 0
    assert tagging.tag(runtime, camila, id, "beta", number=3, away=True) == 3
    tagged = contacts.find(runtime, camila, Sought(tag="vip")).items
    assert {each.contact.id for each in tagged} == set(crowd["pro"])
    assert {tuple(each.contact.tags) for each in tagged} == {("vip",)}
    world.contact(workspace, attributes={"plan": "pro"})
    with pytest.raises(Conflict, match="4 people now, not 3"):
        tagging.tag(runtime, camila, id, "vip", number=3)
    with pytest.raises(Invalid):
        tagging.tag(runtime, camila, id, " , ", number=4)
    other = world.member(world.workspace(), Role.OWNER)
    with pytest.raises(NotFound):
        tagging.tag(runtime, other, id, "vip", number=4)
