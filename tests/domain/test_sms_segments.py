"""Segments of a text message, against the tables of 3GPP TS 23.038 and 23.040."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.sms_segments import GSM_7, GSM_7_EXTENSION, count_segments, without_marks

# The look's own example: 133 of 134 characters in two segments
QUESTION = (
    "Aroeira: de 0 a 10, qual a chance de você recomendar a Aroeira a outra clínica? "
    "Responda só com o número. SAIR para não receber mais."
)


@pytest.mark.parametrize(
    ("text", "encoding", "segments", "capacity"),
    [
        ("a" * 160, "GSM-7", 1, 160),
        ("a" * 161, "GSM-7", 2, 306),
        ("a" * 306, "GSM-7", 2, 306),
        ("a" * 307, "GSM-7", 3, 459),
        ("ã" * 70, "UCS-2", 1, 70),
        ("ã" * 71, "UCS-2", 2, 134),
        ("ã" * 135, "UCS-2", 3, 201),
        ("€" * 80, "GSM-7", 1, 160),
        ("€" * 81, "GSM-7", 2, 306),
        ("😀" * 35, "UCS-2", 1, 70),
        ("😀" * 36, "UCS-2", 2, 134),
        ("", "GSM-7", 1, 160),
        ("à è é ì ò ù Ç ñ Ñ ü ¿ ¡", "GSM-7", 1, 160),
        ("ç", "UCS-2", 1, 70),
    ],
)
def test_segments_follow_the_published_tables(text: str, encoding: str, segments: int, capacity: int):
    count = count_segments(text)
    assert (count.encoding, count.segments, count.capacity) == (encoding, segments, capacity)


def test_the_question_of_the_look_takes_two_segments_and_names_the_letters_that_cost():
    count = count_segments(QUESTION)
    assert (count.segments, count.characters, count.capacity) == (2, 133, 134)
    assert count.costly == ("ê", "í", "ó", "ú", "ã")
    assert count_segments(without_marks(QUESTION)).segments == 1


def test_a_character_of_two_places_is_never_cut_in_two():
    text = "a" * 152 + "€" + "b" * 20
    assert count_segments(text).parts == (152, 22) or len(text) <= 160
    long = "a" * 152 + "€" * 10
    assert count_segments(long).parts == (152, 20)
    assert count_segments("ã" * 66 + "😀" * 5).parts == (66, 10)


def test_the_alphabet_has_its_published_size():
    assert len(GSM_7) == 127  # 128 places, one of them the escape
    assert len(GSM_7_EXTENSION) == 10


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=400))
def test_no_segment_is_overfull_and_nothing_is_lost(text: str):
    count = count_segments(text)
    assert all(part <= count.room for part in count.parts)
    assert count.characters >= len(text)
    assert (count.encoding == "GSM-7") == (not count.costly)
