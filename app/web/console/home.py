"""Home: the journey at a glance, who waits for us, and what was said today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.metrics import RULES, Band, Metric
from app.domain.statistics import Score
from app.rendering import charts, moments, stop_words
from app.rendering.charts import Part, Trend, Whisker
from app.rendering.news import Waiting, changes, greeting, news
from app.services import brakes, unsent_replies
from app.services.access import Visitor
from app.services.journey import Journey, Stage, journey
from app.services.metrics import Reading
from app.web.pages import language, render
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("home", __name__, url_prefix="/w/<slug>")

PERIODS = (30, 90, 365)
USUAL = 90


@dataclass(frozen=True)
class Station:
    """One metric of the journey with its drawings; `dates` are the days that its points reach up to."""

    reading: Reading
    whisker: Whisker
    trend: Trend | None
    split: tuple[Part, ...]
    bands: tuple[Band, Band, Band]
    points: Sequence[tuple[date, Score | None]]

    @property
    def metric(self) -> Metric:
        return self.reading.metric


@pages.get("/")
@allows(Role.VIEWER)
def home() -> ResponseReturnValue:
    """`?days=30`, 90 or 365; people workspaces have pulses instead of a journey."""
    who = visitor()
    if who.is_people:
        return redirect(f"/w/{who.workspace_slug}/pulses", 303)
    asked = request.args.get("days", USUAL, type=int)
    found = journey(runtime_of(), who, asked if asked in PERIODS else USUAL)
    if not found.begun:
        return render("home/empty.html", active="home")
    return render("home/index.html", active="home", **_seen(found, who))


def _seen(found: Journey, who: Visitor) -> dict[str, Any]:
    zone = ZoneInfo(who.time_zone)
    local = found.now.astimezone(zone)
    stages = [_station(stage, zone) for stage in found.stages]
    waiting = Waiting(
        late=found.tally.overdue,
        open=found.tally.open,
        answered_today=found.answered_today,
        anybody_answered=found.anybody_answered,
    )
    chosen = language()
    return {
        "journey": found,
        "stopped": brakes.stopped(runtime_of(), who),
        "stopping": stop_words,
        "unsent": unsent_replies.unsent(runtime_of(), who),
        "today": local.date(),
        "first_day": found.since.astimezone(zone).date(),
        "greeting": greeting(chosen, who.name, local.hour),
        "news": news(chosen, waiting),
        "changes": changes(
            chosen, found.days, [(each.metric, each.reading.change) for each in stages if each.reading.score]
        ),
        "team": _station(found.team, zone) if found.team else None,
        "silent_team": charts.whisker(Metric.ENPS, None),
        "stages": stages,
        "moments": moments,
        "at": lambda moment: chosen.time(moment.astimezone(zone)),
    }


def _station(stage: Stage, zone: ZoneInfo) -> Station:
    reading = stage.reading
    return Station(
        reading=reading,
        whisker=charts.whisker(reading.metric, reading.score),
        trend=charts.trend(stage.trend),
        split=charts.split(reading.counts),
        bands=RULES[reading.metric].bands,
        points=[(_day_up_to(at, zone), score) for at, score in zip(stage.moments, stage.trend, strict=True)],
    )


def _day_up_to(moment: datetime, zone: ZoneInfo) -> date:
    """The day that ends at this moment: midnight belongs to the day before."""
    return (moment - timedelta(seconds=1)).astimezone(zone).date()
