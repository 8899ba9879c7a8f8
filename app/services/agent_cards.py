"""The cards in agents' chats: what stands on them now, and everybody's changed in place after a press."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.channels.base import Button, Inbound
from app.domain.metrics import Metric
from app.domain.placeholders import first_name
from app.models import Answer, Contact, FollowUp, Member, Message, User, Workspace
from app.rendering import agent_cards
from app.rendering.languages import language_of
from app.rendering.mails import Alert
from app.runtime import Runtime
from app.services import followup_page, reply_ways
from app.services.access import Visitor
from app.services.many_rows import unindexed

CHANNEL = "telegram"
EARLIER = 4
AT_ONCE = 20  # Telegram takes some thirty in a second
# By its follow-up, never among all that went out on the channel
_IS_ALERT = Message.purpose == "alert"
_IS_IN_A_CHAT = (
    Message.purpose.in_(("alert", "dialogue")),
    unindexed(Message.channel) == CHANNEL,
    Message.provider_id.is_not(None),
)


@dataclass(frozen=True)
class Card:
    """Text and buttons in one reader's language."""

    text: str
    buttons: tuple[tuple[Button, ...], ...]


def card(session: Session, runtime: Runtime, followup_id: str, locale: str) -> Card:
    """What stands on the card of a follow-up at this moment."""
    followup, contact, answer, workspace = session.execute(
        select(FollowUp, Contact, Answer, Workspace)
        .join(Contact, Contact.id == FollowUp.contact_id)
        .join(Answer, Answer.id == FollowUp.answer_id)
        .join(Workspace, Workspace.id == FollowUp.workspace_id)
        .where(FollowUp.id == followup_id)
    ).one()
    alert = Alert(
        person=contact.label, metric=Metric(answer.metric), score=answer.score, band=answer.band,
        comment=answer.comment or "", wants_contact=answer.contact_me, due=followup.first_contact_due_at,
        zone=workspace.time_zone,
    )  # fmt: skip
    language = language_of(locale)
    name = _assignee(session, followup)
    text = agent_cards.card(
        alert, language, before=_before(session, answer), claimed_by=name,
        link=f"{runtime.config.public_url}/w/{workspace.slug}/followups/{followup.id}",
    )  # fmt: skip
    if followup.closed_at is not None:
        text += f"\n{agent_cards.closed_note(language, name)}"
    rows = agent_cards.keys(followup.id, language, claimed=bool(name), closed=followup.closed_at is not None)
    return Card(text, tuple(tuple(Button(*each) for each in row) for row in rows))


def change_all(runtime: Runtime, followup_id: str) -> None:
    """Everybody's card says what is so now; best effort, after the commit of what changed it."""
    channel = runtime.channels.get(CHANNEL)
    if channel is None or channel.pretends:
        return
    sent = select(Message.provider_id, Message.locale).where(
        Message.followup_id == followup_id, _IS_ALERT, *_IS_IN_A_CHAT
    )
    with runtime.db.read() as session:
        cards = [
            (provider_id, card(session, runtime, followup_id, locale))
            for provider_id, locale in session.execute(sent).all()
        ]
    for provider_id, each in cards:
        cast(Inbound, channel).edit(provider_id or "", each.text, each.buttons)


def forget_erased(runtime: Runtime) -> int:
    """A job: cards and lines about whoever was erased say no name and no words any more. How many it was.

    What Telegram refuses is nobody's to change. While it is busy or away all of them wait for the next time.
    """
    channel = runtime.channels.get(CHANNEL)
    if channel is None or channel.pretends:
        return 0
    about_them = (
        select(Message.id, Message.provider_id, Message.followup_id, Message.locale, Message.purpose)
        .join(FollowUp, FollowUp.id == Message.followup_id)
        .join(Contact, Contact.id == FollowUp.contact_id)
        .where(Contact.erased_at.is_not(None), FollowUp.answer_id.is_not(None) | ~_IS_ALERT, *_IS_IN_A_CHAT)
        .order_by(func.random())  # so that none that fails each time is always the first
        .limit(AT_ONCE)
    )
    with runtime.db.read() as session:
        cards = [
            (id, provider_id, _without_them(session, runtime, followup_id or "", locale, purpose))
            for id, provider_id, followup_id, locale, purpose in session.execute(about_them).all()
        ]
    over = []
    for id, provider_id, each in cards:
        if not cast(Inbound, channel).edit(provider_id or "", each.text, each.buttons):
            break
        over.append(id)
    if over:
        with runtime.db.write() as session:
            session.execute(update(Message).where(Message.id.in_(over)).values(provider_id=None))
    return len(over)


def _without_them(session: Session, runtime: Runtime, followup_id: str, locale: str, purpose: str) -> Card:
    """What stands there once its person was erased: a card as it is now, instead of any line another one."""
    if purpose == "alert":
        return card(session, runtime, followup_id, locale)
    return Card(agent_cards.erased(language_of(locale)), ())


def person_and_channel(runtime: Runtime, who: Visitor, followup_id: str) -> tuple[str, str | None]:
    """Whom an agent writes to, and on which channel it goes; none where there is no way."""
    with runtime.db.read() as session:
        followup = session.get_one(FollowUp, followup_id)
        contact = session.get_one(Contact, followup.contact_id)
        way = reply_ways.way_to(session, runtime, contact, followup.answer_id)
        return first_name(contact.name) or contact.label, way.channel if way else None


def causes(runtime: Runtime, who: Visitor, followup_id: str) -> tuple[str, ...]:
    """The root causes to choose from."""
    return followup_page.detail(runtime, who, followup_id).root_causes[:8]


def _assignee(session: Session, followup: FollowUp) -> str:
    query = (
        select(User.name, User.email)
        .join(Member, Member.user_id == User.id)
        .where(Member.id == followup.assignee_id)
    )
    row = session.execute(query).first()
    return (row[0] or row[1]) if row else ""


def _before(session: Session, answer: Answer) -> str:
    query = (
        select(Answer.score)
        .where(
            Answer.contact_id == answer.contact_id, Answer.metric == answer.metric, Answer.id != answer.id,
            Answer.late.is_(False),
        )
        .order_by(Answer.recorded_at.desc())
        .limit(EARLIER)
    )  # fmt: skip
    return ", ".join(str(score) for score in session.scalars(query))
