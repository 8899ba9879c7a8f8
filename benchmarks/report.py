"""A line of the table: what, our figure, the floor's, their ratio and whether it meets the target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`target` is the least ratio where higher is better, else the most."""

    what: str
    ours: float
    floor: float
    target: float
    higher_is_better: bool
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.floor if self.floor else 0.0

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.target if self.higher_is_better else self.ratio <= self.target

    def __str__(self) -> str:
        sign = "≥" if self.higher_is_better else "≤"
        verdict = "yes" if self.is_met else "NO"
        figures = f"{self.ours:9.1f} {self.floor:9.1f} {self.ratio:6.2f}"
        return f"{self.what:<52} {figures}  {sign} {self.target:<4} {verdict:<4} {self.note}"


HEAD = f"{'':<52} {'ours':>9} {'floor':>9} {'ratio':>6}  target met"
