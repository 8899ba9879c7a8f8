"""What a text costs, in ten-thousandths of the account's currency: whole numbers, rounded up, not guessed."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

UNITS = 10_000  # of one: the provider's own prices have four places
ANYWHERE = "*"  # the price of every country that has none of its own


def cost(prices: Mapping[str, Decimal], country: str | None, segments: int) -> int | None:
    """The units that so many segments to this country cost; None where nobody knows the price."""
    price = prices.get(country or "", prices.get(ANYWHERE))
    if price is None:
        return None
    return units(price) * segments


def units(money: Decimal) -> int:
    """The smallest whole number of units that is not less."""
    return int((money * UNITS).to_integral_value(ROUND_CEILING))


def unpriced(prices: Mapping[str, Decimal], countries: frozenset[str]) -> tuple[str, ...]:
    """The countries to which texts may go and whose price nobody told."""
    return tuple(sorted(each for each in countries if cost(prices, each, 1) is None))
