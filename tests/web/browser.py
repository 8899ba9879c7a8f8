"""A live server on loopback and Chromium: pages are seen, and measured for accessibility."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from app.services.access import Visitor
from tests.web.accessible import CONTRAST, TARGETS, assert_accessible

# The shell is Chromium without windows: the same pages for a third less of the processor
BROWSERS = [Path("/usr/bin") / name for name in ("chromium-headless-shell", "chromium")]
# Chromium's new font service finds OpenType faces on the first page only; pages would change their voice
FLAGS = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-features=FontDataServiceLinux"]
WIDTHS = {390: 844, 1280: 860}
BOTH = ((390, "light"), (1280, "dark"))
ALL = (*BOTH, (390, "dark"), (1280, "light"))

Visit = Callable[..., Page]
Look = Callable[[Page], None]


class Silent(WSGIRequestHandler):
    """Requests of tests are not worth a line each."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@dataclass(frozen=True)
class Live:
    """A server that runs in a thread of the test."""

    url: str


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[Live]:
    """Serves on a free port of loopback until the block ends."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Live(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def live(app: Flask) -> Iterator[Live]:
    """The application of this test, for a real browser."""
    with serving(app) as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    installed = [str(each) for each in BROWSERS if each.exists()]
    if not installed:
        pytest.skip(f"there is no {BROWSERS[-1]}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed[0], args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(live: Live, chromium: Browser, client_for: Callable[[Visitor], FlaskClient]) -> Iterator[Visit]:
    """`visit("/w/…", who, width=390, javascript=False)` opens a page, signed in as `who` if anybody."""
    contexts: list[BrowserContext] = []

    def open_page(path: str, who: Visitor | None = None, width: int = 1280, **options: Any) -> Page:
        javascript = options.pop("javascript", True)
        context = chromium.new_context(
            base_url=live.url,
            viewport={"width": width, "height": WIDTHS.get(width, 844)},
            java_script_enabled=javascript,
            **options,
        )
        contexts.append(context)
        if who is not None:
            cookie = client_for(who).get_cookie("retorno")
            assert cookie is not None
            context.add_cookies([{"name": "retorno", "value": cookie.value, "url": live.url}])
        page = context.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def follow(to: Locator) -> None:
    """Press what leads to another page, and wait for that: whoever looks at once may meet the old one."""
    with to.page.expect_navigation():
        to.click()


def assert_fits(page: Page) -> None:
    """Nothing makes the page wider than its window."""
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{page.url} is {wide} px wide in a window of {window} px"


def looks(page: Page, chosen: Iterable[tuple[int, str]]) -> Iterator[str]:
    """Turns the page to each of these looks; their names."""
    for width, scheme in chosen:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        yield f"{width}-{scheme}"


def check_looks(page: Page) -> None:
    """The page fits and is accessible: for a finger on a phone, in its colours on a desk in the dark.

    The gallery of tests/journeys judges the rooms by every rule, and `make screens` in all four looks.
    """
    for name in looks(page, BOTH):
        if name.endswith("dark"):
            assert_accessible(page, words=False, by_look=[CONTRAST])
        else:
            assert_accessible(page, by_look=[TARGETS])
        assert_fits(page)


@pytest.fixture
def look() -> Look:
    """`look(page)`: it must hold on a phone and on a desk, light and dark."""
    return check_looks
