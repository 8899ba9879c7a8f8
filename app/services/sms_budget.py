"""What may leave by text in a day, in segments and in money: counted with the attempt, or nothing leaves."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from app.domain import sms_prices
from app.runtime import Runtime
from app.services import limits
from app.services.limits import Limit

DAY = 24 * 3600
SEGMENTS, MONEY = "sms_segments", "sms_money"  # their counters: one row each for a day, whatever was sent


@dataclass(frozen=True)
class Today:
    """How much of the day is used; `spend` and `spent` are None where no cap in money is set."""

    segments: int
    most_segments: int
    spent: Decimal | None
    spend: Decimal | None
    unpriced: tuple[str, ...]  # where texts may go, and nobody knows what they cost: so none goes

    @property
    def is_used_up(self) -> bool:
        """Does nothing more leave today?"""
        over_money = self.spent is not None and self.spend is not None and self.spent >= self.spend
        return over_money or self.segments >= self.most_segments


def take(session: Session, runtime: Runtime, country: str | None, segments: int, now: datetime) -> bool:
    """A step: count a text of so many segments; False, and nothing counted, where it does not fit."""
    config = runtime.config
    needs = [(SEGMENTS, Limit(config.sms_daily_segments, DAY), segments)]
    if config.sms_daily_spend is not None:
        cost = sms_prices.cost(dict(config.sms_prices), country, segments)
        if cost is None:
            return False
        needs.append((MONEY, Limit(sms_prices.units(config.sms_daily_spend), DAY), cost))
    if any(limits.so_far(session, key, limit, now) + by > limit.most for key, limit, by in needs):
        return False
    for key, limit, by in needs:
        limits.count(session, key, limit, now, by=by)
    return True


def today(session: Session, runtime: Runtime, countries: frozenset[str], now: datetime) -> Today:
    """A step: what is used of today, where texts may go to these countries."""
    config = runtime.config
    segments = Limit(config.sms_daily_segments, DAY)
    used = limits.so_far(session, SEGMENTS, segments, now)
    if config.sms_daily_spend is None:
        return Today(used, segments.most, None, None, ())
    money = Limit(sms_prices.units(config.sms_daily_spend), DAY)
    spent = Decimal(limits.so_far(session, MONEY, money, now)) / sms_prices.UNITS
    unpriced = sms_prices.unpriced(dict(config.sms_prices), countries)
    return Today(used, segments.most, spent, config.sms_daily_spend, unpriced)
