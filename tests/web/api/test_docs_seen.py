"""The page of the API in a real browser: readable on a phone and on a desk."""

import pytest

from tests.web.browser import BOTH, Look, Visit, assert_fits, looks

pytestmark = pytest.mark.browser


def test_the_page_of_the_api_is_good_to_read(visit: Visit, look: Look) -> None:
    page = visit("/api/docs")
    for _ in looks(page, BOTH):
        assert_fits(page)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for _ in looks(page, BOTH):
        assert_fits(page)
    # The page is long, and what repeats is alike: the first of each part are looked at
    removed = page.evaluate(
        "[...document.querySelectorAll('.reference-part')].flatMap(part => "
        "[...part.querySelectorAll('.reference-one')].slice(3)).map(each => each.remove()).length"
    )
    assert removed > 50
    look(page)
