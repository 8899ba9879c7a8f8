"""A year of a quarterly NPS with reminders, and texts where mail fails: every number on the pages adds up."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Workspace
from app.services import opt_outs
from app.services.access import Visitor
from tests.journeys import steps
from tests.journeys.person import Person, SignedIn, Work
from tests.journeys.year import OURS, Year
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio, scripted
from tests.smtp import SmtpSink
from tests.web.browser import Live
from tests.world import Clock, World

pytestmark = pytest.mark.browser

PRO, BASIC = 40, 7
FIRST_RUN = "2026-12-01T10:00"
QUARTERS = {(12, 1), (3, 1), (6, 1), (9, 1)}
LISTENED_FOR = 6  # days after a run: the reminder comes on the third
NO_SUCH_USER = "550 5.1.1 No such user"


@pytest.fixture
def texts() -> Iterator[ScriptedTwilio]:
    with scripted() as server:
        yield server


@pytest.fixture
def channels(smtp_server: SmtpSink, texts: ScriptedTwilio) -> dict[str, str]:
    return {
        "SMTP_URL": smtp_server.url,
        "MAIL_FROM": "ola@retorno.example",
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_SMS_FROM": OURS,
        "TWILIO_API_URL": texts.url,
        "SMS_COUNTRIES": "BR",
    }


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira", reply_to="atendimento@aroeira.example")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(
        workspace, Role.MANAGER, world.user(name="Camila Duarte", email="camila@aroeira.example")
    )


@pytest.fixture
def customers(world: World, workspace: Workspace, smtp_server: SmtpSink, camila: Visitor) -> list[Contact]:
    """Forty of the plan Pro, whom it is about, and some of another.

    The first five: a dead mailbox with a phone, one without, a phone alone, no address, somebody who opted
    out; the sixth was asked an hour ago.
    """
    known: dict[int, dict[str, object]] = {
        0: {"phone": "+5531988880000"},
        2: {"email": None, "phone": "+5531988880002"},
        3: {"email": None},
    }
    pro = [
        world.contact(
            workspace,
            name=f"Cliente {number:02}",
            attributes={"plan": "Pro"},
            **({"email": f"c{number:02}@clientes.example"} | known.get(number, {})),
        )
        for number in range(PRO)
    ]
    for number in range(BASIC):
        world.contact(workspace, email=f"b{number}@clientes.example", attributes={"plan": "Basic"})
    for number in (0, 1):
        smtp_server.refuse_recipient[f"c{number:02}@clientes.example"] = NO_SUCH_USER
    opt_outs.opt_out(world.runtime, camila, pro[4].id, "console")
    world.invitation(workspace, world.survey(workspace, name="Outra"), pro[5])
    return pro


def test_a_year_of_a_quarterly_question_adds_up_on_every_page(
    world: World,
    workspace: Workspace,
    camila: Visitor,
    customers: list[Contact],
    smtp_server: SmtpSink,
    texts: ScriptedTwilio,
    signed_in: SignedIn,
    live: Live,
    clock: Clock,
    work: Work,
) -> None:
    survey = world.survey(workspace, name="NPS do relacionamento")
    manager = signed_in(camila)
    put_an_audience_together(manager)
    schedule = launch(manager, survey.id)
    year = Year(customers, smtp_server, texts, clock, live.url, leaves=customers[6])
    live_through(year, work)
    manager = signed_in(camila)
    assert len(year.days) == 4
    assert year.asked[year.days[0]][customers[0].id] == "sms", "their mailbox is dead"
    runs_add_up(manager, schedule, year)
    scores_add_up(manager, year)
    people_say_why(manager, customers, year)


def put_an_audience_together(manager: Person) -> None:
    """Whoever has the plan Pro, seen before it is saved."""
    manager.open(manager.room("audiences/new"))
    manager.field("What the next condition is about").first.select_option("attributes.plan")
    manager.press("Add condition")
    manager.page.get_by_label(manager.said("One per line")).fill("Pro")
    manager.press("Show who")
    expect(manager.page.get_by_role("heading", name="40 pessoas agora")).to_be_visible()
    manager.fill("Name", "Clientes Pro")
    manager.press("Save audience")
    expect(manager.heading).to_have_text("Clientes Pro")


def launch(manager: Person, survey: str) -> str:
    """A quarterly NPS by mail, then by text, reminded after three days; first whom it would ask."""
    manager.open(manager.room("schedules/new"))
    manager.field("Survey").select_option(survey)
    manager.field("Who").select_option(label="Clientes Pro")
    manager.field("How often").select_option("quarterly")
    manager.press("Show its fields")
    manager.fill("First run", FIRST_RUN)
    manager.field("Channel").select_option("email")
    manager.field("If it does not reach them").select_option("sms")
    manager.fill("Reminders, days after the question", "3")
    manager.press("See whom it would ask")
    assert counted(manager) == {
        "Seriam perguntadas": 37, "Sem endereço": 1, "Não quer receber": 1, "Em descanso": 1,
    }  # fmt: skip
    manager.reads("40 pessoas ao todo.")
    manager.press("Save schedule")
    manager.reads(manager.said("The schedule is in place."))
    return manager.page.url.split("/schedules/")[1]


def live_through(year: Year, work: Work) -> None:
    """Until the last days before the fifth run: at 10:00 in São Paulo, daily while somebody may write."""
    day = year.clock.now
    last = day + timedelta(days=378)
    while (day := day + timedelta(days=1)) < last:
        if (day.month, day.day) in QUARTERS:
            year.clock.now = day
            year.begins()
        elif not year.asked or (day.date() - year.days[-1]).days > LISTENED_FOR:
            continue
        year.clock.now = day
        work()
        year.pass_a_day()
        work()
        year.skip_texts()
    year.clock.now = day


def counted(manager: Person) -> dict[str, int]:
    """The lines of people by reason that a page shows."""
    lines = manager.page.locator(".reason-line").all()
    return {
        (line.locator(":scope > :first-child").text_content() or "").strip(): int(
            line.locator("strong").text_content() or ""
        )
        for line in lines
    }


def runs_add_up(manager: Person, schedule: str, year: Year) -> None:
    """Each run decided about all forty, and asked those who got something."""
    manager.open(manager.room(f"schedules/{schedule}"))
    rows = manager.page.locator('section[aria-labelledby="history"] .plan')
    assert rows.count() == len(year.days)
    links = [
        rows.nth(number).get_by_role("link").first.get_attribute("href") for number in range(rows.count())
    ]
    for day, link in zip(reversed(year.days), links, strict=True):
        assert link is not None
        manager.open(link)
        found = counted(manager)
        assert sum(found.values()) == PRO
        assert found[manager.said("Asked")] == len(year.asked[day]), day
        manager.reads(f"{PRO} pessoas ao todo")


def scores_add_up(manager: Person, year: Year) -> None:
    """Home, the list of answers and its file tell what was said."""
    said = year.all_scores
    promoters, detractors = sum(each >= 9 for each in said), sum(each <= 6 for each in said)
    asked = sum(len(each) for each in year.asked.values())
    assert len(said) > 40
    assert sum(len(each) for each in year.reminded.values()) > 20
    manager.open(manager.room("?days=365"))
    station = steps.station(manager, Metric.NPS)
    expect(station.locator(".score")).to_have_text(
        signed(Fraction(100 * (promoters - detractors), len(said)))
    )
    expect(station).to_contain_text(f"{len(said)} respostas")
    expect(station).to_contain_text(f"{rounded(Fraction(100 * len(said), asked))}% responderam")
    manager.open(manager.room("answers"))
    expect(manager.heading).to_have_text(f"{len(said)} respostas")
    file = manager.page.request.get(manager.room("answers/export.csv")).body().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(file)))
    assert sorted(int(row["score"]) for row in rows) == sorted(said)
    manager.open(manager.room("followups"))
    manager.reads(f"{detractors} pessoas esperam por nós.")


def people_say_why(manager: Person, customers: list[Contact], year: Year) -> None:
    """On the page of each of them stands what became of asking them."""
    for number, words in (
        (1, "endereço devolveu"),
        (3, "sem endereço"),
        (4, "não quer receber"),
        (6, "não quer receber"),
    ):
        manager.open(manager.room(f"contacts/{customers[number].id}"))
        expect(manager.page.locator("body")).to_contain_text(words, ignore_case=True)


def rounded(value: Fraction) -> int:
    """Half away from zero, as everywhere."""
    return int(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def signed(value: Fraction) -> str:
    number = rounded(value)
    return f"+{number}" if number > 0 else f"−{-number}" if number < 0 else "0"
