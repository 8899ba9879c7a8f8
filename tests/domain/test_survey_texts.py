"""The texts of a survey: their shapes, their checks, and the ready-made ones."""

import itertools

import pytest

from app.domain.metrics import Metric
from app.domain.placeholders import fill, parse, values_for
from app.domain.ready_texts import READY, ready_texts
from app.domain.sms_segments import count_segments, without_marks
from app.domain.survey_texts import SHAPES, SurveyTexts, problems_in
from app.errors import Invalid
from app.rendering.languages import LOCALES

ALL_READY = list(itertools.product(Metric, LOCALES))


def complaints(field: str, text: str, metric: Metric = Metric.NPS, complete: bool = False) -> list[str]:
    texts = SurveyTexts.from_json({**ready_texts(metric, "en").to_json(), field: text})
    return [str(each) for each in problems_in(texts, metric, complete=complete) if each.field == field]


@pytest.mark.parametrize(("metric", "locale"), ALL_READY)
def test_every_ready_text_can_be_published_as_it_is(metric: Metric, locale: str):
    assert problems_in(ready_texts(metric, locale), metric, complete=True) == []


def test_there_are_ready_texts_for_every_language_of_ours():
    assert tuple(READY) == LOCALES
    assert all(set(texts) == set(Metric) for texts in READY.values())


@pytest.mark.parametrize(("metric", "locale"), ALL_READY)
def test_ready_texts_read_well_with_and_without_a_name(metric: Metric, locale: str):
    for name in ("", "Maria Figueiredo"):
        for text in ready_texts(metric, locale).to_json().values():
            said = fill(parse(text), values_for("Aroeira", name))
            assert said == said.strip()
            assert not any(odd in said for odd in ("{", "}", "None", "  ", " ,", " .", ",,"))


@pytest.mark.parametrize(("metric", "locale"), ALL_READY)
def test_ready_questions_fit_two_segments_of_a_text_message_without_accents(metric: Metric, locale: str):
    question = fill(parse(ready_texts(metric, locale).question), values_for("Aroeira"))
    assert count_segments(without_marks(question)).segments == 1


@pytest.mark.parametrize(("locale", "sealed"), [("pt-BR", "lacradas"), ("en", "sealed"), ("es", "selladas")])
def test_the_ready_pulse_says_that_answers_are_sealed_and_leaves_the_numbers_to_the_pulse(
    locale: str, sealed: str
):
    promise = ready_texts(Metric.ENPS, locale).greeting
    assert sealed in promise
    assert not any(each.isdigit() for each in promise)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_last_words_of_a_pulse_do_not_tell_which_score_was_given(locale: str):
    texts = ready_texts(Metric.ENPS, locale)
    assert texts.thanks("up") == texts.thanks("flat") == texts.thanks("down")


@pytest.mark.parametrize("field", SHAPES)
def test_every_text_has_a_limit(field: str):
    limit = SHAPES[field].limit
    assert complaints(field, "a" * limit) == []
    assert complaints(field, "a" * (limit + 1)) == [
        f"This is {limit + 1} characters long; at most {limit} fit."
    ]


@pytest.mark.parametrize("field", SHAPES)
def test_an_empty_text_may_be_saved_but_not_published(field: str):
    assert complaints(field, "  ") == []
    ready = SHAPES[field].optional  # ready words stand in its place
    assert complaints(field, "  ", complete=True) == ([] if ready else ["This text is still empty."])


def test_a_text_that_need_not_be_written_is_not_kept_while_it_is_not():
    assert "reminder_chat" not in SurveyTexts().to_json()
    assert SurveyTexts.from_json({"reminder_chat": "Psst:"}).to_json()["reminder_chat"] == "Psst:"


@pytest.mark.parametrize("field", SHAPES)
def test_l01_every_text_is_checked_for_placeholders(field: str):
    assert complaints(field, "{{ config }}") == ["There is no placeholder “config”."]


@pytest.mark.parametrize(
    "field", [name for name, shape in SHAPES.items() if not shape.lines and name != "question"]
)
def test_l04_texts_of_one_line_refuse_line_feeds(field: str):
    assert complaints(field, "a\r\nBcc: b@example.org") == [
        "Write this on one line, without control characters."
    ]


def test_a_pulse_addresses_nobody_by_name_outside_the_mail():
    for field, shape in SHAPES.items():
        said = complaints(field, "{{ contact.first_name|you }}", metric=Metric.ENPS)
        assert bool(said) == (not shape.in_the_mail)


def test_texts_survive_the_way_to_json_and_back():
    texts = ready_texts(Metric.CES, "pt-BR")
    assert SurveyTexts.from_json(texts.to_json()) == texts


def test_line_ends_of_forms_become_ours():
    texts = SurveyTexts.from_json({"greeting": "  Hello\r\n\r\nthere ", "question": "How\r\nlikely?"})
    assert texts.greeting == "Hello\n\nthere"
    assert texts.question == "How likely?"


@pytest.mark.parametrize(
    "given", [None, [], "question", {"questions": "x"}, {"question": 3}, {"question": None}, {1: "x"}]
)
def test_other_shapes_are_refused(given: object):
    with pytest.raises(Invalid):
        SurveyTexts.from_json(given)


def test_a_chat_takes_the_salutation_of_the_greeting():
    assert SurveyTexts(greeting="Hello,\nMaria.\n\nWe ask.").salutation == "Hello, Maria."
    assert SurveyTexts().salutation == ""
