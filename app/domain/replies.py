"""TEMPORARY until the real reader is merged."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.domain.metrics import RULES, Metric


class Kind(StrEnum):
    SCORE = "score"
    ASK = "ask"
    OPT_OUT = "optout"
    OPT_IN = "optin"
    HELP = "help"


@dataclass(frozen=True)
class Reading:
    kind: Kind
    score: int | None = None
    comment: str | None = None


def read(text: str, metric: Metric, locale: str) -> Reading:
    t = text.strip().lower()
    if t in ("stop", "pare", "sair", "/stop"):
        return Reading(Kind.OPT_OUT)
    if t in ("start", "/start"):
        return Reading(Kind.OPT_IN)
    if t in ("help", "/help", "ajuda"):
        return Reading(Kind.HELP)
    m = re.fullmatch(r"(\d{1,2})(?: - (.+))?", t)
    if m and int(m[1]) in RULES[metric].scores:
        return Reading(Kind.SCORE, int(m[1]), m[2])
    return Reading(Kind.ASK)
