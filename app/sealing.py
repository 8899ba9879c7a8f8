"""Sealed boxes for pulse answers, their key files, and locked settings; the only importer of PyNaCl.

Everybody can seal with the public key in the database. Opening takes the private key, which is a file
outside database, backups and logs, and which is destroyed once the pulse is closed.
"""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from nacl.bindings import crypto_box_PUBLICKEYBYTES, crypto_box_SEALBYTES
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox

COMMENT_CHARACTERS = 2_000
_HEADER = 3  # one byte of score, two of the comment's length
# No character takes more than four bytes in UTF-8: the longest comment fits, so every frame has one size.
FRAME_BYTES = 8_192
SEALED_BYTES = FRAME_BYTES + crypto_box_SEALBYTES
# A box begins with a public key of its own, made for it alone: no two begin alike, whatever they hold
MARK_BYTES = crypto_box_PUBLICKEYBYTES


class KeyMissing(Exception):
    """There is no such key here: what was sealed with it can never be read."""


class SealBroken(Exception):
    """The box was not sealed for this key, or was changed since."""


@dataclass(frozen=True)
class Key:
    """A private key in memory; its secret never shows in a representation."""

    _private: PrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that seal for this key."""
        return bytes(self._private.public_key)


def seal(public_key: bytes, score: int, comment: str) -> bytes:
    """Score (0–255) and comment (at most 2,000 characters) as `SEALED_BYTES` bytes, whatever they say."""
    words = comment.encode("utf-8", "replace")
    if len(comment) > COMMENT_CHARACTERS:
        raise ValueError("the comment is too long to be sealed")
    frame = bytes([score]) + len(words).to_bytes(2) + words
    return SealedBox(PublicKey(public_key)).encrypt(frame.ljust(FRAME_BYTES, b"\0"))


def open_box(key: Key, box: bytes) -> tuple[int, str]:
    """The score and the comment; raises SealBroken."""
    try:
        frame = SealedBox(key._private).decrypt(box)
    except CryptoError as error:
        raise SealBroken from error
    length = int.from_bytes(frame[1:_HEADER])
    return frame[0], frame[_HEADER : _HEADER + length].decode("utf-8", "replace")


def mark(box: bytes) -> bytes:
    """By which a box is known: no other begins like this, whatever it holds."""
    return box[:MARK_BYTES]


def make_key(keys_dir: Path, name: str) -> bytes:
    """Make a key pair and return the public key; the private one's file is there completely or not at all."""
    private = PrivateKey.generate()
    keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = _path(keys_dir, name)
    draft = target.with_suffix(f".{secrets.token_hex(8)}")
    _write_through(draft, bytes(private), os.O_CREAT | os.O_EXCL)
    draft.rename(target)
    _sync_folder(keys_dir)
    return bytes(private.public_key)


def read_key(keys_dir: Path, name: str) -> Key:
    """The private key; raises KeyMissing, and OSError where the folder cannot be read just now."""
    try:
        secret = _path(keys_dir, name).read_bytes()
    except FileNotFoundError as error:
        raise KeyMissing(name) from error
    if len(secret) != PrivateKey.SIZE:
        raise KeyMissing(name)
    return Key(PrivateKey(secret))


def kept_keys(keys_dir: Path) -> list[str]:
    """The names of all keys in the folder."""
    return sorted(path.stem for path in keys_dir.glob("*.key"))


def destroy(keys_dir: Path, name: str) -> bool:
    """Overwrite and remove the key; False when it was gone already."""
    path = _path(keys_dir, name)
    try:
        _write_through(path, secrets.token_bytes(PrivateKey.SIZE), 0)
        path.unlink()
    except FileNotFoundError:
        return False
    _sync_folder(keys_dir)
    return True


def lock(secret_key: str, words: str) -> str:
    """Text that must not stand in the database in clear, such as a second factor's secret."""
    return base64.b64encode(_secret_box(secret_key).encrypt(words.encode())).decode()


def unlock(secret_key: str, locked: str) -> str:
    """The text again; raises SealBroken when it was locked with another key, or changed since."""
    try:
        return _secret_box(secret_key).decrypt(base64.b64decode(locked, validate=True)).decode()
    except (CryptoError, ValueError) as error:
        raise SealBroken from error


def _secret_box(secret_key: str) -> SecretBox:
    return SecretBox(
        hashlib.blake2b(secret_key.encode(), digest_size=SecretBox.KEY_SIZE, person=b"locked").digest()
    )


def _path(keys_dir: Path, name: str) -> Path:
    return keys_dir / f"{name}.key"


def _write_through(path: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
