"""What the people of a workspace do in the console, step by step, in a real browser."""

from pathlib import Path

from playwright.sync_api import Locator, expect

from app.domain.metrics import Metric
from tests.journeys.person import Person

PASSWORD = "quatro palavras bem escolhidas"
COLUMNS = "Nome;E-mail;Idioma;Empresa;Código"
NAMES = (
    *("Maria Figueiredo", "Tomás Arruda", "Rosângela Prado", "Márcia Bittencourt", "Luana Siqueira"),
    *("Nelson Vaz", "Helena Dias", "João Câmara", "Antônia Reis", "Caio Menezes", "Lívia Brandão"),
    *("Otávio Pires", "Joana D’Ávila", "Zé da Silva", "Sílvia Nóbrega", "Íris Conceição", "Ugo Bianchi"),
    *("Beto Ñandú", "Ana Luísa Sá"),
)
FORMULA = '=cmd|"/C calc"!A0'


def address_of(number: int) -> str:
    return f"pessoa{number:02}@clientes.example"


def write_twenty_people(path: Path) -> None:
    """As Excel in Portuguese saves it, with a byte order mark; one name is a formula, one row is bad."""
    lines = [f"{name};{address_of(n)};pt-BR;Empresa {n};C{n:03}" for n, name in enumerate(NAMES)]
    formula = FORMULA.replace('"', '""')
    lines.append(f'"{formula}";{address_of(len(NAMES))};pt-BR;Fórmulas Ltda;C999')
    lines.insert(7, "Sem Arroba;sem-arroba.example;pt-BR;Empresa;C777")
    path.write_bytes("\r\n".join([COLUMNS, *lines, ""]).encode("utf-8-sig"))


def begin(owner: Person, link: str) -> None:
    """The very first person: the workspace and its owner."""
    owner.open(link)
    owner.fill("Your company or team", "Aroeira")
    owner.fill("Your name", "Denise Moura")
    owner.fill("E-mail", "denise@aroeira.example")
    owner.fill("Choose a password", PASSWORD)
    owner.press("Begin")
    expect(owner.page).to_have_url(owner.room(""))


def say_where_replies_go(owner: Person) -> None:
    owner.open(owner.room("settings"))
    owner.fill("Answers by e-mail go to", "atendimento@aroeira.example")
    owner.fill("Postal address", "Rua dos Aimorés, 1000, Belo Horizonte")
    owner.press("Save settings")
    owner.reads(owner.said("Saved."))


def import_people(owner: Person, path: Path) -> None:
    """First what it would do, then it is done."""
    owner.open(owner.room("contacts/import"))
    owner.choose_file("CSV or Excel file", path)
    owner.press("Look at the file")
    owner.press("See what it would do")
    owner.reads("Sem Arroba")
    owner.fill("Where do these contacts come from?", "Planilha do atendimento")
    owner.page.get_by_role("button", name="20").click()
    expect(owner.heading).to_contain_text("20")


def publish(owner: Person, metric: str) -> str:
    """A survey with the ready texts, live at once; its id."""
    owner.open(owner.room("surveys/new"))
    owner.page.locator(f'input[name="metric"][value="{metric}"]').check()
    owner.fill("Name", metric.upper())
    owner.press("Begin with the ready texts")
    owner.press("Publish version %(number)s", number=1)
    owner.reads(owner.said("Version %(number)s is live.", number=1))
    return owner.page.url.split("/surveys/")[1].split("?")[0]


def ask_everybody_now(owner: Person, survey: str, people: int) -> None:
    """Once, now, after seeing whom it would ask."""
    owner.open(owner.room("schedules/new"))
    owner.field("Survey").select_option(survey)
    owner.press("See whom it would ask")
    owner.press("Check it before the launch")
    owner.page.get_by_role("button", name=str(people)).click()
    owner.reads(owner.said("The schedule is in place."))


def invite(owner: Person, email: str, role: str) -> None:
    owner.open(owner.room("settings/members"))
    owner.fill("E-mail", email)
    owner.page.locator(f'input[name="role"][value="{role}"]').check()
    owner.press("Invite")
    owner.reads(email)


def accept_invitation(agent: Person, link: str, name: str) -> None:
    """By the link of the mail: a name and a password."""
    agent.open(link)
    agent.fill("Your name", name)
    agent.fill("Choose a password", PASSWORD)
    agent.press("Begin")
    expect(agent.page).to_have_url(agent.room(""))


def sign_out(person: Person) -> None:
    person.page.locator(".rail-who > summary").click()
    person.press("Sign out")


def sign_in_at(person: Person, address: str, email: str) -> None:
    """Whoever follows a link into the console signs in first, and then is where the link leads."""
    person.open(address)
    person.fill("E-mail", email)
    person.fill("Password", PASSWORD)
    person.press("Sign in")
    expect(person.page).to_have_url(address)


def answer(respondent: Person, link: str, comment: str = "", *, contact_me: bool = False) -> None:
    """The mail's button; `link` carries the score."""
    respondent.open(link)
    confirm(respondent, comment, contact_me=contact_me)


def confirm(respondent: Person, comment: str = "", *, contact_me: bool = False) -> None:
    """The score that is chosen already, then the comment, then thanks."""
    respondent.press("Send score")
    respondent.reads(respondent.said("Score recorded."))
    if comment:
        respondent.page.get_by_role("textbox").fill(comment)
    if contact_me:
        respondent.tick("I want somebody to answer me")
    respondent.press("Send comment" if comment or contact_me else "Finish without a comment")
    expect(respondent.page).to_have_title(f"{respondent.said('We have it, thank you')} · Aroeira")


def claim_and_reply(agent: Person, words: str, first_name: str) -> None:
    agent.press("Claim")
    agent.fill("Reply to %(name)s by e-mail", words, name=first_name)
    agent.press("Send reply")
    agent.reads(words)


def close(agent: Person, summary: str, cause: str) -> None:
    agent.fill("What was said or done?", summary)
    agent.field("Cause").select_option(cause)
    agent.press("Close the follow-up")
    expect(agent.page.get_by_role("heading", name=agent.said("How it was closed"))).to_be_visible()


def station(person: Person, metric: Metric) -> Locator:
    """One metric of the journey at home."""
    return person.page.locator(f'article[aria-labelledby="m-{metric.value}"]')


def answer_pulse(respondent: Person, link: str, score: int, comment: str = "") -> None:
    """On the page, where nothing is preselected and nothing is shown back."""
    respondent.open(link)
    respondent.page.locator(f"#s{score}").check()
    respondent.press("Send score")
    respondent.page.get_by_role("textbox").fill(comment)
    respondent.press("Send comment" if comment else "Finish without a comment")
    expect(respondent.heading).to_have_text("Recebemos. Obrigado por contar.")
    if comment:
        expect(respondent.page.locator("body")).not_to_contain_text(comment)


def close_pulse(hr: Person) -> None:
    hr.page.get_by_text(hr.said("Close it now")).click()
    hr.press("Close the pulse for good")
