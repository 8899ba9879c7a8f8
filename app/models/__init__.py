"""Rows: one file per noun, no I/O. Importing this package knows every table."""

from app.models.answer import Answer, AnswerEdit
from app.models.api_key import ApiKey, IdempotencyKey
from app.models.audit import AuditChain, AuditRow
from app.models.base import Base, new_id, new_ids
from app.models.complaint import Complaint
from app.models.contact import Contact, OptOut
from app.models.contact_import import (
    ColumnMeaning,
    ContactImport,
    ImportErasure,
    ImportPart,
    ImportPerson,
    ImportReject,
)
from app.models.event import Event
from app.models.followup import FollowUp, FollowUpClosure, FollowUpEvent
from app.models.inbound import ConnectLink, Conversation, InboundEvent, InboundMark
from app.models.installation import Heartbeat, Lease, RateWindow, Setting
from app.models.invitation import Invitation
from app.models.message import Attempt, Message, SandboxCopy, Sender, Token
from app.models.privacy import ConsentChange, PersonRequest
from app.models.pulse import Headline, Pulse, PulseComment, PulseCount, PulseScore, SealedAnswer
from app.models.schedule import Occurrence, Schedule
from app.models.segment import Segment
from app.models.stop import Bounces, Stop
from app.models.survey import Survey, SurveyVersion, WhatsAppTemplate
from app.models.user import OneTimeLink, User, UserSession
from app.models.workspace import Logo, Member, Workspace

__all__ = [
    "Answer", "AnswerEdit", "ApiKey", "Attempt", "AuditChain", "AuditRow", "Base", "Bounces", "ColumnMeaning",
    "Complaint", "ConnectLink", "ConsentChange", "Contact", "ContactImport", "Conversation", "Event",
    "FollowUp", "FollowUpClosure", "FollowUpEvent", "Headline", "Heartbeat", "IdempotencyKey",
    "ImportErasure", "ImportPart", "ImportPerson",
    "ImportReject", "InboundEvent", "InboundMark", "Invitation", "Lease", "Logo", "Member",
    "Message", "Occurrence", "OneTimeLink", "OptOut", "PersonRequest", "Pulse", "PulseComment", "PulseCount",
    "PulseScore", "RateWindow", "SandboxCopy", "Schedule", "SealedAnswer", "Segment", "Sender", "Setting",
    "Stop", "Survey", "SurveyVersion", "Token", "User", "UserSession", "WhatsAppTemplate", "Workspace",
    "new_id", "new_ids",
]  # fmt: skip
