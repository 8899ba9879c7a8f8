"""The heading of the home page: the news in a sentence, and under it what has really changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.domain.metrics import Metric
from app.domain.statistics import Change, shown
from app.rendering.languages import Language
from app.rendering.words import metric_word

# They begin a sentence; above ten a numeral reads better
_COUNTS = ("Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


@dataclass(frozen=True)
class Waiting:
    """Who waits for us, and who spoke today."""

    late: int
    open: int
    answered_today: int
    anybody_answered: bool


def greeting(language: Language, name: str, hour: int) -> str:
    """“Good morning, Camila.”; the hour is that of the reader's day."""
    first = next(iter(name.split()), name)
    if 5 <= hour < 12:
        return language.gettext("Good morning, %(name)s.", name=first)
    if 12 <= hour < 18:
        return language.gettext("Good afternoon, %(name)s.", name=first)
    return language.gettext("Good evening, %(name)s.", name=first)


def news(language: Language, waiting: Waiting) -> str:
    """The most pressing thing, in a sentence: who waits too long, who waits, who spoke."""
    if waiting.late:
        return language.ngettext(
            "A customer has been waiting longer than we promised.",
            "%(num)s customers have been waiting longer than we promised.",
            waiting.late,
            num=_count(language, waiting.late),
        )
    if waiting.open:
        return language.ngettext(
            "A customer is waiting for us, within the time we promised.",
            "%(num)s customers are waiting for us, within the time we promised.",
            waiting.open,
            num=_count(language, waiting.open),
        )
    if waiting.answered_today:
        return language.ngettext(
            "A customer answered today, and nobody is waiting for us.",
            "%(num)s customers answered today, and nobody is waiting for us.",
            waiting.answered_today,
            num=_count(language, waiting.answered_today),
        )
    if not waiting.anybody_answered:
        return language.gettext("Nobody has answered yet.")
    return language.gettext("Nobody is waiting for us.")


def changes(language: Language, days: int, found: Sequence[tuple[Metric, Change]]) -> str:
    """What rose and what fell, if chance alone cannot explain it; else what would tell.

    `found` are the metrics that were answered in these days.
    """
    if not found:
        return language.gettext("Nobody answered in the last %(days)s days.", days=days)
    real = [(metric, change) for metric, change in found if change.verdict != "unclear"]
    if len(real) == 1:
        said = _moved(language, *real[0])
        return language.gettext("%(said)s in %(days)s days, and the change is real.", said=said, days=days)
    if real:
        first, *others = (_moved(language, metric, change) for metric, change in real)
        *most, last = [first, *map(_within, others)]
        said = language.gettext("%(most)s and %(last)s", most=", ".join(most), last=last)
        return language.gettext(
            "%(said)s in %(days)s days, and these changes are real.", said=said, days=days
        )
    if any(change.difference is not None for _, change in found):
        return _what_would_tell(language, days, found)
    return language.gettext(
        "There is nothing yet before these %(days)s days to compare them with.", days=days
    )


def _count(language: Language, number: int) -> str:
    return language.gettext(_COUNTS[number - 2]) if 2 <= number <= 10 else language.number(number)


def _moved(language: Language, metric: Metric, change: Change) -> str:
    points = shown(abs(change.difference or Fraction(0)))
    name = metric_word(language, metric)
    if change.verdict == "up":
        return language.ngettext(
            "%(name)s rose %(num)s point", "%(name)s rose %(num)s points", points, name=name
        )
    return language.ngettext("%(name)s fell %(num)s point", "%(name)s fell %(num)s points", points, name=name)


def _within(sentence: str) -> str:
    """As it stands inside another: its article loses the capital, an acronym keeps it."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _what_would_tell(language: Language, days: int, found: Sequence[tuple[Metric, Change]]) -> str:
    told = language.gettext("We cannot tell yet whether anything changed in %(days)s days.", days=days)
    needed = [(change.needed, metric) for metric, change in found if change.needed]
    if not needed:
        return told
    least, metric = min(needed)
    more = language.ngettext(
        "One more %(name)s answer would tell.",
        "About %(num)s more %(name)s answers would tell.",
        _roughly(least),
        name=metric_word(language, metric),
    )
    return f"{told} {more}"


def _roughly(number: int) -> int:
    """Two figures say all that such an estimate knows; never fewer than it takes."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
