"""The pretend mailbox and its clearing: read by members alone, forgotten whole, and nothing else with it."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import func, inspect, select

from app import sealing
from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import NotFound
from app.models import (
    Base,
    Contact,
    FollowUp,
    Invitation,
    Message,
    Occurrence,
    OptOut,
    Pulse,
    SandboxCopy,
    Survey,
    Workspace,
)
from app.runtime import Runtime
from app.services import (
    arrival,
    asking,
    asking_again,
    asking_terms,
    counting,
    eligible,
    expanding,
    followups,
    planning,
    pulse_closing,
    pulses,
    sandbox,
    sandbox_clearing,
    schedules,
    sending,
    unsubscribing,
)  # fmt: skip
from app.services.access import Visitor
from app.services.arrival import Given
from app.services.pulse_answers import seal_answer
from tests.services.test_planning import Killed, crowd, dying_at
from tests.world import Clock, World

AUDIT = ("audit_chains", "audit_rows")  # what was done in play was done


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", sender_name="Aroeira pergunta")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def with_mail(runtime: Runtime) -> Runtime:
    """The same installation once a mail server is set up: the sandbox is off."""
    config = replace(runtime.config, smtp_url="smtp://127.0.0.1:2525", mail_from="pergunta@retorno.example")
    return replace(runtime, config=config)


def asked(runtime: Runtime, who: Visitor, survey: Survey, contact: Contact) -> str:
    """Asked in the sandbox; the token that stands in the mail."""
    invitation = asking.ask(runtime, who, survey.id, contact.id)
    sending.send_due(runtime)
    return token_in(runtime, invitation)


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "telegram"])
def test_everything_that_is_sent_in_play_arrives_on_every_channel(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, channel: str
) -> None:
    for number in range(3):
        addresses = {"phone": f"+553198888441{number}", "telegram_chat_id": str(77 + number)}
        contact = world.contact(workspace, **addresses)
        asking.ask(runtime, camila, survey.id, contact.id, [channel])
    assert sending.send_due(runtime) == 3
    with runtime.db.read() as session:
        assert session.scalars(select(Message.state)).all() == ["sent"] * 3
        assert session.scalar(select(func.count(SandboxCopy.message_id))) == 3


def token_in(runtime: Runtime, invitation_id: str, letter: str = "r") -> str:
    with runtime.db.read() as session:
        text = session.scalars(
            select(SandboxCopy.text)
            .join(Message, Message.id == SandboxCopy.message_id)
            .where(Message.invitation_id == invitation_id)
        ).one()
    found = re.search(rf"/{letter}/([a-z2-7]+)", text)
    assert found is not None
    return found[1]


def rows(runtime: Runtime) -> dict[str, set[tuple[object, ...]]]:
    """Every row of every table, by its primary key."""
    found = {}
    with runtime.db.read() as session:
        for mapper in Base.registry.mappers:
            keys = inspect(mapper.class_).primary_key
            found[mapper.local_table.name] = {tuple(row) for row in session.execute(select(*keys))}
    return found


def test_members_read_what_would_have_arrived(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    token = asked(runtime, camila, survey, world.contact(workspace, name="Maria", email="maria@b.example"))
    assert camila.user_id
    box = sandbox.mailbox(runtime, camila.user_id)
    mail = box.page.items[0]
    assert (mail.to_name, mail.to_address, mail.sender) == ("Maria", "maria@b.example", "Aroeira pergunta")
    assert mail.subject
    assert mail.glance
    assert box.people == (("maria@b.example", "Maria"),)
    letter = sandbox.letter(runtime, camila.user_id, mail.id)
    assert f"/r/{token}" in letter.text
    assert f"/r/{token}?score=9" in sandbox.html(runtime, camila.user_id, mail.id)


def test_nobody_else_does(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    asked(runtime, camila, survey, world.contact(workspace))
    stranger = world.member(world.workspace(), Role.OWNER)
    assert stranger.user_id
    assert camila.user_id
    id = sandbox.mailbox(runtime, camila.user_id).page.items[0].id
    box = sandbox.mailbox(runtime, stranger.user_id)
    assert (box.page.items, box.people) == ((), ())
    for read in (sandbox.letter, sandbox.html):
        for wrong in (id, "unknown", "\0"):
            with pytest.raises(NotFound):
                read(runtime, stranger.user_id, wrong)


def test_it_is_gone_while_it_is_off(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    asked(runtime, camila, survey, world.contact(workspace))
    assert camila.user_id
    id = sandbox.mailbox(runtime, camila.user_id).page.items[0].id
    with pytest.raises(NotFound):
        sandbox.mailbox(with_mail(runtime), camila.user_id)
    with pytest.raises(NotFound):
        sandbox.html(with_mail(runtime), camila.user_id, id)


def test_the_newest_mail_lies_on_top_page_after_page_and_one_mailbox_can_be_chosen(
    runtime: Runtime, world: World, clock: Clock, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    for number in range(sandbox.PAGE + 5):
        clock.advance(seconds=1)
        asked(runtime, camila, survey, world.contact(workspace, email=f"p{number:02}@b.example"))
    assert camila.user_id
    first = sandbox.mailbox(runtime, camila.user_id)
    second = sandbox.mailbox(runtime, camila.user_id, cursor=first.page.next_cursor)
    addresses = [mail.to_address for mail in (*first.page.items, *second.page.items)]
    assert addresses == [f"p{number:02}@b.example" for number in reversed(range(sandbox.PAGE + 5))]
    assert second.page.next_cursor is None
    one = sandbox.mailbox(runtime, camila.user_id, to="p03@b.example")
    assert [mail.to_address for mail in one.page.items] == ["p03@b.example"]


def test_once_a_channel_is_real_what_was_played_counts_no_more(
    runtime: Runtime, world: World, clock: Clock, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace)
    token = asked(runtime, camila, survey, maria)
    arrival.record(runtime, token, Given(score="9"))
    for place, answers, reason in ((runtime, 1, "resting"), (with_mail(runtime), 0, None)):
        scope = counting.scope_of(place, camila)
        with place.db.read() as session:
            found = counting.counts_by(session, scope, Metric.NPS, counting.Filters())
            cohort = counting.cohorts_by(session, scope, Metric.NPS, counting.Filters())
        assert found.get(None, counting.Counts()).n == answers
        assert cohort.get(None, counting.Cohort()).delivered == answers
        assert asking.eligibility(place, camila, survey.id, maria.id).reason == reason
    with pytest.raises(NotFound):
        arrival.record(with_mail(runtime), token, Given(score="3"))


def test_clearing_forgets_the_play_and_nothing_else(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    """A real ask with its answer, follow-up and reply stays to the last row; so do opt-outs."""
    real = world.answer(workspace, 3, survey=survey)
    followup = followups.open_by_hand(runtime, camila, real.contact_id, real.id)
    followups.reply(runtime, camila, followup, "Já vamos ver.")
    skipped = world.contact(workspace, email=None)
    asking.ask(runtime, camila, survey.id, skipped.id)
    people = [world.contact(workspace) for _ in range(3)]
    before = rows(runtime)

    schedules.create(runtime, camila, {"survey": survey.id, "repeat": "weekly"})
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    sending.send_due(runtime)
    with runtime.db.read() as session:
        played = session.scalars(select(Invitation.id).where(Invitation.sandbox.is_(True))).all()
    assert len(played) == 3
    tokens = [token_in(runtime, each) for each in played]
    for number, score in ((0, "2"), (0, "4"), (1, "10")):
        arrival.record(runtime, tokens[number], Given(score=score, comment="de brincadeira"))
    unsubscribing.unsubscribe(runtime, token_in(runtime, played[2], "u"), one_click=False)
    sending.send_due(runtime)

    done = sandbox_clearing.clear(runtime)
    assert (done.invitations, done.answers, done.followups) == (3, 2, 1)
    after = rows(runtime)
    new = {name: len(after[name] - before[name]) for name in after if after[name] - before[name]}
    # The schedule, its run (which also skipped the one without an address), and the wish to be left alone
    assert new.pop("schedules") == 1
    assert new.pop("opt_outs") >= 1
    assert new.pop("occurrences") == 1
    assert new.pop("invitations") == 2  # the one without an address, the one who rests
    assert new.pop("senders") == 1
    # What the real follow-up sent while the sandbox stood in for its channel
    assert new.pop("attempts") == new.pop("sandbox_copies") == 1
    assert new.keys() <= {"installation", *AUDIT}
    gone = {name: before[name] - after[name] for name in before if before[name] - after[name]}
    assert gone == {}
    assert sandbox_clearing.clear(runtime).invitations == 0
    with runtime.db.read() as session:
        ask = asking_terms.asking(session, runtime, workspace.id, Metric.NPS)
        rested = [eligible.facts(session, ask, each.id).asked_at for each in people]
    assert rested == [None, None, None]


def test_clearing_empties_the_runs_that_have_nobody_left(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    before = rows(runtime)
    asked(runtime, camila, survey, world.contact(workspace))
    sandbox_clearing.clear(runtime)
    after = rows(runtime)
    assert {name for name in after if after[name] != before[name]} <= {
        "contacts",
        "senders",
        "installation",
        *AUDIT,
    }


def test_clearing_forgets_the_follow_up_its_closing_and_the_asking_again(
    runtime: Runtime, world: World, clock: Clock, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace)
    before = rows(runtime)
    arrival.record(runtime, asked(runtime, camila, survey, maria), Given(score="2"))
    with runtime.db.read() as session:
        followup = session.scalars(select(FollowUp.id)).one()
    followups.claim(runtime, camila, followup)
    followups.reply(runtime, camila, followup, "Sinto muito. Já está resolvido.")
    followups.close(runtime, camila, followup, summary="Resolvido.", root_cause="Demora", ask_again=True)
    clock.advance(days=8)
    assert asking_again.ask_again(runtime) == 1
    sending.send_due(runtime)
    done = sandbox_clearing.clear(runtime)
    assert (done.invitations, done.answers, done.followups) == (2, 1, 1)
    after = rows(runtime)
    assert {name for name in after if after[name] != before[name]} <= {*AUDIT, "senders", "installation"}


def test_killed_while_clearing_it_is_simply_run_again(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, sandbox_clearing.CHUNK + 3)
    schedules.create(runtime, camila, {"survey": survey.id, "repeat": "once"})
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    sending.send_due(runtime)
    with pytest.raises(Killed):
        sandbox_clearing.clear(dying_at(runtime, "sandbox_cleared_some"))
    assert sandbox_clearing.clear(runtime).invitations == 3
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert session.scalar(select(func.count()).select_from(Occurrence)) == 0


@pytest.mark.parametrize("closed", [False, True])
def test_a_pulse_that_was_played_goes_with_its_key_and_its_result(
    runtime: Runtime, world: World, closed: bool
) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.MANAGER)
    survey = world.survey(people, Metric.ENPS)
    contacts = [world.contact(people) for _ in range(6)]
    world.contact(people, email=None)
    before = rows(runtime)
    pulse = pulses.open_pulse(runtime, hr, survey.id)
    sending.send_due(runtime)
    with runtime.db.read() as session:
        played = session.scalars(select(Invitation.id).where(Invitation.sandbox.is_(True))).all()
    assert len(played) == len(contacts)
    for each in played:
        seal_answer(runtime, token_in(runtime, each, "p"), "9", "gosto daqui")
    if closed:
        pulse_closing.close_pulse(runtime, hr, pulse)
    assert (pulse in sealing.kept_keys(runtime.config.keys_dir)) is not closed
    done = sandbox_clearing.clear(runtime)
    assert (done.invitations, done.pulses) == (6, 1)
    assert sealing.kept_keys(runtime.config.keys_dir) == []
    after = rows(runtime)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"occurrences", "invitations", "senders", *AUDIT}  # the one who was skipped, and why
    with runtime.db.read() as session:
        assert session.scalars(select(Invitation.reason)).all() == ["no_address"]
        assert session.scalars(select(Pulse)).all() == []


def test_a_pulse_that_also_asked_real_people_stays(runtime: Runtime, world: World) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.MANAGER)
    survey = world.survey(people, Metric.ENPS)
    for _ in range(6):
        world.contact(people)
    pulse = pulses.open_pulse(runtime, hr, survey.id)
    sending.send_due(runtime)
    with runtime.db.write() as session:
        one = session.scalars(select(Invitation).limit(1)).one()
        one.sandbox = False
    done = sandbox_clearing.clear(runtime)
    assert (done.invitations, done.pulses) == (5, 0)
    assert sealing.kept_keys(runtime.config.keys_dir) == [pulse]


def test_an_opt_out_of_the_play_is_kept(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace)
    asked(runtime, camila, survey, maria)
    with runtime.db.read() as session:
        invitation = session.scalars(select(Invitation.id)).one()
    unsubscribing.unsubscribe(runtime, token_in(runtime, invitation, "u"), one_click=True)
    sandbox_clearing.clear(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(OptOut.lifted_at)).all() != []
    assert asking.eligibility(runtime, camila, survey.id, maria.id).reason == "opted_out"
