"""The boxes of a pulse that closes: opened beforehand, in memory, so that its one transaction only writes.

What they said is known by the beginning of each box alone, which is random, and not by whose it is. What
comes out of here are two heaps, of scores and of comments, that nothing joins.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import LargeBinary, func, select
from sqlalchemy.orm import Session

from app import sealing
from app.models import Pulse, SealedAnswer
from app.runtime import Runtime

log = structlog.get_logger("pulses")
BATCH = 200  # boxes in memory at a time: 1.6 MB
MARKS = 5_000  # beginnings of boxes in one look

Said = tuple[int, str] | None  # score and comment; None: nobody can read it
Known = Mapping[bytes, Said]


@dataclass(frozen=True)
class Opened:
    """What the boxes said, without whose they were: two heaps that no index joins."""

    scores: list[int]
    comments: list[str]


def open_beforehand(runtime: Runtime, pulse_id: str) -> Known:
    """Of a pulse that is due: what each of its boxes says. Nothing without its key: the closing tells why."""
    known: dict[bytes, Said] = {}
    with runtime.db.read() as session:
        pulse = session.get_one(Pulse, pulse_id)
    try:
        key = key_of(runtime, pulse)
    except sealing.KeyMissing:
        return known
    after: str | None = ""
    while after is not None:
        with runtime.db.read() as session:  # a short one each: SQLite's log need not wait for all of them
            boxes = _boxes(session, pulse_id, after)
        known |= {sealing.mark(box): _open(key, box) for box in boxes.values()}
        after = max(boxes, default=None)
    return known


def open_all(session: Session, key: sealing.Key, pulse_id: str, known: Known) -> Opened:
    """A step of closing, once the pulse is ours: what every box says that is there now.

    One that came or was replaced since somebody looked begins otherwise, and is opened here.
    """
    found = []
    for invitation_id, mark in _marks(session, pulse_id):
        if mark in known:
            found.append(known[mark])
        else:
            box = select(SealedAnswer.box).where(SealedAnswer.invitation_id == invitation_id)
            found.append(_open(key, session.scalars(box).one()))
    said = [each for each in found if each is not None]
    if len(said) < len(found):
        log.warning("pulse_boxes_unreadable", pulse=pulse_id, boxes=len(found) - len(said))
    return Opened([score for score, _ in said], [comment for _, comment in said if comment])


def key_of(runtime: Runtime, pulse: Pulse) -> sealing.Key:
    """Its private key. Raises KeyMissing, also where the file holds another one."""
    key = sealing.read_key(runtime.config.keys_dir, pulse.id)
    if key.public_key != pulse.public_key:
        raise sealing.KeyMissing(pulse.id)
    return key


def _open(key: sealing.Key, box: bytes) -> Said:
    try:
        return sealing.open_box(key, box)
    except sealing.SealBroken:
        return None


def _boxes(session: Session, pulse_id: str, after: str) -> dict[str, bytes]:
    # Pages by primary key, not a cursor: memory stays small on both databases
    rows = session.execute(
        select(SealedAnswer.invitation_id, SealedAnswer.box)
        .where(SealedAnswer.pulse_id == pulse_id, SealedAnswer.invitation_id > after)
        .order_by(SealedAnswer.invitation_id)
        .limit(BATCH)
    )
    return {row.invitation_id: row.box for row in rows}


def _marks(session: Session, pulse_id: str) -> Iterator[tuple[str, bytes]]:
    """Of every box its invitation, by which it is found again, and its beginning."""
    mark = func.substr(SealedAnswer.box, 1, sealing.MARK_BYTES, type_=LargeBinary)
    its = select(SealedAnswer.invitation_id, mark).where(SealedAnswer.pulse_id == pulse_id)
    after: str | None = ""
    while after is not None:
        some = its.where(SealedAnswer.invitation_id > after).order_by(SealedAnswer.invitation_id)
        page = session.execute(some.limit(MARKS)).all()
        yield from ((invitation_id, bytes(begins)) for invitation_id, begins in page)
        after = page[-1][0] if page else None
