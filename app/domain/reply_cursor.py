"""What the readers of a message share: the question, and a place that moves forward over what is known."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.metrics import Metric, Rule
from app.domain.reply_phrases import Phrases
from app.domain.reply_tokens import Sort, Token
from app.domain.reply_words import NUMBERS

QUOTES = "\"'"


@dataclass(frozen=True)
class Question:
    """What was asked, and in which language."""

    rule: Rule
    language: str

    @property
    def has_stars(self) -> bool:
        """Do five stars mean what they mean everywhere?"""
        return self.rule.metric is Metric.CSAT

    def is_top(self, token: Token | None) -> bool:
        """Is this the highest number of the scale?"""
        return self.says(token, self.rule.high)

    def says(self, token: Token | None, value: int) -> bool:
        """Is it this number, in digits or in a word?"""
        if token is None:
            return False
        if token.sort is Sort.WORD:
            return NUMBERS.get(token.text) == value
        return token.sort is Sort.NUMBER and token.text == str(value)


class Cursor:
    """`at` is the next token that nobody has made sense of yet."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The token that stands so far ahead; None behind the last."""
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def is_mark(self, among: str, ahead: int = 0) -> bool:
        """Is it one of these marks?"""
        token = self.peek(ahead)
        return token is not None and token.is_mark(among)

    def is_sort(self, sort: Sort, ahead: int = 0) -> bool:
        """Is it a token of this sort?"""
        token = self.peek(ahead)
        return token is not None and token.sort is sort

    def is_word(self, among: frozenset[str], ahead: int = 0) -> bool:
        """Is it one of these words?"""
        token = self.peek(ahead)
        return token is not None and token.sort is Sort.WORD and token.text in among

    def touches(self, ahead: int = 0) -> bool:
        """Does it stand right behind the one before it, without white space between them?"""
        token = self.peek(ahead)
        return token is not None and not token.spaced and token.sort is not Sort.BREAK

    def take(self, phrases: Phrases) -> int:
        """Pass the longest of these phrases; how many words it has, 0 when none stands here."""
        length = phrases.match(self.tokens, self.at)
        self.at += length
        return length

    def take_marks(self, among: str) -> bool:
        """Pass any number of these marks; were there some?"""
        began = self.at
        while self.is_mark(among):
            self.at += 1
        return self.at > began

    def take_run(self, sort: Sort) -> int:
        """Pass every token of this sort; how many there were."""
        began = self.at
        while self.is_sort(sort):
            self.at += 1
        return self.at - began

    def take_pauses(self, among: str) -> None:
        """Pass marks, line ends and glad faces, but no sign that belongs to a number: "-8", ".5"."""
        while self.is_mark(among) or self.is_sort(Sort.BREAK) or self.is_sort(Sort.GLAD):
            if self.is_mark("-.") and self.touches(1) and self.is_sort(Sort.NUMBER, 1):
                return
            self.at += 1
