"""The mails in a real browser, as good mail programs show them: on a phone and on a desk, light and dark."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from playwright.sync_api import Browser, Page

from app.domain.metrics import RULES, Metric
from app.domain.placeholders import values_for
from app.domain.ready_texts import ready_texts
from app.rendering.mail_drafts import Letterhead
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
from tests.web.browser import WIDTHS, Look, assert_fits

pytestmark = pytest.mark.browser
AT = datetime(2026, 11, 16, 16, 9, tzinfo=UTC)
LINK = "https://retorno.example/r/k7q2m4x9a5c3v8n6p1z0r2t4w6"
HEAD = Letterhead(
    "Aroeira", "pergunta@aroeira.example", "Camila Duarte", "ola@aroeira.example",
    "Aroeira Sistemas, Rua dos Timbiras 1.200, Belo Horizonte", rest_days=30,
)  # fmt: skip
ALERT = Alert(
    "Marina Prates", Metric.NPS, 3, "detractor", "O suporte demorou três dias.\n" + "x" * 90, True, AT, "UTC"
)
REPLY = Reply("Olá, Marina.\n\nVou ligar hoje.", "Beatriz Lima", score=3, comment="Três dias.")
FORMS: dict[str, Callable[[], MailForm]] = {
    "nps": lambda: survey_mail(HEAD, ready_texts(Metric.NPS, "pt-BR"), Metric.NPS, "pt-BR", False),
    "csat": lambda: survey_mail(HEAD, ready_texts(Metric.CSAT, "en"), Metric.CSAT, "en", True),
    "ces": lambda: survey_mail(HEAD, ready_texts(Metric.CES, "es"), Metric.CES, "es", False),
    "pulse": lambda: pulse_mail(
        HEAD, ready_texts(Metric.ENPS, "pt-BR"), "pt-BR", PulseTerms(date(2026, 11, 30), 5, 10), False
    ),
    "alert": lambda: alert_mail(HEAD, ALERT, "pt-BR"),
    "reply": lambda: reply_mail(HEAD, REPLY, "pt-BR"),
    "letter": lambda: letter_mail(
        HEAD, "Sua nova senha", f"Olá.\n\n{LINK}\n\nAté logo.", "pt-BR", "Continuar"
    ),
}


def html_of(form: MailForm) -> str:
    values = values_for("Aroeira", "Maria Figueiredo") | {"link": LINK, "unsubscribe": LINK}
    mail = message_from_bytes(form.fill(To("m1", "maria@example.com", "Maria", AT), values), policy=default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def opened(chromium: Browser, name: str, width: int) -> Page:
    page = chromium.new_page(viewport={"width": width, "height": 844})
    page.set_content(html_of(FORMS[name]()))
    return page


@pytest.mark.parametrize("name", FORMS)
def test_every_mail_fits_and_reads_well_on_phone_and_desk(chromium: Browser, look: Look, name: str) -> None:
    page = opened(chromium, name, 320)
    assert_fits(page)
    look(page)
    page.close()


@pytest.mark.parametrize("metric", [Metric.NPS, Metric.CSAT, Metric.CES])
def test_the_cells_of_the_scale_suit_a_thumb_and_stand_in_one_row_on_a_desk(
    chromium: Browser, metric: Metric
) -> None:
    for width in WIDTHS:
        page = opened(chromium, metric.value, width)
        cells = [each.bounding_box() for each in page.locator("a.num").all()]
        page.close()
        assert len(cells) == len(RULES[metric].scores)
        assert all(each and each["width"] >= 44 and each["height"] >= 44 for each in cells)
        rows = {each["y"] for each in cells if each}
        assert len(rows) == (1 if width > 1000 or metric is Metric.CSAT else 2)
