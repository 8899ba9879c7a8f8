"""What marks the message of a survey as a test, in the language of the member who tries it."""

from dataclasses import replace

from app.domain.survey_texts import SurveyTexts
from app.rendering.languages import Language


def mark(language: Language) -> str:
    """The first line of every test."""
    return language.gettext("This is a test: what you answer is not recorded.")


def marked(texts: SurveyTexts, language: Language) -> SurveyTexts:
    """The same texts; the subject and the first line say that it is a test."""
    subject = language.gettext("Test: %(subject)s", subject=texts.subject)
    return replace(texts, subject=subject, greeting=f"{mark(language)}\n\n{texts.greeting}")


def link_line(language: Language, link: str) -> str:
    """Under a chat message, whose buttons would record."""
    return language.gettext("The page, as a preview: %(link)s", link=link)
