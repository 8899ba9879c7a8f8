"""What a typed message says: a score, stop, start, help, or nothing that is sure (tables: docs/replies.md).

Zero wrong scores is the rule: the whole message has to be a form that we know, and whatever could be
something else asks again. A number somewhere in a sentence is never a score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.metrics import RULES, Metric, tone
from app.domain.reply_commands import Command, command_in, wants_out
from app.domain.reply_comments import is_comment
from app.domain.reply_cursor import Question
from app.domain.reply_scores import find_score
from app.domain.reply_tokens import LONGEST, Token, tokens_of


class Kind(StrEnum):
    """What a message is for us."""

    SCORE = "score"
    ASK = "ask"  # nothing that is sure: ask again
    OPT_OUT = "optout"
    OPT_IN = "optin"
    HELP = "help"


@dataclass(frozen=True)
class Reading:
    """`score` stands only in a SCORE, with the comment as it was typed, if there is one."""

    kind: Kind
    score: int | None = None
    comment: str | None = None

    def __str__(self) -> str:
        return self.kind if self.score is None else str(self.score)


ASK = Reading(Kind.ASK)
OPT_OUT = Reading(Kind.OPT_OUT)
OPT_IN = Reading(Kind.OPT_IN)
HELP = Reading(Kind.HELP)

_COMMANDS = {Command.OPT_OUT: OPT_OUT, Command.OPT_IN: OPT_IN, Command.HELP: HELP}


def read(text: str, metric: Metric, locale: str) -> Reading:
    """What this whole message says to the question of that metric. Never raises.

    The words of all three languages are known whatever the locale; it decides only where they differ ("um",
    "ten", "a 10"). A message longer than any channel's asks again.
    """
    if len(text) > LONGEST:
        return ASK
    tokens = tokens_of(text)
    question = Question(RULES[metric], locale[:2].lower())
    if command := command_in(tokens, question):
        return _COMMANDS[command]
    return _score(text, tokens, question)


def _score(text: str, tokens: Sequence[Token], question: Question) -> Reading:
    found = find_score(tokens, question)
    if found is None:
        return ASK
    way = tone(question.rule.band(found.score))
    if not found.comment:
        return ASK if found.is_sad and way == "up" else Reading(Kind.SCORE, found.score)
    if wants_out(found.comment, question):
        return OPT_OUT
    if command_in(found.comment, question) or not is_comment(found.comment, way, question.language):
        return ASK
    return Reading(Kind.SCORE, found.score, _as_typed(text, tokens, found.comment))


def _as_typed(text: str, tokens: Sequence[Token], comment: Sequence[Token]) -> str:
    end = None if comment[-1] is tokens[-1] else comment[-1].end  # invisible signs at the end are no tokens
    return text[comment[0].start : end].strip()
