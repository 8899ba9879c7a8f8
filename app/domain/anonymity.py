"""What a pulse may show, and when: the promised thresholds, participation in steps, what stays hidden."""

from dataclasses import dataclass
from enum import StrEnum

FLOOR = 3  # no workspace may promise less: with two answers, each of the two reads the other's
DEFAULT_ANSWERS = 5
DEFAULT_COMMENTS = 10
STEP = 5


class Hidden(StrEnum):
    """Why a result is not shown; the words are the API's."""

    OPEN = "open"
    FEWER_THAN_5 = "fewer_than_5"


@dataclass(frozen=True)
class Thresholds:
    """How many answers it takes to show a result, and to show comments; fixed when the pulse is launched."""

    answers: int = DEFAULT_ANSWERS
    comments: int = DEFAULT_COMMENTS

    def __post_init__(self) -> None:
        if self.answers < FLOOR:
            raise ValueError(f"a result needs at least {FLOOR} answers")
        if self.comments < self.answers:
            raise ValueError("comments need at least as many answers as the result")


@dataclass(frozen=True)
class Disclosure:
    """What may be told of a pulse: the reason why nothing may, else the result, perhaps with comments."""

    hidden: Hidden | None
    comments: bool

    @property
    def result(self) -> bool:
        """May the counts be kept and shown?"""
        return self.hidden is None


def disclose(answers: int, thresholds: Thresholds, *, is_open: bool) -> Disclosure:
    """Decide by the number of answers, not of people asked. An open pulse tells nothing at all."""
    if is_open:
        return Disclosure(Hidden.OPEN, comments=False)
    if answers < thresholds.answers:
        return Disclosure(Hidden.FEWER_THAN_5, comments=False)
    return Disclosure(None, comments=answers >= thresholds.comments)


def in_steps(answered: int) -> int:
    """Participation while a pulse is open, rounded down to a multiple of five: one more answer rarely shows.

    Below five it is 0: "fewer than five", never the number.
    """
    if answered < 0:
        raise ValueError("nobody answers less than never")
    return answered - answered % STEP


def can_ever_show(asked: int, thresholds: Thresholds) -> bool:
    """False where so few are asked that even everybody's answers would stay hidden: say so before asking."""
    return asked >= thresholds.answers
