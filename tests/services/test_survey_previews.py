"""Previews of a draft: for whom they are filled, and the mail as it really would be (L04, L05, L08, L09)."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from app.domain.access import Role
from app.domain.metrics import Metric
from app.domain.placeholders import LONGEST_VALUE
from app.domain.survey_texts import SHAPES
from app.errors import NotFound
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import survey_previews, surveys
from app.services.access import Visitor
from tests.world import World

CLIPPED = 100_000  # bytes; Gmail hides what comes after 102 kB behind a link


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"), Role.MANAGER)


def drafted(runtime: Runtime, world: World, metric: Metric) -> tuple[Visitor, str]:
    kind = "people" if metric is Metric.ENPS else "customers"
    who = world.member(world.workspace(kind, name="Aroeira", postal_address="Rua dos Timbiras 1.200"))
    return who, surveys.create(runtime, who, "Pesquisa", metric.value)


def mail(runtime: Runtime, who: Visitor, id: str, locale: str = "pt-BR") -> EmailMessage:
    read = message_from_bytes(survey_previews.sample_mail(runtime, who, id, locale), policy=default)
    assert isinstance(read, EmailMessage)
    return read


def part(read: EmailMessage, kind: str) -> str:
    body = read.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_while_there_is_nobody_maria_is_the_sample(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    assert survey_previews.show(runtime, camila, id, "en").subject == "Maria, a question about Aroeira"


def test_the_first_contact_of_the_workspace_is_the_sample(runtime: Runtime, world: World):
    place = world.workspace(name="Aroeira")
    who = world.member(place)
    world.contact(world.workspace(), name="Somebody Else")
    world.contact(place, name="")
    world.contact(place, name="Erased", erased_at=world.now)
    world.contact(place, name="Ana Prado", attributes={"city": "Recife"})
    id = surveys.create(runtime, who, "Relationship", "nps")
    typed = {"subject": "{{ contact.first_name|x }} in {{ contact.attributes.city|y }}"}
    assert survey_previews.show(runtime, who, id, "en", typed).subject == "Ana in Recife"


@pytest.mark.parametrize("locale", ["fr", "", "../en"])
def test_a_language_that_we_do_not_speak_does_not_exist(runtime: Runtime, camila: Visitor, locale: str):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    with pytest.raises(NotFound):
        survey_previews.show(runtime, camila, id, locale)
    with pytest.raises(NotFound):
        survey_previews.email(runtime, camila, id, locale)


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("locale", LOCALES)
def test_l08_l09_every_mail_has_a_plain_part_and_a_way_out(
    runtime: Runtime, world: World, metric: Metric, locale: str
):
    who, id = drafted(runtime, world, metric)
    read = mail(runtime, who, id, locale)
    way_out = f"/u/{survey_previews.SAMPLE_CODE}"
    assert way_out in part(read, "html")
    assert way_out in part(read, "plain")
    assert way_out in read["List-Unsubscribe"]
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("locale", LOCALES)
def test_the_mail_of_a_pulse_says_from_how_many_answers_on_anything_is_shown(
    runtime: Runtime, world: World, locale: str
):
    who, id = drafted(runtime, world, Metric.ENPS)
    for kind in ("html", "plain"):
        said = part(mail(runtime, who, id, locale), kind)
        assert " 5 " in said
        assert " 10" in said


@pytest.mark.parametrize("metric", list(Metric))
def test_l09_no_text_can_take_the_way_out_away(runtime: Runtime, world: World, metric: Metric):
    who, id = drafted(runtime, world, metric)
    closing = "</td></tr></table></body></html><!-- "
    texts = {name: closing[: shape.limit] for name, shape in SHAPES.items()}
    surveys.edit(runtime, who, id, None, texts={"en": texts})
    html = part(mail(runtime, who, id, "en"), "html")
    assert "<!--" not in html
    assert f"/u/{survey_previews.SAMPLE_CODE}" in html
    assert html.rstrip().endswith("</html>")


@pytest.mark.parametrize("metric", list(Metric))
def test_l08_the_longest_texts_and_values_stay_below_what_gmail_clips(
    runtime: Runtime, world: World, metric: Metric
):
    place = world.workspace(
        "people" if metric is Metric.ENPS else "customers", name="&" * 120, postal_address="&" * 300
    )
    who = world.member(place)
    world.contact(place, name='"' * 200, attributes={"a": '"' * 1000})
    id = surveys.create(runtime, who, "Longest", metric.value)
    personal, shared = "{{ contact.attributes.a|b }}", "{{ workspace.name }}"
    texts = {}
    for name, shape in SHAPES.items():
        each = personal if shape.in_the_mail or metric is not Metric.ENPS else shared
        texts[name] = each * (shape.limit // len(each))
    surveys.edit(runtime, who, id, None, texts={"pt-BR": texts})
    html = part(mail(runtime, who, id), "html")
    assert "&#34;" * LONGEST_VALUE in html or "&quot;" * (LONGEST_VALUE - 1) in html
    assert len(html.encode()) <= CLIPPED


def test_l08_the_scores_stand_before_everything_that_could_be_clipped(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    html = part(mail(runtime, camila, id), "html")
    assert html.index("?score=10") < html.index(f"/u/{survey_previews.SAMPLE_CODE}")
    assert len(html.encode()) < CLIPPED / 3


def test_l04_no_value_breaks_a_header_and_none_becomes_markup(runtime: Runtime, world: World):
    place = world.workspace(name="Aroeira")
    who = world.member(place)
    attack = '"><a href="javascript:alert(1)">x</a>\r\nBcc: all@example.org'
    world.contact(place, name="Ana", attributes={"site": attack})
    id = surveys.create(runtime, who, "Relationship", "nps")
    value = "{{ contact.attributes.site|x }}"
    texts = dict.fromkeys(("subject", "greeting", "question", "low_label"), value)
    surveys.edit(runtime, who, id, None, texts={"en": texts})
    read = mail(runtime, who, id, "en")
    assert read["Subject"] == '"><a href="javascript:alert(1)">x</a> Bcc: all@example.org'
    assert read["Bcc"] is None
    assert '<a href="javascript' not in part(read, "html")
    assert "&lt;a href=" in part(read, "html")


def test_l05_no_link_of_the_shown_mail_leads_anywhere(runtime: Runtime, camila: Visitor):
    id = surveys.create(runtime, camila, "Relationship", "nps")
    html = survey_previews.email(runtime, camila, id, "en")
    assert " href=" not in html
    assert survey_previews.SAMPLE_CODE not in html
