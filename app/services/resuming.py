"""Sending goes on: nobody is asked before the journal's opt-outs and erasures stand in the tables (M08)."""

from app.runtime import Runtime
from app.services import journal_replay, switch
from app.services.access import Visitor
from app.services.backup import WHY_PAUSED
from app.services.journal_replay import Replayed


def resume(runtime: Runtime, who: Visitor | None = None) -> Replayed | None:
    """Apply what the journal knows and we do not, then send again what is due. Twice is harmless.

    What was applied; a copy that was restored without its journal is told as well. None: nothing to tell.
    """
    done = journal_replay.replay(runtime)
    with runtime.db.write() as session:
        is_copy = switch.why_paused(session) == WHY_PAUSED
        switch.lift(session, who, runtime.clock())
    return done if done.applied or (is_copy and not done.found) else None
