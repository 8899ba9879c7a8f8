"""What one run has made of one person, from what is known of both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.eligibility import Rest
from app.domain.looks import Ask, Run, Standing, outcome, rests_on

NOW = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)
DAY = timedelta(days=1)
RUN = Run("run", NOW - DAY)
HERE = Standing(NOW - 90 * DAY)
AHEAD = Run("due", NOW + DAY, reached=False)


@pytest.mark.parametrize(
    ("run", "person", "code"),
    [
        (RUN, Standing(HERE.created_at, invited="sent"), "asked"),
        (RUN, Standing(HERE.created_at, invited="expired"), "asked"),
        (RUN, Standing(HERE.created_at, invited="skipped", fits=False), "not_asked"),
        (Run("missed", NOW - DAY), HERE, "run_missed"),
        (Run("skipped", NOW - DAY), Standing(NOW, active=False), "run_skipped"),
        (Run("running", NOW - DAY, reached=False), HERE, "under_way"),
        (Run("running", NOW - DAY, reached=True), Standing(HERE.created_at, fits=False), "not_meant"),
        (RUN, Standing(NOW, fits=False), "not_here_yet"),
        (RUN, Standing(HERE.created_at, active=False, fits=False), "inactive"),
        (RUN, Standing(HERE.created_at, right_kind=False), "not_an_employee"),
        (Run("run", NOW - DAY, after_asked=False), Standing(HERE.created_at, fits=False), "not_asked_before"),
        (Run("run", NOW - DAY, chosen=False), HERE, "not_their_turn"),
        (RUN, HERE, "not_meant_then"),
        (AHEAD, HERE, "to_come"),
        (AHEAD, Standing(HERE.created_at, fits=False), "will_not_be_meant"),
        (AHEAD, Standing(HERE.created_at, active=False), "will_be_inactive"),
        (Run("due", NOW + DAY, after_asked=True), HERE, "to_come"),
        (Run("due", NOW + DAY, after_asked=False), HERE, "will_not_be_asked"),
        (Run("running", NOW - DAY, reached=False, chosen=False), HERE, "not_their_turn"),
        (Run("running", NOW - DAY, reached=False, after_asked=False), HERE, "will_not_be_asked"),
        (Run("due", NOW + DAY, paused=True, reached=False), HERE, "paused"),
    ],
)
def test_the_first_thing_that_explains_it_is_told(run: Run, person: Standing, code: str) -> None:
    assert outcome(run, person, NOW) == code


def test_a_rest_is_counted_from_the_ask_whose_clock_runs_longest() -> None:
    rest = Rest(30, 90, ZoneInfo("UTC"))
    nps, csat = Ask(NOW - 40 * DAY, "nps", "NPS"), Ask(NOW - 20 * DAY, "csat", "CSAT")
    asks = [csat, nps, Ask(NOW + DAY, "nps", "later")]
    assert rests_on(asks, "nps", rest, NOW) == nps  # ends in 50 days
    assert rests_on(asks, "csat", rest, NOW) == csat
    assert rests_on([Ask(NOW - 85 * DAY, "nps", "NPS"), csat], "nps", rest, NOW) == csat
    assert rests_on([], "nps", rest, NOW) is None


def test_an_ask_that_still_waited_then_is_what_somebody_rested_from_whenever_it_left() -> None:
    rest = Rest(30, 90, ZoneInfo("UTC"))
    left = Ask(NOW - 20 * DAY, "csat", "CSAT")
    waited = Ask(NOW + DAY, "csat", "CSAT, held", planned_at=NOW - 2 * DAY)
    assert rests_on([left, waited], "nps", rest, NOW) == replace(waited, at=NOW)
    assert rests_on([left, waited], "nps", rest, NOW - 3 * DAY) == left
