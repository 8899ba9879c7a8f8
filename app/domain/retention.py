"""How long each kind of data is kept, in days; None keeps it. What is counted stays, only words go."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.errors import Invalid, Problem, problem

LEAST, MOST = 7, 3_650
# Defaults: words for two years, which is what a relationship needs; what merely passed through, for a season.
DEFAULTS: Mapping[str, int | None] = {
    "comments": 730,  # of answers, and what they were before
    "messages": 730,  # the words of what we wrote and they wrote, and the address
    "notes": 730,  # what members wrote about a follow-up that is closed
    "events": 730,  # what other systems told of somebody, as it is words about them
    "inbound": 90,  # events as providers brought them
    "sandbox": 90,  # copies of the pretend mailbox
    "contacts": None,  # inactive people of whom nothing was heard: erased
    "audit": None,  # what exactly was changed; that it was changed stays
}


def periods(stored: Mapping[str, object]) -> dict[str, int | None]:
    """Each kind with its days: the workspace's own, else the default."""
    return {kind: _days(stored[kind]) if kind in stored else days for kind, days in DEFAULTS.items()}


def read_periods(form: Mapping[str, str]) -> dict[str, int | None]:
    """What a form says: days, or nothing to keep. Raises Invalid."""
    problems: list[Problem] = []
    found: dict[str, int | None] = {}
    for kind in DEFAULTS:
        text = form.get(kind, "").strip()
        if not text:
            found[kind] = None
        elif len(text) <= 6 and text.isascii() and text.isdigit() and LEAST <= int(text) <= MOST:
            found[kind] = int(text)
        else:
            problems.append(
                problem(
                    kind, "A whole number of days, %(least)s to %(most)s; empty keeps it.",
                    least=LEAST, most=MOST,
                )
            )  # fmt: skip
    if problems:
        raise Invalid(problems)
    return found


def cutoff(days: int, now: datetime) -> datetime:
    """What is older than this goes."""
    return now - timedelta(days=days)


def _days(value: object) -> int | None:
    """As it was stored; longer than anybody may say is for good."""
    return value if isinstance(value, int) and value <= MOST else None
