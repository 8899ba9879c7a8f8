"""Loads a claimed group with all that its letters need, and refuses what must not leave any more."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.db import Statement, moment, structure
from app.domain import quiet_hours
from app.domain.caps import Caps
from app.domain.days_off import dark_until
from app.domain.delivery import ASKING, Leaving, refusal
from app.domain.metrics import Metric
from app.domain.quiet_hours import Quiet, read_quiet
from app.domain.their_zone import their_zone

# A bounce of an address that they have no more says nothing of the one that they have. Of a pulse an answer
# stops reminders, which go at closing; a question that it stopped would say for good that they took part
_LOAD = Statement(
    "SELECT m.id, m.workspace_id, m.purpose, m.priority, m.level, m.channel, m.invitation_id, m.followup_id,"
    " m.contact_id, m.user_id, m.to_address, m.address_key, m.locale, m.body, m.tries, m.created_at,"
    " i.state AS invitation_state, i.expires_at, i.survey_id, i.version_id, i.metric, i.occurrence_id,"
    " i.sandbox,"
    " c.name AS contact_name, c.time_zone AS contact_zone, c.phone AS contact_phone, c.attributes,"
    " c.active AS contact_active, c.erased_at, c.lawful_basis,"
    " CASE m.channel WHEN 'email' THEN c.email WHEN 'telegram' THEN c.telegram_chat_id ELSE c.phone END"
    "  AS address_now,"
    " CASE m.channel WHEN 'email' THEN c.email_key WHEN 'telegram' THEN c.telegram_key ELSE c.phone_key END"
    "  AS key_now,"
    " w.slug AS workspace_slug, w.name AS workspace_name, w.sender_name, w.reply_to, w.postal_address,"
    " w.locale AS workspace_locale, w.time_zone, w.rest_days,"
    " w.quiet_from, w.quiet_to, w.quiet_days, w.quiet_email, w.daily_cap, w.weekly_cap, w.blackout_dates,"
    " w.kind AS workspace_kind, l.id AS logo_id,"
    " (SELECT min(CASE WHEN o.kind = 'bounce' THEN 3 WHEN o.channel IS NULL THEN 1 ELSE 2 END)"
    "   FROM opt_outs o"
    "   WHERE o.workspace_id = m.workspace_id AND o.lifted_at IS NULL"
    "   AND (o.channel IS NULL OR o.channel = m.channel)"
    "   AND (o.contact_id = m.contact_id AND o.kind <> 'bounce'"
    "     OR o.address_key = m.address_key AND (o.kind <> 'bounce'"
    "       OR m.address_key IN (c.email_key, c.phone_key, c.telegram_key))"
    "     OR o.address_key = c.email_key AND o.kind <> 'bounce'"
    "     OR o.address_key = c.phone_key AND o.kind <> 'bounce'"
    "     OR o.address_key = c.telegram_key AND o.kind <> 'bounce')) AS opted_out,"
    " EXISTS (SELECT 1 FROM answers a WHERE a.invitation_id = m.invitation_id)"
    "  OR m.purpose = 'reminder' AND EXISTS"
    "   (SELECT 1 FROM sealed_answers s WHERE s.invitation_id = m.invitation_id)"
    "   AS already_answered,"
    " (SELECT s.state FROM schedules s WHERE s.id = i.schedule_id) AS schedule_state,"
    " m.purpose = 'invitation' AND i.schedule_id IS NULL AND EXISTS"
    "   (SELECT 1 FROM stops s WHERE s.workspace_id = i.workspace_id AND s.ended_at IS NULL"
    "     AND s.schedule_id IS NULL AND s.occurrence_id = i.occurrence_id) AS stands_still,"
    " i.schedule_id, run.terms"
    " FROM messages m LEFT JOIN invitations i ON i.id = m.invitation_id"
    " LEFT JOIN contacts c ON c.id = m.contact_id LEFT JOIN workspaces w ON w.id = m.workspace_id"
    " LEFT JOIN occurrences run ON run.id = i.occurrence_id"
    " LEFT JOIN logos l ON l.workspace_id = m.workspace_id"
    " WHERE m.lease_token = :lease AND m.state = 'claimed' AND m.lease_until > :now"
    " ORDER BY m.priority, m.due_at, m.id LIMIT :most"
    " FOR UPDATE OF m SKIP LOCKED"  # until the attempt is written nobody gives the claim to another worker
)


@dataclass(frozen=True)
class Departing:
    """One claimed message with everything about its invitation, person and workspace."""

    id: str
    workspace_id: str | None
    purpose: str
    priority: int
    level: int
    channel: str
    invitation_id: str | None
    followup_id: str | None
    contact_id: str | None
    user_id: str | None
    to_address: str
    address_key: str | None
    locale: str
    body: str | None
    tries: int
    created_at: datetime
    invitation_state: str | None
    expires_at: datetime | None
    survey_id: str | None
    version_id: str | None
    metric: str | None
    occurrence_id: str | None
    sandbox: bool
    contact_name: str | None
    contact_zone: str | None
    contact_phone: str | None
    attributes: dict[str, Any] | None
    contact_active: bool | None
    erased_at: datetime | None
    lawful_basis: str | None
    address_now: str | None  # of the person on this channel; of account mails and alerts there is none
    key_now: str | None
    workspace_slug: str | None
    workspace_name: str | None
    sender_name: str | None
    reply_to: str | None
    postal_address: str | None
    workspace_locale: str | None
    time_zone: str | None
    rest_days: int | None
    quiet_from: str | None
    quiet_to: str | None
    quiet_days: list[int] | None
    quiet_email: bool
    daily_cap: int | None
    weekly_cap: int | None
    blackout_dates: list[str] | None
    workspace_kind: str | None
    logo_id: str | None
    opted_out: int | None  # 1: everywhere, 2: on this channel, 3: bounced
    already_answered: bool
    schedule_state: str | None
    stands_still: bool  # a pulse that was opened by hand and stopped by itself; its reminders go on
    schedule_id: str | None
    terms: dict[str, Any] | None  # of its run

    def refusal(self, now: datetime) -> str | None:
        """Why it must not leave any more; None when it may."""
        return refusal(
            Leaving(
                purpose=self.purpose,
                invitation_state=self.invitation_state,
                expires_at=self.expires_at,
                contact_active=self.contact_active is not False,
                contact_erased=self.erased_at is not None,
                lawful_basis=self.lawful_basis,
                opted_out={1: "opted_out", 2: "opted_out", 3: "bounced"}.get(self.opted_out or 0),
                already_answered=self.already_answered,
                schedule_cancelled=self.schedule_state == "cancelled",
            ),
            now,
        )

    @property
    def per_hour(self) -> int | None:
        """How many questions of its schedule leave in an hour at most."""
        return (self.terms or {}).get("per_hour") if self.purpose == "invitation" else None

    @property
    def is_unwanted_here(self) -> bool:
        """Do they want no more on this channel, but say nothing against another?"""
        return self.opted_out == 2

    @property
    def may_go_elsewhere(self) -> bool:
        """May another channel follow where this one is shut? Of a pulse's reminder no row is to tell."""
        return self.purpose == "invitation" or (self.purpose == "reminder" and self.metric != Metric.ENPS)

    @property
    def is_paused(self) -> bool:
        """Does it wait until its schedule, or its pulse, goes on?"""
        return self.stands_still or (self.schedule_state == "paused" and self.purpose in ASKING)

    @property
    def has_moved(self) -> bool:
        """Has the person another address by now than the one this ask was written for, or none any more?

        One that was let go as too old, and leaves after all, is read from the person as well.
        """
        gone = self.address_key is not None and self.address_key != self.key_now
        return self.purpose in ASKING and (gone or not self.to_address)

    def quiet_until(self, now: datetime) -> datetime | None:
        """Until when this ask has to wait, for it would disturb them; None when it may leave."""
        if self.channel not in quiet_hours.CHANNELS and not self.quiet_email:
            return None
        return self.quiet.until(now, self.zone_at(now)) if self.quiet else None

    def dark_until(self, now: datetime) -> datetime | None:
        """Until when this ask has to wait, for the workspace asks nobody today; None when it does."""
        return dark_until(self.blackout_dates or (), now, ZoneInfo(self.time_zone or "UTC"))

    @property
    def quiet(self) -> Quiet | None:
        """When the workspace disturbs nobody."""
        return read_quiet(self.quiet_from or "", self.quiet_to or "", self.quiet_days or ())

    @property
    def caps(self) -> Caps:
        """How often the workspace asks one person at most."""
        return Caps(self.daily_cap, self.weekly_cap)

    def zone_at(self, now: datetime) -> ZoneInfo:
        """The zone that the person lives in, as far as anybody knows."""
        return their_zone(self.contact_zone, self.contact_phone, self.time_zone, now).zone


_NAMES = tuple(each.name for each in fields(Departing))
_STRUCTURES = ("attributes", "quiet_days", "blackout_dates", "terms")
_TRUTHS = ("sandbox", "already_answered", "quiet_email", "stands_still")
_MOMENTS = ("created_at", "expires_at", "erased_at")


def load(session: Session, lease: str, now: datetime, most: int) -> list[Departing]:
    """The next of the messages that are claimed under this lease and still ours, most urgent first."""
    cursor = _LOAD.run(session, {"lease": lease, "now": now, "most": most})
    return [_departing(row) for row in cursor.fetchall()]


def _departing(row: Sequence[Any]) -> Departing:
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    for name in _MOMENTS:
        values[name] = moment(values[name])
    for name in _STRUCTURES:
        values[name] = structure(values[name])
    if values["contact_active"] is not None:
        values["contact_active"] = bool(values["contact_active"])
    for name in _TRUTHS:
        values[name] = bool(values[name])
    return Departing(**values)
