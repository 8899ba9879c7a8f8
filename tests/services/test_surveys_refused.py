"""J09: a survey or a sequence with nonsense in it is refused on saving, with a reason; nothing is kept."""

import pytest

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Invalid
from app.models import Survey, Workspace
from app.runtime import Runtime
from app.services import schedules, surveys
from app.services.access import Visitor
from tests.world import World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


def refused(act: object) -> dict[str, str]:
    with pytest.raises(Invalid) as wrong:
        act()  # type: ignore[operator]
    return {each.field: each.message for each in wrong.value.problems}


@pytest.mark.parametrize("blank", ["", "   ", "\u200b", "\u00a0\u2060"])
def test_without_a_question_that_can_be_seen_nothing_is_published(
    runtime: Runtime, manager: Visitor, blank: str
) -> None:
    id = surveys.create(runtime, manager, "Empty", "nps")
    found = refused(
        lambda: (
            surveys.edit(runtime, manager, id, None, texts={"en": {"question": blank}}),
            surveys.publish(runtime, manager, id),
        )
    )
    assert "en.question" in found


@pytest.mark.parametrize("word", ["STOP", "Cancelar", "baja", "Ajuda", "start", "não quero mais mensagens"])
@pytest.mark.parametrize("label", ["low_label", "high_label"])
def test_a_label_that_would_stop_whoever_types_it_is_refused_on_saving(
    runtime: Runtime, manager: Visitor, word: str, label: str
) -> None:
    id = surveys.create(runtime, manager, "Words", "csat")
    found = refused(lambda: surveys.edit(runtime, manager, id, None, texts={"pt-BR": {label: word}}))
    assert found[f"pt-BR.{label}"].startswith("“%(text)s” typed in a chat")
    new = {"pt-BR": {label: word}}
    assert refused(lambda: surveys.create(runtime, manager, "New", "csat", texts=new))


@pytest.mark.parametrize("metric", list(Metric))
def test_ordinary_labels_pass(runtime: Runtime, world: World, metric: Metric) -> None:
    who = world.member(world.workspace("people" if metric is Metric.ENPS else "customers"), Role.MANAGER)
    id = surveys.create(runtime, who, "Fine", metric.value, texts={"es": {"high_label": "Muy alta"}})
    surveys.publish(runtime, who, id)


def test_texts_and_languages_that_there_are_not_are_refused(runtime: Runtime, manager: Visitor) -> None:
    id = surveys.create(runtime, manager, "Odd", "nps")
    for texts in ({"tlh": {"question": "x"}}, {"en": {"punchline": "x"}}, {"en": {"question": 7}}):
        assert refused(lambda texts=texts: surveys.edit(runtime, manager, id, None, texts=texts))


def test_a_sequence_cannot_go_round(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor
) -> None:
    """Steps are a list with an end: none leads back or comes on the same day, and there are only so many."""
    survey = world.survey(workspace)
    plan = {"survey": survey.id, "repeat": "weekly"}
    many = [{"survey": survey.id, "after_days": 1}] * 50
    again = [{"survey": survey.id, "after_days": 0}]
    back = [{"survey": survey.id, "after_days": 1, "then": 0}]
    for steps in (many, again, back):
        assert "steps" in refused(
            lambda steps=steps: schedules.create(runtime, manager, plan | {"steps": steps})
        )


def test_a_step_whose_survey_is_a_draft_is_refused(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor
) -> None:
    survey: Survey = world.survey(workspace)
    draft = surveys.create(runtime, manager, "Draft", "nps")
    steps = [{"survey": draft, "after_days": 30}]
    found = refused(
        lambda: schedules.create(runtime, manager, {"survey": survey.id, "repeat": "weekly", "steps": steps})
    )
    assert found == {"steps": "Publish this survey first."}
