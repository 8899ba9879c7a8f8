"""Each kind of mail from its row to a real mail server: who writes, to whom, with which words and links."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Attempt, FollowUp, Invitation, Message, SurveyVersion, User, Workspace, new_id
from app.runtime import Runtime
from app.services import account_mail, alert_choices, asking, outbox, sending
from app.services.access import Visitor
from tests.services.loop import opened
from tests.smtp import SmtpSink
from tests.world import Clock, World

FROM = "pergunta@aroeira.example"


@pytest.fixture
def real(runtime: Runtime, smtp_server: SmtpSink) -> Runtime:
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from=FROM)
    return replace(runtime, config=config, channels=open_channels(config))


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(
        name="Aroeira",
        sender_name="Camila Duarte",
        reply_to="ola@aroeira.example",
        postal_address="Rua dos Timbiras 1.200",
    )


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


def test_a_question_arrives_from_the_workspace_with_both_links(
    real: Runtime,
    world: World,
    workspace: Workspace,
    manager: Visitor,
    smtp_server: SmtpSink,
) -> None:
    contact = world.contact(workspace, name="Maria Figueiredo")
    asking.ask(real, manager, world.survey(workspace).id, contact.id)
    assert sending.send_due(real) == 1
    (arrived,) = smtp_server.messages
    mail = arrived.mail
    assert arrived.sender == FROM
    assert arrived.recipient == contact.email
    assert mail["From"] == f"Camila Duarte <{FROM}>"
    assert mail["Reply-To"] == "ola@aroeira.example"
    assert "Maria" in mail["Subject"]
    assert "Rua dos Timbiras" in arrived.text
    links = set(re.findall(r"http://127\.0\.0\.1:8000/([ru])/[\w-]{22,}", arrived.text))
    assert links == {"r", "u"}
    with real.db.read() as session:
        message = session.scalars(select(Message)).one()
        assert mail["Message-ID"] == f"<{message.id}@aroeira.example>"
        assert message.provider_id == "00000001"
        assert mail["Date"].datetime == world.now


def test_a_detractor_is_told_to_the_members_with_the_link_to_the_follow_up(
    real: Runtime,
    world: World,
    workspace: Workspace,
    manager: Visitor,
    smtp_server: SmtpSink,
) -> None:
    contact = world.contact(workspace, name="Marina <b>Prates</b>")
    comment = 'Não responderam.\n<a href="https://evil.example">ver</a> {{ link }}'
    followup = opened(world, workspace, 3, contact=contact, comment=comment)
    with real.db.write() as session:
        outbox.enqueue_alerts(session, workspace.id, followup, world.now)
    assert sending.send_urgent(real) == 1
    (arrived,) = smtp_server.messages
    link = f"http://127.0.0.1:8000/w/{workspace.slug}/followups/{followup}"
    assert arrived.mail["Subject"] == "Marina <b>Prates</b> deu nota 3 (detrator)"
    assert link in arrived.text
    assert f'href="{link}"' in arrived.html
    assert "evil.example" not in re.findall(r'href="([^"]*)"', arrived.html)
    assert "{{ link }}" in arrived.text


def test_an_agents_reply_is_a_conversation_in_the_thread_of_the_question(
    real: Runtime,
    world: World,
    workspace: Workspace,
    manager: Visitor,
    smtp_server: SmtpSink,
) -> None:
    contact = world.contact(workspace, name="Marina Prates")
    survey = world.survey(workspace)
    asking.ask(real, manager, survey.id, contact.id)
    sending.send_due(real)
    with real.db.write() as session:  # rows outlive a writing session
        invitation = session.scalars(select(Invitation)).one()
    answered = {"contact": contact, "survey": survey, "invitation": invitation, "comment": "Três dias."}
    followup = opened(world, workspace, 3, **answered)
    with real.db.write() as session:
        outbox.enqueue_reply(
            session, workspace_id=workspace.id, followup_id=followup, contact_id=contact.id,
            member_user_id=manager.user_id, to_address=contact.email or "", address_key=contact.email_key,
            locale="pt-BR", body="Olá, Marina.\n\nVou resolver hoje.", now=world.now,
        )  # fmt: skip
    assert sending.send_urgent(real) == 1
    question, reply = smtp_server.messages
    assert reply.mail["In-Reply-To"] == question.mail["Message-ID"]
    assert reply.mail["Subject"] == f"Re: {question.mail['Subject']}"
    assert reply.mail["Reply-To"] == "ola@aroeira.example"
    assert reply.mail["Auto-Submitted"] is None
    assert reply.text.startswith(f"Olá, Marina.\r\n\r\nVou resolver hoje.\r\n\r\n{manager.name}")
    assert "> Três dias." in reply.text
    with real.db.read() as session:
        assert session.scalars(select(FollowUp.first_contact_at)).one() == world.now


def test_a_new_password_comes_with_a_link_that_no_table_holds(
    real: Runtime,
    world: World,
    smtp_server: SmtpSink,
) -> None:
    user = world.user(email="beatriz@aroeira.example", locale="en")
    with real.db.write() as session:
        account_mail.enqueue(session, real, session.get_one(User, user.id), "reset")
    assert sending.send_urgent(real) == 1
    (arrived,) = smtp_server.messages
    (link,) = re.findall(r"http://127\.0\.0\.1:8000/link/[\w-]+", arrived.text)
    assert f'href="{link}"' in arrived.html
    assert arrived.mail["From"] == f"Retorno <{FROM}>"
    with real.db.read() as session:
        assert "{{ reset_link }}" in (session.scalars(select(Message.body)).one() or "")


def test_one_letter_that_cannot_be_written_holds_up_no_other(
    real: Runtime,
    world: World,
    workspace: Workspace,
    manager: Visitor,
    smtp_server: SmtpSink,
    clock: Clock,
) -> None:
    survey = world.survey(workspace)
    broken, whole = world.contact(workspace), world.contact(workspace)
    for contact in (broken, whole):
        asking.ask(real, manager, survey.id, contact.id)
    with real.db.write() as session:
        version = session.scalars(select(SurveyVersion)).first()
        assert version is not None
        wrong = {locale: texts | {"subject": "{{ no.such }}"} for locale, texts in version.texts.items()}
        copy = SurveyVersion(
            id=new_id(), workspace_id=workspace.id, survey_id=survey.id, number=99, metric="nps", texts=wrong,
            opens_followup=True, published_at=world.now, published_by=None,
        )  # fmt: skip
        session.add(copy)
        session.flush()
        session.execute(
            update(Invitation).where(Invitation.contact_id == broken.id).values(version_id=copy.id)
        )
    assert sending.send_due(real) == 1
    assert [each.recipient for each in smtp_server.messages] == [whole.email]
    with real.db.read() as session:
        rows = session.execute(select(Invitation.contact_id, Invitation.state, Invitation.reason)).all()
        assert {tuple(row) for row in rows} == {
            (broken.id, "failed", "not_written"),
            (whole.id, "sent", None),
        }
        assert session.scalars(select(Attempt).where(Attempt.ended_at.is_(None))).all() == []
    clock.advance(hours=1)
    assert sending.send_due(real) == 0


def test_a_mail_that_waited_carries_the_day_on_which_it_left(
    real: Runtime,
    world: World,
    workspace: Workspace,
    manager: Visitor,
    smtp_server: SmtpSink,
    clock: Clock,
) -> None:
    asking.ask(real, manager, world.survey(workspace).id, world.contact(workspace).id)
    clock.advance(hours=20)
    sending.send_due(real)
    assert smtp_server.messages[0].mail["Date"].datetime == clock.now


def test_a_changed_password_is_told_to_its_owner(real: Runtime, world: World, smtp_server: SmtpSink) -> None:
    user = world.user(email="beatriz@aroeira.example", locale="es")
    with real.db.write() as session:
        account_mail.tell_of_change(session, real, session.get_one(User, user.id))
    assert sending.send_urgent(real) == 1
    (arrived,) = smtp_server.messages
    assert arrived.mail["Subject"] == "Tu contraseña fue cambiada"
    assert "beatriz@aroeira.example" in arrived.text
    assert "href" not in arrived.html


def test_an_alert_waits_for_the_end_of_a_members_quiet_hours(
    real: Runtime, world: World, workspace: Workspace, manager: Visitor, clock: Clock, smtp_server: SmtpSink
) -> None:
    awake = world.member(workspace, Role.AGENT)
    clock.now = datetime(2026, 11, 28, 23, 30, tzinfo=ZoneInfo(workspace.time_zone)).astimezone(UTC)
    alert_choices.choose(real, manager.user_id or "", "email", "20:00", "08:00")
    followup = opened(world, workspace, 3)
    with real.db.write() as session:
        outbox.enqueue_alerts(session, workspace.id, followup, world.now)
    assert sending.send_urgent(real) == 1
    with real.db.read() as session:
        assert [each.recipient for each in smtp_server.messages] == [
            session.get_one(User, awake.user_id).email
        ]
    clock.advance(hours=8, minutes=29)
    assert sending.send_urgent(real) == 0
    clock.advance(minutes=1)
    assert sending.send_urgent(real) == 1
