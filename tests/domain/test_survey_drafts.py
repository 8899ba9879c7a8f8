"""Drafts: an edit changes only what it names, and nothing incomplete or wrong is published."""

import pytest

from app.domain.metrics import Metric
from app.domain.ready_texts import ready_texts
from app.domain.survey_drafts import merge, publishing_problems
from app.domain.survey_texts import choose_locale
from app.errors import Invalid

OURS = ("pt-BR", "en", "es")
DRAFT = {locale: ready_texts(Metric.NPS, locale).to_json() for locale in OURS}


def merged(changes: dict[str, object], metric: Metric = Metric.NPS) -> dict[str, object]:
    return dict(merge(DRAFT, changes, metric, OURS, "pt-BR"))


def refused(changes: dict[str, object], metric: Metric = Metric.NPS) -> list[str]:
    with pytest.raises(Invalid) as caught:
        merged(changes, metric)
    return [each.field for each in caught.value.problems]


def test_only_the_texts_that_are_named_change():
    after = merged({"en": {"question": "How likely?"}})
    assert after["en"] == DRAFT["en"] | {"question": "How likely?"}
    assert after["pt-BR"] == DRAFT["pt-BR"]
    assert DRAFT["en"]["question"] != "How likely?"


def test_a_language_can_be_left_out_and_written_again():
    assert set(merged({"en": None})) == {"pt-BR", "es"}
    assert (
        merge({"pt-BR": DRAFT["pt-BR"]}, {"es": DRAFT["es"]}, Metric.NPS, OURS, "pt-BR")["es"] == DRAFT["es"]
    )


def test_the_workspaces_own_language_stays():
    assert refused({"pt-BR": None}) == ["texts"]


def test_the_last_language_stays_even_when_the_workspace_speaks_another_by_now():
    with pytest.raises(Invalid, match="needs a language"):
        merge({"en": DRAFT["en"]}, {"en": None}, Metric.NPS, OURS, "pt-BR")


def test_a_language_that_we_do_not_speak_is_refused():
    assert refused({"fr": {"question": "?"}}) == ["texts"]


def test_every_wrong_text_of_every_language_is_told_at_once():
    wrong = {"en": {"question": "{{ config }}", "low_label": "x" * 41}, "es": {"subject": "a\nb"}}
    assert refused(wrong) == ["en.question", "en.low_label", "es.subject"]


@pytest.mark.parametrize("change", [{"en": []}, {"en": {"body": "x"}}, {"en": {"question": 1}}])
def test_other_shapes_are_refused_by_field(change: dict[str, object]):
    assert refused(change)[0].startswith("en.")


def test_a_text_may_be_emptied_in_a_draft_but_not_published():
    after = merge(DRAFT, {"es": {"followup_up": ""}}, Metric.NPS, OURS, "pt-BR")
    assert [each.field for each in publishing_problems(after, Metric.NPS, "pt-BR")] == ["es.followup_up"]


def test_l02_what_is_wrong_in_any_language_keeps_all_from_being_published():
    draft = DRAFT | {"en": DRAFT["en"] | {"greeting": "Hi {{ contact.first_name }},"}}
    assert [each.field for each in publishing_problems(draft, Metric.NPS, "pt-BR")] == ["en.greeting"]


def test_the_workspaces_language_must_be_written_even_when_the_draft_lacks_it():
    problems = publishing_problems({"en": DRAFT["en"]}, Metric.NPS, "es")
    assert {each.field.split(".")[0] for each in problems} == {"es"}
    assert len(problems) == 11


@pytest.mark.parametrize(
    ("written", "wanted", "chosen"),
    [
        (OURS, ("es", "pt-BR"), "es"),
        (OURS, ("es-AR",), "es"),
        (OURS, ("pt-PT",), "pt-BR"),
        (OURS, ("PT",), "pt-BR"),
        (("pt-BR", "es"), ("en", "es"), "es"),
        (("pt-BR",), ("en", None), "pt-BR"),
        (OURS, (None, "pt-BR"), "pt-BR"),
        (OURS, ("ja",), "en"),
        (("pt-BR", "es"), (), "es"),
    ],
)
def test_b25_somebody_gets_the_nearest_language_that_is_written(
    written: tuple[str, ...], wanted: tuple[str | None, ...], chosen: str
):
    assert choose_locale(written, *wanted) == chosen


def test_a_survey_in_no_language_is_loud():
    with pytest.raises(ValueError, match="no language"):
        choose_locale((), "en")
