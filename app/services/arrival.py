"""On arrival: the only writer of answers, for every channel. All of it in one transaction, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.dialogue import read_comment
from app.domain.metrics import band_of, read_score
from app.errors import Invalid, NotFound, TooMany, problem
from app.models import Answer, AnswerEdit, new_id
from app.runtime import Runtime
from app.services import followup_opening, outbox, settling, standing
from app.services.standing import Found

LONGEST_COMMENT = 2_000
MOST_EDITS = 50  # nobody honest changes their mind more often within a day

_RECORD = Statement(
    "INSERT INTO answers (id, workspace_id, invitation_id, survey_id, version_id, contact_id, metric, score,"
    " band, comment, contact_me, channel, sandbox, attributes, suspect, late, recorded_at, updated_at)"
    " SELECT :id, :workspace_id, :invitation_id, :survey_id, :version_id, c.id, :metric, :score, :band,"
    " :comment, :contact_me, :channel, :sandbox, c.attributes, :suspect, :late, :now, :now"
    " FROM contacts c WHERE c.id = :contact_id ON CONFLICT (invitation_id) DO NOTHING"
)
_ANSWERED = Statement("UPDATE invitations SET state = 'answered', reason = NULL WHERE id = :id")


@dataclass(frozen=True)
class Given:
    """What a person sent: a score, a comment, the wish to be contacted; one or more of them."""

    score: object = None
    comment: str | None = None
    contact_me: bool | None = None
    suspect: bool = False  # a field that no person sees was filled in
    channel: str | None = None  # on which they answered; none: the one that asked
    at: datetime | None = None  # when they did, where it reached us later


def record(runtime: Runtime, token: str, given: Given) -> None:
    """Take an answer or a change of one; the same again changes nothing.

    Raises NotFound when the link leads nowhere any more (what came late is kept, and not counted),
    Invalid for a bad score or a comment that is too long, TooMany after very many changes.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        found = standing.find(session, token, "answer")
        if found is None:
            raise NotFound
        in_time = take(session, runtime, found, given, now)
    runtime.reach("answer_committed")
    if not in_time:
        raise NotFound


def take(session: Session, runtime: Runtime, found: Found, given: Given, now: datetime) -> bool:
    """A step: what was said becomes the answer or changes it. False: too late to count, and kept aside.

    Raises Invalid for a bad score or a comment that is too long, TooMany after very many changes.
    """
    now = given.at or now
    values = _values(found, given, now)
    if not found.standing(runtime.config.sandbox_on).takes_answers(now):
        _keep_late(session, found, values)
        return False
    if found.answer_id is not None or not _first(session, found, values, runtime):
        _change(session, found, given, now)
    return True


def _values(found: Found, given: Given, now: datetime) -> dict[str, Any]:
    """The row that this would be; raises Invalid with everything that is wrong."""
    if given.score is None and found.score is None:
        raise Invalid([problem("score", "Choose a score first.")])
    score = found.score if given.score is None else read_score(found.metric, given.score)
    assert score is not None  # one of the two was there
    return {
        "id": new_id(),
        "workspace_id": found.workspace_id,
        "invitation_id": found.invitation_id,
        "survey_id": found.survey_id,
        "version_id": found.version_id,
        "contact_id": found.contact_id,
        "metric": found.metric.value,
        "score": score,
        "band": band_of(found.metric, score).value,
        "comment": read_comment(given.comment, LONGEST_COMMENT),
        "contact_me": bool(given.contact_me),
        "channel": given.channel or found.channel or "email",
        "sandbox": found.sandbox,
        "suspect": given.suspect,
        "late": False,
        "now": now,
    }


def _first(session: Session, found: Found, values: dict[str, Any], runtime: Runtime) -> bool:
    """The first answer to this invitation; False when another request was quicker."""
    if _RECORD.run(session, values).rowcount == 0:
        return False
    runtime.reach("answer_inserted")
    if found.state in ("unknown", "sending"):
        settling.arrived(session, found.message_id, found.invitation_id, values["now"])
    _ANSWERED.run(session, {"id": found.invitation_id})
    _follow_up(session, found, values)
    runtime.reach("answer_before_commit")
    return True


def _follow_up(session: Session, found: Found, values: dict[str, Any]) -> None:
    """Open the follow-up that this answer needs, with its alerts; a suspect answer waits for a person."""
    if values["suspect"]:
        return
    now = values["now"]
    opens = standing.words(session, found.version_id, found.locale)[2]
    row = values | {"opens_followup": opens}
    followup_id = followup_opening.open_for_answer(session, row, found.calendar(), now)
    if followup_id is not None:
        outbox.enqueue_alerts(session, found.workspace_id, followup_id, now)


def _change(session: Session, found: Found, given: Given, now: datetime) -> None:
    """The latest word counts and what it replaces is kept; a follow-up stays, and says so."""
    answer = session.scalars(
        select(Answer).where(Answer.invitation_id == found.invitation_id).with_for_update()
    ).one()
    score = answer.score if given.score is None else read_score(found.metric, given.score)
    comment = answer.comment if given.comment is None else read_comment(given.comment, LONGEST_COMMENT)
    contact_me = answer.contact_me if given.contact_me is None else given.contact_me
    # What a program sent first does not stand in the way of the person who chooses a score after it.
    suspect = answer.suspect and (given.suspect or given.score is None)
    before = (answer.score, answer.comment, answer.contact_me, answer.suspect)
    if (score, comment, contact_me, suspect) == before:
        return
    band = band_of(found.metric, score).value
    if given.suspect and not answer.suspect:  # a program does not change what a person said
        _keep_aside(session, answer.id, {"score": score, "band": band, "comment": comment, "now": now})
        return
    if _edits(session, answer.id, late=False) >= MOST_EDITS:
        raise TooMany(3600)
    if score != answer.score or answer.comment:
        said = {"score": answer.score, "band": answer.band, "comment": answer.comment, "now": now}
        _keep_edit(session, answer.id, said, late=False)
    if score != answer.score:
        followup_opening.annotate_edit(session, answer.id, answer.score, score, now)
    answer.score, answer.band, answer.suspect = score, band, suspect
    answer.comment, answer.contact_me, answer.updated_at = comment, contact_me, now
    session.flush()
    values = {
        "id": answer.id,
        "workspace_id": answer.workspace_id,
        "contact_id": answer.contact_id,
        "metric": answer.metric,
        "band": answer.band,
        "contact_me": contact_me,
        "suspect": answer.suspect,
        "now": now,
    }
    _follow_up(session, found, values)


def _keep_late(session: Session, found: Found, values: dict[str, Any]) -> None:
    """Too late to count: kept beside what counts, where a person can see it."""
    if found.state == "cancelled":
        return
    if found.answer_id is None:
        _RECORD.run(session, values | {"late": True})
    else:
        _keep_aside(session, found.answer_id, values)


def _keep_aside(session: Session, answer_id: str, said: Mapping[str, Any]) -> None:
    """What does not change the answer any more, or never did; not without end."""
    if _edits(session, answer_id, late=True) < MOST_EDITS:
        _keep_edit(session, answer_id, said, late=True)


def _edits(session: Session, answer_id: str, *, late: bool) -> int:
    query = select(func.count()).where(AnswerEdit.answer_id == answer_id, AnswerEdit.late.is_(late))
    return session.scalar(query) or 0


def _keep_edit(session: Session, answer_id: str, said: Mapping[str, Any], *, late: bool) -> None:
    session.execute(
        insert(AnswerEdit).values(
            id=new_id(),
            answer_id=answer_id,
            score=said["score"],
            band=said["band"],
            comment=said["comment"],
            late=late,
            replaced_at=said["now"],
        )
    )
