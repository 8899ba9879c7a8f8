"""The page of the API in a real browser: readable on a phone and on a desk."""

import pytest

from tests.web.browser import Visit, assert_accessible, assert_fits

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_page_of_the_api_is_good_to_read(visit: Visit, width: int, scheme: str) -> None:
    page = visit("/api/docs", width=width, color_scheme=scheme)
    assert_fits(page)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert_fits(page)
    # The page is long, and what repeats is alike: one operation of each method and one object are looked at
    page.evaluate(
        "document.querySelectorAll('.said-part').forEach(part => "
        "[...part.querySelectorAll('.said-one')].slice(3).forEach(each => each.remove()))"
    )
    assert_accessible(page)
