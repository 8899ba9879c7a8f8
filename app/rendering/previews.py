"""One survey draft as e-mail, page, text message and chat, filled with a sample person, while it is typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.domain.chat import Words
from app.domain.metrics import RULES, Metric
from app.domain.placeholders import Segments, check, fill, one_line, parse, values_for
from app.domain.sms_segments import SmsCount, count_segments, without_marks
from app.domain.survey_texts import SurveyTexts
from app.rendering import chats
from app.rendering.chats import Asking
from app.rendering.languages import Language, language_of

SAMPLE_NAME = "Maria Figueiredo"
SAMPLE_CODE = "k7q2m4x9a5c3v8n6p1z0r2t4w6"  # as long as the codes in real links: segments are counted with it


@dataclass(frozen=True)
class Sample:
    """Whom the preview is filled for, and who asks."""

    workspace_name: str
    sender_name: str
    sender_address: str | None
    link_start: str  # of the addresses in messages, "https://retorno.example"
    name: str = SAMPLE_NAME
    attributes: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Said:
    """One bubble of a conversation, of one line or two; `theirs` is what the person types."""

    text: str
    theirs: bool = False


@dataclass(frozen=True)
class TextMessage:
    """The text message and what it costs."""

    text: str
    count: SmsCount
    plain_segments: int  # the same without the letters that cost


@dataclass(frozen=True)
class Preview:
    """Everything that the editor shows beside the words, filled."""

    first_name: str
    locale: str
    sender: str
    subject: str
    greeting: tuple[str, ...]  # paragraphs
    question: str
    scores: tuple[int, ...]
    low_label: str
    high_label: str
    linked: bool  # messages carry one link and no scores: a pulse
    chat: tuple[Said, ...]
    sms: TextMessage
    reminder_subject: str
    reminder_greeting: tuple[str, ...]  # paragraphs of their own; empty: the ready ones
    reminder_sms: TextMessage


def preview(texts: SurveyTexts, metric: Metric, locale: str, sample: Sample) -> Preview:
    """The texts of one language as each channel shows them; a text that is still wrong is shown as typed."""
    values = values_for(sample.workspace_name, sample.name, sample.attributes)
    said = filled(texts, sample)
    language = language_of(locale)
    linked = metric is Metric.ENPS
    return Preview(
        first_name=values["contact.first_name"],
        locale=locale,
        sender=", ".join(part for part in (sample.sender_name, sample.sender_address) if part),
        subject=one_line(said.subject),
        greeting=_paragraphs(said.greeting),
        question=said.question,
        scores=tuple(RULES[metric].scores),
        low_label=said.low_label,
        high_label=said.high_label,
        linked=linked,
        chat=_linked_chat(said, language, sample) if linked else _chat(said, language, metric, sample),
        sms=_text_message(said, language, sample, metric, chats.question),
        reminder_subject=one_line(said.reminder_subject)
        or language.gettext("Still time: %(subject)s", subject=one_line(said.subject)),
        reminder_greeting=_paragraphs(said.reminder_greeting),
        reminder_sms=_text_message(said, language, sample, metric, chats.reminder),
    )


def filled(texts: SurveyTexts, sample: Sample) -> SurveyTexts:
    """The texts as the sample person reads them; one that is still wrong stays as typed."""
    values = values_for(sample.workspace_name, sample.name, sample.attributes)
    return SurveyTexts(**{name: _filled(text, values) for name, text in texts.to_json().items()})


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("\n\n") if part.strip())


def _filled(text: str, values: Mapping[str, str]) -> str:
    segments = Segments((text,)) if check(text, "text", lines=True) else parse(text)
    return fill(segments, values)


def _chat(said: SurveyTexts, language: Language, metric: Metric, sample: Sample) -> tuple[Said, ...]:
    rule = RULES[metric]
    unhappy = [score for score in rule.scores if rule.band(score) is rule.bands[2]]
    asking = Asking(sample.workspace_name, metric, said)
    return (
        Said(chats.question(asking, language, "whatsapp")),
        Said(str(unhappy[len(unhappy) * 2 // 3]), theirs=True),
        Said(chats.answer(Words.FOLLOWUP, asking, language, said.followup_down)),
    )


def _linked_chat(said: SurveyTexts, language: Language, sample: Sample) -> tuple[Said, ...]:
    asking = Asking(sample.workspace_name, Metric.ENPS, said)
    return (Said(_with_link(chats.question(asking, language, "whatsapp"), sample)),)


def _text_message(
    said: SurveyTexts,
    language: Language,
    sample: Sample,
    metric: Metric,
    write: Callable[[Asking, Language, str], str],
) -> TextMessage:
    text = _with_link(write(Asking(sample.workspace_name, metric, said), language, "sms"), sample)
    return TextMessage(text, count_segments(text), count_segments(without_marks(text)).segments)


def _with_link(text: str, sample: Sample) -> str:
    return text.replace(chats.LINK, f"{sample.link_start}/p/{SAMPLE_CODE}")
