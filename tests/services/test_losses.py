"""An absence longer than Telegram's memory is told: what was written from when to when may be lost (A14)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.channels.registry import open_channels
from app.domain.access import Role
from app.errors import Unavailable
from app.runtime import Runtime
from app.services import channels_page, doctor, inbound, listening
from app.services.losses import Loss
from bots import handle
from tests.peers.telegram.peer import TelegramPeer
from tests.world import Clock, World

pytestmark = pytest.mark.xdist_group("telegram")


@pytest.fixture
def polled(runtime: Runtime, telegram: TelegramPeer) -> Iterator[Runtime]:
    token = telegram.respondents.token
    config = replace(runtime.config, telegram_bot_token=token, telegram_api_url=telegram.url)
    place = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    yield place
    for each in place.channels.values():
        each.close()


@pytest.fixture
def called(polled: Runtime) -> Runtime:
    """The same bot, which Telegram calls."""
    config = replace(polled.config, telegram_mode="webhook", telegram_webhook_secret="Jf1Ga6Se-kM3vX9q_Lr2")
    return replace(polled, config=config, channels=open_channels(config))


def told(place: Runtime, world: World) -> Loss | None:
    who = world.member(world.workspace(), Role.OWNER)
    return next(each for each in channels_page.show(place, who) if each.name == "telegram").loss


def says(place: Runtime) -> str:
    return next(each for each in doctor.examine(place) if each.name == "inbound").says


def test_twenty_five_hours_away_is_told_from_when_to_when(
    polled: Runtime, world: World, clock: Clock, telegram: TelegramPeer
) -> None:
    inbound.all_brought(polled, "telegram")
    left_at = clock()
    clock.advance(hours=25)
    telegram.fails("getUpdates", 502, "Bad Gateway")  # it is said as soon as we ask, whatever comes of that
    with pytest.raises(Unavailable):
        listening.poll_telegram(polled)
    assert told(polled, world) == Loss(left_at, left_at + timedelta(hours=1))
    assert f"from {left_at:%Y-%m-%d %H:%M} to" in says(polled)


def test_an_absence_within_its_memory_loses_nothing(polled: Runtime, world: World, clock: Clock) -> None:
    inbound.all_brought(polled, "telegram")
    clock.advance(hours=23)
    inbound.all_brought(polled, "telegram")
    assert told(polled, world) is None
    assert "may be lost" not in says(polled)


def test_after_a_month_it_is_told_no_more(polled: Runtime, world: World, clock: Clock) -> None:
    inbound.all_brought(polled, "telegram")
    clock.advance(hours=25)
    for _ in range(32):
        inbound.all_brought(polled, "telegram")
        clock.advance(hours=23)
    assert told(polled, world) is None


def test_a_bot_that_is_called_knows_it_as_well(called: Runtime, world: World, clock: Clock) -> None:
    listening.catch_up(called)
    clock.advance(minutes=16)
    listening.catch_up(called)
    left_at = clock()
    clock.advance(hours=30)
    listening.catch_up(called)
    assert told(called, world) == Loss(left_at, left_at + timedelta(hours=6))


def test_what_telegram_says_before_we_ever_listened_is_no_loss(polled: Runtime, world: World) -> None:
    inbound.all_brought(polled, "telegram")
    assert told(polled, world) is None
