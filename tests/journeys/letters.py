"""What a mail program, a scanner and a person do with a mail that arrived."""

import re
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Page

from tests.smtp import Arrived

HREF = re.compile(r'href="(https?://[^"]+)"')
ADDRESS = re.compile(r"https?://[^\s<>\"]+")


def links_of(letter: Arrived) -> list[str]:
    """Every address in it: the HTML's, the text's and the header's."""
    header = str(letter.mail["List-Unsubscribe"] or "")
    found = HREF.findall(letter.html) + ADDRESS.findall(letter.text) + ADDRESS.findall(header)
    return sorted({each.replace("&amp;", "&") for each in found})


def link_to(letter: Arrived, part: str) -> str:
    """The one whose address contains this."""
    (found,) = {each for each in links_of(letter) if part in each}
    return found


def fetch(url: str, method: str = "GET", form: dict[str, str] | None = None) -> int:
    """As a program does, without following; the status."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request(method, target, urlencode(form) if form else None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def scan(letters: list[Arrived], page: Page, in_browser: int = 1) -> None:
    """Every link in them, as mail scanners open them: GET, HEAD, and a browser that runs scripts.

    The browser opens the links of the first `in_browser` letters.
    """
    for number, letter in enumerate(letters):
        for link in links_of(letter):
            assert fetch(link) == 200, link
            assert fetch(link, "HEAD") == 200, link
            if number < in_browser:
                page.goto(link, wait_until="domcontentloaded")


def one_click(letter: Arrived) -> int:
    """Unsubscribes as RFC 8058 has mail programs do it; the status."""
    assert letter.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(letter.mail["List-Unsubscribe"]).strip("<>")
    return fetch(url, "POST", {"List-Unsubscribe": "One-Click"})
