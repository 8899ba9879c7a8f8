"""What we write in a chat or a text message: the question, and every answer to what people type."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.chat import LETTERS, Words
from app.domain.metrics import RULES, Metric
from app.domain.survey_texts import SurveyTexts
from app.rendering.languages import NAMES, Language

LINK = "{{ link }}"  # filled in as the message leaves: a link is made for one message
SHORT = ("sms",)  # channels on which every character costs
BUTTONS = ("telegram",)  # channels on which the whole scale can be pressed
ROW = 6  # buttons beside each other that a thumb still hits on a phone


@dataclass(frozen=True)
class Asking:
    """One question as its person reads it: the texts are filled, `said` in their language."""

    workspace_name: str
    metric: Metric
    said: SurveyTexts


def question(asking: Asking, language: Language, channel: str) -> str:
    """The question itself, with how to answer it; a text message also says how to get no more of them."""
    if asking.metric is Metric.ENPS:
        return _linked(asking, language, channel)
    how = _how(asking, language, channel)
    if channel in SHORT:
        out = language.gettext("STOP to get no more.")
        return joined(f"{asking.workspace_name}: {asking.said.question}", how, out)
    return _greeted(asking.said, joined(asking.said.question, how))


def _linked(asking: Asking, language: Language, channel: str) -> str:
    """A pulse: the link alone, for its answers are nobody's business between here and the page."""
    here = language.gettext("Answer here: %(link)s", link=LINK)
    if channel in SHORT:
        out = language.gettext("STOP to get no more.")
        return joined(f"{asking.workspace_name}: {asking.said.question}", here, out)
    return _greeted(asking.said, joined(asking.said.question, here))


def reminder(asking: Asking, language: Language, channel: str) -> str:
    """The same once more, saying so in the survey's own words or in ours."""
    before = asking.said.reminder_chat or language.gettext("A reminder:")
    return joined(before, question(asking, language, channel))


def _how(asking: Asking, language: Language, channel: str) -> str:
    if channel in BUTTONS:
        scores = RULES[asking.metric].scores
        return f"\n{scores[0]}: {asking.said.low_label} · {scores[-1]}: {asking.said.high_label}"
    return language.gettext("Reply with just the number.")


def scale(metric: Metric) -> tuple[tuple[int, ...], ...]:
    """The scores in rows of about the same length, as they stand under a question on a phone."""
    scores = tuple(RULES[metric].scores)
    rows = -(-len(scores) // ROW)
    first = -(-len(scores) // rows)
    return tuple(scores[start : start + first] for start in range(0, len(scores), first))


def answer(words: Words, asking: Asking | None, language: Language, tone_words: str = "") -> str:
    """Our words in a conversation. `tone_words` is the survey's own text where it has one for this moment."""
    _ = language.gettext
    if words in (Words.FOLLOWUP, Words.THANKS):
        return joined(_("Noted."), tone_words) if words is Words.FOLLOWUP else tone_words
    if words is Words.PULSE:
        return _("This question is answered on its page only: %(link)s", link=LINK)
    if words in (Words.AGAIN, Words.LINK) and asking is not None:
        scores = RULES[asking.metric].scores
        low, high = scores[0], scores[-1]
        if words is Words.AGAIN:
            return _("Please reply with just a whole number from %(low)s to %(high)s.", low=low, high=high)
        return _("I could not read that. You can answer here: %(link)s", link=LINK)
    return {
        Words.CHANGED: _("Changed, thank you."),
        Words.OPTED_OUT: _("Done: you will get no more questions. Write START if you change your mind."),
        Words.OPTED_IN: _("Done: you may get questions again. Write STOP to end them at any time."),
        Words.HELP: _("We ask short questions about your experience. A number answers them, STOP ends them."),
        Words.LATE: _("Thank you. This question is closed, so it is no longer counted."),
        Words.LANGUAGE: _("From now on in %(language)s.", language=NAMES[language.code]),
        Words.NOTHING_OPEN: _("Thank you for your message. There is no open question for you at the moment."),
    }.get(words, "")


def connected(workspace_name: str, language: Language) -> str:
    """A chat has just been tied to its person."""
    return language.gettext(
        "Connected. %(who)s may ask you a short question here now and then. Write STOP to end that.",
        who=workspace_name,
    )


def which(questions: Sequence[str], language: Language) -> str:
    """Several questions are open: a letter chooses, for a number would be taken for a score."""
    listed = "\n".join(f"{letter}) {each}" for letter, each in zip(LETTERS, questions, strict=False))
    ask = language.gettext("Which question is this about? Reply with its letter.")
    return f"{ask}\n{listed}"


def joined(*sentences: str) -> str:
    """Sentences on one line, without those that are empty."""
    return " ".join(each for each in sentences if each)


def _greeted(said: SurveyTexts, ask: str) -> str:
    return f"{said.salutation}\n{ask}" if said.salutation else ask


def trial_subject(language: Language) -> str:
    """Of a mail that a member sends to themselves."""
    return language.gettext("A test from Retorno")


def trial(workspace_name: str, language: Language) -> str:
    """What a member sends to themselves to see whether a channel works."""
    return language.gettext("A test from %(who)s: this channel works.", who=workspace_name)


def chosen(question: str, score: int, language: Language) -> str:
    """A question whose button was pressed: it now says what."""
    return f"{question}\n{language.gettext('Your answer: %(score)s', score=score)}"
