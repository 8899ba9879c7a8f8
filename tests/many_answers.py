"""Many answers at once for tests that count them: rows as the services would leave them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from app.domain.metrics import Metric, band_of
from app.models import Answer, Contact, Invitation, Occurrence, Survey, Workspace, new_id
from tests.world import World


def many_answers(
    world: World, workspace: Workspace, survey: Survey, answers: Iterable[tuple[int, datetime]], **values: Any
) -> list[Answer]:
    """One answer of a new contact for each score and moment; every value can be overridden by name."""
    made = [_answer(workspace, survey, score, at, **values) for score, at in answers]
    occurrence = world.occurrence(survey)
    world.add_many([_contact(answer) for answer in made])
    world.add_many([_invitation(answer, occurrence) for answer in made])
    world.add_many(made)
    return made


def _answer(workspace: Workspace, survey: Survey, score: int, at: datetime, **values: Any) -> Answer:
    defaults: dict[str, Any] = {
        "id": new_id(), "workspace_id": workspace.id, "invitation_id": new_id(), "survey_id": survey.id,
        "version_id": survey.published_version_id, "contact_id": new_id(), "metric": survey.metric,
        "score": score, "band": band_of(Metric(survey.metric), score).value, "channel": "email",
        "attributes": {}, "recorded_at": at, "updated_at": at,
    }  # fmt: skip
    return Answer(**defaults | values)


def _contact(answer: Answer) -> Contact:
    return Contact(
        id=answer.contact_id, workspace_id=answer.workspace_id, name="Maria Figueiredo", search_name="maria",
        kind="customer", locale="pt-BR", attributes=answer.attributes, lawful_basis="legitimate_interest",
        created_at=answer.recorded_at, updated_at=answer.recorded_at,
    )  # fmt: skip


def _invitation(answer: Answer, occurrence: Occurrence) -> Invitation:
    return Invitation(
        id=answer.invitation_id, workspace_id=answer.workspace_id, occurrence_id=occurrence.id,
        survey_id=answer.survey_id, version_id=answer.version_id, metric=answer.metric,
        contact_id=answer.contact_id, locale="pt-BR", channel=answer.channel, state="answered",
        created_at=answer.recorded_at, sent_at=answer.recorded_at,
        expires_at=answer.recorded_at + timedelta(days=30),
    )  # fmt: skip
