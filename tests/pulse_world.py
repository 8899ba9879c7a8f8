"""An open pulse for tests, with employees who were asked, and what they answer on their pages."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import sealing
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Pulse, Survey, Token, Workspace, new_id
from app.services.pulse_answers import seal_answer
from tests.world import World, token_of


@dataclass
class PulseWorld:
    """A people workspace with one open pulse; `invitations` in the order in which they were planned."""

    world: World
    workspace: Workspace
    survey: Survey
    pulse: Pulse
    contacts: list[Contact]
    invitations: list[Invitation]

    def answer(self, number: int, score: int, comment: str | None = None) -> None:
        """The employee with this number answers on their page."""
        seal_answer(self.world.runtime, token_of(self.invitations[number], "pulse"), str(score), comment)

    def remind(self, number: int) -> Message:
        """A reminder that went out to them, as the sender leaves it."""
        invitation = self.invitations[number]
        message = self.world.add(
            Message(
                id=new_id(),
                workspace_id=self.workspace.id,
                purpose="reminder",
                priority=1,
                channel="email",
                invitation_id=invitation.id,
                contact_id=invitation.contact_id,
                to_address=self.contacts[number].email or "",
                locale="pt-BR",
                state="sent",
                due_at=self.world.now,
                created_at=self.world.now,
                sent_at=self.world.now,
            )
        )
        for purpose in ("pulse", "unsubscribe"):
            self.world.add(
                Token(
                    token_hash=secrets.token_bytes(32),
                    purpose=purpose,
                    workspace_id=self.workspace.id,
                    message_id=message.id,
                    invitation_id=invitation.id,
                    created_at=self.world.now,
                )
            )
        return message


def open_pulse(
    world: World, employees: int = 6, *, workspace: Workspace | None = None, closes_at: datetime | None = None
) -> PulseWorld:
    """A pulse that is open for 14 days, its invitations sent just now."""
    workspace = workspace or world.workspace("people")
    survey = world.survey(workspace, Metric.ENPS)
    occurrence = world.occurrence(survey, "pulse")
    pulse_id = new_id()
    closes_at = closes_at or world.now + timedelta(days=14)
    pulse = world.add(
        Pulse(
            id=pulse_id, workspace_id=workspace.id, occurrence_id=occurrence.id, survey_id=survey.id,
            version_id=survey.published_version_id, state="open",
            public_key=sealing.make_key(world.runtime.config.keys_dir, pulse_id),
            least_answers=5, least_comments=10, opened_at=world.now, closes_at=closes_at,
        )
    )  # fmt: skip
    contacts = [world.contact(workspace) for _ in range(employees)]
    invitations = [
        world.invitation(workspace, survey, contact, occurrence_id=occurrence.id, expires_at=closes_at)
        for contact in contacts
    ]
    return PulseWorld(world, workspace, survey, pulse, contacts, invitations)
