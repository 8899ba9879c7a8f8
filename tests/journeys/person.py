"""Somebody at a browser who reads Portuguese. Words are given as the code has them, in English."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from app.rendering.languages import Language, language_of
from tests.web.browser import WIDTHS, assert_fits

SignedIn = Callable[..., "Person"]
Work = Callable[[], int]


@dataclass
class Person:
    """What a person does: opens, presses, fills in, reads."""

    page: Page
    language: Language = field(default_factory=lambda: language_of("pt-BR"))

    def said(self, msgid: str, **values: object) -> str:
        return self.language.gettext(msgid, **values)

    def open(self, address: str) -> None:
        """Every page must fit its window."""
        response = self.page.goto(address)
        assert response is not None
        assert response.ok, f"{response.status} {address}"
        assert_fits(self.page)

    def press(self, msgid: str, **values: object) -> None:
        """A button with these words."""
        self.page.get_by_role("button", name=self.said(msgid, **values), exact=True).first.click()
        self.page.wait_for_load_state()
        assert_fits(self.page)

    def follow(self, msgid: str, **values: object) -> None:
        """A link with these words."""
        self.page.get_by_role("link", name=self.said(msgid, **values), exact=True).first.click()
        self.page.wait_for_load_state()
        assert_fits(self.page)

    def field(self, msgid: str, **values: object) -> Locator:
        return self.page.get_by_label(self.said(msgid, **values), exact=True)

    def fill(self, msgid: str, value: str, **values: object) -> None:
        self.field(msgid, **values).fill(value)

    def choose_file(self, msgid: str, path: Path) -> None:
        self.field(msgid).set_input_files(path)

    def tick(self, msgid: str, **values: object) -> None:
        self.field(msgid, **values).check()

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def reads(self, words: str) -> None:
        """These words, as they stand there, can be seen."""
        expect(self.page.get_by_text(words).filter(visible=True).first).to_be_visible()

    def room(self, name: str) -> str:
        """The address of another page of the same workspace."""
        base = self.page.url.split("/w/")[0]
        slug = self.page.url.split("/w/")[1].split("/")[0]
        return f"{base}/w/{slug}/{name}"


def at_a_browser(browser: Browser, url: str, width: int = 1280) -> Person:
    """A window of their own, without anybody's cookies."""
    context = browser.new_context(
        base_url=url, viewport={"width": width, "height": WIDTHS.get(width, 844)}, locale="pt-BR"
    )
    context.set_default_timeout(10_000)
    return Person(context.new_page())
