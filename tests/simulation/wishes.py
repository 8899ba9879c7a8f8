"""Who wants to hear nothing any more, as the script knows it: by person and by address, since when."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Wish:
    """From one place in the order of all that happened to another."""

    since: int
    until: int | None = None
    is_final: bool = False  # of somebody who was erased

    def holds(self, place: int) -> bool:
        return self.since < place and (self.until is None or place < self.until)


@dataclass
class Wishes:
    """All of them."""

    of: dict[str, list[Wish]] = field(default_factory=lambda: defaultdict(list))  # an id or an address
    number: int = 0

    def say(self, place: int, whose: Iterable[str | None], *, is_final: bool = False) -> None:
        """These (a person's id, addresses) are not asked any more."""
        self.number += 1
        wish = Wish(place, is_final=is_final)
        for each in whose:
            if each is not None:
                self.of[each].append(wish)

    def lift(self, place: int, whose: Iterable[str]) -> None:
        """The person's own word: they may be asked again."""
        for each in whose:
            for wish in self.of.get(each, ()):
                if wish.until is None:
                    wish.until = place

    def stands(self, whose: str, place: int) -> bool:
        return any(each.holds(place) for each in self.of.get(whose, ()))
