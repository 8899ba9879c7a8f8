"""The peers as fixtures: started when a worker's first test asks, as new for each test."""

from collections.abc import Iterator

import pytest

from tests.peers.telegram.peer import TelegramPeer


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
