"""The conversation with one respondent as a state machine: ask, then the comment, then thanks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.errors import Invalid, problem

EDITABLE = timedelta(hours=24)  # from the first answer; fairness asks for a limit, forgetfulness for a day


class Step(StrEnum):
    """What the respondent sees next."""

    ASK = "score"
    COMMENT = "comment"
    THANKS = "thanks"
    GONE = "gone"  # unknown, ended or no longer editable: one calm page for all three


@dataclass(frozen=True)
class Standing:
    """Where one invitation stands with its person."""

    is_open: bool  # neither cancelled nor asked by a sandbox that is off
    expires_at: datetime
    recorded_at: datetime | None = None
    has_comment: bool = False

    def takes_answers(self, now: datetime) -> bool:
        """May an answer still be given, or the one that was given be changed?"""
        if not self.is_open:
            return False
        if self.recorded_at is None:
            return now < self.expires_at
        return now < self.recorded_at + EDITABLE


def read_comment(words: str | None, most: int) -> str | None:
    """The comment as it came, less what no database takes; None when it is blank.

    Raises Invalid beyond `most` characters. A line end counts as one, as browsers count it.
    """
    plain = (words or "").replace("\0", "").replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    if len(plain) > most:
        message = "This is %(length)s characters long; at most %(most)s fit."
        raise Invalid([problem("comment", message, length=len(plain), most=most)])
    return plain if plain.strip() else None


def next_step(standing: Standing, now: datetime, wish: str | None, preselected: bool) -> Step:
    """What to show; `wish` is the step named in the address, `preselected` a score pressed in the mail."""
    if not standing.takes_answers(now):
        return Step.GONE
    if standing.recorded_at is None or preselected:
        return Step.ASK
    if wish in (Step.ASK, Step.COMMENT, Step.THANKS):
        return Step(wish)
    return Step.THANKS if standing.has_comment else Step.COMMENT
