"""Previews of a draft for its editor, filled with somebody whom the workspace knows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.anonymity import DEFAULT_ANSWERS, DEFAULT_COMMENTS
from app.domain.metrics import Metric
from app.domain.placeholders import values_for
from app.domain.survey_texts import SurveyTexts
from app.errors import NotFound
from app.models import Contact, Logo, Survey, SurveyVersion, Workspace
from app.rendering import mails
from app.rendering.assets import logo_path
from app.rendering.languages import LOCALES
from app.rendering.mail_drafts import Letterhead
from app.rendering.mails import PulseTerms
from app.rendering.mime import To
from app.rendering.previews import SAMPLE_CODE, SAMPLE_NAME, Preview, Sample, filled, preview
from app.runtime import Runtime
from app.services import access
from app.services.access import Visitor
from app.services.composing import identity

SAMPLE_ADDRESS = "maria@example.com"
SAMPLE_PULSE = timedelta(days=14)  # how long the pulse of a preview stays open
_HREF = re.compile(r' href="[^"]*"')  # quotes inside words are escaped, so only our own attributes match


def show(
    runtime: Runtime, who: Visitor, id: str, locale: str, typed: Mapping[str, object] | None = None
) -> Preview:
    """The draft of one language in every channel; `typed` replaces the saved texts. Saves nothing.

    Raises NotFound for a language that we do not speak, Invalid when what was typed is no text at all.
    """
    if locale not in LOCALES:
        raise NotFound
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, id)
        texts = SurveyTexts.from_json(survey.draft.get(locale, {}) if typed is None else typed)
        return preview(texts, Metric(survey.metric), locale, _sample(session, runtime, who))


@dataclass(frozen=True)
class Page:
    """The page behind an answer link, filled with a sample person; it knows nobody and keeps nothing."""

    metric: Metric
    texts: SurveyTexts
    workspace_name: str
    logo_url: str | None


def page(runtime: Runtime, who: Visitor, id: str, which: str, locale: str) -> Page:
    """What the draft, or what is live, asks in one language. Raises NotFound where there is none."""
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, id)
        said = survey.draft
        if which == "live" and survey.published_version_id is not None:
            said = session.get_one(SurveyVersion, survey.published_version_id).texts
        if locale not in said:
            raise NotFound
        sample, letterhead = _sample(session, runtime, who), _letterhead(session, runtime, who)
    texts = filled(SurveyTexts.from_json(said[locale]), sample)
    return Page(Metric(survey.metric), texts, sample.workspace_name, letterhead.logo_url or None)


def email(runtime: Runtime, who: Visitor, id: str, locale: str) -> str:
    """The HTML of the mail that the saved draft would be, its links leading nowhere.

    Raises NotFound for a language that the draft is not written in.
    """
    sent = message_from_bytes(sample_mail(runtime, who, id, locale), policy=default)
    assert isinstance(sent, EmailMessage)  # what the policy makes
    body = sent.get_body(("html",))
    assert body is not None  # every mail of ours has one
    return _HREF.sub("", str(body.get_content()))


def sample_mail(runtime: Runtime, who: Visitor, id: str, locale: str) -> bytes:
    """The whole mail, made as real ones are. Raises NotFound as `email` does."""
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, id)
        if locale not in survey.draft:
            raise NotFound
        texts, metric = SurveyTexts.from_json(survey.draft[locale]), Metric(survey.metric)
        sample, letterhead = _sample(session, runtime, who), _letterhead(session, runtime, who)
    if metric is Metric.ENPS:
        terms = PulseTerms((runtime.clock() + SAMPLE_PULSE).date(), DEFAULT_ANSWERS, DEFAULT_COMMENTS)
        form = mails.pulse_mail(letterhead, texts, locale, terms, reminder=False)
    else:
        form = mails.survey_mail(letterhead, texts, metric, locale, reminder=False)
    values = values_for(sample.workspace_name, sample.name, sample.attributes)
    values["link"] = f"{sample.link_start}/{'p' if metric is Metric.ENPS else 'r'}/{SAMPLE_CODE}"
    values["unsubscribe"] = f"{sample.link_start}/u/{SAMPLE_CODE}"
    return form.fill(To("preview", SAMPLE_ADDRESS, sample.name, runtime.clock()), values)


def _sample(session: Session, runtime: Runtime, who: Visitor) -> Sample:
    """The first contact of the workspace, or Maria Figueiredo while there is none."""
    workspace = session.get_one(Workspace, who.workspace_id)
    first = session.execute(
        select(Contact.name, Contact.attributes)
        .where(Contact.workspace_id == who.workspace_id, Contact.erased_at.is_(None), Contact.name != "")
        .order_by(Contact.created_at, Contact.id)
        .limit(1)
    ).one_or_none()
    return Sample(
        workspace_name=workspace.name,
        sender_name=workspace.sender_name or workspace.name,
        sender_address=parseaddr(runtime.config.mail_from or "")[1] or None,
        link_start=runtime.config.public_url,
        name=first.name if first else SAMPLE_NAME,
        attributes=first.attributes if first else None,
    )


def _letterhead(session: Session, runtime: Runtime, who: Visitor) -> Letterhead:
    workspace = session.get_one(Workspace, who.workspace_id)
    logo = session.scalar(select(Logo.id).where(Logo.workspace_id == workspace.id))
    return Letterhead(
        name=workspace.name,
        from_address=identity(runtime),
        sender_name=workspace.sender_name or "",
        reply_to=workspace.reply_to or "",
        postal_address=workspace.postal_address or "",
        logo_url=f"{runtime.config.public_url}{logo_path(logo)}" if logo else "",
        rest_days=workspace.rest_days,
    )
