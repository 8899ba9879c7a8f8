"""From an empty installation to a closed loop: browser, mail server, web and worker are all real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import func, select

from app.db import Database
from app.domain.metrics import Metric
from app.models import Answer, Contact, FollowUp, Invitation, OptOut
from tests.journeys import steps
from tests.journeys.house import House, installation, wait_until
from tests.journeys.letters import link_to, scan
from tests.journeys.person import Person, at_a_browser
from tests.smtp import Arrived, SmtpSink

pytestmark = pytest.mark.browser

OWNER, AGENT = "denise@aroeira.example", "beatriz@aroeira.example"
SAID = "A agenda saiu do ar duas vezes.\nRemarquei doze pacientes <b>à mão</b>."


@pytest.fixture
def house(tmp_path: Path, database_url: str, db: Database, smtp_server: SmtpSink) -> Iterator[House]:
    """Its rows are read through `db`, which also empties the tables afterwards."""
    settings = {"SMTP_URL": smtp_server.url, "MAIL_FROM": "ola@retorno.example"}
    with installation(tmp_path, database_url, db, **settings) as running:
        yield running


@pytest.fixture
def owner(house: House, chromium: Browser) -> Person:
    return at_a_browser(chromium, house.url)


def test_a_detractor_is_heard_answered_and_counted(
    house: House, owner: Person, chromium: Browser, smtp_server: SmtpSink, tmp_path: Path
) -> None:
    steps.begin(owner, house.first_link)
    steps.say_where_replies_go(owner)
    steps.write_twenty_people(tmp_path / "clientes.csv")
    steps.import_people(owner, tmp_path / "clientes.csv")
    assert_imported_as_written(house)
    steps.invite(owner, AGENT, "agent")
    steps.ask_everybody_now(owner, steps.publish(owner, "nps"), 20)

    letters = [each for each in smtp_server.wait_for(21) if each.recipient != AGENT]
    assert {each.recipient for each in letters} == {steps.address_of(n) for n in range(20)}
    # A browser opens each of the 260 links once, on SQLite; on PostgreSQL those of one mail
    scan(letters, at_a_browser(chromium, house.url).page, in_browser=20 if house.db.is_sqlite else 1)
    assert recorded(house) == {"answers": 0, "opt-outs": 0, "follow-ups": 0, "answered": 0}

    maria = at_a_browser(chromium, house.url, width=390)
    steps.answer(maria, link_to(sent_to(smtp_server, steps.address_of(0)), "score=3"), SAID)
    assert recorded(house) == {"answers": 1, "opt-outs": 0, "follow-ups": 1, "answered": 1}
    assert wait_until(lambda: len(smtp_server.to(OWNER)) == 1) < 2.0

    agent = at_a_browser(chromium, house.url)
    close_the_loop(agent, smtp_server)
    owner.open(owner.room(""))
    assert_home_tells(owner)


def close_the_loop(agent: Person, smtp_server: SmtpSink) -> None:
    """By the links of two mails: the invitation to the workspace, and the alert."""
    invitation, alert = smtp_server.to(AGENT)
    steps.accept_invitation(agent, link_to(invitation, "/link/"), "Beatriz Lima")
    steps.sign_out(agent)
    steps.sign_in_at(agent, link_to(alert, "/followups/"), AGENT)
    agent.reads("Remarquei doze pacientes <b>à mão</b>.")
    steps.claim_and_reply(agent, "Maria, sinto muito. Posso ligar às 15h?", "Maria")
    wait_until(lambda: len(smtp_server.to(steps.address_of(0))) == 2)
    question, reply = smtp_server.to(steps.address_of(0))
    assert reply.mail["Reply-To"] == "atendimento@aroeira.example"
    assert reply.mail["In-Reply-To"] == question.mail["Message-ID"]
    assert "Posso ligar às 15h?" in reply.text
    agent.page.reload()
    expect(agent.heading).to_have_text(agent.said("We answered %(name)s", name="Maria Figueiredo"))
    steps.close(agent, "Combinamos um aviso por telefone.", "Sistema fora do ar")


def assert_imported_as_written(house: House) -> None:
    with house.db.read() as session:
        names = set(session.scalars(select(Contact.name)))
    assert names == {*steps.NAMES, steps.FORMULA}


def assert_home_tells(owner: Person) -> None:
    """The score with its interval and its n, and that nothing can be said about a change."""
    expect(owner.heading).to_contain_text("Um cliente respondeu hoje, e ninguém espera por nós.")
    nps = steps.station(owner, Metric.NPS)
    expect(nps.locator(".score")).to_have_text("−100")
    expect(nps).to_contain_text("Entre −99 e +49.")
    expect(nps).to_contain_text("1 resposta · 5% responderam")
    expect(nps).to_contain_text(owner.said("Nothing to compare with yet"))
    owner.reads("Remarquei doze pacientes <b>à mão</b>.")


def sent_to(smtp_server: SmtpSink, address: str) -> Arrived:
    (letter,) = smtp_server.to(address)
    return letter


def recorded(house: House) -> dict[str, int]:
    counts = {
        "answers": select(func.count(Answer.id)),
        "opt-outs": select(func.count(OptOut.id)),
        "follow-ups": select(func.count(FollowUp.id)),
        "answered": select(func.count(Invitation.id)).where(Invitation.state != "sent"),
    }
    with house.db.read() as session:
        return {name: session.scalar(query) or 0 for name, query in counts.items()}
