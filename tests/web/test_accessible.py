"""The judge of pages itself: what repeats is looked at once, and what differs is seen wherever it stands."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.web.accessible import assert_accessible

pytestmark = pytest.mark.browser

ROWS = "".join(f"<li><a href='#{n}' class='row'>Maria {n}</a></li>" for n in range(20))
STYLE = "body { background: #fff } .row { color: #111; display: block; min-height: 44px }"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


def show(page: Page, rows: str, more: str = "") -> None:
    page.set_content(
        f"<!doctype html><html lang='en'><head><title>Rows</title><style>{STYLE}{more}</style></head>"
        f"<body><main><h1>Rows</h1><ul>{rows}</ul></main></body></html>"
    )


@pytest.mark.parametrize("words", [True, False])
def test_rows_that_hold_are_no_trouble(page: Page, words: bool) -> None:
    show(page, ROWS)
    assert_accessible(page, words=words)


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize(
    "faint",
    [
        "li:nth-child(17) .row { color: #ccc }",
        "li:nth-child(17) { background: #222 }",
        "li:nth-child(17) { opacity: .3 }",
    ],
)
def test_one_faint_row_among_many_is_seen(page: Page, faint: str, words: bool) -> None:
    show(page, ROWS, faint)
    with pytest.raises(AssertionError, match="color-contrast"):
        assert_accessible(page, words=words)


def test_what_no_finger_meets_is_seen(page: Page) -> None:
    small = "<button style='width: 8px; height: 8px; padding: 0; border: 0' aria-label='{}'></button>"
    show(page, ROWS + "<li>" + small.format("Up") + small.format("Down") + "</li>")
    with pytest.raises(AssertionError, match="target-size"):
        assert_accessible(page, words=False)


def test_what_has_no_name_is_seen(page: Page) -> None:
    show(page, ROWS + "<li><button style='width: 44px; height: 44px'></button></li>")
    with pytest.raises(AssertionError, match="button-name"):
        assert_accessible(page)
