"""Tags for all people of a saved audience at once, some at a time, so that nobody waits for it."""

import time
from collections.abc import Sequence

from sqlalchemy import select

from app.domain.tags import MOST_TAGS, read_tags
from app.errors import Conflict, Invalid, problem
from app.models import Contact
from app.runtime import Runtime
from app.services import audiences, audit, eligible, segments
from app.services.access import Visitor
from app.services.audiences import Found
from app.services.in_time import in_time

MOST = 20_000  # people in one request: some seconds; more come from a file
CHUNK = 50  # people in one commit: some ten milliseconds of the one writer that SQLite has
PAUSE = 0.005  # seconds between two chunks: whoever waits to write comes in between


def look(runtime: Runtime, who: Visitor, segment_id: str) -> Found:
    """Whom it would be. Above MOST nobody counts on.

    Raises NotFound, and Unavailable when to count them takes too long.
    """
    with runtime.db.read() as session:
        tree = segments.audience_of(session, who, segment_id)
        with in_time(session):
            return audiences.found(session, runtime, who, tree, most=MOST)


def tag(
    runtime: Runtime, who: Visitor, segment_id: str, words: object, *, away: bool = False, number: int
) -> int:
    """Put these tags on everybody of a segment, or take them off. How many people it changed.

    `number` is how many people were confirmed. Raises Conflict when it is another number by now, Invalid for
    tags that cannot be and for too many people. Interrupted, it is simply done again.
    """
    tags = _read(words)
    ids = _meant(runtime, who, segment_id)
    if len(ids) > MOST:  # first: how many they really are was not looked at
        raise Invalid([problem("tags", "At most %(most)s people at once. Take a file for more.", most=MOST)])
    if len(ids) != number:
        raise Conflict("It is %(now)s people now, not %(before)s. Look again.", now=len(ids), before=number)
    with runtime.db.write() as session:
        now = runtime.clock()
        audit.note(session, who, now, "segment.tagged", segment_id, people=number, tags=list(tags), away=away)
    changed = 0
    for start in range(0, len(ids), CHUNK):
        changed += _some(runtime, ids[start : start + CHUNK], tags, away=away)
        time.sleep(PAUSE)
    return changed


def _read(words: object) -> list[str]:
    tags = read_tags("tags", words)
    if not tags:
        raise Invalid([problem("tags", "Say which tags.")])
    return tags


def _meant(runtime: Runtime, who: Visitor, segment_id: str) -> Sequence[str]:
    """Who is meant as this begins: tagging them does not change whom it reaches."""
    with runtime.db.read() as session:
        tree = segments.audience_of(session, who, segment_id)
        fits = audiences.condition(session, runtime, who.workspace_id, tree)
        people = eligible.audience(who.workspace_id).with_only_columns(Contact.id).where(fits)
        return session.scalars(people.order_by(Contact.id).limit(MOST + 1)).all()


def _some(runtime: Runtime, ids: Sequence[str], tags: Sequence[str], *, away: bool) -> int:
    changed = 0
    with runtime.db.write() as session:
        query = select(Contact).where(Contact.id.in_(ids), Contact.erased_at.is_(None))
        for contact in session.scalars(query.order_by(Contact.id).with_for_update()):
            held = set(contact.tags)
            wanted = sorted(held - set(tags) if away else held | set(tags))
            if wanted != contact.tags and len(wanted) <= MOST_TAGS:  # who has fifty keeps those
                contact.tags = wanted
                contact.revision += 1
                contact.updated_at = runtime.clock()
                changed += 1
    return changed
