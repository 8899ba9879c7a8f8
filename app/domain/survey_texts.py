"""Everything that a survey says in one language, with the length and shape of each text in one place."""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Self

from app.domain.metrics import Metric, Tone
from app.domain.placeholders import check
from app.domain.replies import Kind, read
from app.errors import Invalid, Problem, problem


@dataclass(frozen=True)
class Shape:
    """How long a text may be, in characters as written, and whether it may have several lines."""

    limit: int
    lines: bool = False
    in_the_mail: bool = False  # read in the person's own mailbox, so it may call them by name even in a pulse
    optional: bool = False  # empty, and the ready words stand in its place


# Long enough for every language, short enough that question and scale stay on a phone's first screen and that
# the whole e-mail stays far below the 102 kB at which Gmail hides the rest behind a link.
SHAPES: Mapping[str, Shape] = {
    "subject": Shape(120, in_the_mail=True),
    "greeting": Shape(1000, lines=True, in_the_mail=True),
    "question": Shape(300),
    "low_label": Shape(40),
    "high_label": Shape(40),
    "followup_up": Shape(200),
    "followup_flat": Shape(200),
    "followup_down": Shape(200),
    "thanks_up": Shape(300),
    "thanks_flat": Shape(300),
    "thanks_down": Shape(300),
    "reminder_subject": Shape(120, in_the_mail=True, optional=True),
    "reminder_greeting": Shape(1000, lines=True, in_the_mail=True, optional=True),
    "reminder_chat": Shape(160, optional=True),  # before the question, in texts that cost by the character
}


LABELS = ("low_label", "high_label")  # people copy them into their reply
COMMANDS = (Kind.OPT_OUT, Kind.OPT_IN, Kind.HELP)


@dataclass(frozen=True)
class SurveyTexts:
    """What one survey says in one language. An empty text is one that nobody has written yet."""

    subject: str = ""
    greeting: str = ""  # in e-mails: a salutation, an empty line, why we ask; chats take the salutation
    question: str = ""
    low_label: str = ""  # what the lowest and the highest score mean
    high_label: str = ""
    followup_up: str = ""  # the question after the score, by the way that its band points
    followup_flat: str = ""
    followup_down: str = ""
    thanks_up: str = ""
    thanks_flat: str = ""
    thanks_down: str = ""
    reminder_subject: str = ""  # of a mail that reminds
    reminder_greeting: str = ""  # in it, instead of the greeting
    reminder_chat: str = ""  # before the question, in texts and chats

    def followup(self, tone: Tone) -> str:
        """The question that follows a score of a band that points this way."""
        return {"up": self.followup_up, "flat": self.followup_flat, "down": self.followup_down}[tone]

    def thanks(self, tone: Tone) -> str:
        """The last words for a score of a band that points this way."""
        return {"up": self.thanks_up, "flat": self.thanks_flat, "down": self.thanks_down}[tone]

    @property
    def salutation(self) -> str:
        """The first paragraph of the greeting, on one line: all that a chat needs."""
        return " ".join(self.greeting.split("\n\n", 1)[0].split())

    @classmethod
    def from_json(cls, given: object) -> Self:
        """Texts as a form, the API or a row gives them; absent ones are empty. Another shape: Invalid."""
        if not isinstance(given, Mapping):
            raise Invalid([problem("texts", "An object with the texts of one language is expected.")])
        problems = [problem(str(name), "There is no such text.") for name in given if name not in SHAPES]
        problems += [
            problem(name, "A text is expected.")
            for name in SHAPES
            if not isinstance(given.get(name, ""), str)
        ]
        if problems:
            raise Invalid(problems)
        return cls(**{name: _tidy(name, given[name]) for name in SHAPES if name in given})

    def by_name(self) -> dict[str, str]:
        """Every text by its name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def to_json(self) -> dict[str, str]:
        """As rows keep them and from_json takes them: what need not be written is absent while it is not."""
        return {name: text for name, text in self.by_name().items() if text or not SHAPES[name].optional}


def problems_in(texts: SurveyTexts, metric: Metric, *, complete: bool) -> list[Problem]:
    """What is wrong with these texts, by field; `complete`: for publishing, so none may be empty."""
    problems: list[Problem] = []
    for name, text in texts.to_json().items():
        shape = SHAPES[name]
        if complete and is_unseen(text) and not shape.optional:
            problems.append(problem(name, "This text is still empty."))
        if len(text) > shape.limit:
            problems.append(
                problem(
                    name,
                    "This is %(length)s characters long; at most %(limit)s fit.",
                    length=len(text),
                    limit=shape.limit,
                )
            )
        if name in LABELS and read(text, metric, "en").kind in COMMANDS:
            problems.append(
                problem(
                    name,
                    "“%(text)s” typed in a chat stops, starts or asks for help: choose other words.",
                    text=text[:40],
                )
            )
        by_name = shape.in_the_mail or metric is not Metric.ENPS
        problems += check(text, name, contact=by_name, lines=shape.lines)
    return problems


def is_unseen(text: str) -> bool:
    """Is there nothing in it that anybody could see?"""
    return all(unicodedata.category(each)[0] in "ZC" for each in text)


def _tidy(name: str, text: str) -> str:
    """Line ends as we store them; the question is typed in a tall field and still one paragraph."""
    text = text.replace("\r\n", "\n").strip()
    return text.replace("\n", " ") if name == "question" else text


def choose_locale(written: Collection[str], *wanted: str | None) -> str:
    """Which of the languages that a survey is written in somebody gets.

    The first of the wanted ones that is written, exactly or by language ("es-AR" takes "es"); in doubt
    English, else the first by name: always one that is written (ValueError where nothing is).
    """
    for each in (*wanted, "en"):
        for locale in sorted(written):
            if each and (locale == each or locale[:2] == each[:2].lower()):
                return locale
    if not written:
        raise ValueError("this survey is written in no language")
    return min(written)
