"""Sealed boxes: one size, any words, nothing readable or changeable without the key, keys whole or absent."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sealing import (
    COMMENT_CHARACTERS,
    SEALED_BYTES,
    KeyMissing,
    SealBroken,
    destroy,
    kept_keys,
    make_key,
    open_box,
    read_key,
    seal,
)

comments = st.text(st.characters(exclude_categories=("Cs",)), max_size=COMMENT_CHARACTERS)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_key(folder, "pulse")
    return folder


@given(score=st.integers(0, 10), comment=comments)
@settings(deadline=None, max_examples=60)
def test_every_answer_seals_to_one_size_and_opens_as_it_was(keys: Path, score: int, comment: str) -> None:
    key = read_key(keys, "pulse")
    box = seal(key.public_key, score, comment)
    assert len(box) == SEALED_BYTES
    assert open_box(key, box) == (score, comment)


@pytest.mark.parametrize("character", ["a", "ç", "한", "🪷", "\0"])
def test_the_longest_comment_fits_in_every_script(keys: Path, character: str) -> None:
    key = read_key(keys, "pulse")
    comment = character * COMMENT_CHARACTERS
    box = seal(key.public_key, 10, comment)
    assert len(box) == SEALED_BYTES
    assert open_box(key, box) == (10, comment)


def test_a_comment_of_one_more_character_is_refused(keys: Path) -> None:
    with pytest.raises(ValueError, match="too long"):
        seal(read_key(keys, "pulse").public_key, 3, "x" * (COMMENT_CHARACTERS + 1))


def test_half_a_surrogate_pair_cannot_stop_the_sealing(keys: Path) -> None:
    key = read_key(keys, "pulse")
    assert open_box(key, seal(key.public_key, 3, "a\ud83d")) == (3, "a?")


@given(place=st.integers(0, SEALED_BYTES - 1), change=st.integers(1, 255))
@settings(deadline=None, max_examples=40)
def test_a_box_with_one_changed_byte_does_not_open(keys: Path, place: int, change: int) -> None:
    key = read_key(keys, "pulse")
    box = bytearray(seal(key.public_key, 7, "as it was"))
    box[place] ^= change
    with pytest.raises(SealBroken):
        open_box(key, bytes(box))


def test_a_box_of_another_pulse_does_not_open(keys: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path, "other")
    with pytest.raises(SealBroken):
        open_box(read_key(keys, "pulse"), seal(other, 7, ""))


def test_the_same_answer_twice_gives_two_boxes_that_share_nothing(keys: Path) -> None:
    public_key = read_key(keys, "pulse").public_key
    first, second = seal(public_key, 9, "same"), seal(public_key, 9, "same")
    assert first[:64] != second[:64]


def test_the_words_are_nowhere_in_the_box(keys: Path) -> None:
    assert b"secretword" not in seal(read_key(keys, "pulse").public_key, 9, "secretword " * 100)


def test_a_key_is_a_private_file_that_only_we_read(tmp_path: Path) -> None:
    public_key = make_key(tmp_path / "new" / "keys", "p1")
    folder = tmp_path / "new" / "keys"
    assert [path.name for path in folder.iterdir()] == ["p1.key"]
    assert (folder / "p1.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_key(folder, "p1").public_key == public_key
    assert kept_keys(folder) == ["p1"]


def test_a_destroyed_key_is_gone_and_destroying_it_again_is_harmless(tmp_path: Path) -> None:
    make_key(tmp_path, "p1")
    assert destroy(tmp_path, "p1")
    assert not destroy(tmp_path, "p1")
    assert kept_keys(tmp_path) == []
    with pytest.raises(KeyMissing):
        read_key(tmp_path, "p1")


def test_destroying_overwrites_what_another_name_of_the_file_still_shows(tmp_path: Path) -> None:
    make_key(tmp_path, "p1")
    witness = tmp_path / "witness"
    witness.hardlink_to(tmp_path / "p1.key")
    before = witness.read_bytes()
    destroy(tmp_path, "p1")
    assert witness.read_bytes() != before


def test_a_damaged_key_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "p1.key").write_bytes(b"half")
    with pytest.raises(KeyMissing):
        read_key(tmp_path, "p1")


def test_a_folder_that_does_not_exist_holds_no_keys(tmp_path: Path) -> None:
    assert kept_keys(tmp_path / "none") == []
    assert not destroy(tmp_path / "none", "p1")


def test_a_key_never_shows_in_a_log_or_a_traceback(keys: Path) -> None:
    assert repr(read_key(keys, "pulse")) == "Key()"
