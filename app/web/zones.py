"""The time zones that a form offers, by their own names, and the likeliest one of a language."""

from functools import cache

from app.domain.setting_values import time_zones

AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
LIKELY = {"pt-BR": "America/Sao_Paulo", "es": "America/Mexico_City"}


def likely_zone(locale: str) -> str:
    """Where most who read this language are; a first choice only."""
    return LIKELY.get(locale, "UTC")


@cache
def zones() -> list[tuple[str, str]]:
    """Names of places, without the old aliases (US/…, Etc/…, GMT0): (value, word) for a select."""
    places = sorted(zone for zone in time_zones() if zone.partition("/")[0] in AREAS)
    return [("UTC", "UTC")] + [(zone, zone.replace("_", " ")) for zone in places]
