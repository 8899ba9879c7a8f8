"""How typed words are read: for a page on which anybody can try, and its table of examples."""

from dataclasses import dataclass

from app.domain import replies
from app.domain.metrics import Metric

LONGEST = 500
# A few of each kind; docs/replies.md has all of them
EXAMPLES: dict[Metric, tuple[str, ...]] = {
    Metric.NPS: (
        "8", "nota 8", "oito", "9/10", "10 - loved it", "na verdade 4", "7,5", "8 ou 9", "tenho 2 filhos",
        "PARE", "stop, please!", "cancelar meu pedido", "START", "ajuda",
    ),
    Metric.CSAT: ("5", "cinco", "⭐⭐⭐⭐", "4 estrelas", "6", "3 - demorou", "BAJA"),
    Metric.CES: ("7", "siete", "6, fue fácil", "8", "ni fu ni fa", "salir"),
}  # fmt: skip


@dataclass(frozen=True)
class Read:
    """One text and what it is taken for: a score with its comment, or the name of a kind."""

    text: str
    kind: str
    score: int | None
    comment: str | None


def read(text: str, metric: Metric, locale: str) -> Read:
    """What we would take this for, as an answer to that question."""
    found = replies.read(text[:LONGEST], metric, locale)
    return Read(text[:LONGEST], found.kind.value, found.score, found.comment)


def examples(metric: Metric, locale: str) -> list[Read]:
    """Some of what people type, read at this moment by the same reader."""
    return [read(text, metric, locale) for text in EXAMPLES[metric]]
