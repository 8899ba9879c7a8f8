"""How numbers read: scores with their sign or percent, intervals, rates and means, rounded once, here."""

from fractions import Fraction

from app.domain.metrics import RULES, Metric, Reported
from app.domain.statistics import Score, shown, shown_mean
from app.rendering.languages import Language

NOTHING = "–"


def figure(language: Language, metric: Metric, exact: Fraction | float | None) -> str:
    """+41 · 87%; a dash when there is no score."""
    if exact is None:
        return NOTHING
    whole = shown(exact)
    return language.signed(whole) if _is_net(metric) else language.percent(whole / 100)


def bare(language: Language, metric: Metric, exact: Fraction | float | None) -> str:
    """+41 · 87: without the percent sign, for where it is set apart or said once for two numbers."""
    if exact is None:
        return NOTHING
    whole = shown(exact)
    return language.signed(whole) if _is_net(metric) else language.number(whole)


def between(language: Language, metric: Metric, score: Score | None) -> str:
    """+33 and +48 · 85 and 89%: the interval of a score."""
    if score is None:
        return NOTHING
    low, high = bare(language, metric, score.low), figure(language, metric, score.high)
    return language.gettext("%(low)s and %(high)s", low=low, high=high)


def rate(language: Language, share: Fraction | None) -> str:
    """31%; a dash when there was nobody to answer."""
    return NOTHING if share is None else language.percent(shown(100 * share) / 100)


def mean(language: Language, exact: Fraction | None) -> str:
    """5,6 and 5.6."""
    return NOTHING if exact is None else language.number(shown_mean(exact), 1)


def _is_net(metric: Metric) -> bool:
    return RULES[metric].reported is Reported.NET


FOR_TEMPLATES = {each.__name__: each for each in (figure, bare, between, rate, mean, shown)}
