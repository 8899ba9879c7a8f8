"""The mails as they are read: links, ways out, words in three languages, and nothing that runs."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest

from app.domain.metrics import RULES, Metric
from app.domain.placeholders import values_for
from app.domain.ready_texts import ready_texts
from app.domain.survey_texts import SHAPES, SurveyTexts
from app.rendering.mail_drafts import Draft, Letterhead
from app.rendering.mails import (
    Alert,
    PulseTerms,
    Reply,
    alert_mail,
    letter_mail,
    pulse_mail,
    reply_mail,
    survey_mail,
)
from app.rendering.mime import MailForm, To

AT = datetime(2026, 11, 16, 16, 9, tzinfo=UTC)
TO = To("k7q2m4x9a5", "maria@example.com", "Maria Figueiredo", AT)
LINK = "https://retorno.example/r/Qm4xK9-_z"
OUT = "https://retorno.example/u/T7kaB2-_y"
HEAD = Letterhead(
    "Aroeira",
    "ask@aroeira.example",
    sender_name="Camila Duarte",
    reply_to="hello@aroeira.example",
    postal_address="Rua dos Timbiras 1.200, Belo Horizonte",
    rest_days=30,
)
TERMS = PulseTerms(date(2026, 11, 30), 5, 10)
HOSTILE = '<script>alert(1)</script><a href="https://evil.example">x</a>{{ link }}\u202e"\'&'
LOCALES = ["pt-BR", "en", "es"]
CUSTOMERS = [Metric.NPS, Metric.CSAT, Metric.CES]


class Links(HTMLParser):
    """Every address in a page, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.hrefs += [value or "" for name, value in attrs if name in {"href", "src"}]


def sent(form: MailForm, name: str = "Maria Figueiredo", workspace: str = "Aroeira") -> EmailMessage:
    values = values_for(workspace, name) | {"link": LINK, "unsubscribe": OUT}
    mail = message_from_bytes(form.fill(TO, values), policy=default)
    assert isinstance(mail, EmailMessage)
    assert not [defect for part in mail.walk() for defect in part.defects]
    return mail


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def survey(metric: Metric = Metric.NPS, locale: str = "en", reminder: bool = False) -> MailForm:
    return survey_mail(HEAD, ready_texts(metric, locale), metric, locale, reminder)


def pulse(locale: str = "en", reminder: bool = False) -> MailForm:
    return pulse_mail(HEAD, ready_texts(Metric.ENPS, locale), locale, TERMS, reminder)


def alert(locale: str = "en", **changes: object) -> EmailMessage:
    facts: dict[str, object] = {
        "person": "Marina Prates", "metric": Metric.NPS, "score": 3, "band": "detractor",
        "comment": "Three days\nwithout an answer.", "wants_contact": False,
        "due": datetime(2026, 11, 19, 13, 12, tzinfo=UTC), "zone": "America/Sao_Paulo",
    }  # fmt: skip
    return sent(alert_mail(HEAD, Alert(**{**facts, **changes}), locale))  # type: ignore[arg-type]  # as named above


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("metric", CUSTOMERS)
def test_every_score_of_the_scale_is_one_link(metric: Metric, locale: str) -> None:
    mail = sent(survey(metric, locale))
    links = Links(text_of(mail, "html")).hrefs
    assert links == [*[f"{LINK}?score={score}" for score in RULES[metric].scores], OUT]


@pytest.mark.parametrize("reminder", [False, True])
@pytest.mark.parametrize("locale", LOCALES)
def test_a_pulse_carries_one_link_and_no_score(locale: str, reminder: bool) -> None:
    mail = sent(pulse(locale, reminder))
    assert Links(text_of(mail, "html")).hrefs == [LINK, OUT]
    assert "score=" not in text_of(mail, "html") + text_of(mail)
    assert LINK in text_of(mail)


@pytest.mark.parametrize("form", [survey(), survey(reminder=True), pulse(), pulse(reminder=True)])
def test_whoever_is_asked_finds_the_way_out_in_headers_html_and_text(form: MailForm) -> None:
    mail = sent(form)
    assert mail["List-Unsubscribe"] == f"<{OUT}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert OUT in text_of(mail)
    assert OUT in Links(text_of(mail, "html")).hrefs
    assert HEAD.postal_address in text_of(mail)
    assert HEAD.postal_address in text_of(mail, "html")
    assert mail["From"] == "Camila Duarte <ask@aroeira.example>"
    assert mail["Reply-To"] == "hello@aroeira.example"


def test_a_mail_that_asks_without_a_way_out_cannot_be_made() -> None:
    facts = {"title": "x", "paragraphs": ["y"], "action": ""}
    with pytest.raises(ValueError, match="way out"):
        Draft(HEAD, "en").form("letter", facts, asks=True)


def test_it_is_sent_only_with_an_address_to_unsubscribe_at() -> None:
    values = values_for("Aroeira", "Maria") | {"link": LINK}
    with pytest.raises(LookupError):
        survey().fill(TO, values)


def test_the_form_of_a_survey_is_made_once() -> None:
    assert survey() is survey()
    assert survey() is not survey(reminder=True)


def test_placeholders_are_filled_for_each_person_and_never_twice() -> None:
    form = survey()
    first, second = sent(form), sent(form, name="{{ link }} {{ unsubscribe }}")
    assert "Maria" in text_of(first)
    assert "{{" in text_of(second)
    assert text_of(second).count(LINK) == 1
    assert "{{" not in text_of(first) + text_of(first, "html") + first["Subject"]


@pytest.mark.parametrize("name", ["", "   "])
def test_nobody_is_greeted_with_nothing(name: str) -> None:
    mail = sent(survey(), name=name)
    assert not re.search(
        r"(Hello|Hi)( ,|,\s*$|, *\.)|None|\{\{", text_of(mail) + mail["Subject"], re.MULTILINE
    )


def test_a_reminder_says_that_it_is_one_and_promises_nothing_that_a_schedule_may_break() -> None:
    mail = sent(survey(locale="pt-BR", reminder=True))
    assert mail["Subject"].startswith("Ainda dá tempo: ")
    for part in (text_of(mail), text_of(mail, "html")):
        assert "Perguntamos isto há alguns dias." in part
        assert "Não vamos lembrar" not in part  # a schedule may remind up to three times


@pytest.mark.parametrize("metric", [Metric.NPS, Metric.ENPS])
def test_a_reminder_has_the_surveys_own_words_where_they_are_written(metric: Metric) -> None:
    texts = replace(
        ready_texts(metric, "en"),
        reminder_subject="Two minutes, {{ contact.first_name|friend }}?",
        reminder_greeting="Hello again.\n\nWe read every answer.",
    )
    for reminder in (True, False):
        if metric is Metric.ENPS:
            mail = sent(pulse_mail(HEAD, texts, "en", TERMS, reminder))
        else:
            mail = sent(survey_mail(HEAD, texts, metric, "en", reminder))
        assert mail["Subject"].startswith("Two minutes, ") == reminder
        for kind in ("plain", "html"):
            assert ("We read every answer." in text_of(mail, kind)) == reminder
            assert "We asked you this" not in text_of(mail, kind)


def test_a_pulse_says_what_was_promised_when_it_was_launched() -> None:
    terms = PulseTerms(date(2026, 12, 24), 7, 12)
    mail = sent(pulse_mail(HEAD, ready_texts(Metric.ENPS, "en"), "en", terms, False))
    for text in (text_of(mail), text_of(mail, "html")):
        assert "24 December" in text
        assert "Below 7 answers" in text
        assert "below 12, no comment" in text


@pytest.mark.parametrize("locale", LOCALES)
def test_an_alert_says_who_what_until_when_and_where(locale: str) -> None:
    mail = alert(locale)
    assert mail["Subject"].startswith("Marina Prates ")
    assert "3" in mail["Subject"]
    text = text_of(mail)
    assert "> Three days\n> without an answer." in text
    assert LINK in text
    assert {"pt-BR": "19 de novembro, 10h12", "en": "19 November, 10:12", "es": "19 de noviembre, 10:12"}[
        locale
    ] in text
    assert Links(text_of(mail, "html")).hrefs == [LINK]
    assert mail["List-Unsubscribe"] is None


def test_an_alert_says_when_somebody_wants_an_answer() -> None:
    assert alert(wants_contact=True)["Subject"] == "Marina Prates gave 3 (detractor) and wants an answer"


def test_what_people_write_is_inert_in_an_alert() -> None:
    mail = alert(person=HOSTILE + "\r\nBcc: eva@example.com", comment=HOSTILE)
    assert mail["Bcc"] is None
    html = Links(text_of(mail, "html"))
    assert html.hrefs == [LINK]
    assert "script" not in html.tags
    assert "{{ link }}" in text_of(mail)
    assert text_of(mail).count(LINK) == 1
    assert "\u202e" not in mail["Subject"]


def test_what_people_write_is_inert_in_a_reply() -> None:
    reply = Reply(HOSTILE, HOSTILE, about=HOSTILE + "\nBcc: x@example.com", score=3, comment=HOSTILE)
    mail = sent(reply_mail(Letterhead(HOSTILE, "ask@aroeira.example"), reply, "pt-BR"))
    html = Links(text_of(mail, "html"))
    assert html.hrefs == []
    assert "script" not in html.tags
    assert mail["Bcc"] is None
    assert LINK not in text_of(mail)


def test_a_reply_continues_the_conversation() -> None:
    reply = Reply(
        "Olá, Marina.\n\nVocê tem razão.",
        "Beatriz Lima",
        about="Marina, uma pergunta",
        score=3,
        comment="Três dias\nsem resposta.",
        answered_on=date(2026, 11, 16),
        answers_message="abc234",
    )
    mail = sent(reply_mail(HEAD, reply, "pt-BR"))
    assert mail["Subject"] == "Re: Marina, uma pergunta"
    assert mail["In-Reply-To"] == mail["References"] == "<abc234@aroeira.example>"
    assert mail["Reply-To"] == "hello@aroeira.example"
    assert mail["Auto-Submitted"] is None  # a person wrote it
    assert mail["List-Unsubscribe"] is None
    assert text_of(mail).startswith("Olá, Marina.\n\nVocê tem razão.\n\nBeatriz Lima\nAroeira\n")
    assert "Em 16 de novembro você deu nota 3:\n> Três dias\n> sem resposta." in text_of(mail)


def test_the_link_of_a_letter_is_a_button() -> None:
    words = (
        f"Hello.\n\nChoose a password:\n\n{LINK}\n\nIf it was not you, nothing happens. https://x.example too"
    )
    mail = sent(
        letter_mail(Letterhead("Retorno", "no-reply@retorno.example"), "Welcome", words, "en", "Choose it")
    )
    assert text_of(mail) == words + "\n"
    html = text_of(mail, "html")
    assert Links(html).hrefs == [LINK]
    assert ">Choose it</a>" in html
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("locale", LOCALES)
def test_the_longest_survey_stays_far_below_what_gmail_cuts_off(locale: str) -> None:
    longest = SurveyTexts(**{name: "ã" * shape.limit for name, shape in SHAPES.items()})
    head = Letterhead(
        "ã" * 120, "ask@aroeira.example", "ã" * 120, "", "ã" * 300, "https://retorno.example/logo/x.png"
    )
    raw = survey_mail(head, longest, Metric.NPS, locale, False).fill(
        TO, {"link": "https://retorno.example/r/" + "x" * 43, "unsubscribe": OUT}
    )
    assert len(raw) < 50_000  # the limit is 102 kB


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_of_every_mail_is_in_the_readers_language(locale: str) -> None:
    forms = [survey(Metric.NPS, locale, True), pulse(locale), pulse(locale, True)]
    reply = Reply("x", "y", score=3, answered_on=date(2026, 11, 16))
    mails = [
        *[sent(each) for each in forms],
        alert(locale, wants_contact=True),
        sent(reply_mail(HEAD, reply, locale)),
    ]
    everything = " ".join(text_of(mail, kind) for mail in mails for kind in ("plain", "html"))
    english = [
        "To answer",
        "You received",
        "Still time",
        "First contact by",
        "Open the follow-up",
        "you gave",
    ]
    assert all((phrase in everything) == (locale == "en") for phrase in english if phrase != "Still time")
    assert f'<html lang="{locale}">' in everything


def test_the_workspaces_logo_is_shown_without_words_of_its_own() -> None:
    head = Letterhead("Aroeira", "ask@aroeira.example", logo_url="https://retorno.example/logo/abc.png")
    html = text_of(sent(survey_mail(head, ready_texts(Metric.NPS, "en"), Metric.NPS, "en", False)), "html")
    assert '<img src="https://retorno.example/logo/abc.png" alt=""' in html
