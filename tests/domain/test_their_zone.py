"""Which clock a person lives by, and why that one."""

from datetime import UTC, datetime

import pytest

from app.domain.their_zone import their_zone, zone_of_phone

NOW = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)


def told(record: str | None, phone: str | None, workspace: str | None) -> tuple[str, str, str | None]:
    found = their_zone(record, phone, workspace, NOW)
    return found.zone.key, found.by, found.unreadable


def test_the_record_comes_before_the_phone_number_and_that_before_the_workspace() -> None:
    manaus = "+5592988884417"
    assert told("Europe/Lisbon", manaus, "America/Sao_Paulo") == ("Europe/Lisbon", "record", None)
    assert told(None, manaus, "America/Sao_Paulo") == ("America/Manaus", "phone", None)
    assert told(None, None, "America/Sao_Paulo") == ("America/Sao_Paulo", "workspace", None)


@pytest.mark.parametrize("odd", ["Amerika/Manaus", "../etc/passwd", "America", "UTC+3", "\x00", "é" * 300])
def test_a_zone_that_nobody_knows_falls_back_and_is_said(odd: str) -> None:
    assert told(odd, None, "America/Sao_Paulo") == ("America/Sao_Paulo", "workspace", odd)
    assert told(odd, "+5592988884417", "America/Sao_Paulo") == ("America/Manaus", "phone", odd)


def test_a_workspace_without_a_zone_lives_by_utc() -> None:
    assert told(None, None, None) == ("UTC", "workspace", None)
    assert told("", "", "Nowhere") == ("UTC", "workspace", None)


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+5511987654321", "America/Sao_Paulo"),
        ("+9779812345678", "Asia/Katmandu"),
        ("+442071838750", "Europe/London"),
        ("+351912345678", None),  # Lisbon or the Azores: an hour apart
        ("+79161234567", None),
        ("+18005550199", None),  # a country of many zones, and no area
        ("no number", None),
    ],
)
def test_a_number_tells_its_zone_only_where_there_is_but_one(phone: str, zone: str | None) -> None:
    found = zone_of_phone(phone, 2026)
    assert (found.key if found else None) == zone


def test_of_several_zones_that_agree_all_year_it_is_the_one_of_the_numbers_country() -> None:
    """London's clock is also that of Guernsey, Jersey and the Isle of Man; Helsinki's that of Mariehamn."""
    for phone, zone in (("+447400123456", "Europe/London"), ("+358412345678", "Europe/Helsinki")):
        found = zone_of_phone(phone, 2026)
        assert found is not None and found.key == zone
