"""Opening, reminding and handing on a pulse."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import sealing
from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.models import Headline, Invitation, Message, Occurrence, OptOut, Pulse, Survey, new_id
from app.runtime import Runtime
from app.services.pulse_closing import close_due_pulses, close_pulse
from app.services.pulse_headlines import headline_targets, publish_headline, withdraw_headline
from app.services.pulse_reminders import remind_pulses
from app.services.pulse_results import list_pulses, view_pulse
from app.services.pulses import open_pulse, preview_pulse
from tests import pulse_world
from tests.world import Clock, World


def asked(runtime: Runtime, pulse_id: str) -> dict[str, tuple[str, str | None]]:
    """State and reason of each invitation, by contact."""
    with runtime.db.read() as session:
        rows = session.execute(
            select(Invitation.contact_id, Invitation.state, Invitation.reason)
            .join(Pulse, Pulse.occurrence_id == Invitation.occurrence_id)
            .where(Pulse.id == pulse_id)
        )
        return {contact: (state, reason) for contact, state, reason in rows}


def reminders(runtime: Runtime) -> set[str | None]:
    with runtime.db.read() as session:
        return set(session.scalars(select(Message.invitation_id).where(Message.purpose == "reminder")))


def test_a_pulse_asks_every_active_employee_and_says_why_not_the_others(
    world: World, runtime: Runtime
) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    people = [world.contact(workspace) for _ in range(3)]
    gone = world.contact(workspace, active=False)
    unreachable = world.contact(workspace, email=None)
    same = world.contact(workspace, email=people[0].email)
    out = world.contact(workspace)
    world.add(
        OptOut(
            id=new_id(), workspace_id=workspace.id, contact_id=out.id, address_key=out.email_key,
            kind="own_wish", origin="unsubscribe", created_at=world.now,
        )
    )  # fmt: skip
    pulse_id = open_pulse(runtime, world.member(workspace), survey.id)
    states = asked(runtime, pulse_id)
    assert gone.id not in states
    assert states[unreachable.id] == ("skipped", "no_address")
    assert states[out.id] == ("skipped", "opted_out")
    both = {states.pop(people[0].id), states.pop(same.id)}
    assert both == {("queued", None), ("skipped", "duplicate")}
    assert states[people[1].id] == states[people[2].id] == ("queued", None)


def test_a_new_pulse_has_its_key_its_promise_and_its_time(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    world.contact(workspace)
    who = world.member(workspace)
    pulse_id = open_pulse(runtime, who, survey.id)
    shown = view_pulse(runtime, who, pulse_id).pulse
    assert (shown.state, shown.hidden, shown.result, shown.asked, shown.answered) == (
        "open",
        "open",
        None,
        1,
        0,
    )
    assert (shown.thresholds.answers, shown.thresholds.comments) == (5, 10)
    assert shown.closes_at == clock.now + timedelta(days=14)
    with runtime.db.read() as session:
        pulse = session.get_one(Pulse, pulse_id)
        assert sealing.read_key(runtime.config.keys_dir, pulse_id).public_key == pulse.public_key
        assert set(session.scalars(select(Invitation.expires_at))) == {pulse.closes_at}
        assert set(session.scalars(select(Occurrence.state))) == {"run"}


def test_the_preview_counts_whom_the_pulse_then_asks(world: World, runtime: Runtime) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    for team in ("Suporte", "Suporte", "Vendas"):
        world.contact(workspace, attributes={"time": team})
    world.contact(workspace, email=None, attributes={"time": "Suporte"})
    who = world.member(workspace)
    everybody = preview_pulse(runtime, who, survey.id)
    assert (everybody.people, everybody.not_asked) == (3, [("no_address", 1)])
    team = {"attributes": {"time": "Suporte"}}
    assert preview_pulse(runtime, who, survey.id, team).people == 2
    pulse_id = open_pulse(runtime, who, survey.id, audience=team)
    assert view_pulse(runtime, who, pulse_id).pulse.asked == 2
    assert view_pulse(runtime, who, pulse_id).not_asked == [("no_address", 1)]


def test_a_person_is_in_one_open_pulse_at_a_time(world: World, runtime: Runtime) -> None:
    first = pulse_world.open_pulse(world, 3)
    new = world.contact(first.workspace)
    who = world.member(first.workspace)
    second = open_pulse(runtime, who, first.survey.id)
    states = asked(runtime, second)
    assert states.pop(new.id) == ("queued", None)
    assert set(states.values()) == {("skipped", "in_another_pulse")}


def test_after_a_pulse_its_people_rest(world: World, runtime: Runtime, clock: Clock) -> None:
    first = pulse_world.open_pulse(world, 3)
    new = world.contact(first.workspace)
    clock.advance(days=15)
    close_due_pulses(runtime)
    states = asked(runtime, open_pulse(runtime, world.member(first.workspace), first.survey.id))
    assert states.pop(new.id) == ("queued", None)
    assert set(states.values()) == {("skipped", "resting")}
    clock.advance(days=90)
    third = open_pulse(runtime, world.member(first.workspace), first.survey.id)
    assert [state for state, _ in asked(runtime, third).values()].count("queued") == 3


def test_only_a_published_enps_of_the_own_workspace_opens_a_pulse(world: World, runtime: Runtime) -> None:
    workspace = world.workspace("people")
    world.contact(workspace)
    who = world.member(workspace)
    draft = world.survey(workspace, Metric.ENPS, published_version_id=None)
    with pytest.raises(Conflict):
        open_pulse(runtime, who, draft.id)
    foreign = world.survey(world.workspace("people"), Metric.ENPS)
    with pytest.raises(NotFound):
        open_pulse(runtime, who, foreign.id)
    customers = world.workspace()
    with pytest.raises(Invalid):
        open_pulse(runtime, world.member(customers), world.survey(customers, Metric.NPS).id)
    assert sealing.kept_keys(runtime.config.keys_dir) == []


def test_a_pulse_for_nobody_is_refused_and_leaves_no_row(world: World, runtime: Runtime) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    world.contact(workspace, email=None)
    with pytest.raises(Conflict):
        open_pulse(runtime, world.member(workspace), survey.id)
    assert list_pulses(runtime, world.member(workspace)) == []


def test_a_closing_time_must_lie_ahead_and_not_too_far(world: World, runtime: Runtime, clock: Clock) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    world.contact(workspace)
    for closes_at in (clock.now, clock.now - timedelta(days=1), clock.now + timedelta(days=91)):
        with pytest.raises(Invalid):
            open_pulse(runtime, world.member(workspace), survey.id, closes_at=closes_at)


@pytest.mark.parametrize(
    "audience", ["some", {"team": "x"}, {"attributes": {}}, {"attributes": {"a": 1}}, [1]]
)
def test_an_audience_that_says_nothing_is_refused(world: World, runtime: Runtime, audience: object) -> None:
    workspace = world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    with pytest.raises(Invalid):
        open_pulse(runtime, world.member(workspace), survey.id, audience=audience)


def test_only_those_who_have_not_answered_are_reminded_once_after_three_days(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = pulse_world.open_pulse(world, 4)
    pulse.answer(1, 9)
    clock.advance(days=3, seconds=-1)
    assert remind_pulses(runtime) == 0
    clock.advance(seconds=1)
    assert remind_pulses(runtime) == 1
    assert reminders(runtime) == {pulse.invitations[number].id for number in (0, 2, 3)}
    clock.advance(days=3)
    assert remind_pulses(runtime) == 0
    assert len(reminders(runtime)) == 3


def test_whoever_was_not_reached_is_not_reminded(world: World, runtime: Runtime, clock: Clock) -> None:
    pulse = pulse_world.open_pulse(world, 2)
    with runtime.db.write() as session:
        session.get_one(Invitation, pulse.invitations[0].id).state = "failed"
    clock.advance(days=3)
    remind_pulses(runtime)
    assert reminders(runtime) == {pulse.invitations[1].id}


def test_a_closed_pulse_reminds_nobody(world: World, runtime: Runtime, clock: Clock) -> None:
    pulse_world.open_pulse(world, 2, closes_at=clock.now + timedelta(days=3))
    clock.advance(days=3)
    assert remind_pulses(runtime) == 0


def closed_with(world: World, scores: list[int], **values: object) -> pulse_world.PulseWorld:
    pulse = pulse_world.open_pulse(world, len(scores), **values)  # type: ignore[arg-type]
    for number, score in enumerate(scores):
        pulse.answer(number, score)
    close_pulse(world.runtime, world.member(pulse.workspace), pulse.pulse.id)
    return pulse


def test_a_closed_pulse_shows_its_score_and_whether_it_changed(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    first = closed_with(world, [0] * 40)
    clock.advance(days=90)
    second = closed_with(world, [10] * 40, workspace=first.workspace)
    shown = view_pulse(runtime, world.member(first.workspace), second.pulse.id)
    assert shown.pulse.result is not None
    assert (shown.pulse.result.score.value, shown.pulse.result.response_rate) == (100, 1)
    assert shown.before is not None
    assert shown.before.id == first.pulse.id
    assert shown.change is not None
    assert shown.change.verdict == "up"
    assert [each.id for each in list_pulses(runtime, world.member(first.workspace))] == [
        second.pulse.id,
        first.pulse.id,
    ]


def test_an_owner_hands_the_result_to_a_customers_workspace_of_theirs_and_takes_it_back(
    world: World, runtime: Runtime
) -> None:
    pulse = closed_with(world, [9, 10, 7, 3, 8, 9])
    user = world.user()
    customers = world.workspace()
    owner = world.member(pulse.workspace, Role.OWNER, user)
    world.member(customers, Role.VIEWER, user)
    assert headline_targets(runtime, owner) == [(customers.id, customers.name)]
    publish_headline(runtime, owner, pulse.pulse.id, customers.slug)
    publish_headline(runtime, owner, pulse.pulse.id, customers.id)
    with runtime.db.read() as session:
        headline = session.scalars(select(Headline)).one()
        counts = (headline.promoters, headline.passives, headline.detractors, headline.asked)
    assert counts == (3, 2, 1, 6)
    assert view_pulse(runtime, owner, pulse.pulse.id).headlines == [(customers.id, customers.name)]
    withdraw_headline(runtime, owner, pulse.pulse.id)
    withdraw_headline(runtime, owner, pulse.pulse.id)
    assert view_pulse(runtime, owner, pulse.pulse.id).headlines == []


def test_nothing_of_a_hidden_or_open_pulse_can_be_handed_on(world: World, runtime: Runtime) -> None:
    user = world.user()
    customers = world.workspace()
    world.member(customers, Role.OWNER, user)
    for pulse in (closed_with(world, [9, 9, 9, 9]), pulse_world.open_pulse(world, 6)):
        with pytest.raises(Conflict):
            publish_headline(
                runtime, world.member(pulse.workspace, Role.OWNER, user), pulse.pulse.id, customers.id
            )


def test_a_result_goes_to_no_workspace_that_its_owner_does_not_belong_to(
    world: World, runtime: Runtime
) -> None:
    pulse = closed_with(world, [9] * 6)
    owner = world.member(pulse.workspace)
    for target in (world.workspace().id, world.workspace("people").slug, "nothing"):
        with pytest.raises(Invalid):
            publish_headline(runtime, owner, pulse.pulse.id, target)


def test_only_an_owner_hands_a_result_on(world: World, runtime: Runtime) -> None:
    pulse = closed_with(world, [9] * 6)
    user = world.user()
    customers = world.workspace()
    world.member(customers, Role.OWNER, user)
    manager = world.member(pulse.workspace, Role.MANAGER, user)
    with pytest.raises(Forbidden):
        publish_headline(runtime, manager, pulse.pulse.id, customers.id)
    with pytest.raises(Forbidden):
        withdraw_headline(runtime, manager, pulse.pulse.id)


def test_no_pulse_opens_a_followup_or_an_alert(world: World, runtime: Runtime) -> None:
    pulse = closed_with(world, [0] * 12)
    with runtime.db.read() as session:
        assert set(session.scalars(select(Message.purpose))) == {"invitation"}
        assert session.get_one(Survey, pulse.survey.id).metric == "enps"
