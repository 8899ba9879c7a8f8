"""What stands behind a token: one statement finds the invitation, its person, its answer and its words."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db import Database, Statement, moment, structure
from app.domain.business_time import BusinessCalendar
from app.domain.dialogue import Standing
from app.domain.metrics import Metric
from app.domain.survey_texts import SurveyTexts, choose_locale
from app.models import SurveyVersion
from app.services.tokens import token_hash

# Text, prepared once: the two requests of a respondent are the hot path.
_WHAT = (
    "i.id AS invitation_id, i.workspace_id, i.survey_id, i.version_id, i.metric,"
    " i.contact_id, i.locale, i.channel, i.state, i.expires_at, i.sandbox, c.name AS contact_name,"
    " c.attributes, w.name AS workspace_name, w.time_zone, w.locale AS workspace_locale,"
    " w.business_days, w.opens_at, w.closes_at, w.holidays, l.id AS logo_id, a.id AS answer_id, a.score,"
    " a.band, a.comment, a.contact_me, a.late, a.recorded_at, f.first_contact_due_at"
    " FROM {source} JOIN contacts c ON c.id = i.contact_id AND c.erased_at IS NULL"
    " JOIN workspaces w ON w.id = i.workspace_id LEFT JOIN logos l ON l.workspace_id = i.workspace_id"
    " LEFT JOIN answers a ON a.invitation_id = i.id LEFT JOIN followups f ON f.answer_id = a.id"
)
_BEHIND = (
    "SELECT t.message_id, "
    + _WHAT.format(source="tokens t JOIN invitations i ON i.id = t.invitation_id")
    + " WHERE t.token_hash = :hash AND t.purpose = :purpose"
)
_OF = (
    "SELECT m.id, "
    + _WHAT.format(source="messages m JOIN invitations i ON i.id = m.invitation_id")
    + " WHERE m.id = :message"
)
# Whoever writes what they say holds the person: an erasure comes before, and nothing is found, or after
_HOLD = " FOR KEY SHARE OF c"
_LOOK_BEHIND, _FIND_BEHIND = Statement(_BEHIND), Statement(_BEHIND + _HOLD)
_LOOK_AT, _FIND_OF = Statement(_OF), Statement(_OF + _HOLD)
_versions: dict[str, tuple[dict[str, SurveyTexts], bool]] = {}  # frozen rows, so never stale
VERSIONS_KEPT = 500


@dataclass(frozen=True)
class Found:
    """One row of the statement above."""

    message_id: str
    invitation_id: str
    workspace_id: str
    survey_id: str
    version_id: str
    metric: Metric
    contact_id: str
    locale: str
    channel: str | None
    state: str
    expires_at: datetime
    sandbox: bool
    contact_name: str
    attributes: dict[str, Any]
    workspace_name: str
    time_zone: str
    workspace_locale: str
    business_days: list[int]
    opens_at: str
    closes_at: str
    holidays: list[str]
    logo_id: str | None
    answer_id: str | None
    score: int | None
    band: str | None
    comment: str | None
    contact_me: bool | None
    late: bool | None
    recorded_at: datetime | None
    first_contact_due_at: datetime | None

    def standing(self, sandbox_on: bool) -> Standing:
        """Where this stands with its person; what a sandbox asked ends with the sandbox."""
        return Standing(
            is_open=self.state != "cancelled" and not self.late and (sandbox_on or not self.sandbox),
            expires_at=self.expires_at,
            recorded_at=self.recorded_at,
            has_comment=bool(self.comment),
        )

    def calendar(self) -> BusinessCalendar:
        """The business hours that a follow-up's due times are counted in."""
        return BusinessCalendar.from_settings(
            self.time_zone, self.business_days, self.opens_at, self.closes_at, self.holidays
        )


_NAMES = tuple(each.name for each in fields(Found))
_MOMENTS = ("expires_at", "recorded_at", "first_contact_due_at")
_STRUCTURES = ("attributes", "business_days", "holidays")


def find(session: Session, token: str, purpose: str) -> Found | None:
    """What a token of this purpose opens, or None; its person is not erased before the transaction ends."""
    return _found(_FIND_BEHIND.run(session, {"hash": token_hash(token), "purpose": purpose}).fetchone())


def of_message(session: Session, message_id: str) -> Found | None:
    """What a message of ours asked, and its person held alike."""
    return _found(_FIND_OF.run(session, {"message": message_id}).fetchone())


def look_up(db: Database, token: str, purpose: str) -> Found | None:
    """What a token opens, for a page, which changes nothing."""
    return _found(db.look_up(_LOOK_BEHIND, {"hash": token_hash(token), "purpose": purpose}))


def look_at_message(session: Session, message_id: str) -> Found | None:
    """What a message of ours asked, for whoever only shows it."""
    return _found(_LOOK_AT.run(session, {"message": message_id}).fetchone())


def _found(row: Any) -> Found | None:
    if row is None:
        return None
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    for name in _MOMENTS:
        values[name] = moment(values[name])
    for name in _STRUCTURES:
        values[name] = structure(values[name])
    values["metric"] = Metric(values["metric"])
    return Found(**values)


def words(session: Session, version_id: str, *wanted: str) -> tuple[str, SurveyTexts, bool]:
    """The locale and texts of a frozen version nearest to the wanted locales, and does it open follow-ups."""
    texts, opens = _versions.get(version_id) or _remember(session, version_id)
    locale = choose_locale(texts.keys(), *wanted)
    return locale, texts[locale], opens


def look_up_words(db: Database, version_id: str, *wanted: str) -> tuple[str, SurveyTexts]:
    """The same for a page: the database is asked once for a version."""
    known = _versions.get(version_id)
    if known is None:
        with db.read() as session:
            return words(session, version_id, *wanted)[:2]
    locale = choose_locale(known[0].keys(), *wanted)
    return locale, known[0][locale]


def _remember(session: Session, version_id: str) -> tuple[dict[str, SurveyTexts], bool]:
    version = session.get_one(SurveyVersion, version_id)
    texts = {locale: SurveyTexts.from_json(each) for locale, each in version.texts.items()}
    if len(_versions) >= VERSIONS_KEPT:
        _versions.clear()
    known = _versions[version_id] = (texts, version.opens_followup)
    return known
