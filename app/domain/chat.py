"""What a conversation in a chat is made of: where it stands, what came in, and what may follow."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.dialogue import Standing
from app.domain.metrics import Metric

LETTERS = "ABCDEFGHI"  # by which one of several questions is chosen: a number would look like a score


class Expects(StrEnum):
    """What the next message of this person will be taken for."""

    NOTHING = "nothing"
    SCORE = "score"
    COMMENT = "comment"
    WHICH = "which"


class Words(StrEnum):
    """What we say next; rendering has the words."""

    AGAIN = "again"  # could not be read: the scale once more
    LINK = "link"  # twice not: here is the page
    FOLLOWUP = "followup"  # the question of the band
    THANKS = "thanks"
    CHANGED = "changed"
    WHICH = "which"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    HELP = "help"
    LATE = "late"
    PULSE = "pulse"  # a pulse is answered on its page alone: the link again
    LANGUAGE = "language"
    NOTHING_OPEN = "nothing_open"


@dataclass(frozen=True)
class Asked:
    """One question that this person was asked here: open, answered lately, or the last one that ended."""

    invitation_id: str
    metric: Metric
    standing: Standing
    locale: str = "en"
    score: int | None = None
    is_pulse: bool = False


@dataclass(frozen=True)
class Chat:
    """Where a conversation stands between two messages; people take days, so it is a row."""

    expects: Expects = Expects.NOTHING
    about: str | None = None  # the invitation that it is about
    missed: int = 0  # replies in a row that nobody could read
    choices: tuple[str, ...] = ()  # with WHICH: the invitations, in the order of their letters
    pending: str | None = None  # with WHICH: what was said before we asked


@dataclass(frozen=True)
class Heard:
    """What came in: words, or a score pressed on a button; `about` by button or quoted message."""

    text: str = ""
    pressed: int | None = None
    about: str | None = None
    language: str | None = None
    odd_button: bool = False  # pressed, and what it carries is no score: its label is read as a wish alone


@dataclass(frozen=True)
class Record:
    """Take this into the answer of that question; arrival decides whether it still counts."""

    about: str
    score: int | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Say:
    """Answer with these words, about that question."""

    words: Words
    about: str | None = None


@dataclass(frozen=True)
class OptOut:
    """They want no more messages: on no channel."""


@dataclass(frozen=True)
class OptIn:
    """They may be asked again, in their own words."""


@dataclass(frozen=True)
class Speak:
    """Use this language with them from now on."""

    language: str


@dataclass(frozen=True)
class Forward:
    """Words for the agent who is in touch with them."""

    text: str


Effect = Record | Say | OptOut | OptIn | Speak | Forward


@dataclass(frozen=True)
class Turn:
    """Where the conversation stands afterwards, and what happens, in order."""

    chat: Chat
    effects: tuple[Effect, ...] = ()
