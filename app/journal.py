"""The journal: lines in files outside the database, each appended whole and synced before it counts.

Files of one installation may be merged by copying them into one folder: their order means nothing.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Journal:
    """A folder with the files of one or more installations; each machine appends to a file of its own."""

    folder: Path

    def append(self, installation: str, lines: Sequence[Line]) -> None:
        """Write these lines through to the disk. Raises OSError."""
        if not lines:
            return
        text = "".join(json.dumps(each, separators=(",", ":"), sort_keys=True) + "\n" for each in lines)
        path = self.folder / f"{installation}.{_machine()}.jsonl"
        is_new = not path.exists()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # several processes append; closing lets go
            _write_all(descriptor, _mending(descriptor) + text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self.folder)

    def files(self, installation: str) -> list[Path]:
        """Where its lines are; empty when it has no journal here."""
        return sorted(self.folder.glob(f"{installation}.*.jsonl"))

    def lines(self, installation: str) -> Iterator[dict[str, Any] | None]:
        """Every line, in no order that means anything; None for one that a crash tore. Raises OSError."""
        for path in self.files(installation):
            with path.open("rb") as file:
                yield from map(_read, file)


def _read(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _mending(descriptor: int) -> bytes:
    """What must come first: a crash may have left half a line, which would spoil ours."""
    size = os.fstat(descriptor).st_size
    return b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _machine() -> str:
    """The name of this machine, as a file may be called."""
    return "".join(letter if letter.isalnum() else "-" for letter in socket.gethostname()[:40]) or "here"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
