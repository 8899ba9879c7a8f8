"""The mails that we write, in three languages: each a MailForm, filled at sending, links last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from app.domain.metrics import RULES, Metric
from app.domain.survey_texts import SurveyTexts
from app.rendering.mail_drafts import Draft, Letterhead
from app.rendering.mime import MailForm, domain_of, message_id
from app.rendering.words import band_word, metric_word

ROW = 6  # cells of the scale that stand side by side on a phone
FORMS = 256  # that one process keeps: survey versions in use, times languages; 30 kB each


@dataclass(frozen=True)
class PulseTerms:
    """What was promised when the pulse was launched."""

    closes_on: date
    least_answers: int
    least_comments: int


@dataclass(frozen=True)
class Alert:
    """An answer that opened a follow-up, told to a member. `due` and `zone`: when first contact is owed."""

    person: str
    metric: Metric
    score: int
    band: str
    comment: str
    wants_contact: bool
    due: datetime
    zone: str


@dataclass(frozen=True)
class Reply:
    """An agent's words to the person, and what they answer. `about` is the subject of the mail that asked."""

    words: str
    agent: str
    about: str = ""
    score: int | None = None
    comment: str = ""
    answered_on: date | None = None
    answers_message: str = ""  # our id of the mail that asked


@lru_cache(FORMS)
def survey_mail(
    letterhead: Letterhead, texts: SurveyTexts, metric: Metric, locale: str, reminder: bool
) -> MailForm:
    """The question with its scale, each cell a link with its score. Fill: contact and both links."""
    draft, rule = Draft(letterhead, locale), RULES[metric]
    facts = {
        **_question(draft, texts, reminder),
        "asked_at_work": False,
        "rows": _rows(rule.scores),
        "low": rule.low,
        "high": rule.high,
    }
    return draft.form("survey", facts, asks=True)


@lru_cache(FORMS)
def pulse_mail(
    letterhead: Letterhead, texts: SurveyTexts, locale: str, terms: PulseTerms, reminder: bool
) -> MailForm:
    """One link and no scores, as the employer's own gateway reads it too. Fill: as a survey's."""
    draft = Draft(letterhead, locale)
    facts = {
        **_question(draft, texts, reminder),
        "asked_at_work": True,
        "closes": draft.language.short_date(terms.closes_on),
        "terms": terms,
    }
    return draft.form("pulse", facts, asks=True)


def alert_mail(letterhead: Letterhead, alert: Alert, locale: str) -> MailForm:
    """To a member: somebody waits for us. Fill: `link`, the follow-up in the console."""
    draft = Draft(letterhead, locale)
    facts = {
        "alert": alert,
        "band": band_word(draft.language, alert.band),
        "metric": metric_word(draft.language, alert.metric.value),
        "due": draft.language.moment(alert.due, alert.zone),
    }
    return draft.form("alert", facts)


def reply_mail(letterhead: Letterhead, reply: Reply, locale: str) -> MailForm:
    """As one person writes to another: no link, nothing automatic, in the thread of the mail that asked."""
    draft = Draft(letterhead, locale)
    facts = {
        "reply": reply,
        "answered": draft.language.short_date(reply.answered_on) if reply.answered_on else "",
    }
    thread: list[tuple[str, str]] = []
    if reply.answers_message:
        asked = message_id(reply.answers_message, domain_of(letterhead.from_address))
        thread = [("In-Reply-To", asked), ("References", asked)]
    return draft.form("reply", facts, automatic=False, headers=thread)


def letter_mail(letterhead: Letterhead, subject: str, words: str, locale: str, action: str = "") -> MailForm:
    """A short letter about an account. A paragraph that is one web address is a button that says `action`."""
    paragraphs = [each.strip() for each in words.split("\n\n") if each.strip()]
    facts = {"title": subject, "paragraphs": paragraphs, "action": action}
    return Draft(letterhead, locale).form("letter", facts)


def _question(draft: Draft, texts: SurveyTexts, reminder: bool) -> dict[str, object]:
    said = {name: draft.words(text) for name, text in texts.by_name().items()}
    said["salutation"] = draft.words(texts.salutation)
    return {"said": said, "reminder": reminder}


def _rows(scores: Sequence[int]) -> list[Sequence[int]]:
    """The scale in rows that fit a phone, as even as they get: 11 → 6 and 5, 7 → 4 and 3, 5 → 5."""
    rows = -(-len(scores) // ROW)
    width = -(-len(scores) // rows)
    return [scores[start : start + width] for start in range(0, len(scores), width)]
