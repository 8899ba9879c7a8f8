"""What keeps a text from leaving: a landline, a country that is not allowed, the day's budget used up."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.addresses import country_of, default_region, takes_texts
from app.domain.sms_segments import count_segments
from app.models import Workspace
from app.runtime import Runtime
from app.services import composing_chats, sms_budget
from app.services.departing import Departing
from app.services.sms_budget import Today


def refusal(session: Session, runtime: Runtime, each: Departing) -> str | None:
    """Why a text must never leave for this number; None when it may."""
    if not takes_texts(each.to_address):
        return "landline"
    return None if country_of(each.to_address) in allowed(session, runtime) else "country_not_allowed"


def use_up(session: Session, runtime: Runtime, each: Departing, now: datetime) -> str | None:
    """Count the segments of this text and their price; why not, where the day's budget has no room for it.

    The count stands in the transaction of the attempt: while it cannot be kept, nothing is sent.
    """
    segments = count_segments(composing_chats.sample_text(session, runtime, each)).segments
    fits = sms_budget.take(session, runtime, country_of(each.to_address), segments, now)
    return None if fits else "over_budget"


def today(session: Session, runtime: Runtime, now: datetime) -> Today:
    """A step: how much of the day's budget is used, and where texts may go without a known price."""
    return sms_budget.today(session, runtime, allowed(session, runtime), now)


def allowed(session: Session, runtime: Runtime) -> frozenset[str]:
    """The countries that texts may go to: as set, else those of the workspaces' zones."""
    if runtime.config.sms_countries is not None:
        return frozenset(runtime.config.sms_countries)
    zones = session.scalars(select(Workspace.time_zone).distinct())
    return frozenset(region for zone in zones if (region := default_region(zone)) is not None)
