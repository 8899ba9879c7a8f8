"""Answering a pulse: one sealed row and nothing else, no time, no state, no line in a log."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, Row, bindparam, delete, literal, or_, select
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
_OF_THEM = Invitation.contact_id.in_(bindparam("some", expanding=True))
_ASKING = (
    select(Pulse.id)
    .where(Pulse.state == "open", Pulse.occurrence_id.in_(select(Invitation.occurrence_id).where(_OF_THEM)))
    .order_by(Pulse.id)
    .with_for_update(key_share=True)
)


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
        return _find(runtime, session, token)[1]


def seal_answer(runtime: Runtime, token: str, score: object, comment: str | None = None) -> Sealed:
    """Seal a whole answer over whatever was sealed before. Raises NotFound; Invalid with nothing changed."""
    value = read_score(Metric.ENPS, score)
    words = read_comment((comment or "").strip(), LONGEST_COMMENT) or ""
    with runtime.db.write() as session:
        pulse, question = _find(runtime, session, token, lock=True)
        box = sealing.seal(pulse.public_key, value, words)
        if not _upsert(session, token, pulse.id, box):
            raise NotFound  # they were erased while we waited for the pulse
        runtime.reach("pulse_answer_before_commit")
    return Sealed(question, value, tone(band_of(Metric.ENPS, value)))


def follow_up(question: PulseQuestion, score: object) -> tuple[int, str]:
    """The score and the question after it, where the comment was refused. Raises Invalid for a bad score."""
    value = read_score(Metric.ENPS, score)
    return value, question.texts.followup(tone(band_of(Metric.ENPS, value)))


def hold_pulses(session: Session, contact_ids: Collection[str]) -> None:
    """A step: the open pulses that ask these people are ours; answers under way have come in, others wait.

    Whoever erases holds them, and before the people: what the respondents themselves hold would stay in the
    header of its row, and tell who took part. Reminding and closing take the pulse first as well.
    """
    session.execute(_ASKING, {"some": list(contact_ids)})


def forget_sealed(session: Session, contact_id: str) -> None:
    """A step of erasing a person: while their pulse is open, their box still has a name on it."""
    hold_pulses(session, [contact_id])  # one may have opened between the pulses and the person
    theirs = select(Invitation.id).where(Invitation.contact_id == contact_id)
    session.execute(delete(SealedAnswer).where(SealedAnswer.invitation_id.in_(theirs)))


def _find(
    runtime: Runtime, session: Session, token: str, *, lock: bool = False
) -> tuple["_Open", PulseQuestion]:
    """Pulse and question of a link whose pulse is open, in one statement.

    `lock` holds the pulse shared (PostgreSQL): answers never wait for each other, and closing waits for them.
    """
    query = (
        select(
            Pulse.id, Pulse.public_key, Pulse.least_answers, Pulse.least_comments,
            Pulse.closes_at, Invitation.locale, Pulse.version_id, Workspace.name, Workspace.time_zone,
            Workspace.locale.label("workspace_locale"),
            Logo.id.label("logo_id"),
        )
        .select_from(Token)
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
    return _Open(row.id, row.public_key), _question(session, row)


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


def _upsert(session: Session, token: str, pulse_id: str, box: bytes) -> bool:
    """The box over the one before; False where the link is gone, read anew now that the pulse is held."""
    behind = select(Token.invitation_id, literal(pulse_id), literal(box, LargeBinary))
    behind = behind.where(Token.token_hash == token_hash(token), Token.purpose == "pulse")
    statement = insert_into(session, SealedAnswer).from_select(["invitation_id", "pulse_id", "box"], behind)
    upsert = statement.on_conflict_do_update(
        index_elements=[SealedAnswer.invitation_id], set_={"box": statement.excluded.box}
    )
    return len(session.scalars(upsert.returning(SealedAnswer.pulse_id)).all()) == 1
