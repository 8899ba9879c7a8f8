"""What people write or press in a chat: the dialogue decides, and all that follows is one transaction."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.channels.base import Kind
from app.domain import chat_dialogue
from app.domain.chat import Effect, Forward, Heard, OptIn, OptOut, Record, Say, Speak
from app.errors import Invalid, TooMany
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import (
    answering_chats,
    arrival,
    bounces,
    chat_addresses,
    chat_questions,
    in_touch,
    inbound,
    pulse_chats,
    talks,
    template_presses,
    wishes,
)  # fmt: skip
from app.services.arrival import Given
from app.services.in_touch import Touch
from app.services.inbound import Stored
from app.services.turns import Turn

LANGUAGES = {code.split("-")[0]: code for code in LOCALES}
LANGUAGE_COMMAND = "/language"


def hear(runtime: Runtime, event_id: str) -> None:
    """One text or press of a person: answer, state and reply in one transaction; twice changes nothing."""
    now = runtime.clock()
    with runtime.db.write() as session:
        stored = inbound.take(session, event_id)
        if stored is None:
            return
        turn = _begin(session, runtime, stored, now)
        trouble = _take(turn) if turn is not None else "not an address that we can read"
        if trouble is not None:
            inbound.set_aside(session, event_id, trouble)
    runtime.reach("inbound_handled")


def _begin(session: Session, runtime: Runtime, stored: Stored, now: datetime) -> Turn | None:
    address = chat_addresses.canonical(stored.channel, stored.event.address)
    key = chat_addresses.key_of(session, stored.channel, stored.event.address)
    if address is None or key is None:
        return None
    row = talks.hold(session, stored.sender_id, key)
    row.heard_at, row.blocked_at = now, None
    questions = chat_questions.of(session, runtime, stored, key, now)
    return Turn(runtime, session, stored, address, key, row, questions, now)


def _take(turn: Turn) -> str | None:
    """The turn itself; why nobody can take it, where that is so."""
    session, stored = turn.session, turn.stored
    heard = _heard(turn)
    if heard is None:  # a button that we never made, or one whose question is gone
        inbound.done(session, stored.id)
        return None
    touch = in_touch.of(session, stored.sender_id, turn.key)
    asked = [each.asked for each in turn.questions]
    said = chat_dialogue.hear(talks.chat_of(turn.row), heard, asked, turn.now, in_touch=touch is not None)
    home = _home(turn, heard, said.effects, touch)
    if home is None:
        return "nobody here ever wrote to this address"
    turn.workspace_id, turn.contact_id = home
    talks.keep(turn.row, said.chat)
    message_id = answering_chats.keep_inbound(turn, _words_to_keep(turn, heard))
    for effect in said.effects:
        _apply(turn, effect, message_id)
    inbound.done(session, stored.id, workspace_id=turn.workspace_id, contact_id=turn.contact_id)
    return None


def _words_to_keep(turn: Turn, heard: Heard) -> str:
    """Beside an open pulse nothing of what was typed is kept; the event itself has only its wish."""
    if any(each.asked.is_pulse and each.asked.standing.is_open for each in turn.questions):
        return ""
    return turn.stored.event.text or ("" if heard.pressed is None else str(heard.pressed))


def _heard(turn: Turn) -> Heard | None:
    event = turn.stored.event
    if event.kind is Kind.PRESS and turn.stored.channel in pulse_chats.TEMPLATES:
        return template_presses.heard(turn)
    if event.kind is Kind.PRESS:
        pressed = answering_chats.pressed(turn.session, event.data)
        if pressed is None or turn.question(pressed[0]) is None:
            return None
        return Heard(about=pressed[0], pressed=pressed[1])
    if event.text.startswith(LANGUAGE_COMMAND):
        wanted = event.text.removeprefix(LANGUAGE_COMMAND).strip().lower()[:2]
        return Heard(language=LANGUAGES.get(wanted) or LANGUAGES.get(event.language[:2], "en"))
    about = chat_questions.quoted(turn.session, turn.stored) if event.quotes else None
    if event.kind is Kind.START:  # pressed without a link of ours: they want to be asked again
        bounces.open_again(turn.session, turn.key, turn.now)
        return Heard(text="/start")
    return Heard(text=event.text, about=about if turn.question(about) else None)


def _home(turn: Turn, heard: Heard, effects: Sequence[Effect], touch: Touch | None) -> tuple[str, str] | None:
    """Workspace and contact that this belongs to: of its question, else who last wrote to this address."""
    if touch is not None and any(isinstance(each, Forward) for each in effects):
        return touch.workspace_id, touch.contact_id
    abouts = [each.about for each in effects if isinstance(each, Record | Say)]
    for about in (*abouts, heard.about, turn.row.about):
        question = turn.question(about)
        if question is not None:
            return question.found.workspace_id, question.found.contact_id
    return chat_questions.last_writer(turn.session, turn.stored.sender_id, turn.key)


def _apply(turn: Turn, effect: Effect, message_id: str) -> None:
    if isinstance(effect, Record):
        _record(turn, effect)
    elif isinstance(effect, Say):
        answering_chats.say(turn, effect)
    elif isinstance(effect, OptOut):
        wishes.opt_out_by_chat(turn)
    elif isinstance(effect, OptIn):
        wishes.opt_in_by_chat(turn, message_id)
    elif isinstance(effect, Speak):
        turn.row.locale = effect.language
    else:
        in_touch.forward(turn, message_id, effect.text)


def _record(turn: Turn, effect: Record) -> None:
    question = turn.question(effect.about)
    assert question is not None  # the dialogue speaks of those that it was given
    event = turn.stored.event
    at = min(event.at, turn.now) if event.at else None  # a provider's clock may be ahead of ours
    words = effect.comment[: arrival.LONGEST_COMMENT] if effect.comment else None  # whole in the conversation
    given = Given(effect.score, words, channel=turn.stored.channel, at=at)
    try:
        arrival.take(turn.session, turn.runtime, question.found, given, turn.now)
    except (Invalid, TooMany):
        turn.row.missed += 1  # a hundredth change: nothing of it counts
