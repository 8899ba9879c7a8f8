"""A press on a button of a WhatsApp template: what it carries was written by whoever made the template."""

from app.domain.chat import Heard
from app.domain.metrics import RULES
from app.services import chat_questions
from app.services.turns import Turn


def heard(turn: Turn) -> Heard:
    """The score that the button carries, for the question whose message it quotes; else it asks again."""
    event = turn.stored.event
    question = turn.question(chat_questions.quoted(turn.session, turn.stored) if event.quotes else None)
    if question is None:
        return Heard(text=event.text, odd_button=True)
    about, said = question.asked.invitation_id, event.data.strip()
    is_number = said.isascii() and said.isdecimal() and len(said) <= 2
    if is_number and int(said) in RULES[question.asked.metric].scores:
        return Heard(about=about, pressed=int(said))
    return Heard(text=event.text, about=about, odd_button=True)
