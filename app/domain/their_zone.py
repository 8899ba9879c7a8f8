"""Which clock a person lives by: their record's, else their phone number's, else the workspace's."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone

from app.domain.addresses import country_of, default_region

UNKNOWN = ("Etc/Unknown",)


@dataclass(frozen=True)
class TheirZone:
    """The zone that counts, whence we have it, and what the record says if nobody knows such a zone."""

    zone: ZoneInfo
    by: Literal["record", "phone", "workspace"]
    unreadable: str | None = None


def their_zone(record: str | None, phone: str | None, workspace: str | None, now: datetime) -> TheirZone:
    """The first of the three that says something; UTC where even the workspace's is none."""
    said = read_zone(record)
    if said is not None:
        return TheirZone(said, "record")
    unreadable = record or None
    by_phone = zone_of_phone(phone, now.year) if phone else None
    if by_phone is not None:
        return TheirZone(by_phone, "phone", unreadable)
    return TheirZone(read_zone(workspace) or ZoneInfo("UTC"), "workspace", unreadable)


def read_zone(name: str | None) -> ZoneInfo | None:
    """The zone of this name; None where there is none, whatever stands there."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=4096)  # a number costs a tenth of a millisecond to read, and is asked for with each try
def zone_of_phone(e164: str, year: int) -> ZoneInfo | None:
    """Where this number is at home: its only zone, or of several that agree all year its country's."""
    try:
        names = timezone.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    zones = _agreed(names, year) if names != UNKNOWN else ()
    own = (zone for zone in zones if default_region(zone.key) == country_of(e164))
    return next(own, zones[0]) if zones else None


@lru_cache
def _agreed(names: tuple[str, ...], year: int) -> tuple[ZoneInfo, ...]:
    """These zones, if their clocks show the same all year; else none."""
    zones = tuple(zone for name in names if (zone := read_zone(name)) is not None)
    firsts = [datetime(year, month, 1, 12, tzinfo=UTC) for month in range(1, 13)]
    years = {tuple(first.astimezone(zone).utcoffset() for first in firsts) for zone in zones}
    return zones if len(years) == 1 and len(zones) == len(names) else ()
