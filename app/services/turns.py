"""One event on its way through a conversation: everything that its effects need to know."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.models import Conversation
from app.runtime import Runtime
from app.services.chat_questions import Question
from app.services.inbound import Stored


@dataclass
class Turn:
    """`workspace_id` and `contact_id` are known once it is clear whose words these are."""

    runtime: Runtime
    session: Session
    stored: Stored
    address: str
    key: str
    row: Conversation
    questions: list[Question]
    now: datetime
    workspace_id: str = ""
    contact_id: str = ""

    def question(self, about: str | None) -> Question | None:
        """The question that was asked by this invitation."""
        return next((each for each in self.questions if each.asked.invitation_id == about), None)
