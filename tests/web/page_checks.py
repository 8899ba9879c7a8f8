"""What every page must be, whoever wrote it: checked on each page that a test fetches."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
BROUGHT_BY_CALLERS = ("/r/", "/p/", "/u/")  # answer pages: their token is the authority, so no CSRF field
MAILS = ("/sandbox/mail/",)  # a mail in its frame: inline styles are how mail is written
JUMP = "a link to #"
UNLABELLED = {"hidden", "submit", "button", "reset", "image"}


@dataclass
class Form:
    """One form, as far as the rules go."""

    attrs: dict[str, str]
    controls: set[str] = field(default_factory=set)


class Page(HTMLParser):
    """Reads a page strictly: every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.label_for: set[str] = set()
        self.controls: list[tuple[dict[str, str], bool]] = []
        self.forms: list[Form] = []
        self.references: list[str] = []
        self.jumps: list[str] = []
        self.headings: list[str] = []
        self.text: dict[str, str] = {}
        self.html: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        twice = [name for name, times in Counter(name for name, _ in attrs).items() if times > 1]
        if twice:
            self.problems.append(f"<{tag}> has {twice} twice")
        self._look(tag, values)
        if tag not in VOID:
            self.open.append((tag, values))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            stack = " ".join(name for name, _ in self.open[-4:])
            self.problems.append(f"</{tag}> closes nothing (open: {stack}) at line {self.getpos()[0]}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open:
            return
        if any(tag == "svg" for tag, _ in self.open):
            return  # a drawing has a title of its own
        tag, attrs = self.open[-1]
        self.text[tag] = self.text.get(tag, "") + data
        if tag == "script" and data.strip() and attrs.get("type") != "application/json":
            self.problems.append("an inline script")
        if tag == "style":
            self.problems.append("an inline style sheet")

    def _look(self, tag: str, attrs: dict[str, str]) -> None:
        self._look_at_attributes(tag, attrs)
        if tag == "html":
            self.html = attrs
        elif tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(tag)
        elif tag == "label" and "for" in attrs:
            self.label_for.add(attrs["for"])
        elif tag == "form":
            self.forms.append(Form(attrs))
        elif tag == "img" and "alt" not in attrs:
            self.problems.append(f"an image without alt: {attrs.get('src')}")
        if tag in {"input", "select", "textarea"}:
            inside = any(name == "label" for name, _ in self.open)
            self.controls.append((attrs, inside))
            if self.forms and any(name == "form" for name, _ in self.open):
                self.forms[-1].controls.add(attrs.get("name", ""))

    def _look_at_attributes(self, tag: str, attrs: dict[str, str]) -> None:
        for name, value in attrs.items():
            if name == "style":
                self.problems.append(f"<{tag}> has a style attribute")
            if name.startswith("on"):
                self.problems.append(f"<{tag}> has an inline handler: {name}")
            if value.strip().lower().startswith("javascript:"):
                self.problems.append(f"<{tag}> runs a script from an address")
            if name in {"aria-describedby", "aria-labelledby", "aria-controls", "for"}:
                self.references += value.split()
        if tag == "a" and attrs.get("href", "").startswith("#"):
            self.jumps.append(attrs["href"].removeprefix("#"))
        if "id" in attrs:
            self.ids.append(attrs["id"])


def problems_of(html: str, url: str = "/") -> list[str]:
    """Everything that is wrong with a page, in words; empty when it is right."""
    page = Page()
    page.feed(html)
    page.close()
    found = page.problems + [f"<{tag}> is never closed" for tag, _ in page.open]
    if url.startswith(MAILS):
        return [words for words in found if "style" not in words]
    found += _structure(page, url)
    found += _names(page)
    found += _forms(page, url)
    return found


@lru_cache(maxsize=256)
def _problems_known(html: str, place: str) -> list[str]:
    """The same "not found" comes a thousand times: one page is read once."""
    return problems_of(html, place)


def check_page(html: str, url: str = "/", *, uninvited: bool = False) -> None:
    """Fails with every problem of the page at `url`.

    Uninvited: it answers what no form of ours sends here, so what it names need not be one of its fields.
    """
    place = next((each for each in (*BROUGHT_BY_CALLERS, *MAILS) if url.startswith(each)), "/")
    found = [words for words in _problems_known(html, place) if not (uninvited and words.startswith(JUMP))]
    assert not found, f"{url}:\n  " + "\n  ".join(found)


def _structure(page: Page, url: str) -> list[str]:
    found = []
    if page.headings.count("h1") != 1:
        found.append(f"{page.headings.count('h1')} h1 headings, not one")
    title = page.text.get("title", "").strip()
    if not title:
        found.append("no title")
    if not url.startswith(BROUGHT_BY_CALLERS) and not title.endswith("Retorno"):
        found.append(f"the title does not end with Retorno: {title!r}")
    if title.startswith("·"):
        found.append("the title does not say which page it is")
    if not page.html.get("lang"):
        found.append("no language on <html>")
    return found


def _names(page: Page) -> list[str]:
    found = [f"id {name!r} is used {times} times" for name, times in Counter(page.ids).items() if times > 1]
    found += [f"nothing has the id {name!r}" for name in page.references if name not in page.ids]
    found += [f"{JUMP}{name}, which is not there" for name in page.jumps if name not in page.ids]
    for attrs, inside in page.controls:
        if attrs.get("type") in UNLABELLED:
            continue
        named = (
            inside or attrs.get("id") in page.label_for or "aria-label" in attrs or "aria-labelledby" in attrs
        )
        if not named:
            found.append(f"no label for {attrs.get('name') or attrs.get('id')!r}")
    return found


def _forms(page: Page, url: str) -> list[str]:
    found = []
    for form in page.forms:
        method = form.attrs.get("method", "get").lower()
        if "action" not in form.attrs and method != "post":
            found.append("a form without an action that does not post")
        if method == "post" and not url.startswith(BROUGHT_BY_CALLERS) and "csrf_token" not in form.controls:
            found.append(f"a form that posts without a CSRF field: {form.attrs.get('action')}")
    return found
