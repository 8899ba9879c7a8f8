"""Who of many is left out on purpose, as columns of statements: the holdout group, and who found no seat."""

from array import array
from collections.abc import Mapping
from itertools import chain

from sqlalchemy import CTE, BigInteger, ColumnElement, case, cast, func, literal
from sqlalchemy.dialects.postgresql import BIT

from app.domain.terms import DRAWS, Sample, draw, seats, share_of_draws
from app.models import Contact
from app.services.asking_terms import Asking

MOST_GROUPS = 100  # of an attribute, the largest; the others are one group together
OTHERS = ""
LEFT_OUT = ("holdout", "sampled_out")  # reasons of those who might have been asked


def left_out(ask: Asking, each: CTE) -> list[tuple[ColumnElement[bool], ColumnElement[str]]]:
    """Cases for those of `each` who may be asked and are not: id and group are its columns."""
    found: list[tuple[ColumnElement[bool], ColumnElement[str]]] = []
    if ask.terms.holdout:
        lots = _lot(ask, f"holdout:{ask.schedule_id}", each.c.id)
        found.append((lots < share_of_draws(ask.terms.holdout), literal("holdout")))
    if ask.limits is not None:
        found.append((of_sample(ask, each) >= _limit(ask.limits, each), literal("sampled_out")))
    return found


def group(sample: Sample | None) -> ColumnElement[str]:
    """In which group of the sample somebody is, as a column over Contact."""
    if sample is None or sample.by is None:
        return literal(OTHERS)
    return func.coalesce(Contact.attributes[sample.by].as_string(), literal(OTHERS))


def of_sample(ask: Asking, each: CTE) -> ColumnElement[int]:
    """Everybody's lot for the sample."""
    return _lot(ask, _seed(ask), each.c.id)


def limits(ask: Asking, lots: "Mapping[str, array[int]]") -> dict[str, int]:
    """For each group the lot from which on nobody is asked: the seats are for those who may be asked.

    `lots`, by group, are those of everybody whom the run is about and who may be asked.
    """
    assert ask.terms.sample is not None  # whoever calls has looked
    named = sorted(lots.keys() - {OTHERS}, key=lambda each: (-len(lots[each]), each))
    own = {name: lots[name] for name in named[:MOST_GROUPS]}
    others = array(
        "L", chain.from_iterable(lots[name] for name in (OTHERS, *named[MOST_GROUPS:]) if name in lots)
    )
    if others:
        own[OTHERS] = others
    taken = seats({name: len(drawn) for name, drawn in own.items()}, ask.terms.sample, draw(_seed(ask), ""))
    return {name: _first_without(sorted(own[name]), number) for name, number in taken.items()}


def _first_without(drawn: list[int], seats: int) -> int:
    """The lot of the first who finds no seat."""
    return drawn[seats] if seats < len(drawn) else DRAWS


def _limit(limits: Mapping[str, int], each: CTE) -> ColumnElement[int]:
    groups = [(each.c.group == name, literal(limit, BigInteger)) for name, limit in limits.items() if name]
    others = literal(limits.get(OTHERS, 0), BigInteger)
    return case(*groups, else_=others) if groups else others


def _seed(ask: Asking) -> str:
    return f"sample:{ask.occurrence_id or ask.schedule_id}"


def _lot(ask: Asking, seed: str, id: ColumnElement[str]) -> ColumnElement[int]:
    """The same as domain.terms.draw."""
    if not ask.on_postgresql:
        return func.draw(literal(seed), id, type_=BigInteger)
    digits = func.substr(func.md5(literal(seed).concat(id)), 1, 8)
    return cast(cast(literal("x").concat(digits), BIT(32)), BigInteger)
