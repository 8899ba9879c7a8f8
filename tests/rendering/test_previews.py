"""What the editor shows of a draft in every channel."""

import itertools
from dataclasses import replace

import pytest

from app.domain.metrics import RULES, Metric
from app.domain.ready_texts import ready_texts
from app.domain.survey_texts import SurveyTexts
from app.rendering.languages import LOCALES
from app.rendering.previews import Sample, preview

AROEIRA = Sample(
    workspace_name="Aroeira",
    sender_name="Aroeira",
    sender_address="pergunta@aroeira.example",
    link_start="https://retorno.example",
    attributes={"city": "Recife"},
)
LOOK = SurveyTexts(
    subject="{{ contact.first_name|Olá }}, uma pergunta sobre a {{ workspace.name }}",
    greeting="Oi, {{ contact.first_name|tudo bem? }}\n\nQueremos saber\ncomo tem sido.",
    question="De 0 a 10, qual a chance de você recomendar a {{ workspace.name }} a outra clínica?",
    low_label="nenhuma chance",
    high_label="com certeza",
    followup_down="O que pesou na sua nota?",
)


def test_the_mail_is_filled_for_the_sample_person():
    shown = preview(LOOK, Metric.NPS, "pt-BR", AROEIRA)
    assert shown.subject == "Maria, uma pergunta sobre a Aroeira"
    assert shown.sender == "Aroeira, pergunta@aroeira.example"
    assert shown.greeting == ("Oi, Maria", "Queremos saber\ncomo tem sido.")
    assert shown.question == "De 0 a 10, qual a chance de você recomendar a Aroeira a outra clínica?"


def test_the_text_message_says_what_it_costs():
    sms = preview(LOOK, Metric.NPS, "pt-BR", AROEIRA).sms
    assert sms.text == (
        "Aroeira: De 0 a 10, qual a chance de você recomendar a Aroeira a outra clínica? "
        "Responda só com o número. SAIR para não receber mais."
    )
    assert (sms.count.segments, sms.count.characters, sms.count.capacity) == (2, 133, 134)
    assert sms.plain_segments == 1


def test_a_reminders_own_words_are_seen_and_their_segments_counted():
    usual = preview(LOOK, Metric.NPS, "pt-BR", AROEIRA)
    assert usual.reminder_subject == f"Ainda dá tempo: {usual.subject}"
    assert (usual.reminder_greeting, usual.reminder_sms.text) == ((), f"Lembrete: {usual.sms.text}")
    own = replace(
        LOOK,
        reminder_subject="Oi de novo",
        reminder_greeting="Oi.\n\nFalta você.",
        reminder_chat="Oi de novo! " * 10,
    )
    shown = preview(own, Metric.NPS, "pt-BR", AROEIRA)
    assert (shown.reminder_subject, shown.reminder_greeting) == ("Oi de novo", ("Oi.", "Falta você."))
    assert shown.reminder_sms.text.startswith("Oi de novo! ")
    assert shown.reminder_sms.count.segments > usual.reminder_sms.count.segments
    assert shown.sms == usual.sms


def test_the_chat_greets_asks_and_goes_on_after_an_unhappy_answer():
    ask, answer, then = preview(LOOK, Metric.NPS, "pt-BR", AROEIRA).chat
    assert ask.text.startswith("Oi, Maria\nDe 0 a 10")
    assert ask.text.endswith("Responda só com o número.")
    assert (answer.text, answer.theirs) == ("4", True)
    assert then.text == "Anotado. O que pesou na sua nota?"


@pytest.mark.parametrize(("metric", "locale"), list(itertools.product(Metric, LOCALES)))
def test_every_ready_survey_has_a_whole_preview(metric: Metric, locale: str):
    shown = preview(ready_texts(metric, locale), metric, locale, AROEIRA)
    assert shown.scores == tuple(RULES[metric].scores)
    for text in (
        shown.subject,
        *shown.greeting,
        shown.question,
        shown.sms.text,
        *(each.text for each in shown.chat),
    ):
        assert text
        assert "{{" not in text
    assert shown.linked == (metric is Metric.ENPS)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_pulse_sends_one_link_and_no_scores(locale: str):
    shown = preview(ready_texts(Metric.ENPS, locale), Metric.ENPS, locale, AROEIRA)
    assert [each.theirs for each in shown.chat] == [False]
    assert "https://retorno.example/p/" in shown.chat[0].text
    assert "https://retorno.example/p/" in shown.sms.text


def test_a_text_that_is_still_wrong_is_shown_as_typed():
    typing = SurveyTexts(subject="{{ contact.first_name }}", question="Hello {{ contact.fir")
    shown = preview(typing, Metric.NPS, "en", AROEIRA)
    assert shown.subject == "{{ contact.first_name }}"
    assert shown.question == "Hello {{ contact.fir"


def test_nothing_written_yet_is_a_preview_too():
    shown = preview(SurveyTexts(), Metric.CES, "en", AROEIRA)
    assert (shown.subject, shown.greeting, shown.question) == ("", (), "")


def test_l03_l04_what_a_person_is_called_stays_text():
    sample = Sample(
        "{{ contact.name|x }}", "A", None, "https://x.example", name="<b>{{ workspace.name }}\r\nBcc:"
    )
    shown = preview(
        SurveyTexts(subject="{{ contact.name|x }} {{ workspace.name }}"), Metric.NPS, "en", sample
    )
    assert shown.subject == "<b>{{ workspace.name }} Bcc: {{ contact.name|x }}"
