"""A day's texts have a limit in segments and in money, and while nobody can count, none leaves (C29-C32)."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Invitation, RateWindow, Workspace
from app.runtime import Runtime
from app.services import asking, channels_page, doctor, sending, settling
from app.services.access import Visitor
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio, scripted
from tests.world import Clock, World

PRICE, PEOPLE = Decimal("0.05"), 11
OURS = "+551140028922"
BRAZIL, PORTUGAL = "+55319888844{:02}", "+3519123456{:02}"


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@pytest.fixture
def place(runtime: Runtime, server: ScriptedTwilio) -> Iterator[Runtime]:
    """Texts for real, at a price; two of them cost more than a day may."""
    config = replace(
        runtime.config, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_sms_from=OURS,
        twilio_api_url=server.url, sms_countries=("BR", "PT"), sms_daily_spend=Decimal("0.5"),
        sms_prices=(("BR", PRICE),),
    )  # fmt: skip
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    made.channels["sms"].close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


def ask(place: Runtime, world: World, workspace: Workspace, manager: Visitor, *phones: str) -> None:
    """Everybody is asked by a text of one segment, for real money."""
    survey = world.survey(workspace)
    for phone in phones:
        contact = world.contact(workspace, name="Ana", phone=phone, email=None, locale="en")
        asking.ask(place, manager, survey.id, contact.id, ["sms"])
    sending.send_due(place)


def ends(place: Runtime) -> list[tuple[str, str | None]]:
    with place.db.read() as session:
        rows = session.execute(select(Invitation.state, Invitation.reason))
        return sorted(((state, reason) for state, reason in rows), key=str)


def counted(place: Runtime) -> dict[str, int]:
    with place.db.read() as session:
        rows = session.execute(select(RateWindow.key, RateWindow.count))
        return {key: count for key, count in rows if key.startswith("sms_")}


def test_c29_money_ends_the_day_before_the_segments_do(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio, clock: Clock
) -> None:
    ask(place, world, workspace, manager, *(BRAZIL.format(number) for number in range(PEOPLE)))
    segments = counted(place)["sms_segments"]
    assert counted(place)["sms_money"] == segments * 500
    assert segments * PRICE <= Decimal("0.5"), "never a text more than is paid for"
    left = len(server.created)
    assert 0 < left < PEOPLE
    assert ends(place) == sorted(
        [("sent", None)] * left + [("skipped", "over_budget")] * (PEOPLE - left), key=str
    )
    clock.advance(days=1)
    ask(place, world, workspace, manager, BRAZIL.format(99))
    assert len(server.created) == left + 1, "another day, another budget"


def test_c29_a_country_without_a_price_gets_no_texts_while_money_is_counted(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio
) -> None:
    ask(place, world, workspace, manager, PORTUGAL.format(78))
    assert ends(place) == [("skipped", "over_budget")]
    assert server.created == []
    assert counted(place) == {}, "what does not leave costs nothing"
    config = replace(place.config, sms_prices=(("BR", PRICE), ("*", Decimal("0.1"))))
    ask(replace(place, config=config), world, workspace, manager, PORTUGAL.format(79))
    assert len(server.created) == 1


def test_without_a_cap_in_money_segments_alone_count(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio
) -> None:
    config = replace(place.config, sms_daily_spend=None, sms_prices=())
    ask(replace(place, config=config), world, workspace, manager, PORTUGAL.format(78))
    assert len(server.created) == 1
    assert set(counted(place)) == {"sms_segments"}


def test_c30_a_text_of_many_segments_costs_as_many(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio
) -> None:
    """One sign outside of GSM-7 makes the question more than twice as dear."""
    config = replace(place.config, sms_daily_spend=Decimal(100))
    rich = replace(place, config=config)
    ask(rich, world, workspace, manager, BRAZIL.format(1))
    before = counted(place)
    with_sign = world.workspace(name="Aroeira 🌻")
    ask(rich, world, with_sign, world.member(with_sign, Role.MANAGER), BRAZIL.format(2))
    after = counted(place)
    assert after["sms_segments"] - before["sms_segments"] > before["sms_segments"], (before, after)
    assert after["sms_money"] == after["sms_segments"] * 500
    assert len(server.created) == 2


def test_c31_while_the_counter_is_away_nothing_leaves_and_nothing_is_lost(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio, clock: Clock
) -> None:
    rename(place, "rate_windows", "away")
    try:
        with pytest.raises(DBAPIError):
            ask(place, world, workspace, manager, BRAZIL.format(1))
        clock.advance(seconds=5)
        settling.end_leases(place)
        with pytest.raises(DBAPIError):
            sending.send_due(place)
    finally:
        rename(place, "away", "rate_windows")
    assert server.created == []
    assert ends(place) == [("queued", None)]
    clock.advance(seconds=5)
    settling.end_leases(place)
    sending.send_due(place)
    assert len(server.created) == 1
    assert ends(place) == [("sent", None)]


def rename(place: Runtime, table: str, name: str) -> None:
    with place.db.write() as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def test_what_is_used_and_what_has_no_price_is_told(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor
) -> None:
    ask(place, world, workspace, manager, *(BRAZIL.format(number) for number in range(PEOPLE)))
    today = next(each for each in channels_page.show(place, manager) if each.name == "sms").today
    assert today is not None
    assert today.spent == PRICE * today.segments
    assert (today.spend, today.unpriced) == (Decimal("0.5"), ("PT",))
    told = next(each for each in doctor.examine(place) if each.name == "texts")
    assert (told.state, "none leaves to PT" in told.says) == ("warning", True)
    spent = replace(place, config=replace(place.config, sms_countries=("BR",), sms_daily_segments=1))
    told = next(each for each in doctor.examine(spent) if each.name == "texts")
    assert (told.state, "until midnight UTC" in told.says) == ("warning", True)
