"""Phrases written short: "(eu) dou|daria (um)" stands for "dou", "eu dou um", "daria" and so on."""

from collections.abc import Iterator, Sequence

from app.domain.reply_tokens import Sort, Token

Words = tuple[str, ...]
Slot = tuple[Words, ...]  # one of these; the empty one where the slot may stay empty


class Phrases:
    """A set of phrases, none of them written out: the patterns of a few lines stand for ten thousand."""

    def __init__(self, *patterns: str) -> None:
        self._take(tuple(tuple(_slots(pattern)) for pattern in patterns))

    def _take(self, patterns: tuple[tuple[Slot, ...], ...]) -> None:
        self.patterns = patterns
        self.longest = max(sum(max(map(len, slot)) for slot in pattern) for pattern in patterns)
        self.by_first: dict[str, list[tuple[Slot, ...]]] = {}
        for pattern in patterns:
            for word in _first_words(pattern):
                self.by_first.setdefault(word, []).append(pattern)

    def __or__(self, other: "Phrases") -> "Phrases":
        both = object.__new__(Phrases)
        both._take(self.patterns + other.patterns)
        return both

    def __contains__(self, said: Words) -> bool:
        return bool(said) and len(said) in self._lengths(said)

    def match(self, tokens: Sequence[Token], at: int) -> int:
        """How many words the longest phrase has that begins at this token; 0 if none does."""
        return next(iter(self.lengths(tokens, at)), 0)

    def lengths(self, tokens: Sequence[Token], at: int) -> list[int]:
        """The same for every phrase that begins there, the longest first."""
        if at >= len(tokens) or tokens[at].text not in self.by_first:
            return []
        return sorted(self._lengths(tuple(_words(tokens[at : at + self.longest]))), reverse=True)

    def _lengths(self, said: Words) -> set[int]:
        found: set[int] = set()
        for pattern in self.by_first.get(said[0], ()) if said else ():
            found |= _ends(pattern, said)
        return found - {0}


def words(listed: str) -> Words:
    """A list of words written as one line."""
    return tuple(listed.split())


def _words(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.sort is not Sort.WORD:
            return
        yield token.text


def _slots(pattern: str) -> Iterator[Slot]:
    for slot in pattern.split():
        choices = tuple(tuple(choice.split("_")) for choice in slot.strip("()").split("|"))
        yield ((), *choices) if slot.startswith("(") else choices


def _first_words(pattern: Sequence[Slot]) -> set[str]:
    found = set()
    for slot in pattern:
        found |= {choice[0] for choice in slot if choice}
        if () not in slot:
            break
    return found


def _ends(pattern: Sequence[Slot], said: Words) -> set[int]:
    """Where the phrases of one pattern end that these words begin with."""
    ends = {0}
    for slot in pattern:
        ends = {
            end + len(choice) for end in ends for choice in slot if said[end : end + len(choice)] == choice
        }
    return ends
