"""The rooms with half a year of believable data, on a phone and a desk, light and dark: seen and measured.

Two looks of each; with SCREENS=1 all four, and the pictures in docs/screens are taken anew (`make screens`).
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from shutil import copy

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from app.channels.registry import open_channels
from app.db import open_database
from app.runtime import Runtime
from app.web import create_app
from bots import handle
from config import Config
from tests.journeys.gallery import NOON, PAGES, Gallery, fill
from tests.web.accessible import CONTRAST, assert_accessible
from tests.web.browser import ALL, BOTH, assert_fits, looks, serving
from tests.world import Clock

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).parents[2] / "docs" / "screens"
TALLEST = 1800  # pixels: what somebody looks at, not every row of a long list


@pytest.fixture(scope="module")
def gallery(
    sqlite_template: Path, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gallery]:
    """Filled once: looking changes nothing that another page shows."""
    home = tmp_path_factory.mktemp("gallery")
    copy(sqlite_template, home / "retorno.db")
    settings = {
        "DATABASE_URL": f"sqlite:///{home / 'retorno.db'}",
        "KEYS_DIR": str(home / "keys"),
        "SECRET_KEY": "a-secret-only-for-tests-0123456789-abcdefgh",
    }
    config = Config.from_env(settings, argon2_profile="cheapest")
    db = open_database(config.database_url)
    pretend = Runtime(config=config, clock=Clock(NOON), db=db, channels=open_channels(config), inbound=handle)
    fill(pretend)
    mails = {"SMTP_URL": "smtp://127.0.0.1:1025", "MAIL_FROM": "ola@aroeira.example"}
    app = create_app(replace(pretend, config=Config.from_env(settings | mails)))
    with serving(app) as server, serving(create_app(pretend)) as playground:
        yield Gallery(pretend, app, chromium, server.url, playground.url)
    db.dispose()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_holds_with_believable_data(gallery: Gallery, name: str) -> None:
    """Every rule is asked in the dark, and that of colours in the light: tests/web see theirs in the dark."""
    page, photographs = PAGES[name](gallery), os.environ.get("SCREENS") == "1"
    for look in looks(page, ALL if photographs else BOTH):
        if photographs or look.endswith("dark"):
            assert_accessible(page)
        else:
            assert_accessible(page, words=False, by_look=[CONTRAST])
        assert_fits(page)
        if photographs:
            photograph(page, PICTURES / f"{name}-{look}.png")
    page.context.close()


def photograph(page: Page, file: Path) -> None:
    """The window grows with the page, so that the bar of a phone is at the foot of the picture."""
    window = page.viewport_size
    whole = page.evaluate("document.documentElement.scrollHeight")
    assert window is not None
    page.set_viewport_size({"width": window["width"], "height": max(window["height"], min(whole, TALLEST))})
    taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
    few = taken.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
