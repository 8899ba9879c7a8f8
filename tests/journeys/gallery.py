"""The demonstration as it is photographed: a Thursday at noon, its people signed in, every page by a name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TypeVar

from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import ColumnElement, select

from app.domain.access import Role
from app.jobs.worker import run_until_idle
from app.models import (
    Base,
    Contact,
    ContactImport,
    FollowUp,
    Invitation,
    Member,
    Message,
    Pulse,
    SandboxCopy,
    Schedule,
    Segment,
    Survey,
    User,
    UserSession,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import asking, contact_imports, demo, followups, import_pages, sandbox, schedules
from app.services.access import Visitor
from app.services.sessions import token_hash
from tests.services.chat_person import Person
from tests.web.browser import follow
from tests.world import Clock, World, token_of

Row = TypeVar("Row", bound=Base)
NOON = datetime(2026, 11, 19, 15, 14, tzinfo=UTC)  # a Thursday, 12:14 in São Paulo
PHONE = "+5531988884417"
DENISE, CAMILA, BEATRIZ = (f"{name}@aroeira.example" for name in ("denise", "camila", "beatriz"))


@dataclass(frozen=True)
class Gallery:
    """The filled installation, served twice over one database: with a mail server, and with the sandbox."""

    runtime: Runtime
    app: Flask
    browser: Browser
    url: str
    sandbox_url: str

    def visit(self, address: str, email: str | None = None) -> Page:
        """The page at this address, as this member sees it."""
        context = self.browser.new_context(base_url=self.url, locale="pt-BR")
        if email is not None:
            context.add_cookies([{"name": "retorno", "value": self._cookie(email), "url": self.url}])
        page = context.new_page()
        response = page.goto(address)
        assert response is not None
        assert response.ok, f"{response.status} {address}"
        return page

    def row(self, table: type[Row], *conditions: ColumnElement[bool]) -> Row:
        """The oldest of these rows."""
        with self.runtime.db.read() as session:
            return session.scalars(select(table).where(*conditions).order_by(table.id).limit(1)).one()

    def person(self, name: str) -> Contact:
        return self.row(Contact, Contact.name == name)

    def _cookie(self, email: str) -> str:
        token, now = new_id(), self.runtime.clock()
        session_row = UserSession(
            token_hash=token_hash(token),
            user_id=self.row(User, User.email == email).id,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=30),
            device="Firefox, Linux",
        )
        with self.runtime.db.write() as session:
            session.add(session_row)
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie["token"] = token
        made = client.get_cookie("retorno")
        assert made is not None
        return made.value


def fill(runtime: Runtime) -> None:
    """The demonstration, three mails of today in the sandbox, and a conversation on its phone."""
    demo.make(runtime)
    who, world = visitor(runtime, CAMILA), World(runtime)
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
        surveys = session.scalars(select(Survey).where(Survey.workspace_id == workspace.id)).all()
    people = (("Marina Teles", "pt-BR"), ("Owen Price", "en"), ("Lucía Ferrer", "es"))
    for survey, (name, locale) in zip(sorted(surveys, key=_by_metric), people, strict=True):
        address = f"{name.split()[0].lower()}@exemplo.example".replace("í", "i")
        contact = world.contact(workspace, name=name, locale=locale, email=address)
        asking.ask(runtime, who, survey.id, contact.id)
    nps, ces, csat = sorted(surveys, key=_by_metric)
    _wait_for_tickets(runtime, who, csat, ces)
    run_until_idle(runtime)
    _converse(runtime, world, workspace, nps)
    _import(runtime, world)


def _wait_for_tickets(runtime: Runtime, who: Visitor, csat: Survey, ces: Survey) -> None:
    """A day after a ticket is solved the question about it, and the effort two months later."""
    by_hand = {"property": "closed_by", "operator": "not", "values": ["auto"]}
    trigger = {"event": "ticket.solved", "after_hours": 24, "newest_within_hours": 24, "only": [by_hand]}
    schedules.create(
        runtime,
        who,
        {
            "survey": csat.id, "repeat": "event", "name": "Depois do chamado", "trigger": trigger,
            "off_days": "next", "steps": [{"survey": ces.id, "after_days": 60}],
        },
    )  # fmt: skip


def _converse(runtime: Runtime, world: World, workspace: Workspace, survey: Survey) -> None:
    """Raquel answers on WhatsApp, and Beatriz returns to her there."""
    raquel = world.contact(workspace, name="Raquel Neri", phone=PHONE, email=None)
    asking.ask(runtime, visitor(runtime, CAMILA), survey.id, raquel.id, ["whatsapp"])
    run_until_idle(runtime)
    phone = Person(runtime, "whatsapp", PHONE)
    for words in ("nota 6,5", "4", "Mudaram a agenda duas vezes e só soube na porta."):
        phone.sends(words)
    with runtime.db.read() as session:
        waits = session.scalars(select(FollowUp.id).where(FollowUp.contact_id == raquel.id)).one()
    followups.reply(
        runtime, visitor(runtime, BEATRIZ), waits, "Raquel, aqui é a Beatriz. Posso ligar às 15h?"
    )
    run_until_idle(runtime)
    assert isinstance(runtime.clock, Clock)
    runtime.clock.advance(minutes=2)
    phone.sends("Pode sim, obrigada.")


def _import(runtime: Runtime, world: World) -> None:
    """A file whose columns are to be named, one that was looked at, and one that is coming in."""
    who = visitor(runtime, CAMILA)
    people = "Código;Cliente;E-mail;Zap;Plano;Descadastrado;Desde\n" + "".join(
        f"C{n:03};{name};{name.split()[0].lower()}{n}@bemtevi.example;(31) 9{8712 + n}-44{n:02};"
        f"{'Anual' if n % 3 else 'Mensal'};{'sim' if n == 4 else ''};2024-0{n % 9 + 1}-12\n"
        for n, name in enumerate(("Alice Prado", "Bento Vaz", "Celina Dias", "Davi Reis", "Elisa Sá") * 5)
    )
    bad = "C901;Sem Arroba;sem-arroba.example;;Anual;;\nC902;Curto Demais;;31 98;Anual;;\nC003;Davi;;;;;\n"
    for name in ("clientes-novembro.csv", "clientes-outubro.csv"):
        id = contact_imports.receive(runtime, who, name, BytesIO((people + bad).encode()))
    found = import_pages.page(runtime, who, id)
    meanings = ["name" if each.name == "Cliente" else each.meaning for each in found.columns]
    contact_imports.choose_columns(runtime, who, id, meanings)
    now = runtime.clock()
    world.add(
        ContactImport(
            id=new_id(), workspace_id=who.workspace_id, user_id=who.user_id, kind="xlsx", state="importing",
            file_name="base-completa.xlsx", columns=["Cliente", "E-mail"], meanings=["name", "email"],
            lawful_basis="consent", source="ERP", total=214_380, done=131_000, created=9_214, updated=4_802,
            unchanged=116_530, repeated=312, refused=142, opted_out=1_207, created_at=now,
            started_at=now - timedelta(seconds=58), progressed_at=now, lease_token=new_id(),
            lease_until=now + timedelta(days=1),
        )
    )  # fmt: skip


def _by_metric(survey: Survey) -> int:
    return ("nps", "ces", "csat").index(survey.metric)


def visitor(runtime: Runtime, email: str) -> Visitor:
    """A member of the customers' workspace, as verbs take them."""
    query = (
        select(Workspace, User, Member)
        .join(Member, Member.workspace_id == Workspace.id)
        .join(User, User.id == Member.user_id)
        .where(Workspace.kind == "customers", User.email == email)
    )
    with runtime.db.read() as session:
        workspace, user, member = session.execute(query).one()
    return Visitor(
        workspace_id=workspace.id,
        workspace_slug=workspace.slug,
        workspace_kind=workspace.kind,
        role=Role(member.role),
        name=user.name,
        locale=user.locale,
        time_zone=workspace.time_zone,
        user_id=user.id,
        member_id=member.id,
    )


def _room(room: str, email: str = CAMILA, slug: str = "aroeira") -> Callable[[Gallery], Page]:
    return lambda gallery: gallery.visit(f"/w/{slug}/{room}", email)


def _of(table: type[Base], room: str, *conditions: ColumnElement[bool]) -> Callable[[Gallery], Page]:
    """The page of one row of this table."""
    return lambda gallery: _room(f"{room}/{gallery.row(table, *conditions).id}")(gallery)


def _followup(gallery: Gallery) -> Page:
    """Maria's, as Beatriz sees it who has it."""
    waits = gallery.row(FollowUp, FollowUp.contact_id == gallery.person("Maria Figueiredo").id)
    return _room(f"followups/{waits.id}", BEATRIZ)(gallery)


def _contact(gallery: Gallery) -> Page:
    return _room(f"contacts/{gallery.person('Tomás Arruda').id}")(gallery)


def _why(gallery: Gallery) -> Page:
    """Why the relationship was not asked of somebody who rests."""
    survey = gallery.row(Survey, Survey.metric == "nps")
    resting = select(Invitation.contact_id).where(Invitation.reason == "resting")
    somebody = gallery.row(Contact, Contact.id.in_(resting))
    return _room(f"contacts/{somebody.id}?why={survey.id}#why-asked")(gallery)


def _conversation(gallery: Gallery) -> Page:
    """Raquel's follow-up, as Beatriz sees it."""
    waits = gallery.row(FollowUp, FollowUp.contact_id == gallery.person("Raquel Neri").id)
    return _room(f"followups/{waits.id}", BEATRIZ)(gallery)


def _pulse(gallery: Gallery) -> Page:
    with gallery.runtime.db.read() as session:
        last = session.scalars(select(Pulse.id).order_by(Pulse.closed_at.desc()).limit(1)).one()
    return _room(f"pulses/{last}", DENISE, "aroeira-pessoas")(gallery)


def _rule(gallery: Gallery) -> Page:
    """A new rule, looked at before it is made."""
    page = _room("schedules/new")(gallery)
    page.locator("#survey").select_option(index=1)
    page.locator("#repeat").select_option("quarterly")
    follow(page.locator("button[value=fields]"))
    page.locator("#on").select_option("first_business")
    page.locator("#at").fill("2027-01-01T10:00")
    follow(page.locator("button[value=look]"))
    return page


def _preflight(gallery: Gallery) -> Page:
    """The same rule, with its real messages, before it is launched."""
    page = _rule(gallery)
    follow(page.locator("button[formaction$=preflight]"))
    page.locator("#messages").wait_for()
    return page


def _sandbox(gallery: Gallery) -> Page:
    user = gallery.row(User, User.email == CAMILA)
    mails = sandbox.mailbox(gallery.runtime, user.id).page.items
    (mail,) = [each for each in mails if each.to_name == "Marina Teles"]
    page = gallery.visit(f"{gallery.sandbox_url}/sandbox/{mail.id}", CAMILA)
    page.frame_locator("iframe").get_by_role("heading").first.wait_for()
    return page


def _mail(gallery: Gallery) -> Page:
    """As a mail program shows it."""
    copies = select(SandboxCopy).join(Message, Message.id == SandboxCopy.message_id).join(Contact)
    with gallery.runtime.db.read() as session:
        mail = session.scalars(copies.where(Contact.name == "Marina Teles")).one()
    page = gallery.browser.new_page(locale="pt-BR")
    page.set_content(mail.html)
    return page


def _answer(gallery: Gallery) -> Page:
    """The mail's 9 was pressed."""
    return gallery.visit(f"/r/{_asked(gallery)}?score=9")


def _answer_comment(gallery: Gallery) -> Page:
    page = gallery.visit(f"/r/{_asked(gallery)}?score=4")
    follow(page.locator("button.send"))
    return page


def _answer_thanks(gallery: Gallery) -> Page:
    page = _answer_comment(gallery)
    page.locator("textarea").fill("A agenda saiu do ar duas vezes e ninguém avisou.")
    follow(page.locator("button.send"))
    return page


def _asked(gallery: Gallery) -> str:
    """The token in a mail of the customers' workspace."""
    world = World(gallery.runtime)
    survey = gallery.row(Survey, Survey.metric == "nps")
    workspace = gallery.row(Workspace, Workspace.id == survey.workspace_id)
    return token_of(world.invitation(workspace, survey, gallery.person("Aline Sakamoto")))


PAGES: Mapping[str, Callable[[Gallery], Page]] = {
    "home": _room(""),
    "followups": _room("followups", BEATRIZ),
    "followup": _followup,
    "answers": _room("answers"),
    "survey": _of(Survey, "surveys", Survey.metric == "nps"),
    "schedule": _of(Schedule, "schedules", Schedule.repeat == "monthly"),
    "schedule-event": _of(Schedule, "schedules", Schedule.repeat == "event"),
    "schedule-rule": _rule,
    "preflight": _preflight,
    "contacts": _room("contacts"),
    "contact": _contact,
    "why": _why,
    "talked": lambda gallery: _room(f"contacts/{gallery.person('Raquel Neri').id}")(gallery),
    "account": lambda gallery: gallery.visit("/account", BEATRIZ),
    "audience": _of(Segment, "audiences"),
    "import": _room("contacts/import"),
    "import-columns": _of(ContactImport, "contacts/import", ContactImport.state == "mapping"),
    "import-checked": _of(ContactImport, "contacts/import", ContactImport.state == "checked"),
    "import-progress": _of(ContactImport, "contacts/import", ContactImport.state == "importing"),
    "settings": _room("settings", DENISE),
    "pulse": _pulse,
    "sandbox": _sandbox,
    "phone": lambda gallery: gallery.visit(f"{gallery.sandbox_url}/sandbox/phone", CAMILA),
    "conversation": _conversation,
    "channels": _room("settings/channels"),
    "reading": _room("reading?text=nota 8, mas demorou"),
    "mail": _mail,
    "sign-in": lambda gallery: gallery.visit("/sign-in"),
    "answer": _answer,
    "answer-thanks": _answer_thanks,
}
