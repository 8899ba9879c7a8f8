"""What we say in a chat, as messages in the outbox; what they said, as messages beside them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.chat import Say, Words
from app.domain.metrics import Band, tone
from app.domain.placeholders import fill, parse, values_for
from app.domain.survey_texts import SurveyTexts
from app.models import Token, new_id
from app.rendering import chats
from app.rendering.chats import Asking
from app.rendering.languages import LOCALES, Language, language_of
from app.services import outbox, standing
from app.services.chat_questions import Question
from app.services.outbox import FIRST
from app.services.tokens import token_hash
from app.services.turns import Turn

_KEEP = Statement(
    "INSERT INTO messages (id, workspace_id, sender_id, purpose, priority, channel, contact_id, to_address,"
    " address_key, locale, body, state, tries, due_at, created_at, sent_at, provider_id)"
    " VALUES (:id, :workspace_id, :sender_id, 'inbound', :priority, :channel, :contact_id, :to_address,"
    " :address_key, '', :body, 'received', 0, :at, :at, :at, :provider_id)"
)
_HOUSE_LOCALE = Statement("SELECT locale FROM workspaces WHERE id = :id")


def keep_inbound(turn: Turn, body: str) -> str:
    """A step: their words in the conversation, as they came; the message's id."""
    stored, id = turn.stored, new_id()
    at = stored.event.at or stored.received_at
    values = {
        "id": id, "workspace_id": turn.workspace_id, "sender_id": stored.sender_id, "priority": FIRST,
        "channel": stored.channel, "contact_id": turn.contact_id, "to_address": turn.address,
        "address_key": turn.key, "body": body, "at": at, "provider_id": stored.event.provider_id[:320],
    }  # fmt: skip
    _KEEP.run(turn.session, values)
    return id


def pressed(session: Session, data: str) -> tuple[str, int] | None:
    """The question and the score of a button of ours; None for data that we never made."""
    token, _, score = data.partition(".")
    if not (score.isascii() and score.isdecimal() and len(score) <= 2):
        return None
    query = select(Token.invitation_id).where(Token.token_hash == token_hash(token), Token.purpose == "press")
    found = session.scalars(query).first()
    return (found, int(score)) if found else None


def say(turn: Turn, effect: Say) -> None:
    """A step: our answer, queued; it leaves before anything that asks."""
    question = turn.question(effect.about)
    language = _language(turn, question)
    if effect.words is Words.WHICH:
        chosen = [each for each in (turn.question(id) for id in turn.row.choices) if each is not None]
        body = chats.which([_title(turn.session, each, language) for each in chosen], language)
    else:
        body = _words(turn.session, effect, question, language)
    if not body:
        return
    linked = question if question is not None and chats.LINK in body else None
    outbox.enqueue_dialogue(
        turn.session, workspace_id=turn.workspace_id, channel=turn.stored.channel,
        contact_id=turn.contact_id, to_address=turn.address, address_key=turn.key, locale=language.code,
        body=body, now=turn.now, invitation_id=linked.found.invitation_id if linked else None,
    )  # fmt: skip


def _language(turn: Turn, question: Question | None) -> Language:
    """What they chose here, else their own, else the workspace's."""
    theirs = question.found.locale if question else None
    ours = _HOUSE_LOCALE.run(turn.session, {"id": turn.workspace_id}).fetchone()[0]
    wanted = (turn.row.locale, theirs, ours)
    return language_of(next((each for each in wanted if each in LOCALES), "en"))


def question_of(session: Session, message_id: str, language: Language) -> str:
    """The question that a message of ours asked, as its person reads it."""
    found = standing.look_at_message(session, message_id)
    if found is None:
        return ""
    _, texts, _ = standing.words(session, found.version_id, language.code, found.workspace_locale)
    values = values_for(found.workspace_name, found.contact_name, found.attributes)
    return fill(parse(texts.question), values)


def _title(session: Session, question: Question, language: Language) -> str:
    """A question among others: who asks it, and the question."""
    return f"{question.found.workspace_name}: {_said(session, question, language).question}"


def _words(session: Session, effect: Say, question: Question | None, language: Language) -> str:
    if question is None:
        return chats.answer(effect.words, None, language)
    said = _said(session, question, language)
    asking = Asking(question.found.workspace_name, question.asked.metric, said)
    own = ""
    if effect.words in (Words.FOLLOWUP, Words.THANKS):
        way = tone(_band_now(session, question))
        own = said.followup(way) if effect.words is Words.FOLLOWUP else said.thanks(way)
    return chats.answer(effect.words, asking, language, own)


def _band_now(session: Session, question: Question) -> Band:
    """The band of what was just recorded, in this transaction."""
    found = standing.of_message(session, question.found.message_id)
    assert found is not None  # it was found a moment ago
    assert found.band is not None  # we thank for an answer
    return Band(found.band)


def _said(session: Session, question: Question, language: Language) -> SurveyTexts:
    """The survey's texts in this language, filled for this person."""
    found = question.found
    _, texts, _ = standing.words(session, found.version_id, language.code, found.workspace_locale)
    values = values_for(found.workspace_name, found.contact_name, found.attributes)
    return SurveyTexts(**{name: fill(parse(text), values) for name, text in texts.to_json().items()})
