"""Are there few of them? Then they are found first and put in order afterwards."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.errors import Unavailable
from app.services.in_time import in_time

FEW = 1_000  # of a million, in an order without an index: a page of fifty would look at every twentieth row


def are_few(session: Session, which: Select[Any]) -> bool:
    """A step: at most FEW. Of many it is known soon; where that takes too long, they are taken for many."""
    some = which.limit(FEW + 1).subquery()
    try:
        with in_time(session):
            return (session.scalar(select(func.count()).select_from(some)) or 0) <= FEW
    except Unavailable:
        return False
