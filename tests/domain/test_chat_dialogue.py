"""The conversation as a state machine: a score is never guessed, and every wish is understood at any time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.chat import (
    Asked,
    Chat,
    Expects,
    Forward,
    Heard,
    OptIn,
    OptOut,
    Record,
    Say,
    Speak,
    Turn,
    Words,
)
from app.domain.chat_dialogue import hear
from app.domain.dialogue import Standing
from app.domain.metrics import Metric

NOW = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
OPEN = Standing(is_open=True, expires_at=NOW + timedelta(days=3))
ENDED = Standing(is_open=True, expires_at=NOW - timedelta(days=3))
ANSWERED = Standing(is_open=True, expires_at=NOW, recorded_at=NOW - timedelta(hours=1))
NPS = Asked("nps", Metric.NPS, OPEN, "pt-BR")
CSAT = Asked("csat", Metric.CSAT, OPEN, "pt-BR")
PULSE = Asked("pulse", Metric.ENPS, OPEN, "pt-BR", is_pulse=True)


def said(chat: Chat, text: str, *asked: Asked, **more: object) -> tuple[Chat, tuple[object, ...]]:
    turn = hear(chat, Heard(text, **more), asked, NOW)  # type: ignore[arg-type]
    return turn.chat, turn.effects


def test_a_score_is_recorded_and_the_question_of_its_band_follows() -> None:
    chat, effects = said(Chat(), "9", NPS)
    assert effects == (Record("nps", 9), Say(Words.FOLLOWUP, "nps"))
    assert chat == Chat(Expects.COMMENT, "nps")


def test_score_and_comment_in_one_go_are_thanked() -> None:
    chat, effects = said(Chat(), "3 - demorou", NPS)
    assert effects == (Record("nps", 3, "demorou"), Say(Words.THANKS, "nps"))
    assert chat == Chat()


def test_after_the_score_come_the_words() -> None:
    answered = Asked("nps", Metric.NPS, ANSWERED, "pt-BR", score=3)
    chat, effects = said(Chat(Expects.COMMENT, "nps"), "demorou demais", answered)
    assert effects == (Record("nps", comment="demorou demais"), Say(Words.THANKS, "nps"))
    assert chat == Chat()


def test_another_score_within_the_day_is_a_change_and_the_same_is_nothing() -> None:
    answered = Asked("nps", Metric.NPS, ANSWERED, "pt-BR", score=9)
    _, effects = said(Chat(), "4", answered)
    assert effects == (Record("nps", 4), Say(Words.CHANGED, "nps"))
    _, effects = said(Chat(), "9", answered)
    assert effects == ()


def test_unreadable_words_are_asked_again_once_then_the_page_then_silence() -> None:
    chat, effects = said(Chat(Expects.SCORE, "nps"), "8 ou 9", NPS)
    assert effects == (Say(Words.AGAIN, "nps"),)
    chat, effects = said(chat, "talvez", NPS)
    assert effects == (Say(Words.LINK, "nps"),)
    chat, effects = said(chat, "talvez", NPS)
    assert effects == ()
    _, effects = said(chat, "8", NPS)
    assert effects[0] == Record("nps", 8)


@pytest.mark.parametrize("text", ["PARE", "stop", "sair"])
@pytest.mark.parametrize("chat", [Chat(), Chat(Expects.COMMENT, "nps"), Chat(Expects.WHICH, choices=("a",))])
def test_stop_is_understood_at_any_moment(text: str, chat: Chat) -> None:
    _, effects = said(chat, text, NPS, CSAT)
    assert effects == (OptOut(), Say(Words.OPTED_OUT))


def test_start_and_help_are_understood_without_any_question() -> None:
    assert said(Chat(), "start")[1] == (OptIn(), Say(Words.OPTED_IN))
    assert said(Chat(), "help")[1] == (Say(Words.HELP),)


def test_two_open_questions_are_asked_about_and_the_letter_takes_what_was_said() -> None:
    chat, effects = said(Chat(), "4", CSAT, NPS)
    assert effects == (Say(Words.WHICH),)
    assert chat.pending == "4"
    _, effects = said(chat, "B)", CSAT, NPS)
    assert effects[0] == Record("nps", 4)


def test_a_quoted_message_says_which() -> None:
    _, effects = said(Chat(), "4", CSAT, NPS, about="nps")
    assert effects[0] == Record("nps", 4)


def test_neither_letter_is_asked_once_more_and_then_let_be() -> None:
    chat, _ = said(Chat(), "4", CSAT, NPS)
    chat, effects = said(chat, "os dois", CSAT, NPS)
    assert effects == (Say(Words.WHICH),)
    chat, effects = said(chat, "os dois", CSAT, NPS)
    assert (chat, effects) == (Chat(), ())


def test_a_bare_number_after_one_score_is_not_given_to_another_question() -> None:
    answered = Asked("nps", Metric.NPS, ANSWERED, "pt-BR", score=9)
    _, effects = said(Chat(Expects.COMMENT, "nps"), "4", CSAT, answered)
    assert effects == (Say(Words.WHICH),)


def test_a_pulse_is_answered_on_its_page_and_what_was_typed_does_not_wait() -> None:
    _, effects = said(Chat(), "9", PULSE)
    assert effects == (Say(Words.PULSE, "pulse"),)
    chat, effects = said(Chat(), "9", PULSE, NPS)
    assert effects == (Say(Words.WHICH),)
    assert chat.pending is None
    chat, effects = said(chat, "B", PULSE, NPS)
    assert effects == (Say(Words.AGAIN, "nps"),)
    _, effects = said(chat, "9", PULSE, NPS, about="nps")
    assert effects[0] == Record("nps", 9)


def test_too_late_is_kept_and_said() -> None:
    late = Asked("nps", Metric.NPS, ENDED, "pt-BR")
    _, effects = said(Chat(), "9", late)
    assert effects == (Record("nps", 9), Say(Words.LATE, "nps"))


def test_whoever_is_in_touch_with_an_agent_talks_to_them() -> None:
    answered = Asked("nps", Metric.NPS, ANSWERED, "pt-BR", score=2)
    turn = hear(Chat(), Heard("pode ligar às 15h"), [answered], NOW, in_touch=True)
    assert turn.effects == (Forward("pode ligar às 15h"),)


def test_a_stray_message_is_answered_once() -> None:
    chat, effects = said(Chat(), "bom dia")
    assert effects == (Say(Words.NOTHING_OPEN),)
    assert said(chat, "bom dia")[1] == ()


def test_a_language_is_changed_without_losing_the_place() -> None:
    place = Chat(Expects.COMMENT, "nps")
    turn = hear(place, Heard(language="es"), [NPS], NOW)
    assert turn.chat == place
    assert turn.effects == (Speak("es"), Say(Words.LANGUAGE))


chats = st.builds(
    Chat,
    expects=st.sampled_from(Expects),
    about=st.sampled_from([None, "nps", "csat", "pulse", "gone"]),
    missed=st.integers(0, 4),
    choices=st.sampled_from([(), ("nps", "csat"), ("pulse", "nps"), ("gone",)]),
    pending=st.sampled_from([None, "4", "nada"]),
)
questions = st.lists(st.sampled_from([NPS, CSAT, PULSE]), unique=True, max_size=3)
texts = st.sampled_from(["9", "4", "A", "b", "stop", "pode ligar", "", "8 ou 9", "2 - ruim"]) | st.text(
    max_size=20
)


@given(chats, texts, questions, st.booleans())
def test_at_most_one_score_is_recorded_for_a_question_that_was_asked_and_never_for_a_pulse(
    chat: Chat, text: str, asked: list[Asked], in_touch: bool
) -> None:
    turn = hear(chat, Heard(text), asked, NOW, in_touch=in_touch)
    records = [each for each in turn.effects if isinstance(each, Record)]
    assert len(records) <= 1
    assert all(each.about in {known.invitation_id for known in asked} - {"pulse"} for each in records)
    assert sum(isinstance(each, Say) for each in turn.effects) <= 1


def pressed_oddly(chat: Chat, *asked: Asked, label: str = "5", about: str | None = None) -> Turn:
    return hear(chat, Heard(label, about=about, odd_button=True), asked, NOW)


@pytest.mark.parametrize("about", ["csat", None])
def test_a_button_that_carries_no_score_asks_again_whatever_its_label_says(about: str | None) -> None:
    assert pressed_oddly(Chat(), CSAT, about=about).effects == (Say(Words.AGAIN, "csat"),)


def test_such_a_button_is_no_comment_and_no_change() -> None:
    answered = Asked("csat", Metric.CSAT, ANSWERED, "pt-BR", score=4)
    waiting = Chat(Expects.COMMENT, "csat")
    assert pressed_oddly(waiting, answered, about="csat") == Turn(waiting)


def test_such_a_button_beside_two_questions_asks_which_and_keeps_no_label() -> None:
    turn = pressed_oddly(Chat(), CSAT, NPS)
    assert (turn.effects, turn.chat.pending) == ((Say(Words.WHICH),), None)
    assert said(turn.chat, "A", CSAT, NPS)[1] == (Say(Words.AGAIN, "csat"),)


def test_such_a_button_may_still_say_stop() -> None:
    assert pressed_oddly(Chat(), CSAT, label="Parar", about="csat").effects[0] == OptOut()


def test_such_a_button_of_a_pulse_of_nothing_or_too_late_is_never_a_score() -> None:
    assert pressed_oddly(Chat(), PULSE, about="pulse").effects == (Say(Words.PULSE, "pulse"),)
    assert pressed_oddly(Chat()).effects == (Say(Words.NOTHING_OPEN),)
    late = Asked("csat", Metric.CSAT, ENDED, "pt-BR")
    assert pressed_oddly(Chat(), late, about="csat").effects == (Say(Words.LATE, "csat"),)
