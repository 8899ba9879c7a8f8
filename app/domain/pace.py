"""How many people come next, so that no step of a long work takes longer than it may."""

from dataclasses import dataclass, field


@dataclass
class Pace:
    """From `least` to `most` people in one step of `seconds` at most."""

    seconds: float
    least: int
    most: int
    people: int = field(init=False)

    def __post_init__(self) -> None:
        self.people = self.least

    def took(self, seconds: float) -> None:
        """What the last step took: far less, and the next takes twice as many; more, and half."""
        if seconds > self.seconds:
            self.people = max(self.least, self.people // 2)
        elif seconds < self.seconds / 2:
            self.people = min(self.most, self.people * 2)
