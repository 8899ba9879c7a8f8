"""Drafts: a survey's texts by language, how an edit changes them and what keeps them from being published."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from app.domain.metrics import Metric
from app.domain.survey_texts import SurveyTexts, problems_in
from app.errors import Invalid, Problem, problem

ANYWHERE = "texts"  # the field of a problem that belongs to no single text

Drafted = Mapping[str, Mapping[str, str]]  # locale → name of a text → words, as rows keep it


def merge(
    draft: Drafted, changes: Mapping[str, object], metric: Metric, ours: Collection[str], required: str
) -> dict[str, Mapping[str, str]]:
    """The draft after an edit. `changes` maps a locale to some of its texts, or to None to leave it out.

    A text may still be empty, never wrong: raises Invalid with fields named `locale.text`. `ours` are the
    locales that we speak, `required` the workspace's, which cannot be left out.
    """
    merged = dict(draft)
    problems: list[Problem] = []
    for locale, change in changes.items():
        if locale not in ours:
            problems.append(problem(ANYWHERE, "“%(locale)s” is not one of our languages.", locale=locale))
        elif change is None and locale == required:
            problems.append(problem(ANYWHERE, "The workspace’s own language cannot be left out."))
        elif change is None and set(merged) == {locale}:  # the workspace has changed its language since
            problems.append(problem(ANYWHERE, "A survey needs a language."))
        elif change is None:
            merged.pop(locale, None)
        else:
            try:
                merged[locale] = _changed(merged.get(locale, {}), change, metric).to_json()
            except Invalid as error:
                problems += _in(locale, error.problems)
    if problems:
        raise Invalid(problems)
    return merged


def publishing_problems(draft: Drafted, metric: Metric, required: str) -> list[Problem]:
    """What is missing or wrong in any language, the required one first; fields are named `locale.text`."""
    problems: list[Problem] = []
    for locale in (required, *sorted(set(draft) - {required})):
        texts = SurveyTexts.from_json(draft.get(locale, {}))
        problems += _in(locale, problems_in(texts, metric, complete=True))
    return problems


def _changed(before: Mapping[str, str], change: object, metric: Metric) -> SurveyTexts:
    given = SurveyTexts.from_json(change)
    names = set(change) if isinstance(change, Mapping) else set()
    after = replace(
        SurveyTexts.from_json(before),
        **{name: text for name, text in given.by_name().items() if name in names},
    )
    problems = problems_in(after, metric, complete=False)
    if problems:
        raise Invalid(problems)
    return after


def _in(locale: str, problems: Collection[Problem]) -> list[Problem]:
    return [Problem(f"{locale}.{each.field}", each.message, each.params) for each in problems]
