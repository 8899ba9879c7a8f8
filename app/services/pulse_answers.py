"""Answering a pulse: one sealed row and nothing else, no time, no state, no line in a log."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, literal, or_, select
from sqlalchemy.orm import Session

from app import sealing
from app.db import insert_into
from app.domain.dialogue import read_comment
from app.domain.metrics import Metric, Tone, band_of, read_score, tone
from app.domain.placeholders import fill, parse, values_for
from app.domain.survey_texts import SurveyTexts
from app.errors import NotFound
from app.models import Invitation, Logo, Pulse, SealedAnswer, Token, Workspace
from app.runtime import Runtime
from app.services import standing
from app.services.tokens import token_hash

LONGEST_COMMENT = sealing.COMMENT_CHARACTERS


@dataclass(frozen=True)
class PulseQuestion:
    """What the page of one respondent shows. It never knows what was answered, nor whether anything was."""

    workspace_name: str
    logo_id: str | None
    time_zone: str
    locale: str
    texts: SurveyTexts  # of the version that was sent, filled for nobody in particular
    least_answers: int
    least_comments: int
    closes_at: datetime


@dataclass(frozen=True)
class Sealed:
    """What was just sealed, for the next form of the same request; as it was sent, not as the row has it."""

    question: PulseQuestion
    score: int
    tone: Tone


def show_question(runtime: Runtime, token: str) -> PulseQuestion:
    """The question behind a link. Raises NotFound for an unknown link and for a pulse that is closed."""
    with runtime.db.read() as session:
        return _find(runtime, session, token)[2]


def seal_answer(runtime: Runtime, token: str, score: object, comment: str | None = None) -> Sealed:
    """Seal a whole answer over whatever was sealed before. Raises NotFound; Invalid with nothing changed."""
    value = read_score(Metric.ENPS, score)
    words = read_comment((comment or "").strip(), LONGEST_COMMENT) or ""
    with runtime.db.write() as session:
        invitation_id, pulse, question = _find(runtime, session, token, lock=True)
        box = sealing.seal(pulse.public_key, value, words)
        _upsert(session, invitation_id, pulse.id, box)
        runtime.reach("pulse_answer_before_commit")
    return Sealed(question, value, tone(band_of(Metric.ENPS, value)))


def follow_up(question: PulseQuestion, score: object) -> tuple[int, str]:
    """The score and the question after it, where the comment was refused. Raises Invalid for a bad score."""
    value = read_score(Metric.ENPS, score)
    return value, question.texts.followup(tone(band_of(Metric.ENPS, value)))


def forget_sealed(session: Session, contact_id: str) -> None:
    """A step of erasing a person: while their pulse is open, their box still has a name on it."""
    theirs = select(Invitation.id).where(Invitation.contact_id == contact_id)
    session.execute(delete(SealedAnswer).where(SealedAnswer.invitation_id.in_(theirs)))


def _find(
    runtime: Runtime, session: Session, token: str, *, lock: bool = False
) -> tuple[str, "_Open", PulseQuestion]:
    """Invitation, pulse and question of a link whose pulse is open, in one statement.

    `lock` holds the pulse shared (PostgreSQL): answers never wait for each other, and closing waits for them.
    """
    query = (
        select(
            Token.invitation_id, Pulse.id, Pulse.public_key, Pulse.least_answers, Pulse.least_comments,
            Pulse.closes_at, Invitation.locale, Pulse.version_id, Workspace.name, Workspace.time_zone,
            Workspace.locale.label("workspace_locale"),
            Logo.id.label("logo_id"),
        )
        .join(Invitation, Invitation.id == Token.invitation_id)
        .join(Pulse, Pulse.occurrence_id == Invitation.occurrence_id)
        .join(Workspace, Workspace.id == Pulse.workspace_id)
        .outerjoin(Logo, Logo.workspace_id == Workspace.id)
        .where(
            Token.token_hash == token_hash(token),
            Token.purpose == "pulse",
            Pulse.state == "open",
            Pulse.closes_at > runtime.clock(),
            or_(Invitation.sandbox.is_(False), literal(runtime.config.sandbox_on)),
        )
    )  # fmt: skip
    row = session.execute(query.with_for_update(read=True, of=Pulse) if lock else query).one_or_none()
    if row is None:
        raise NotFound
    return row.invitation_id, _Open(row.id, row.public_key), _question(session, row)


def _question(session: Session, row: Row[*tuple[Any, ...]]) -> PulseQuestion:
    locale, texts, _ = standing.words(session, row.version_id, row.locale, row.workspace_locale)
    return PulseQuestion(
        workspace_name=row.name,
        logo_id=row.logo_id,
        time_zone=row.time_zone,
        locale=locale,
        texts=_filled(texts, row.name),
        least_answers=row.least_answers,
        least_comments=row.least_comments,
        closes_at=row.closes_at,
    )


@dataclass(frozen=True)
class _Open:
    id: str
    public_key: bytes


def _filled(texts: SurveyTexts, workspace_name: str) -> SurveyTexts:
    """What the page says. Subject and greeting are the mail's: they speak to somebody by name."""
    values = values_for(workspace_name)
    on_page = [each.name for each in fields(texts) if each.name not in ("subject", "greeting")]
    return replace(texts, **{name: fill(parse(getattr(texts, name)), values) for name in on_page})


def _upsert(session: Session, invitation_id: str, pulse_id: str, box: bytes) -> None:
    statement = insert_into(session, SealedAnswer).values(
        invitation_id=invitation_id, pulse_id=pulse_id, box=box
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[SealedAnswer.invitation_id], set_={"box": statement.excluded.box}
        )
    )
