"""An agent's chat: each press and each message is one verb of the console, for members alone."""

from app.channels.base import Kind
from app.domain.agent_chat import Awaits, Desk, Press, read_press
from app.errors import Conflict, Invalid, NotFound
from app.rendering import agent_cards as words
from app.rendering.languages import Language, language_of
from app.runtime import Runtime
from app.services import agent_cards, agents, chat_presses, followups, telling_agents
from app.services.access import Visitor
from app.services.inbound import Stored

CANCEL = "/cancel"


def concerns(runtime: Runtime, stored: Stored) -> bool:
    """Is this an agent at work? A button of a card, or words that we wait for in their chat."""
    if stored.channel != agent_cards.CHANNEL:
        return False
    if stored.event.kind is Kind.PRESS:
        return read_press(stored.event.data) is not None
    return stored.event.kind is Kind.TEXT and agents.desk(runtime, stored).awaits is not Awaits.NOTHING


def handle(runtime: Runtime, stored: Stored) -> None:
    """What was pressed or written becomes a verb; what is wrong with it is said in the chat."""
    at = agents.desk(runtime, stored)
    pressed = read_press(stored.event.data) if stored.event.kind is Kind.PRESS else None
    followup_id = pressed[1] if pressed else at.followup_id or ""
    try:
        who = agents.visitor(runtime, stored.event.address, followup_id)
    except NotFound:  # no member, or not any more: no more than a stranger learns
        agents.sit(runtime, stored, Desk())
        telling_agents.finish(runtime, stored)
        return
    language = language_of(who.locale)
    try:
        said = _press(runtime, stored, who, *pressed) if pressed else _words(runtime, stored, who, at)
    except (Conflict, Invalid) as wrong:
        said = _trouble(wrong, language)
    telling_agents.finish(runtime, stored, who=who, text=said, followup_id=followup_id)
    if pressed:
        chat_presses.show(runtime, stored)
    agent_cards.change_all(runtime, followup_id)


def _press(runtime: Runtime, stored: Stored, who: Visitor, press: Press, followup_id: str) -> str:
    language = language_of(who.locale)
    if press is Press.CLAIM:
        followups.claim(runtime, who, followup_id)
        return language.gettext("You claimed it")
    if press is Press.REPLY:
        person, channel = agent_cards.person_and_channel(runtime, who, followup_id)
        if channel is None:
            raise Conflict(
                "We have no e-mail address of this person. Reach them another way, and note it here."
            )
        agents.sit(runtime, stored, Desk(Awaits.REPLY, followup_id))
        return words.ask_reply(language, person, channel)
    agents.sit(runtime, stored, Desk(Awaits.CAUSE, followup_id))
    return words.ask_cause(language, agent_cards.causes(runtime, who, followup_id))


def _words(runtime: Runtime, stored: Stored, who: Visitor, at: Desk) -> str:
    """What we waited for."""
    language, text = language_of(who.locale), stored.event.text.strip()
    followup_id = at.followup_id or ""
    if text.lower() == CANCEL:
        agents.sit(runtime, stored, Desk())
        return language.gettext("Nothing was sent or changed.")
    if at.awaits is Awaits.REPLY:
        followups.reply(runtime, who, followup_id, text)
        agents.sit(runtime, stored, Desk())
        return language.gettext("Your reply is on its way.")
    if at.awaits is Awaits.CAUSE:
        agents.sit(runtime, stored, Desk(Awaits.SUMMARY, followup_id, text[:120]))
        return words.ask_summary(language)
    followups.close(runtime, who, followup_id, summary=text, root_cause=at.root_cause or "")
    agents.sit(runtime, stored, Desk())
    return language.gettext("You closed it")


def _trouble(wrong: Conflict | Invalid, language: Language) -> str:
    first = wrong.problems[0] if isinstance(wrong, Invalid) else wrong
    return language.gettext(first.message, **first.params)
