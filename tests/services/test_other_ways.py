"""An ask that did not reach somebody takes the next channel of its list, once, and nobody is asked twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.channels.base import Event, Kind
from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Occurrence, SurveyVersion, Workspace
from app.runtime import Runtime
from app.services import (
    arrival,
    asking,
    consents,
    contacts,
    erasure,
    expanding,
    inbound,
    opt_outs,
    planning,
    reminding,
    schedules,
    sending,
    settling,
    timeline,
    unsent,
)
from app.services.access import Visitor
from app.services.arrival import Given
from app.services.timeline_moments import Asked, OptedOut, Rerouted
from bots import handle
from tests.journeys.letters import link_to
from tests.scripted_twilio import CUT, SID, TOKEN, ScriptedTwilio, refused, scripted
from tests.smtp import SmtpSink
from tests.world import Clock, World

OURS, MARIA, LANDLINE = "+551140028922", "+5531988884417", "+553132224417"
BOTH = ["sms", "email"]


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@pytest.fixture
def place(runtime: Runtime, server: ScriptedTwilio, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Texts through Twilio, mails over a real server."""
    config = replace(
        runtime.config, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_sms_from=OURS,
        twilio_api_url=server.url, sms_countries=("BR",), smtp_url=smtp_server.url,
        mail_from="pergunta@aroeira.example",
    )  # fmt: skip
    made = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    yield made
    for each in made.channels.values():
        each.close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=MARIA, email="maria@bemtevi.example")


def ask(place: Runtime, world: World, who: Visitor, contact: Contact, channels: list[str]) -> None:
    workspace = world.runtime.db
    with workspace.read() as session:
        home = session.get_one(Workspace, contact.workspace_id)
    asking.ask(place, who, world.survey(home).id, contact.id, channels)
    sending.send_due(place)


def invitation(place: Runtime) -> Invitation:
    with place.db.read() as session:
        return session.scalars(select(Invitation)).one()


def messages(place: Runtime) -> list[tuple[str, str, str]]:
    with place.db.read() as session:
        rows = session.scalars(select(Message).order_by(Message.created_at, Message.channel.desc()))
        return [(row.purpose, row.channel, row.state) for row in rows]


def told(place: Runtime, state: str, **more: object) -> None:
    """The provider tells how the text ended."""
    with place.db.write() as session:
        sid = session.scalars(select(Message.provider_id).where(Message.channel == "sms")).one() or ""
        event = Event(OURS, f"{sid}:{state}", Kind.STATUS, MARIA, quotes=sid, state=state)
        inbound.keep(session, "sms", replace(event, **more), place.clock())  # type: ignore[arg-type]
    inbound.handle_new(place)


def test_a_number_that_does_not_exist_is_asked_by_mail_instead(
    place: Runtime,
    world: World,
    manager: Visitor,
    maria: Contact,
    server: ScriptedTwilio,
    smtp_server: SmtpSink,
) -> None:
    server.every = refused(21211)
    ask(place, world, manager, maria, BOTH)
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == [maria.email]
    asked = invitation(place)
    assert (asked.channel, asked.state, asked.reason) == ("email", "sent", None)
    assert messages(place) == [("invitation", "sms", "failed"), ("invitation", "email", "sent")]


def test_a_first_channel_that_failed_is_a_moment_of_its_own(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio,
    smtp_server: SmtpSink, clock: Clock,
) -> None:  # fmt: skip
    server.every = refused(21211)
    ask(place, world, manager, maria, BOTH)
    clock.advance(minutes=1)
    sending.send_due(place)
    asked, stopped, lost, _ = timeline.timeline(place, manager, maria.id).items
    assert isinstance(asked, Asked)
    assert (asked.channel, asked.state) == ("email", "sent")
    assert isinstance(stopped, OptedOut)
    assert isinstance(lost, Rerouted)
    assert (lost.channel, lost.address, lost.reason) == ("sms", MARIA, "invalid_address")
    assert lost.instead == "email"


def test_a_landline_is_not_even_tried(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio,
    smtp_server: SmtpSink,
) -> None:  # fmt: skip
    old = world.contact(workspace, phone=LANDLINE, email="old@bemtevi.example")
    ask(place, world, manager, old, BOTH)
    sending.send_due(place)
    assert server.created == []
    assert [each.recipient for each in smtp_server.messages] == ["old@bemtevi.example"]
    (lost,) = (each for each in timeline.timeline(place, manager, old.id).items if isinstance(each, Rerouted))
    assert (lost.reason, lost.instead) == ("landline", "email")


def test_an_opt_out_that_the_provider_knows_holds_on_every_channel(
    place: Runtime,
    world: World,
    manager: Visitor,
    maria: Contact,
    server: ScriptedTwilio,
    smtp_server: SmtpSink,
) -> None:
    server.every = refused(21610)
    ask(place, world, manager, maria, BOTH)
    sending.send_due(place)
    assert smtp_server.messages == []
    assert invitation(place).state == "failed"


@pytest.mark.on_both
@pytest.mark.parametrize(
    ("channel", "channels", "by_mail"), [("sms", BOTH, True), (None, BOTH, False), ("sms", ["sms"], False)]
)
def test_n05_what_is_withdrawn_on_one_channel_before_it_leaves_takes_the_next_one(
    place: Runtime, world: World, manager: Visitor, maria: Contact, workspace: Workspace,
    server: ScriptedTwilio, smtp_server: SmtpSink, channel: str | None, channels: list[str], by_mail: bool,
) -> None:  # fmt: skip
    """As it would have a second earlier, when it was planned. What is withdrawn everywhere takes none."""
    asking.ask(place, manager, world.survey(workspace).id, maria.id, channels)
    opt_outs.opt_out(place, manager, maria.id, "api", channel=channel, evidence="No texts, please.")
    sending.send_due(place)
    sending.send_due(place)
    assert server.created == []
    assert [each.recipient for each in smtp_server.messages] == [maria.email] * by_mail
    found = invitation(place)
    assert (found.state, found.reason) == (("sent", None) if by_mail else ("skipped", "opted_out"))


def test_an_end_that_nobody_saw_is_never_followed_by_another_channel(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio,
    smtp_server: SmtpSink, clock: Clock,
) -> None:  # fmt: skip
    server.every = CUT
    ask(place, world, manager, maria, BOTH)
    assert invitation(place).state == "unknown"
    clock.advance(hours=25)
    settling.presume_sent(place)
    sending.send_due(place)
    assert smtp_server.messages == []
    assert invitation(place).state == "sent"


def test_a_failure_told_later_takes_the_next_channel_and_a_later_delivery_takes_it_back(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink
) -> None:
    ask(place, world, manager, maria, BOTH)
    told(place, "failed", reason="unreachable", permanent=True)
    assert (invitation(place).channel, invitation(place).state) == ("email", "queued")
    told(place, "delivered")
    sending.send_due(place)
    assert smtp_server.messages == []
    assert (invitation(place).channel, invitation(place).state) == ("sms", "delivered")


@pytest.mark.parametrize("in_hand", [False, True])
def test_a_later_delivery_takes_back_what_a_pause_holds_on_another_channel(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink, in_hand: bool,
) -> None:  # fmt: skip
    fields = {"survey": world.survey(workspace).id, "repeat": "once", "channels": BOTH}
    id = schedules.create(place, manager, fields)
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)
    told(place, "failed", reason="unreachable", permanent=True)

    def pauses(point: str) -> None:
        if point == "claimed":
            schedules.pause(place, manager, id)

    if in_hand:
        sending.send_due(replace(place, reach=pauses))
    else:
        schedules.pause(place, manager, id)
    assert invitation(place).state == "planned"
    told(place, "delivered")
    schedules.resume(place, manager, id)
    sending.send_due(place)
    assert smtp_server.messages == []
    assert (invitation(place).channel, invitation(place).state) == ("sms", "delivered")


def test_another_way_that_a_pause_held_is_taken_once_the_schedule_goes_on(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink,
) -> None:  # fmt: skip
    fields = {"survey": world.survey(workspace).id, "repeat": "once", "channels": BOTH}
    id = schedules.create(place, manager, fields)
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)
    told(place, "failed", reason="unreachable", permanent=True)
    assert schedules.pause(place, manager, id) == 1
    sending.send_due(place)
    assert smtp_server.messages == []
    schedules.resume(place, manager, id)
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == [maria.email]


def test_with_nothing_left_in_the_list_it_stays_failed_with_its_reason(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio
) -> None:
    server.every = refused(21211)
    ask(place, world, manager, maria, ["sms"])
    assert (invitation(place).state, invitation(place).reason) == ("failed", "invalid_address")


def test_who_does_not_answer_is_reminded_once_after_three_days_where_they_were_asked(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio, clock: Clock
) -> None:
    ask(place, world, manager, maria, BOTH)
    clock.advance(days=2, hours=23)
    assert reminding.remind(place) == 0
    clock.advance(hours=1)
    assert (reminding.remind(place), reminding.remind(place)) == (1, 0)
    sending.send_due(place)
    assert len(server.created) == 2
    clock.advance(days=20)
    assert reminding.remind(place) == 0
    assert messages(place) == [("invitation", "sms", "sent"), ("reminder", "sms", "sent")]


def test_a_text_that_reminds_says_so_in_the_surveys_own_words(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    server: ScriptedTwilio, clock: Clock,
) -> None:  # fmt: skip
    survey = world.survey(workspace)
    with place.db.write() as session:
        version = session.scalars(select(SurveyVersion)).one()
        own = {"reminder_chat": "Psst, {{ contact.first_name|você }}:"}
        version.texts = {locale: texts | own for locale, texts in version.texts.items()}
    asking.ask(place, manager, survey.id, maria.id, BOTH)
    sending.send_due(place)
    clock.advance(days=3)
    reminding.remind(place)
    sending.send_due(place)
    first, again = server.created
    assert again["Body"] == f"Psst, Maria: {first['Body']}"


def test_an_answer_an_opt_out_and_the_end_of_the_link_leave_nothing_to_remind_of(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio, clock: Clock
) -> None:
    survey = world.survey(workspace)
    answered, gone = (world.contact(workspace, email=f"{name}@b.example") for name in ("a", "b"))
    for each in (answered, gone):
        asking.ask(place, manager, survey.id, each.id)
    sending.send_due(place)
    with place.db.write() as session:
        rows = {row.contact_id: row for row in session.scalars(select(Invitation))}
        rows[answered.id].state = "answered"
        rows[gone.id].expires_at = clock() + timedelta(days=1)
    clock.advance(days=4)
    reminding.remind(place)
    assert [purpose for purpose, _, _ in messages(place)] == ["invitation"] * 2


def test_a_schedule_may_remind_up_to_three_times_and_elsewhere(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio,
    smtp_server: SmtpSink, clock: Clock,
) -> None:  # fmt: skip
    ask(place, world, manager, maria, BOTH)
    with place.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"reminders": [3, 7, 14], "remind_elsewhere": True}
    for day in range(1, 29):
        clock.advance(days=1)
        reminding.remind(place)
        sending.send_due(place)
        sent = len(server.created) + len(smtp_server.messages)
        assert sent == 1 + sum(day >= each for each in (3, 7, 14))
    assert len(smtp_server.messages) == 3


@pytest.mark.parametrize("left", [True, False])
def test_whoever_a_reminder_asked_elsewhere_is_not_asked_there_again_when_the_text_is_lost_after_all(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink, clock: Clock,
    left: bool,
) -> None:  # fmt: skip
    """One that still waits gives way to the question: they do not leave in the same minute."""
    ask(place, world, manager, maria, BOTH)
    with place.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"reminders": [3], "remind_elsewhere": True}
    clock.advance(days=3)
    reminding.remind(place)
    if left:
        sending.send_due(place)
    told(place, "failed", reason="unreachable", permanent=True)
    sending.send_due(place)
    assert len(smtp_server.messages) == 1
    asked = invitation(place)
    assert (asked.state, asked.channel, asked.reason) == ("sent", "email", None)
    assert asked.address_key == maria.email_key
    reminder = ("reminder", "email", "sent" if left else "cancelled")
    assert reminder in messages(place)


def test_reminders_that_came_due_while_nobody_worked_are_one(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink, clock: Clock
) -> None:
    ask(place, world, manager, maria, ["email"])
    with place.db.write() as session:
        session.scalars(select(Invitation)).one().remind_after = 1
        session.scalars(select(Occurrence)).one().terms = {"reminders": [1, 4, 9]}
    clock.advance(days=5)
    while reminding.remind(place):
        sending.send_due(place)
    assert len(smtp_server.messages) == 2
    clock.advance(days=4)
    while reminding.remind(place):
        sending.send_due(place)
    assert len(smtp_server.messages) == 3


def test_a_reminder_that_waits_for_the_morning_is_not_joined_by_the_next(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio, clock: Clock
) -> None:
    ask(place, world, manager, maria, ["sms"])
    with place.db.write() as session:
        session.scalars(select(Invitation)).one().remind_after = 1
        session.scalars(select(Occurrence)).one().terms = {"reminders": [1, 2]}
        session.get_one(Workspace, maria.workspace_id).quiet_days = [1, 2]  # the two days that follow
    for _ in range(5):
        clock.advance(days=1)
        reminding.remind(place)
        sending.send_due(place)
    assert [purpose for purpose, _, _ in messages(place)] == ["invitation", "reminder"]


@pytest.mark.on_both
@pytest.mark.parametrize("end", ["sent", "unknown"])
def test_a_reminder_that_left_late_is_not_followed_by_the_next_within_hours(
    place: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock, end: str
) -> None:
    """Nobody worked for days with the first in the queue: it leaves as the second has come due."""
    ask(place, world, manager, maria, ["email"])
    with place.db.write() as session:
        session.scalars(select(Invitation)).one().remind_after = 2
        session.scalars(select(Occurrence)).one().terms = {"reminders": [2, 10, 12]}
    clock.advance(days=2)
    reminding.remind(place)
    clock.advance(days=9)
    sending.send_due(place)
    if end == "unknown":
        with place.db.write() as session:
            reminder = session.scalars(select(Message).where(Message.purpose == "reminder")).one()
            reminder.state, reminder.sent_at = "unknown", None
    clock.advance(hours=1)
    reminding.remind(place)
    assert [purpose for purpose, _, _ in messages(place)] == ["invitation", "reminder"]
    clock.advance(days=1)
    reminding.remind(place)
    assert [purpose for purpose, _, _ in messages(place)] == ["invitation", "reminder", "reminder"]


@pytest.mark.on_both
@pytest.mark.parametrize("since", ["answered", "erased", "inactive", "opted_out", "without_basis"])
def test_c33_a_reminder_that_is_queued_leaves_nobody_who_answered_or_went_meanwhile(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink, clock: Clock, since: str,
) -> None:  # fmt: skip
    invitation_id = asking.ask(place, manager, world.survey(workspace).id, maria.id)
    sending.send_due(place)
    clock.advance(days=3)
    assert reminding.remind(place) == 1
    asked = invitation(place)
    assert asked.id == invitation_id
    if since == "answered":
        (letter,) = smtp_server.messages
        token = link_to(letter, "score=9").split("/r/")[1].split("?")[0]
        arrival.record(place, token, Given(score="9", comment=None, contact_me=None, suspect=False))
    elif since == "erased":
        erasure.erase(place, manager, maria.id)
    elif since == "inactive":
        contacts.set_active(place, manager, maria.id, False)
    elif since == "without_basis":
        withdraw(place, manager, maria)
    else:
        opt_outs.opt_out(place, manager, maria.id, "console")
    sending.send_due(place)
    assert len(smtp_server.messages) == 1
    assert [state for purpose, _, state in messages(place) if purpose == "reminder"] == ["cancelled"]


def test_another_way_is_not_taken_on_a_date_on_which_nobody_is_asked(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink, clock: Clock,
) -> None:  # fmt: skip
    ask(place, world, manager, maria, BOTH)
    with place.db.write() as session:
        session.get_one(Workspace, workspace.id).blackout_dates = [clock().date().isoformat()]
    told(place, "failed", reason="unreachable", permanent=True)
    sending.send_due(place)
    assert smtp_server.messages == []
    clock.advance(days=1)
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == [maria.email]


def withdraw(place: Runtime, who: Visitor, contact: Contact) -> None:
    """A manager notes that there is no basis for asking them any more."""
    consents.change(place, who, contact.id, "none", source="", evidence="She wrote on 2 November.")


def test_j06_whoever_has_no_basis_any_more_is_not_even_looked_at_for_a_reminder(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    asking.ask(place, manager, world.survey(workspace).id, maria.id)
    sending.send_due(place)
    withdraw(place, manager, maria)
    clock.advance(days=3)
    reminding.remind(place)
    assert [purpose for purpose, _, _ in messages(place)] == ["invitation"]


@pytest.mark.parametrize("waits", ["queued", "quiet", "paused"])
def test_j06_n05_what_waits_does_not_leave_once_there_is_no_basis(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink, clock: Clock, waits: str,
) -> None:  # fmt: skip
    fields = {"survey": world.survey(workspace).id, "repeat": "once"}
    id = schedules.create(place, manager, fields)
    if waits == "quiet":
        with place.db.write() as session:
            home = session.get_one(Workspace, workspace.id)
            home.quiet_days, home.quiet_email = [0], True
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    if waits == "paused":
        schedules.pause(place, manager, id)
    if waits == "quiet":
        sending.send_due(place)
    withdraw(place, manager, maria)
    if waits == "paused":
        schedules.resume(place, manager, id)
    clock.advance(days=1)
    sending.send_due(place)
    assert smtp_server.messages == []
    assert (invitation(place).state, invitation(place).reason) == ("skipped", "no_lawful_basis")


def test_j06_no_other_way_is_taken_to_whoever_has_no_basis_any_more(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio,
    smtp_server: SmtpSink,
) -> None:  # fmt: skip
    ask(place, world, manager, maria, BOTH)
    withdraw(place, manager, maria)
    told(place, "failed", reason="unreachable", permanent=True)
    sending.send_due(place)
    assert smtp_server.messages == []
    assert messages(place) == [("invitation", "sms", "failed")]


def test_a_number_at_which_somebody_else_is_asked_meanwhile_is_no_second_way(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio,
    smtp_server: SmtpSink,
) -> None:  # fmt: skip
    """Their number is another person's as well, and an address rests whoever was asked there."""
    smtp_server.refuse_recipient["joao@b.example"] = "550 5.1.1 No such user"
    survey = world.survey(workspace)
    joao = world.contact(workspace, phone=MARIA, email="joao@b.example")
    maria = world.contact(workspace, phone=MARIA, email=None)
    asking.ask(place, manager, survey.id, joao.id, ["email", "sms"])
    asking.ask(place, manager, survey.id, maria.id, ["sms"])
    sending.send_due(place)
    sending.send_due(place)
    with place.db.read() as session:
        asked = session.scalars(select(Invitation).where(Invitation.contact_id == joao.id)).one()
    assert len(server.created) == 1
    assert (asked.state, asked.reason) == ("failed", "invalid_address")


def test_a_question_that_still_waits_goes_to_the_address_that_they_have_by_now(
    place: Runtime,
    world: World,
    manager: Visitor,
    maria: Contact,
    smtp_server: SmtpSink,
    workspace: Workspace,
) -> None:
    asking.ask(place, manager, world.survey(workspace).id, maria.id, ["email"])
    contacts.edit(place, manager, maria.id, {"email": "maria@nova.example"})
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == ["maria@nova.example"]
    with place.db.read() as session:
        person = session.get_one(Contact, maria.id)
        assert invitation(place).address_key == person.email_key
    assert messages(place) == [("invitation", "email", "sent")]


def test_so_does_a_reminder_and_nothing_reaches_an_address_that_is_known_to_be_dead(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink, clock: Clock
) -> None:
    ask(place, world, manager, maria, ["email"])
    clock.advance(days=4)
    reminding.remind(place)
    contacts.edit(place, manager, maria.id, {"email": "nobody@nova.example"})
    with place.db.write() as session:
        key = session.get_one(Contact, maria.id).email_key or ""
        opt_outs.record(
            session, maria.workspace_id, None, (key,), kind="bounce", origin="smtp", now=world.now
        )
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == [maria.email]
    assert messages(place) == [("invitation", "email", "sent"), ("reminder", "email", "cancelled")]


def test_whoever_has_no_such_address_any_more_is_asked_on_the_next_channel(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink,
    server: ScriptedTwilio, workspace: Workspace,
) -> None:  # fmt: skip
    asking.ask(place, manager, world.survey(workspace).id, maria.id, BOTH)
    contacts.edit(place, manager, maria.id, {"phone": None})
    sending.send_due(place)
    sending.send_due(place)
    assert server.asked == []
    assert [each.recipient for each in smtp_server.messages] == [maria.email]
    assert messages(place) == [("invitation", "sms", "cancelled"), ("invitation", "email", "sent")]


def test_a_tick_reminds_everybody_who_is_due_the_later_ones_behind_what_others_ask(
    runtime: Runtime, world: World, manager: Visitor, workspace: Workspace, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(reminding, "SOME", 4)
    monkeypatch.setattr(reminding, "GROUP", 3)
    monkeypatch.setattr(reminding, "LEVEL", 6)
    survey = world.survey(workspace)
    for _ in range(10):
        asking.ask(runtime, manager, survey.id, world.contact(workspace).id, ["email"])
    sending.send_due(runtime)
    clock.advance(days=4)
    assert reminding.remind(runtime) == 10
    with runtime.db.read() as session:
        query = select(Message.priority).where(Message.purpose == "reminder").order_by(Message.priority)
        assert session.scalars(query).all() == [1] * 7 + [2] * 3
    assert reminding.remind(runtime) == 0


def test_one_run_asks_nobody_at_a_number_that_it_has_asked_before_they_got_it(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    server: ScriptedTwilio, clock: Clock,
) -> None:  # fmt: skip
    """Also where a workspace knows no rest: it is one question of one run."""
    with place.db.write() as session:
        home = session.get_one(Workspace, workspace.id)
        home.rest_days, home.rest_days_by_metric = 0, {}
    joao = world.contact(workspace, name="João", phone="+5531988884418")
    given = {"survey": world.survey(workspace).id, "repeat": "once", "channels": ["sms"]}
    schedules.create(place, manager, given)
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    later = update(Message).where(Message.contact_id == joao.id)
    with place.db.write() as session:
        session.execute(later.values(due_at=clock() + timedelta(hours=1)))
    sending.send_due(place)
    contacts.edit(place, manager, maria.id, {"phone": "+5531988884419"})
    contacts.edit(place, manager, joao.id, {"phone": MARIA})
    clock.advance(hours=1)
    sending.send_due(place)
    assert [each["To"] for each in server.created] == [MARIA]
    with place.db.read() as session:
        theirs = session.scalars(select(Invitation).where(Invitation.contact_id == joao.id)).one()
    assert (theirs.state, theirs.reason, theirs.until) == ("skipped", "resting", None)


def test_a_mailbox_at_which_somebody_was_asked_lately_rests_for_who_comes_to_it(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink,
) -> None:  # fmt: skip
    ask(place, world, manager, maria, ["email"])
    contacts.edit(place, manager, maria.id, {"email": "maria@nova.example"})
    joao = world.contact(workspace, name="João", email="joao@bemtevi.example")
    asking.ask(place, manager, world.survey(workspace).id, joao.id, ["email"])
    contacts.edit(place, manager, joao.id, {"email": maria.email})
    sending.send_due(place)
    assert [each.recipient for each in smtp_server.messages] == [maria.email]


def test_no_way_is_shut_by_a_question_that_the_sandbox_asked_at_the_same_number(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    server: ScriptedTwilio, smtp_server: SmtpSink,
) -> None:  # fmt: skip
    """It rang at nobody's."""
    joao = world.contact(workspace, name="João", email=None, phone=MARIA)
    there = {"channel": "sms", "address_key": joao.phone_key}
    world.invitation(workspace, world.survey(workspace), joao, there, sandbox=True, **there)
    smtp_server.refuse_recipient[str(maria.email)] = "550 5.1.1 No such user"
    ask(place, world, manager, maria, ["email", "sms"])
    sending.send_due(place)
    assert [each["To"] for each in server.created] == [MARIA]


def test_a_rest_that_a_monthly_run_met_early_is_met_at_the_next_channel_as_well(
    place: Runtime, world: World, clock: Clock, workspace: Workspace, manager: Visitor, maria: Contact,
    server: ScriptedTwilio, smtp_server: SmtpSink,
) -> None:  # fmt: skip
    joao = world.contact(workspace, name="João", email=None, phone=MARIA)
    survey = world.survey(workspace, Metric.CSAT)
    there = {"channel": "sms", "address_key": joao.phone_key}
    world.invitation(workspace, survey, joao, there, **there)
    contacts.edit(place, manager, joao.id, {"active": False})
    clock.advance(days=25)  # of thirty
    smtp_server.refuse_recipient[str(maria.email)] = "550 5.1.1 No such user"
    schedules.create(place, manager, {"survey": survey.id, "repeat": "monthly", "channels": ["email", "sms"]})
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    for _ in range(2):
        sending.send_due(place)
    assert [each["To"] for each in server.created] == [MARIA]


def test_a_reminder_that_follows_elsewhere_leaves_the_ask_where_it_went(
    place: Runtime, world: World, manager: Visitor, maria: Contact, server: ScriptedTwilio,
    smtp_server: SmtpSink, clock: Clock,
) -> None:  # fmt: skip
    ask(place, world, manager, maria, ["email", "sms"])
    with place.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"remind_elsewhere": True}
    asked_at = invitation(place).address_key
    clock.advance(days=4)
    reminding.remind(place)
    contacts.edit(place, manager, maria.id, {"phone": "+5531988884418"})
    sending.send_due(place)
    assert [each["To"] for each in server.created] == ["+5531988884418"]
    assert invitation(place).address_key == asked_at


@pytest.mark.parametrize("kind", ["bounce", "own_wish"])
def test_what_came_back_from_the_old_address_does_not_hold_the_new_one_but_a_wish_does(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact,
    smtp_server: SmtpSink, kind: str,
) -> None:  # fmt: skip
    asking.ask(place, manager, world.survey(workspace).id, maria.id, ["email"])
    contacts.edit(place, manager, maria.id, {"email": "maria@nova.example"})
    with place.db.write() as session:
        key = session.scalars(select(Message.address_key)).one() or ""
        opt_outs.record(session, workspace.id, None, (key,), kind=kind, origin="smtp", now=world.now)
    sending.send_due(place)
    sent = ["maria@nova.example"] if kind == "bounce" else []
    assert [each.recipient for each in smtp_server.messages] == sent


def reminded(place: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock) -> str:
    """A schedule that has asked them; the days of its reminder have passed."""
    with place.db.read() as session:
        home = session.get_one(Workspace, maria.workspace_id)
    id = schedules.create(place, manager, {"survey": world.survey(home).id, "repeat": "weekly"})
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)
    clock.advance(days=4)
    return id


def test_a_schedule_that_is_cancelled_reminds_nobody(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink, clock: Clock
) -> None:
    id = reminded(place, world, manager, maria, clock)
    schedules.cancel(place, manager, id)
    assert (reminding.remind(place), reminding.remind(place)) == (1, 0)  # it needs none any more
    assert messages(place) == [("invitation", "email", "sent")]


def test_reminders_that_are_queued_wait_while_their_schedule_is_paused_and_end_with_it(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink, clock: Clock
) -> None:
    id = reminded(place, world, manager, maria, clock)
    assert reminding.remind(place) == 1
    schedules.pause(place, manager, id)
    for _ in range(3):
        sending.send_due(place)
        clock.advance(minutes=30)
    assert messages(place) == [("invitation", "email", "sent"), ("reminder", "email", "queued")]
    schedules.cancel(place, manager, id)
    sending.send_due(place)
    assert messages(place) == [("invitation", "email", "sent"), ("reminder", "email", "cancelled")]
    assert (len(smtp_server.messages), invitation(place).state) == (1, "sent")


def test_reminders_of_a_paused_schedule_are_looked_at_once_and_leave_when_it_goes_on(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, smtp_server: SmtpSink, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(reminding, "ASIDE", 4)
    monkeypatch.setattr(unsent, "AT_ONCE", 5)
    for _ in range(11):
        maria = world.contact(workspace)
    id = reminded(place, world, manager, maria, clock)
    schedules.pause(place, manager, id)
    assert reminding.remind(place) == 0
    with place.db.read() as session:
        assert set(session.scalars(select(Invitation.remind_after))) == {-3}, "no look walks over them again"
    clock.advance(days=2)
    schedules.resume(place, manager, id)
    unsent.follow_all(place)
    assert (reminding.remind(place), reminding.remind(place)) == (11, 0)
    sending.send_due(place)
    assert len(smtp_server.messages) == 22


def test_reminders_that_waited_for_a_paused_schedule_leave_once_it_goes_on(
    place: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink, clock: Clock
) -> None:
    id = reminded(place, world, manager, maria, clock)
    reminding.remind(place)
    schedules.pause(place, manager, id)
    sending.send_due(place)
    schedules.resume(place, manager, id)
    clock.advance(minutes=10)
    sending.send_due(place)
    assert messages(place) == [("invitation", "email", "sent"), ("reminder", "email", "sent")]
