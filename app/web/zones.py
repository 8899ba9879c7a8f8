"""The time zones that a form offers, by their own names, and the likeliest one of a language."""

from zoneinfo import available_timezones

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


# Names of places, without the old aliases outside them (US/…, Etc/…, GMT0): (value, word) for a select.
ZONES = [("UTC", "UTC")] + [
    (zone, zone.replace("_", " "))
    for zone in sorted(available_timezones())
    if zone.startswith(tuple(f"{area}/" for area in AREAS))
]
