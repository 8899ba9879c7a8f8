"""A survey that a member sends to themselves: the real message on their own address, marked as a test.

It leaves through the outbox with a purpose of its own: it belongs to no invitation, so it counts nowhere.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.domain.survey_texts import SurveyTexts, choose_locale, problems_in
from app.errors import Conflict, Invalid, NotFound, problem
from app.models import Member, Message, Survey, SurveyVersion, User, new_id
from app.runtime import Runtime
from app.services import access, audit, limits
from app.services.access import Visitor
from app.services.composing_tests import Tested
from app.services.limits import Limit
from app.services.once import Once
from app.services.outbox import FIRST

CHANNELS = ("email", "telegram")  # on which somebody has an address of their own here
TESTS = Limit(20, 3600)  # of one member in an hour, in all workspaces: enough for every language, twice


@dataclass(frozen=True)
class Wanted:
    """What to send and where: `live` is the version that people get, else the draft; a key names a member."""

    channel: str = "email"
    locale: str | None = None  # none: the member's own, if it is written in that
    live: bool = False
    member_id: str | None = None


def ways(runtime: Runtime, who: Visitor) -> tuple[str, ...]:
    """The channels on which the visitor has an address of their own."""
    if who.user_id is None:
        return ()
    with runtime.db.read() as session:
        has_chat = session.get_one(User, who.user_id).telegram_chat_id is not None
    return tuple(each for each in CHANNELS if each in runtime.channels and (each == "email" or has_chat))


def send(runtime: Runtime, who: Visitor, survey_id: str, wanted: Wanted, once: Once | None = None) -> str:
    """The message to the member's own mailbox or chat, never to another address; its id.

    Raises Invalid for a language that the survey is not written in and for no member, Conflict where there
    is no way to them.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, survey_id)
        user = _member(session, who, wanted)
        address = _own_address(runtime, user, wanted.channel)
        texts, locale = _texts(session, survey, user, wanted)
        limits.count(session, f"survey_test:{user.id}", TESTS, now)
        said = Tested(survey.id, wanted.live, survey.metric, texts, user.locale, user.name)
        message = Message(
            id=new_id(), workspace_id=who.workspace_id, purpose="test", priority=FIRST,
            channel=wanted.channel, user_id=user.id, to_address=address, locale=locale, body=said.to_json(),
            state="queued", due_at=now, created_at=now,
        )  # fmt: skip
        session.add(message)
        audit.note(session, who, now, "survey.tested", survey_id, channel=wanted.channel, locale=locale)
        if once:
            once.keep(session, message.id)
        return message.id


def state(runtime: Runtime, who: Visitor, id: str) -> tuple[str, str, str | None]:
    """Of a test that was sent: channel, state, and why it did not leave. Raises NotFound."""
    with runtime.db.read() as session:
        message = access.own(session, who, Message, id)
        if message.purpose != "test":
            raise NotFound
        return message.channel, message.state, message.reason


def _member(session: Session, who: Visitor, wanted: Wanted) -> User:
    """Who gets it: the visitor, or the member whom a key names."""
    if who.user_id is not None:
        return session.get_one(User, who.user_id)
    try:
        return session.get_one(User, access.own(session, who, Member, wanted.member_id or "").user_id)
    except NotFound:
        raise Invalid([problem("member", "There is no such member here.")]) from None


def _own_address(runtime: Runtime, user: User, channel: str) -> str:
    if channel not in CHANNELS:
        raise Invalid([problem("channel", "A test goes to your own e-mail or your own Telegram.")])
    if channel not in runtime.channels:
        raise Conflict("This channel is not set up here.")
    if channel == "email":
        return user.email
    if user.telegram_chat_id is None:
        raise Conflict("Connect your own Telegram first: My account.")
    return user.telegram_chat_id


def _texts(session: Session, survey: Survey, user: User, wanted: Wanted) -> tuple[dict[str, str], str]:
    """The words of one language as they are at this moment, and which language it is."""
    said = survey.draft
    if wanted.live and survey.published_version_id:
        said = session.get_one(SurveyVersion, survey.published_version_id).texts
    if wanted.locale is not None and wanted.locale not in said:
        raise Invalid([problem("locale", "This survey is not written in this language.")])
    locale = wanted.locale or choose_locale(said, user.locale)
    problems = problems_in(SurveyTexts.from_json(said[locale]), Metric(survey.metric), complete=True)
    if problems:
        raise Conflict("This language is not ready yet: a text of it is empty or wrong.")
    return dict(said[locale]), locale
