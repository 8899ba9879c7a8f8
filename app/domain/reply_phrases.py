"""Phrases written short: "(eu) dou|daria (um)" stands for "dou", "eu dou um", "daria" and so on."""

from collections.abc import Iterator, Sequence
from itertools import product

from app.domain.reply_tokens import Sort, Token


class Phrases:
    """A set of phrases; `match` finds the longest that stands at a place."""

    def __init__(self, *patterns: str) -> None:
        self.all = frozenset(words for pattern in patterns for words in _expanded(pattern))
        self.longest = max(len(words) for words in self.all)

    def __or__(self, other: "Phrases") -> "Phrases":
        both = object.__new__(Phrases)
        both.all = self.all | other.all
        both.longest = max(self.longest, other.longest)
        return both

    def __contains__(self, words: object) -> bool:
        return words in self.all

    def match(self, tokens: Sequence[Token], at: int) -> int:
        """How many words the longest phrase has that begins at this token; 0 if none does."""
        return next(self.lengths(tokens, at), 0)

    def lengths(self, tokens: Sequence[Token], at: int) -> Iterator[int]:
        """The same for every phrase that begins there, the longest first."""
        words = tuple(_words(tokens[at : at + self.longest]))
        return (length for length in range(len(words), 0, -1) if words[:length] in self.all)


def words(listed: str) -> tuple[str, ...]:
    """A list of words written as one line."""
    return tuple(listed.split())


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.sort is not Sort.WORD:
            return
        yield token.text


def _expanded(pattern: str) -> Iterator[tuple[str, ...]]:
    slots = []
    for slot in pattern.split():
        optional = slot.startswith("(")
        choices = [tuple(choice.split("_")) for choice in slot.strip("()").split("|")]
        slots.append([(), *choices] if optional else choices)
    for chosen in product(*slots):
        words = tuple(word for choice in chosen for word in choice)
        if words:
            yield words
