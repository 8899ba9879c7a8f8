"""A pulse among six, from opening to headline; among four nothing is shown and nothing kept."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import PulseComment, PulseCount, PulseScore, SealedAnswer, Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from tests.journeys import steps
from tests.journeys.letters import link_to, links_of, scan
from tests.journeys.person import Person, SignedIn, Work
from tests.smtp import Arrived, SmtpSink
from tests.web.browser import Visit
from tests.world import Clock, World

pytestmark = pytest.mark.browser

PEOPLE = ("Ivo", "Lia", "Rui", "Noa", "Bia", "Gil")
SCORES = (10, 9, 9, 7, 3, 10)  # four promoters, one detractor: +50


@pytest.fixture
def people(world: World) -> Workspace:
    return world.workspace("people", name="Aroeira", slug="aroeira-pessoas")


@pytest.fixture
def denise(world: World, people: Workspace) -> Visitor:
    """HR; she also belongs to the customers' side, where the headline may stand."""
    user = world.user(name="Denise Moura")
    world.member(world.workspace(name="Aroeira Clientes", slug="aroeira"), Role.OWNER, user)
    return world.member(people, Role.OWNER, user)


def test_six_are_asked_reminded_heard_and_counted(
    world: World,
    people: Workspace,
    denise: Visitor,
    runtime: Runtime,
    clock: Clock,
    smtp_server: SmtpSink,
    signed_in: SignedIn,
    visit: Visit,
    work: Work,
) -> None:
    hr, phone = signed_in(denise), Person(visit("/healthz", width=390, locale="pt-BR"))
    open_pulse(world, people, hr, PEOPLE)
    work()
    letters = [letter_to(smtp_server, name) for name in PEOPLE]
    for letter in letters:
        assert_one_link_and_no_scores(letter)
    scan(letters, phone.page, in_browser=6)
    assert kept(runtime) == {"sealed": 0, "scores": 0, "comments": 0, "counts": 0}

    for letter, score in zip(letters[:5], SCORES, strict=False):
        steps.answer_pulse(phone, link_to(letter, "/p/"), score, "Segredo de uma pessoa só.")
    clock.advance(days=4)
    work()
    assert len(smtp_server.messages) == 7
    reminder = smtp_server.to(address_of("Gil"))[1]
    assert_one_link_and_no_scores(reminder)
    steps.answer_pulse(phone, link_to(reminder, "/p/"), SCORES[5])
    hr.page.reload()
    assert_sealed(hr)

    steps.close_pulse(hr)
    expect(hr.heading).to_have_text("6 de 6 pessoas responderam. O e-NPS é +50.")
    hr.reads("Entre −18 e +84")
    assert kept(runtime) == {"sealed": 0, "scores": 6, "comments": 0, "counts": 1}
    hr.field("Workspace that shows it").select_option(label="Aroeira Clientes")
    hr.press("Show the headline there")
    hr.open("/w/aroeira/")
    station = steps.station(hr, Metric.ENPS)
    expect(station.locator(".score")).to_have_text("+50")
    expect(station).to_contain_text("6 respostas · 100% responderam")


def test_of_four_nothing_is_shown_and_nothing_kept(
    world: World,
    people: Workspace,
    denise: Visitor,
    runtime: Runtime,
    smtp_server: SmtpSink,
    signed_in: SignedIn,
    visit: Visit,
    work: Work,
) -> None:
    hr, phone = signed_in(denise), Person(visit("/healthz", width=390, locale="pt-BR"))
    open_pulse(world, people, hr, PEOPLE[:4])
    work()
    for name in PEOPLE[:4]:
        steps.answer_pulse(phone, link_to(letter_to(smtp_server, name), "/p/"), 9, "Tudo certo por aqui.")
    assert kept(runtime)["sealed"] == 4
    steps.close_pulse(hr)
    expect(hr.heading).to_have_text("Menos de 5 pessoas responderam.")
    assert kept(runtime) == {"sealed": 0, "scores": 0, "comments": 0, "counts": 0}
    assert list(runtime.config.keys_dir.iterdir()) == []
    expect(hr.page.locator("main")).not_to_contain_text("+100")


def open_pulse(world: World, people: Workspace, hr: Person, names: tuple[str, ...]) -> None:
    world.survey(people, Metric.ENPS, name="Clima")
    for name in names:
        world.contact(people, name=f"{name} Salles", email=address_of(name))
    hr.open(hr.room("pulses/new"))
    hr.press("See who would be asked")
    hr.page.get_by_role("button", name=f"{len(names)} pessoas").click()
    hr.reads(hr.said("The pulse is open. The invitations are on their way."))


def address_of(name: str) -> str:
    return f"{name.lower()}@aroeira.example"


def letter_to(smtp_server: SmtpSink, name: str) -> Arrived:
    (letter,) = smtp_server.to(address_of(name))
    return letter


def assert_one_link_and_no_scores(letter: Arrived) -> None:
    """One to the page and one out; the employer's mail server learns nothing from a click."""
    assert [link.split("/")[3] for link in links_of(letter)] == ["p", "u"]
    assert "score" not in letter.html + letter.text


def assert_sealed(hr: Person) -> None:
    main = hr.page.locator("main")
    expect(main).to_contain_text("Pelo menos 5 de 6 pessoas responderam.")
    expect(main).not_to_contain_text("Segredo")
    expect(main).not_to_contain_text("+50")


def kept(runtime: Runtime) -> dict[str, int]:
    tables = {"sealed": SealedAnswer, "scores": PulseScore, "comments": PulseComment, "counts": PulseCount}
    with runtime.db.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in tables.items()
        }
