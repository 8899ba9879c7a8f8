"""Answering a pulse leaves one sealed row and nothing else, whoever answers when and how often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import MetaData, func, select

from app import sealing
from app.errors import Invalid, NotFound
from app.models import SealedAnswer
from app.runtime import Runtime
from app.services.pulse_answers import forget_sealed, seal_answer, show_question
from tests.pulse_world import open_pulse
from tests.world import Clock, World, token_of


def boxes(runtime: Runtime) -> dict[str, tuple[int, str]]:
    """What is sealed, opened with the key file, by invitation."""
    with runtime.db.read() as session:
        rows = session.execute(
            select(SealedAnswer.invitation_id, SealedAnswer.pulse_id, SealedAnswer.box)
        ).all()
    return {
        invitation: sealing.open_box(sealing.read_key(runtime.config.keys_dir, pulse), box)
        for invitation, pulse, box in rows
    }


def everything_but_boxes(runtime: Runtime) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every other table, as it lies in the database."""
    tables = MetaData()
    tables.reflect(runtime.db.engine)
    with runtime.db.read() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for name, table in tables.tables.items()
            if name != "sealed_answers"
        }


def test_an_answer_touches_nothing_but_its_sealed_row(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    before = everything_but_boxes(runtime)
    pulse.answer(0, 3)
    pulse.answer(0, 3, "cansei")
    pulse.answer(1, 9)
    assert everything_but_boxes(runtime) == before
    assert boxes(runtime) == {pulse.invitations[0].id: (3, "cansei"), pulse.invitations[1].id: (9, "")}


def test_each_answer_replaces_the_whole_one_before_it(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    pulse.answer(0, 3, "ruim")
    pulse.answer(0, 8)
    assert boxes(runtime) == {pulse.invitations[0].id: (8, "")}


def test_fifty_posts_of_one_token_at_once_leave_one_row(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: pulse.answer(2, n % 11, f"vez {n}"), range(50)))
    assert set(boxes(runtime)) == {pulse.invitations[2].id}


@pytest.mark.parametrize("score", ["", "11", "-1", "6.5", " 9", "９", "nine", None])
def test_only_a_whole_number_of_the_scale_is_sealed(
    world: World, runtime: Runtime, score: str | None
) -> None:
    pulse = open_pulse(world)
    pulse.answer(0, 4)
    with pytest.raises(Invalid):
        seal_answer(runtime, token_of(pulse.invitations[0], "pulse"), score)
    assert boxes(runtime) == {pulse.invitations[0].id: (4, "")}


def test_a_comment_that_is_too_long_changes_nothing(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    pulse.answer(0, 4, "curto")
    with pytest.raises(Invalid):
        pulse.answer(0, 5, "x" * 2001)
    assert boxes(runtime) == {pulse.invitations[0].id: (4, "curto")}


def test_line_ends_of_a_browser_count_once_and_nul_never_reaches_the_box(
    world: World, runtime: Runtime
) -> None:
    pulse = open_pulse(world)
    pulse.answer(0, 4, " uma\r\n" + "y" * 1996 + "\0 ")
    assert boxes(runtime)[pulse.invitations[0].id][1] == "uma\n" + "y" * 1996


def test_unknown_links_and_links_for_other_things_lead_nowhere(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    for token in ("", "nothing", "x" * 5000, "\0", token_of(pulse.invitations[0], "unsubscribe")):
        with pytest.raises(NotFound):
            show_question(runtime, token)
        with pytest.raises(NotFound):
            seal_answer(runtime, token, "5")
    assert boxes(runtime) == {}


def test_a_pulse_whose_time_is_over_takes_no_answer_though_nothing_has_closed_it_yet(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    pulse = open_pulse(world, closes_at=clock.now + timedelta(hours=1))
    pulse.answer(0, 9)
    clock.advance(hours=1)
    with pytest.raises(NotFound):
        pulse.answer(0, 0)
    with pytest.raises(NotFound):
        show_question(runtime, token_of(pulse.invitations[0], "pulse"))


def test_the_question_speaks_the_contacts_language_and_names_the_workspace(
    world: World, runtime: Runtime
) -> None:
    pulse = open_pulse(world)
    shown = show_question(runtime, token_of(pulse.invitations[0], "pulse"))
    assert shown.locale == "pt-BR"
    assert pulse.workspace.name in shown.texts.question
    assert "{{" not in shown.texts.question
    assert (shown.least_answers, shown.least_comments) == (5, 10)


def test_erasing_a_person_while_the_pulse_is_open_takes_their_box_away(
    world: World, runtime: Runtime
) -> None:
    pulse = open_pulse(world)
    pulse.answer(0, 3)
    pulse.answer(1, 9)
    with runtime.db.write() as session:
        forget_sealed(session, pulse.contacts[0].id)
    assert set(boxes(runtime)) == {pulse.invitations[1].id}


def test_what_lies_in_the_table_has_one_size(world: World, runtime: Runtime) -> None:
    pulse = open_pulse(world)
    pulse.answer(0, 0)
    pulse.answer(1, 10, "🪷" * 2000)
    with runtime.db.read() as session:
        sizes = set(session.scalars(select(func.length(SealedAnswer.box))))
    assert sizes == {sealing.SEALED_BYTES}
