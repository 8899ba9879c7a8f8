"""The short form of `make simulate`; and that it would notice: each rule is broken on purpose."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import false, text

from app.db import Database, Statement, open_database
from app.domain.caps import Caps
from app.journal import Journal
from app.models import Contact
from app.runtime import Runtime
from app.services import (
    coming_due,
    departing,
    eligible,
    eligible_sql,
    last_gate,
    outcomes,
    reminding,
    settling,
)
from app.services.departing import Departing
from config import Config
from tests.simulation.machine import Machine
from tests.simulation.people import ZONES
from tests.simulation.report import Report
from tests.simulation.rules import RULES, Settings
from tests.simulation.run import MIDNIGHT, Simulation, Size, settings
from tests.simulation.schedules import PLANS

SHORT = Size(people=40, days=38, seed=3, outages=5, jumps=2, hesitating=0.05)
FREE = Settings(daily_cap=None, weekly_cap=None)
BROKEN = replace(SHORT, days=16, outages=0, jumps=0)


def serving(db: Database, url: str, folder: Path) -> Runtime:
    config = Config.from_env(settings(url, folder), argon2_profile="cheapest")
    return Runtime(config, Machine(MIDNIGHT), replace(db, journal=Journal(config.journal_dir)), {})


@pytest.fixture
def service(db: Database, database_url: str, tmp_path: Path) -> Runtime:
    return serving(db, database_url, tmp_path)


@pytest.fixture
def on_sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Runtime]:
    """What a broken rule does is the same on both: it is seen once."""
    path = tmp_path / "retorno.db"
    path.write_bytes(sqlite_template.read_bytes())
    db = open_database(f"sqlite:///{path}")
    yield serving(db, f"sqlite:///{path}", tmp_path)
    db.dispose()


def simulated(service: Runtime, size: Size = SHORT, rules: Settings | None = None, until: str = "") -> Report:
    return Simulation(service, Machine(MIDNIGHT), size, rules or Settings(), until=until).run()


def test_nothing_that_was_promised_to_people_is_broken(service: Runtime) -> None:
    report = simulated(service)
    assert not report.breaches.number, report.table(0)
    assert {"run", "skipped"} <= {state for state, _ in report.moments}
    assert {"email", "sms"} <= {channel for channel, _ in report.messages}
    assert report.did["outages"] >= SHORT.outages - 1  # the last may still wait for its point
    assert all(report.did[each] for each in ("answers", "opt-outs", "moved", "erased", "added", "pauses"))


def never(*_: Any, **__: Any) -> None:
    """A rule that is switched off."""


def asks_opted_out(leaving: Any, now: Any) -> str | None:
    return usual_refusal(replace(leaving, opted_out=None), now)


def every_one(due: reminding.Due, _: Any) -> int | None:
    return due.terms.reminder_after(due.invitation.remind_after or 0)


def only_the_latest(*given: Any) -> list[Any]:
    return usual_due_runs(*given)[-1:]


def but_gold(*given: Any, **told: Any) -> Any:
    return usual_audience(*given, **told).where(Contact.attributes["plan"].as_string() != "gold")


usual_refusal, usual_due_runs, usual_audience = departing.refusal, coming_due.due_runs, eligible.audience
LOST = Statement(
    "UPDATE messages SET state = 'cancelled', reason = :reason, due_at = :due_at"
    " WHERE id = :id AND lease_token = :lease"
)
AGAIN = text("UPDATE messages SET state = 'queued', lease_token = NULL WHERE state = 'attempting'")
AT_ONCE = replace(BROKEN, days=20, outages=2, points=(None,), lasts=(timedelta(days=5),))
BREAKS: dict[str, tuple[Any, str, Callable[..., Any] | object, Size, Settings]] = {
    "rest by person": (eligible_sql, "rests", lambda ask: false(), replace(BROKEN, days=24), FREE),
    "rest by address": (
        eligible_sql,
        "_has_their_address",
        lambda theirs: false(),
        replace(BROKEN, days=24),
        FREE,
    ),
    "weekly cap": (Caps, "until", never, BROKEN, Settings(weekly_cap=1)),
    "quiet hours": (Departing, "quiet_until", never, BROKEN, FREE),
    "quiet days": (Departing, "quiet_until", never, replace(BROKEN, days=24), FREE),
    "opt-out": (departing, "refusal", asks_opted_out, replace(BROKEN, hesitating=1), FREE),
    "old address": (Departing, "has_moved", False, replace(BROKEN, hesitating=1), FREE),
    "asked twice": (settling, "_UNKNOWN", AGAIN, replace(BROKEN, outages=6, points=("handed_over",)), FREE),
    "closed address": (outcomes, "BOUNCES", (), replace(BROKEN, dead=9), FREE),
    "due moments": (coming_due, "due_runs", only_the_latest, AT_ONCE, FREE),
    "left behind": (last_gate, "_HELD_BACK", LOST, replace(BROKEN, days=38), FREE),
    "counts": (eligible, "audience", but_gold, BROKEN, FREE),
}


def test_it_has_twelve_schedules_and_thirty_zones_and_every_rule_is_broken_on_purpose() -> None:
    assert (len(PLANS), len(ZONES)) == (12, 30)
    assert {*BREAKS, "daily cap", "too soon after"} == set(RULES)


@pytest.mark.parametrize("rule", BREAKS)
def test_a_rule_that_is_broken_is_told_of(
    on_sqlite: Runtime, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    where, name, instead, size, rules = BREAKS[rule]
    monkeypatch.setattr(where, name, instead)
    report = simulated(on_sqlite, size, rules, until=rule)
    assert report.breaches.number[rule], report.table(0)


def test_reminders_that_come_one_upon_the_other_are_told_of(
    on_sqlite: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rules keep people from them after days on which nobody worked: both are gone."""
    monkeypatch.setattr(reminding.Due, "following", every_one)
    monkeypatch.setattr(reminding, "APART", timedelta(days=-400))
    report = simulated(on_sqlite, replace(AT_ONCE, outages=4), FREE, until="too soon after")
    assert report.breaches.number["too soon after"], report.table(0)


def test_a_daily_cap_that_is_broken_is_told_of(on_sqlite: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rest alone keeps people from two questions a day, so that is gone as well."""
    monkeypatch.setattr(eligible_sql, "rests", lambda ask: false())
    monkeypatch.setattr(Caps, "until", never)
    rules = Settings(daily_cap=1, weekly_cap=None)
    report = simulated(on_sqlite, replace(BROKEN, days=26), rules, until="daily cap")
    assert report.breaches.number["daily cap"], report.table(0)


def test_a_daily_cap_alone_keeps_people_from_two_questions_a_day(
    on_sqlite: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eligible_sql, "rests", lambda ask: false())
    report = simulated(on_sqlite, replace(BROKEN, days=26), Settings(daily_cap=1, weekly_cap=None))
    assert report.breaches.number["rest by person"], report.table(0)
    assert not report.breaches.number["daily cap"], report.table(0)


def test_a_run_that_is_asked_later_than_it_may_be_is_told_of(
    on_sqlite: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coming_due, "latest_of", lambda *_: timedelta(days=400))
    report = simulated(on_sqlite, AT_ONCE, FREE)
    assert any("run (None)" in case and "late" in case for case in report.breaches.cases), report.table(0)
