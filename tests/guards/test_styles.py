"""Colours have names, and the respondent's sheet repeats the same ones."""

import re
from pathlib import Path

import pytest

CSS = Path("app/static/css")
TEMPLATES = Path("templates")
RAW = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![^{};]*\{)|\b(?:rgb|rgba|hsl|hsla|lab|lch|oklab|oklch)\(")
TOKEN = re.compile(r"(--[a-z-]+):\s*([^;]+);")
PAGES = sorted(path for room in ("console", "answer") for path in (TEMPLATES / room).rglob("*.html"))
DRAWN = {"flat-dots", "down-lines"}  # parts of a drawing that take their look from a pattern
SHEETS = [path for path in sorted(CSS.rglob("*.css")) if path.name not in ("tokens.css", "answer.css")]


def _tokens() -> dict[str, tuple[str, str]]:
    """Each token's value in the light and in the dark."""
    found = {}
    for name, value in TOKEN.findall((CSS / "tokens.css").read_text()):
        pair = re.fullmatch(r"light-dark\((#\w+), (#\w+)\)", value)
        found[name] = (pair[1], pair[2]) if pair else (value, value)
    return found


def test_the_answer_pages_use_the_colours_and_faces_of_the_console() -> None:
    tokens = _tokens()
    light, dark = (CSS / "answer.css").read_text().split("@media (prefers-color-scheme: dark)", 1)
    dark = dark[: dark.index("\n}\n")]
    given_light = dict(TOKEN.findall(light))
    given_dark = given_light | dict(TOKEN.findall(dark))
    assert given_light == {name: tokens[name][0] for name in given_light}
    assert given_dark == {name: tokens[name][1] for name in given_dark}


@pytest.mark.parametrize("path", SHEETS, ids=str)
def test_only_the_tokens_hold_raw_colours(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert not RAW.findall(text)


def test_the_answer_sheet_names_its_colours_once() -> None:
    text = (CSS / "answer.css").read_text()
    after = text[text.index("*, *::before") :]
    assert not RAW.findall(after)


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_templates_hold_no_raw_colours(path: Path) -> None:
    assert not re.findall(r"(?:fill|stroke|color|bgcolor)=\"#[0-9a-fA-F]+", path.read_text())


def test_every_sheet_is_linked_or_imported() -> None:
    imported = set(re.findall(r'@import url\("([^"]+)"\)', (CSS / "look.css").read_text()))
    there = {str(path.relative_to(CSS)) for path in CSS.rglob("*.css")} - {"look.css", "answer.css"}
    assert imported == there


def test_every_class_of_a_page_is_styled_somewhere() -> None:
    styled = {
        "answer": set(re.findall(r"\.([a-z][\w-]*)", (CSS / "answer.css").read_text())),
        "console": set(re.findall(r"\.([a-z][\w-]*)", "".join(path.read_text() for path in SHEETS))) | DRAWN,
    }
    unknown = {
        f"{path}: {name}"
        for path in PAGES
        for value in re.findall(r'class="([^"]*)"', re.sub(r"\{[{%#].*?[}%#]\}", "\0", path.read_text()))
        for name in value.split()
        if "\0" not in name and name not in styled[path.parts[1]]
    }
    assert not unknown
