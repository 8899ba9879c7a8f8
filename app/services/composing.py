"""What a departing message says: read, and its links minted, with the attempt; filled in after it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.orm import Session

from app.channels.base import DeliveryError, Outcome, Outgoing
from app.domain import placeholders
from app.domain.anonymity import DEFAULT_ANSWERS, DEFAULT_COMMENTS
from app.domain.metrics import Metric
from app.domain.placeholders import one_line, values_for
from app.errors import Invalid
from app.models import Answer, Contact, FollowUp, Message, Pulse, User, Workspace
from app.rendering import mails
from app.rendering.assets import logo_path
from app.rendering.languages import language_of
from app.rendering.mail_drafts import Letterhead
from app.rendering.mails import Alert, PulseTerms, Reply
from app.rendering.mime import HeaderRefused, MailForm, To
from app.rendering.previews import SAMPLE_CODE
from app.runtime import Runtime
from app.services import account_mail, composing_chats, composing_tests, senders, standing, tokens
from app.services.composing_chats import Note
from app.services.composing_tests import SAMPLE_PULSE, Tested
from app.services.departing import Departing
from app.services.telling_managers import LINK
from app.services.tokens import Minted

log = structlog.get_logger("composing")
Ended = tuple[Departing, Outcome]
UNWRITABLE = (Invalid, ValueError, LookupError, NoResultFound, MultipleResultsFound)


@dataclass(frozen=True)
class Letter:
    """A message that may be filled in and sent once the attempt is committed."""

    of: Departing
    form: MailForm
    values: Mapping[str, str]
    to_name: str


Departure = Letter | Note


def identity(runtime: Runtime) -> str:
    """The mailbox that our e-mail comes from."""
    return senders.identity(runtime, "email")


def compose(
    session: Session, runtime: Runtime, leaving: Sequence[Departing], now: datetime
) -> tuple[list[Departure], list[Ended]]:
    """A letter or a note for each, in order; their links are minted and kept in this transaction.

    One that cannot be written (its survey or answer is gone, its words fit no header) has ended: it must not
    hold up the others, now and at every later try.
    """
    minted: list[Minted] = []
    letters: list[Departure] = []
    ended: list[Ended] = []
    for each in leaving:
        try:
            if each.channel == "email":
                letters.append(_letter(session, runtime, each, minted))
            else:
                letters.append(composing_chats.note(session, runtime, each, minted))
        except UNWRITABLE as error:
            ended.append((each, _unwritten(each, error)))
    tokens.keep(session, minted, now)
    return letters, ended


def fill(
    runtime: Runtime, letters: Iterable[Departure], ended: list[Ended], until: datetime
) -> Iterator[Outgoing]:
    """The finished messages, made as the channel asks for them; one that cannot be made is `ended`.

    So is what a worker that stood still would hand over after `until`: others may have looked for it.
    """
    for letter in letters:
        each = letter.of
        if runtime.clock() >= until:
            ended.append((each, DeliveryError("provider_unreachable", detail="not begun in its time")))
            continue
        if isinstance(letter, Note):
            yield letter.outgoing(runtime, runtime.channels[each.channel].identity)
            continue
        try:
            to = To(each.id, each.to_address, letter.to_name, runtime.clock())
            mime = letter.form.fill(to, letter.values)
        except HeaderRefused:
            ended.append((each, DeliveryError("invalid_address", permanent=True, detail="fits no header")))
            continue
        except UNWRITABLE as error:
            ended.append((each, _unwritten(each, error)))
            continue
        yield Outgoing(id=each.id, from_address=identity(runtime), to_address=each.to_address, mime=mime)


def _unwritten(each: Departing, error: Exception) -> DeliveryError:
    log.error("message_not_written", message_id=each.id, purpose=each.purpose, error=type(error).__name__)
    return DeliveryError("not_written", permanent=True, detail=type(error).__name__)


def sample(session: Session, runtime: Runtime, each: Departing) -> tuple[str, str]:
    """Subject and text of a mail that asks, for somebody who is not asked yet; its links lead nowhere."""
    closes_on = (each.created_at + SAMPLE_PULSE).date()
    terms = PulseTerms(closes_on, DEFAULT_ANSWERS, DEFAULT_COMMENTS)
    letter = _asking(session, runtime, each, [], terms)
    nowhere = f"{runtime.config.public_url}/r/{SAMPLE_CODE}"
    values = {**letter.values, "link": nowhere, "unsubscribe": nowhere}
    to = To(each.id, each.to_address, letter.to_name, each.created_at)
    mail = message_from_bytes(letter.form.fill(to, values), policy=default)
    assert isinstance(mail, EmailMessage)  # what the policy makes
    body = mail.get_body(("plain",))
    assert body is not None  # every mail of ours has one
    return str(mail["Subject"]), str(body.get_content())


def _letter(session: Session, runtime: Runtime, each: Departing, minted: list[Minted]) -> Letter:
    if each.purpose == "alert":
        return _alert(session, runtime, each)
    if each.purpose == "reply":
        return _reply(session, runtime, each)
    if each.purpose == "account":
        return _account(session, runtime, each)
    if each.purpose == "test":
        return _test(runtime, each)
    return _asking(session, runtime, each, minted)


def _asking(
    session: Session,
    runtime: Runtime,
    each: Departing,
    minted: list[Minted],
    terms: PulseTerms | None = None,
) -> Letter:
    assert (
        each.version_id and each.invitation_id and each.workspace_id and each.workspace_locale
    )  # of every ask
    locale, texts, _ = standing.words(session, each.version_id, each.locale, each.workspace_locale)
    is_pulse, reminder = each.workspace_kind == "people", each.purpose == "reminder"
    letterhead = _letterhead(runtime, each)
    if is_pulse:
        form = mails.pulse_mail(letterhead, texts, locale, terms or _terms(session, each), reminder)
    else:
        form = mails.survey_mail(letterhead, texts, Metric(each.metric or ""), locale, reminder)
    purpose = "pulse" if is_pulse else "answer"
    answer = tokens.mint(purpose, each.workspace_id, each.id, each.invitation_id)
    out = tokens.unsubscribe_token(answer.token)
    minted += [answer, Minted(out, "unsubscribe", each.workspace_id, each.id, each.invitation_id)]
    url = runtime.config.public_url
    values = values_for(each.workspace_name or "", each.contact_name or "", each.attributes)
    values |= {"link": f"{url}/{'p' if is_pulse else 'r'}/{answer.token}", "unsubscribe": f"{url}/u/{out}"}
    return Letter(each, form, values, each.contact_name or "")


def _terms(session: Session, each: Departing) -> PulseTerms:
    pulse = session.scalars(select(Pulse).where(Pulse.occurrence_id == each.occurrence_id)).one()
    closes_on = pulse.closes_at.astimezone(ZoneInfo(each.time_zone or "UTC")).date()
    return PulseTerms(closes_on, pulse.least_answers, pulse.least_comments)


def _alert(session: Session, runtime: Runtime, each: Departing) -> Letter:
    if each.followup_id is None:
        return _notice(session, runtime, each)
    followup, contact, answer = session.execute(
        select(FollowUp, Contact, Answer)
        .join(Contact, Contact.id == FollowUp.contact_id)
        .join(Answer, Answer.id == FollowUp.answer_id)
        .where(FollowUp.id == each.followup_id)
    ).one()
    alert = Alert(
        person=contact.label,
        metric=Metric(answer.metric),
        score=answer.score,
        band=answer.band,
        comment=answer.comment or "",
        wants_contact=answer.contact_me,
        due=followup.first_contact_due_at,
        zone=each.time_zone or "UTC",
    )
    link = f"{runtime.config.public_url}/w/{each.workspace_slug}/followups/{followup.id}"
    return Letter(each, mails.alert_mail(_letterhead(runtime, each), alert, each.locale), {"link": link}, "")


def _test(runtime: Runtime, each: Departing) -> Letter:
    tested = Tested.of(each)
    form, values = composing_tests.mail(runtime, each, _letterhead(runtime, each), tested)
    return Letter(each, form, values, tested.name)


def _notice(session: Session, runtime: Runtime, each: Departing) -> Letter:
    """An alert about no follow-up: its words are in the row."""
    subject = session.get_one(Message, each.id).subject or ""
    words = (each.body or "").replace(LINK, runtime.config.public_url)
    action = language_of(each.locale).gettext("See the schedule")
    return Letter(
        each, mails.letter_mail(_letterhead(runtime, each), subject, words, each.locale, action), {}, ""
    )


def _reply(session: Session, runtime: Runtime, each: Departing) -> Letter:
    followup = session.get_one(FollowUp, each.followup_id)
    agent = session.get(User, each.user_id)
    reply = Reply(words=each.body or "", agent=agent.name if agent else each.workspace_name or "")
    answer = session.get(Answer, followup.answer_id) if followup.answer_id else None
    if answer is not None:
        reply = replace(
            reply,
            about=_subject_of(session, each, answer.version_id),
            score=answer.score,
            comment=answer.comment or "",
            answered_on=answer.recorded_at.astimezone(ZoneInfo(each.time_zone or "UTC")).date(),
            answers_message=_question_of(session, answer.invitation_id),
        )
    form = mails.reply_mail(_letterhead(runtime, each), reply, each.locale)
    return Letter(each, form, {}, each.contact_name or "")


def _subject_of(session: Session, each: Departing, version_id: str) -> str:
    """The subject of the mail that asked, so that the reply stands in its thread."""
    _, texts, _ = standing.words(session, version_id, each.locale, each.workspace_locale or "en")
    values = values_for(each.workspace_name or "", each.contact_name or "", each.attributes)
    return one_line(placeholders.fill(placeholders.parse(texts.subject), values))


def _question_of(session: Session, invitation_id: str) -> str:
    """Our id of the mail that asked, the first one."""
    asked = select(Message.id).where(Message.invitation_id == invitation_id, Message.purpose == "invitation")
    return session.scalar(asked.order_by(Message.created_at).limit(1)) or ""


def _account(session: Session, runtime: Runtime, each: Departing) -> Letter:
    message = session.get_one(Message, each.id)
    words = account_mail.filled(session, runtime, message)
    workspace = session.get(Workspace, message.workspace_id) if message.workspace_id else None
    letterhead = Letterhead(name=workspace.name if workspace else "Retorno", from_address=identity(runtime))
    action = language_of(each.locale).gettext("Continue")
    return Letter(
        each, mails.letter_mail(letterhead, message.subject or "", words, each.locale, action), {}, ""
    )


def _letterhead(runtime: Runtime, each: Departing) -> Letterhead:
    logo_url = f"{runtime.config.public_url}{logo_path(each.logo_id)}" if each.logo_id else ""
    return Letterhead(
        name=each.workspace_name or "",
        from_address=identity(runtime),
        sender_name=each.sender_name or "",
        reply_to=each.reply_to or "",
        postal_address=each.postal_address or "",
        logo_url=logo_url,
        rest_days=each.rest_days or 0,
    )
