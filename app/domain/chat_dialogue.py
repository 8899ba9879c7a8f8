"""The conversation in a chat as a state machine: what a person sent and where they stand, to what follows.

The answer page goes through the same standing (dialogue.py) one form at a time; here people just type.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.domain import replies
from app.domain.chat import (
    LETTERS,
    Asked,
    Chat,
    Expects,
    Forward,
    Heard,
    OptIn,
    OptOut,
    Record,
    Say,
    Speak,
    Turn,
    Words,
)
from app.domain.metrics import Metric
from app.domain.replies import Kind

PATIENCE = 2  # unreadable replies that are answered: once with the question, once with the page's link


def hear(chat: Chat, heard: Heard, asked: Sequence[Asked], now: datetime, *, in_touch: bool = False) -> Turn:
    """One turn. `asked` is newest first; `in_touch`: an agent of ours writes to this person here.

    A score is never guessed: with several questions open we ask which, what cannot be read is asked again.
    """
    wish = _wish(chat, heard, asked)
    if wish is not None:
        return wish
    if heard.odd_button:
        return _odd(chat, heard, asked, now)
    if chat.expects is Expects.WHICH and heard.about is None:
        return _chosen(chat, heard, asked, now, in_touch)
    meant = _meant(chat, heard, asked, now)
    if len(meant) > 1:
        return _which(heard, meant)
    if not meant:
        return _nobody_asked(chat, heard, asked, now, in_touch)
    return _about(chat, heard, meant[0], now, in_touch)


def ask(chat: Chat, invitation_id: str) -> Chat:
    """A question has just been put: what comes next is its score, unless something else is under way."""
    if chat.expects in (Expects.WHICH, Expects.COMMENT):
        return chat
    return Chat(Expects.SCORE, invitation_id)


def _wish(chat: Chat, heard: Heard, asked: Sequence[Asked]) -> Turn | None:
    """To stop, to begin again, to be helped, another language: understood at any moment."""
    if heard.language:
        return Turn(chat, (Speak(heard.language), Say(Words.LANGUAGE)))
    if heard.pressed is not None:
        return None
    kind = replies.read(heard.text, Metric.NPS, asked[0].locale if asked else "en").kind
    if kind is Kind.OPT_OUT:
        return Turn(Chat(), (OptOut(), Say(Words.OPTED_OUT)))
    if kind is Kind.OPT_IN:
        return Turn(Chat(), (OptIn(), Say(Words.OPTED_IN)))
    if kind is Kind.HELP:
        return Turn(Chat(), (Say(Words.HELP),))
    return None


def _open(asked: Sequence[Asked], now: datetime) -> list[Asked]:
    """The questions that still wait for an answer; a pulse never tells, so it waits until it ends."""
    return [each for each in asked if each.standing.takes_answers(now) and _unanswered(each)]


def _unanswered(each: Asked) -> bool:
    return each.is_pulse or each.standing.recorded_at is None


def _meant(chat: Chat, heard: Heard, asked: Sequence[Asked], now: datetime) -> list[Asked]:
    """The question that this is about; several where nobody can tell."""
    if heard.about is not None:
        return [each for each in asked if each.invitation_id == heard.about]
    waiting = _open(asked, now)
    current = next((each for each in asked if each.invitation_id == chat.about), None)
    if chat.expects is Expects.COMMENT and current is not None and current.standing.takes_answers(now):
        others = [each for each in waiting if each is not current]
        if others and any(_is_bare_score(heard.text, each) for each in others):
            return [*others, current]
        return [current]
    return waiting


def _is_bare_score(text: str, question: Asked) -> bool:
    reading = replies.read(text, question.metric, question.locale)
    return reading.kind is Kind.SCORE and reading.comment is None


def _odd(chat: Chat, heard: Heard, asked: Sequence[Asked], now: datetime) -> Turn:
    """A button that says nothing we know: asked again where a score is missing, and never one itself."""
    meant = [each for each in asked if each.invitation_id == heard.about] or _open(asked, now)
    if len(meant) > 1:
        return _which(Heard(), meant, keeps=False)
    if not meant:
        return _stray(chat)
    question = meant[0]
    if question.is_pulse:
        return Turn(Chat(), (Say(Words.PULSE, question.invitation_id),))
    if not question.standing.takes_answers(now):
        return Turn(Chat(), (Say(Words.LATE, question.invitation_id),) if chat.missed == 0 else ())
    return Turn(chat) if question.standing.recorded_at else _again(chat, question.invitation_id)


def _which(heard: Heard, meant: Sequence[Asked], *, keeps: bool = True) -> Turn:
    """Ask which one. What they typed waits, unless one is a pulse: then it is not kept, and typed again."""
    shown = meant[: len(LETTERS)]
    pending = heard.text if keeps and not any(each.is_pulse for each in shown) else None
    chat = Chat(Expects.WHICH, choices=tuple(each.invitation_id for each in shown), pending=pending)
    return Turn(chat, (Say(Words.WHICH),))


def _chosen(chat: Chat, heard: Heard, asked: Sequence[Asked], now: datetime, in_touch: bool) -> Turn:
    """A letter chooses; anything else is asked for once more, and then left."""
    letter = heard.text.strip(" .)!").upper()
    place = LETTERS.find(letter) if len(letter) == 1 else -1
    if not 0 <= place < len(chat.choices):
        if chat.missed >= PATIENCE - 1:
            return Turn(Chat(), ())
        return Turn(replace(chat, missed=chat.missed + 1), (Say(Words.WHICH),))
    about = chat.choices[place]
    question = next((each for each in asked if each.invitation_id == about), None)
    if question is None:
        return Turn(Chat(), (Say(Words.NOTHING_OPEN),))
    if chat.pending is None and not question.is_pulse:
        return Turn(Chat(Expects.SCORE, about), (Say(Words.AGAIN, about),))
    return _about(Chat(Expects.SCORE, about), Heard(chat.pending or "", about=about), question, now, in_touch)


def _about(chat: Chat, heard: Heard, question: Asked, now: datetime, in_touch: bool) -> Turn:
    """One question is meant: a score, a comment, a change, or too late for all of them."""
    about = question.invitation_id
    if question.is_pulse:
        return Turn(Chat(), (Say(Words.PULSE, about),))
    reading = _reading(heard, question)
    if not question.standing.takes_answers(now):
        return _too_late(chat, heard, question, reading, in_touch)
    if question.standing.recorded_at is None:
        return _scored(about, reading) if reading.kind is Kind.SCORE else _again(chat, about)
    return _answered(chat, heard, question, reading, in_touch)


def _answered(chat: Chat, heard: Heard, question: Asked, reading: replies.Reading, in_touch: bool) -> Turn:
    """The question has its score already: this is another one, the comment, or something else."""
    about = question.invitation_id
    expects_words = chat.expects is Expects.COMMENT and chat.about == about
    if reading.kind is Kind.SCORE and not (expects_words and reading.comment):
        return _changed(chat, question, reading)
    if expects_words or (not question.standing.has_comment and heard.about is not None):
        return Turn(Chat(), (Record(about, comment=heard.text), Say(Words.THANKS, about)))
    if in_touch:
        return Turn(Chat(), (Forward(heard.text),))
    return _stray(chat)


def _reading(heard: Heard, question: Asked) -> replies.Reading:
    if heard.pressed is not None:
        return replies.Reading(Kind.SCORE, heard.pressed)
    return replies.read(heard.text, question.metric, question.locale)


def _scored(about: str, reading: replies.Reading) -> Turn:
    record = Record(about, reading.score, reading.comment)
    if reading.comment:
        return Turn(Chat(), (record, Say(Words.THANKS, about)))
    return Turn(Chat(Expects.COMMENT, about), (record, Say(Words.FOLLOWUP, about)))


def _changed(chat: Chat, question: Asked, reading: replies.Reading) -> Turn:
    """Another score than before; the same again changes nothing and says nothing."""
    if reading.score == question.score and not reading.comment:
        return Turn(chat)
    record = Record(question.invitation_id, reading.score, reading.comment)
    return Turn(chat, (record, Say(Words.CHANGED, question.invitation_id)))


def _again(chat: Chat, about: str) -> Turn:
    """Asked again once, then the page's link; after that we keep still, for it may be another machine."""
    missed = chat.missed + 1 if chat.about == about else 1
    after = Chat(Expects.SCORE, about, missed)
    if missed > PATIENCE:
        return Turn(after)
    return Turn(after, (Say(Words.AGAIN if missed == 1 else Words.LINK, about),))


def _too_late(chat: Chat, heard: Heard, question: Asked, reading: replies.Reading, in_touch: bool) -> Turn:
    """Kept beside what counts, with a kind word; whoever is in touch with an agent just talks to them."""
    about = question.invitation_id
    if reading.kind is Kind.SCORE:
        return Turn(Chat(), (Record(about, reading.score, reading.comment), Say(Words.LATE, about)))
    if in_touch:
        return Turn(Chat(), (Forward(heard.text),))
    return Turn(Chat(), (Say(Words.LATE, about),) if chat.missed == 0 else ())


def _nobody_asked(chat: Chat, heard: Heard, asked: Sequence[Asked], now: datetime, in_touch: bool) -> Turn:
    """No question waits: words for an agent, a change of the last answer, its comment, or a stray message."""
    if in_touch and heard.pressed is None:
        return Turn(Chat(), (Forward(heard.text),))
    last = next((each for each in asked if not each.is_pulse), None)
    if last is not None:
        reading = _reading(heard, last)
        if not last.standing.takes_answers(now):
            return _too_late(chat, heard, last, reading, in_touch)
        if reading.kind is Kind.SCORE:
            return _changed(chat, last, reading)
        if not last.standing.has_comment and heard.text.strip():
            about = last.invitation_id
            return Turn(Chat(), (Record(about, comment=heard.text), Say(Words.THANKS, about)))
    return _stray(chat)


def _stray(chat: Chat) -> Turn:
    """Nothing waits for it: said once, and then we keep still."""
    if chat.missed >= 1:
        return Turn(chat)
    return Turn(Chat(missed=1), (Say(Words.NOTHING_OPEN),))
