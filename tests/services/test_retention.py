"""What was kept long enough goes, in steps that a kill cannot spoil; what is counted stays (N04)."""

import io
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, update

from app.domain import retention as rules
from app.domain.access import Role
from app.errors import Invalid
from app.models import (
    Answer,
    AnswerEdit,
    AuditRow,
    Contact,
    FollowUp,
    InboundEvent,
    Message,
    Sender,
    Workspace,
    new_id,
)
from app.models import Event as TriggerEvent
from app.runtime import Runtime
from app.services import (
    audit_log,
    contact_imports,
    contacts,
    erasure,
    followups,
    import_jobs,
    import_pages,
    metrics,
    person_requests,
    retention,
    retention_kinds,
)
from app.services import events as trigger_events
from app.services.access import Visitor
from app.services.counting import Filters
from tests.services.loop import closures, events, meeting, opened
from tests.world import Clock, World

EVERYTHING = dict.fromkeys(rules.DEFAULTS)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def bea(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER)


def comments(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).where(Answer.comment.is_not(None))) or 0


def nps(runtime: Runtime, who: Visitor) -> dict[str, object]:
    return metrics.metric(runtime, who, "nps", Filters()).to_json()


def keep(runtime: Runtime, who: Visitor, **days: int) -> None:
    retention.change(runtime, who, EVERYTHING | days)


def test_every_kind_has_a_default_and_a_way_to_go() -> None:
    assert set(rules.DEFAULTS) == set(retention_kinds.KINDS)


def test_a_form_says_days_or_keeps() -> None:
    assert rules.read_periods({"comments": "30"}) == EVERYTHING | {"comments": 30}
    for wrong in ("0", "6", "99999", "0000079999999", "-1", "x", "1.5", "٣٠"):
        with pytest.raises(Invalid):
            rules.read_periods({"comments": wrong})


def test_n04_words_go_and_scores_stay(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    for score in (3, 9, 10):
        world.answer(workspace, score, comment="words")
    clock.advance(days=40)
    world.answer(workspace, 9, comment="young words")
    before = nps(runtime, bea)
    keep(runtime, bea, comments=30)
    assert [each.would_go for each in retention.show(runtime, bea) if each.kind == "comments"] == [3]
    assert retention.let_go(runtime) == 3
    assert comments(runtime) == 1
    with runtime.db.read() as session:
        assert sorted(session.scalars(select(Answer.score))) == [3, 9, 9, 10]
    assert nps(runtime, bea) == before
    assert retention.let_go(runtime) == 0


def test_what_is_kept_is_kept(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    world.answer(workspace, 3, comment="words")
    keep(runtime, bea)
    clock.advance(days=3_000)
    assert retention.let_go(runtime) == 0
    assert comments(runtime) == 1


def test_by_default_words_stay_two_years(runtime: Runtime, world: World, workspace: Workspace, clock: Clock):
    world.answer(workspace, 3, comment="words")
    clock.advance(days=729)
    retention.let_go(runtime)
    assert comments(runtime) == 1
    clock.advance(days=2)
    retention.let_go(runtime)
    assert comments(runtime) == 0


def test_n04_killed_anywhere_it_goes_on(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    survey = world.survey(workspace)
    for _ in range(120):
        world.answer(workspace, 3, survey=survey, comment="words")
    clock.advance(days=40)
    keep(runtime, bea, comments=30)

    def dies(point: str) -> None:
        if point == "retention_step":
            raise RuntimeError("killed")

    for left in (70, 20):
        with pytest.raises(RuntimeError):
            retention.let_go(replace(runtime, reach=dies))
        assert comments(runtime) == left
    assert retention.let_go(runtime) == 20
    assert comments(runtime) == 0
    applied = [
        each
        for each in audit_log.log(runtime, bea).page.items
        if each.action == "workspace.retention_applied"
    ]
    assert [dict(each.facts)["number"] for each in applied] == ["20", "70", "120"]
    assert audit_log.check(runtime).breaks == ()


def test_it_rests_a_day_once_all_is_done_and_begins_when_a_period_changes(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    keep(runtime, bea, comments=30)
    retention.let_go(runtime)
    world.answer(workspace, 3, comment="old", updated_at=clock.now - timedelta(days=31))
    assert retention.let_go(runtime) == 0, "it has passed today"
    keep(runtime, bea, comments=29)
    assert retention.let_go(runtime) == 1


def test_another_workspaces_period_is_its_own(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    other = world.workspace()
    world.answer(other, 3, comment="theirs")
    clock.advance(days=40)
    keep(runtime, bea, comments=30)
    retention.let_go(runtime)
    assert comments(runtime) == 1


def test_a_workspace_that_fails_keeps_no_other_waiting(
    runtime: Runtime, world: World, workspace: Workspace, clock: Clock
):
    others = [world.workspace(), world.workspace()]
    for place in (workspace, *others):
        world.answer(place, 3, comment="words")
    clock.advance(days=40)
    with runtime.db.write() as session:
        for place, days in ((workspace, 30), (others[0], -79_999_999), (others[1], 30)):
            session.get_one(Workspace, place.id).retention = EVERYTHING | {"comments": days}
    with pytest.raises(OverflowError):
        retention.let_go(runtime)
    assert comments(runtime) == 1
    with pytest.raises(OverflowError):
        retention.let_go(runtime)


def test_n04_a_workspace_with_very_much_to_let_go_keeps_no_other_waiting(
    runtime: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STEPS", 2)
    comments_of = retention_kinds.KINDS["comments"][0]
    monkeypatch.setitem(retention_kinds.KINDS, "comments", (replace(comments_of, step=1),))
    places = sorted((world.workspace() for _ in range(4)), key=lambda each: each.id)
    for place, number in zip(places, (6, 0, 0, 1), strict=True):
        for _ in range(number):
            world.answer(place, 3, comment="words")
    clock.advance(days=40)
    with runtime.db.write() as session:
        for place in places:
            session.get_one(Workspace, place.id).retention = EVERYTHING | {"comments": 30}
    left = []
    for _ in range(5):
        retention.let_go(runtime)
        left.append(comments(runtime))
    assert left == [5, 3, 1, 0, 0], "two at a time; the last place had its turn in the second run"


def test_a_period_longer_than_anybody_may_say_is_for_good() -> None:
    assert rules.periods({"comments": 79_999_999})["comments"] is None


def test_messages_and_notes_of_an_open_followup_stay(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    followup = opened(world, workspace, 3, comment="x")
    followups.claim(runtime, bea, followup)
    followups.note(runtime, bea, followup, "a note")
    with runtime.db.write() as session:
        for each in session.scalars(select(Message)).all():
            each.state, each.body = "sent", "words"
    clock.advance(days=40)
    keep(runtime, bea, messages=30, notes=30)
    retention.let_go(runtime)
    assert ("noted", "a note") in [(kind, words) for kind, _, words in events(runtime, followup)]
    followups.close(runtime, bea, followup, summary="done", root_cause="Demora")
    clock.advance(days=40)
    retention.let_go(runtime)
    assert {words for kind, _, words in events(runtime, followup) if kind == "noted"} == {None}
    (closure,) = closures(runtime, followup)
    assert (closure.summary, closure.root_cause) == ("", "Demora")
    with runtime.db.read() as session:
        stored = session.execute(select(Message.body, Message.to_address, Message.state)).all()
    assert {tuple(row) for row in stored} == {(None, "", "sent")}


@pytest.mark.parametrize("let_go_before", [False, True], ids=["now", "by a version before this one"])
def test_of_an_old_message_not_even_its_chat_stays(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock, let_go_before: bool
) -> None:
    ana = world.contact(workspace)
    there = {"channel": "telegram", "to_address": "" if let_go_before else "700100200", "address_key": None}
    followup = opened(world, workspace, 3, contact=ana)
    with runtime.db.write() as session:
        session.get_one(FollowUp, followup).closed_at = clock.now
    asked = world.invitation(workspace, world.survey(workspace), ana, there | {"provider_id": "700100200:15"})
    reply = {"purpose": "reply", "state": "sent", "followup_id": followup, "user_id": bea.user_id}
    world.message(asked, ana, **there, **reply, provider_id="700100200:16")
    clock.advance(days=40)
    keep(runtime, bea, messages=30)
    retention.let_go(runtime)
    with runtime.db.read() as session:
        rows = session.execute(select(Message.__table__)).all()
    assert "700100200" not in str(rows)
    assert retention.let_go(runtime) == 0


def test_what_is_still_to_leave_keeps_its_words(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    with runtime.db.write() as session:
        session.scalars(select(Message)).one().state = "queued"
    clock.advance(days=40)
    keep(runtime, bea, messages=30)
    assert retention.let_go(runtime) == 0


def test_old_events_go_and_new_ones_stay(runtime: Runtime, world: World, bea: Visitor, clock: Clock):
    sender = world.add(Sender(id=new_id(), channel="sms", identity="+551140028922", created_at=world.now))
    for state in ("done", "set_aside", "new"):
        world.add(
            InboundEvent(
                id=new_id(), sender_id=sender.id, channel="sms", provider_id=new_id(), kind="text",
                payload={"address": "+5531988884417", "text": "x"}, state=state, due_at=world.now,
                received_at=world.now,
            )
        )  # fmt: skip
    clock.advance(days=91)
    retention.let_go(runtime)
    with runtime.db.read() as session:
        assert list(session.scalars(select(InboundEvent.state))) == ["new"]


def test_people_who_were_put_away_and_never_heard_of_are_erased(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
):
    away, active, answered = (world.contact(workspace, name=name) for name in ("away", "active", "answered"))
    for each in (away, answered):
        contacts.set_active(runtime, bea, each.id, False)
    clock.advance(days=100)
    world.answer(workspace, 9, contact=answered)
    clock.advance(days=20)
    keep(runtime, bea, contacts=90)
    retention.let_go(runtime)
    with runtime.db.read() as session:
        gone = session.scalars(select(Contact.id).where(Contact.erased_at.is_not(None))).all()
    assert gone == [away.id]
    assert active.id not in gone


@pytest.mark.parametrize("kind", ["access", "correction"])
def test_whoever_waits_for_what_they_asked_of_us_is_not_erased_before(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock, kind: str
) -> None:
    person = world.contact(workspace, active=False)
    clock.advance(days=100)
    asked = person_requests.receive(runtime, bea, person.id, kind)
    keep(runtime, bea, contacts=90)
    retention.let_go(runtime)
    assert [each.id for each in person_requests.waiting(runtime, bea)] == [asked]
    with runtime.db.read() as session:
        assert session.get_one(Contact, person.id).erased_at is None
    person_requests.finish(runtime, bea, asked)
    clock.advance(days=1)
    retention.let_go(runtime)
    with runtime.db.read() as session:
        assert session.get_one(Contact, person.id).erased_at == clock.now


def test_what_exactly_was_changed_may_go_and_the_chain_holds(runtime: Runtime, bea: Visitor, clock: Clock):
    id = contacts.create(runtime, bea, {"name": "a"})
    contacts.edit(runtime, bea, id, {"name": "b"})
    clock.advance(days=40)
    keep(runtime, bea, audit=30)
    retention.let_go(runtime)
    with runtime.db.read() as session:
        left = select(AuditRow.action).where(AuditRow.salt.is_not(None)).order_by(AuditRow.number)
        assert list(session.scalars(left)) == ["workspace.retention_changed", "workspace.retention_applied"]
    assert audit_log.check(runtime).breaks == ()


def test_forgetting_their_comments_is_not_hearing_of_them(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
) -> None:
    silent, changed_their_mind = (world.contact(workspace) for _ in range(2))
    for each in (silent, changed_their_mind):
        world.answer(workspace, 9, contact=each, comment="words")
        contacts.set_active(runtime, bea, each.id, False)
    clock.advance(days=60)
    with runtime.db.write() as session:
        answer = session.scalars(select(Answer).where(Answer.contact_id == changed_their_mind.id)).one()
        session.add(
            AnswerEdit(id=new_id(), answer_id=answer.id, score=9, band="promoter", replaced_at=clock.now)
        )
    clock.advance(days=40)
    keep(runtime, bea, comments=30, contacts=90)
    retention.let_go(runtime)
    assert comments(runtime) == 0
    with runtime.db.read() as session:
        gone = session.scalars(select(Contact.id).where(Contact.erased_at.is_not(None))).all()
    assert gone == [silent.id]


@pytest.mark.on_both
@pytest.mark.parametrize("how", ["taken back", "heard of"])
def test_whoever_is_just_taken_back_or_heard_of_is_not_erased(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock, how: str
) -> None:
    """On PostgreSQL somebody else may come between looking and holding."""
    person = world.contact(workspace, active=False)
    world.answer(workspace, 9, contact=person)
    clock.advance(days=100)
    keep(runtime, bea, contacts=90)

    def write() -> None:
        if how == "taken back":
            contacts.set_active(runtime, bea, person.id, True)
            return
        with runtime.db.write() as session:
            session.execute(update(Answer).values(recorded_at=clock.now))

    meeting(runtime, partial(retention.let_go, runtime), write, at="SELECT pulses.id")
    with runtime.db.read() as session:
        erased = session.get_one(Contact, person.id).erased_at
    assert (erased is None) is not runtime.db.is_sqlite, "SQLite has one writer: it was over before they came"


@pytest.mark.judged_on("postgresql")
def test_an_erasure_by_hand_and_one_by_a_period_do_not_wait_for_each_other(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
) -> None:
    if runtime.db.is_sqlite:
        pytest.skip("it has one writer")
    person = world.contact(workspace, active=False)
    clock.advance(days=100)
    keep(runtime, bea, contacts=90)
    erases = partial(erasure.erase, runtime, bea, person.id)
    meeting(runtime, partial(retention.let_go, runtime), erases, at="SELECT pulses.id")
    deeds = {each.action for each in audit_log.log(runtime, bea).page.items}
    assert {"contact.erased", "workspace.retention_applied"} <= deeds


def test_a_file_that_somebody_maps_is_not_stopped_by_the_night_job(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
) -> None:
    person = world.contact(workspace, active=False, email="ana@bemtevi.example")
    clock.advance(days=100)
    keep(runtime, bea, contacts=90)
    file = io.BytesIO(b"nome;e-mail\nAna;ana@bemtevi.example\n")
    id = contact_imports.receive(runtime, bea, "a.csv", file)
    import_jobs.finish(runtime, id)
    retention.let_go(runtime)
    contact_imports.choose_columns(runtime, bea, id, ["name", "email"])
    import_jobs.finish(runtime, id)
    contact_imports.begin(runtime, bea, id, lawful_basis="consent", source="feira")
    import_jobs.finish(runtime, id)
    with runtime.db.read() as session:
        back = session.scalars(select(Contact).where(Contact.erased_at.is_(None))).one()
    assert back.id != person.id
    assert contacts.detail(runtime, bea, back.id).is_opted_out, "erased once, and not asked again"


def test_rows_that_an_import_left_out_stay_when_the_night_job_erases_somebody(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
) -> None:
    world.contact(workspace, active=False)
    asks = world.contact(workspace)
    clock.advance(days=100)
    keep(runtime, bea, contacts=90)
    file = io.BytesIO(b"nome;e-mail\nAna;ana@bemtevi.example\nBia;bia\n")
    id = contact_imports.run(runtime, bea, "a.csv", file, lawful_basis="consent", source="feira").id
    clock.advance(hours=1)

    def left_out() -> int:
        import_jobs.clear_away(runtime)
        return len(import_pages.page(runtime, bea, id).rejects)

    assert retention.let_go(runtime) == 1
    assert left_out() == 1
    erasure.erase(runtime, bea, asks.id)
    assert left_out() == 0


def test_what_other_systems_told_goes_and_that_it_happened_stays(
    runtime: Runtime, world: World, workspace: Workspace, bea: Visitor, clock: Clock
) -> None:
    person = world.contact(workspace)
    told = trigger_events.Told("t-1", "ticket.solved", person.id, clock.now, {"obs": "words"})
    id, _ = trigger_events.tell(runtime, bea, told)
    clock.advance(days=729)
    trigger_events.tell(runtime, bea, replace(told, id="t-2", occurred_at=None, properties={"obs": "young"}))
    clock.advance(days=2)
    assert retention.let_go(runtime) == 1
    heard = trigger_events.get(runtime, bea, id)
    assert (heard.name, heard.properties) == ("ticket.solved", {})
    with runtime.db.read() as session:
        left = session.scalars(select(TriggerEvent.properties).order_by(TriggerEvent.external_id)).all()
    assert left == [{}, {"obs": "young"}]
