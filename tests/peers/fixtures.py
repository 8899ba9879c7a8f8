"""The peers as fixtures: started when a worker's first test asks, as new for each test."""

from collections.abc import Iterator

import pytest

from tests.peers.telegram.peer import TelegramPeer
from tests.peers.twilio.peer import TwilioPeer


@pytest.fixture(scope="session")
def started_telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TelegramPeer]:
    peer = TelegramPeer(tmp_path_factory.mktemp("telegram") / "log").start()
    yield peer
    peer.stop()


@pytest.fixture
def telegram(started_telegram: TelegramPeer) -> Iterator[TelegramPeer]:
    """The Bot API with a bot for respondents and one for agents. A call that can never be right fails."""
    started_telegram.reset()
    yield started_telegram
    assert started_telegram.breaches() == []


@pytest.fixture(scope="session")
def started_twilio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwilioPeer]:
    peer = TwilioPeer(tmp_path_factory.mktemp("twilio")).start()
    yield peer
    peer.stop()


@pytest.fixture
def twilio(started_twilio: TwilioPeer) -> Iterator[TwilioPeer]:
    """Twilio behind its own description. A request that this does not allow fails the test."""
    started_twilio.reset()
    yield started_twilio
    assert started_twilio.breaches() == []
