"""What a text costs is counted in whole units, never less than it is, and never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.sms_prices import UNITS, cost, units, unpriced

PRICES = {"BR": Decimal("0.058"), "US": Decimal("0.00791"), "*": Decimal("0.12")}


@pytest.mark.parametrize(
    ("country", "segments", "expected"),
    [("BR", 1, 580), ("BR", 3, 1740), ("US", 1, 80), ("PT", 2, 2400), (None, 1, 1200)],
)
def test_each_segment_costs_its_countrys_price(country: str | None, segments: int, expected: int) -> None:
    assert cost(PRICES, country, segments) == expected


def test_a_country_without_a_price_has_none() -> None:
    only = {"BR": Decimal("0.058")}
    assert cost(only, "PT", 1) is None
    assert cost(only, None, 1) is None
    assert unpriced(only, frozenset({"BR", "PT", "AO"})) == ("AO", "PT")
    assert unpriced(PRICES, frozenset({"BR", "PT", "AO"})) == ()


@given(st.decimals(min_value="0.00000001", max_value=9999, places=8), st.integers(1, 20))
def test_what_is_counted_is_never_less_than_what_is_paid(price: Decimal, segments: int) -> None:
    counted = cost({"BR": price}, "BR", segments)
    assert counted is not None
    assert price * segments <= Decimal(counted) / UNITS < (price + Decimal(1) / UNITS) * segments
    assert units(price) >= 1, "no text is free"
