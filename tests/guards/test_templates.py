"""Templates keep the rules that the content security policy and the CSRF check rely on."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

TEMPLATES = Path("templates")
ALL = sorted(path for path in TEMPLATES.rglob("*") if path.is_file())
PAGES = [
    path for path in ALL if path.suffix == ".html" and path.parts[1] in ("console", "answer", "error.html")
]
CONSOLE = [path for path in PAGES if path.parts[1] != "answer"]
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL | re.IGNORECASE)


@pytest.mark.parametrize("path", ALL, ids=str)
def test_every_template_parses(path: Path) -> None:
    Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).parse(path.read_text())


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_pages_carry_no_style_attribute_no_handler_and_no_inline_script(path: Path) -> None:
    text = path.read_text()
    assert not re.findall(r"<[^>]*\sstyle=", text)
    assert not re.findall(r"<[^>]*\son[a-z]+=", text)
    assert not re.findall(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)", text)
    assert "<style" not in text
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("path", CONSOLE, ids=str)
def test_every_console_form_that_posts_carries_the_csrf_field(path: Path) -> None:
    for attributes, inside in FORM.findall(path.read_text()):
        if re.search(r'method="post"', attributes, re.IGNORECASE):
            assert "csrf()" in inside or "csrf_token()" in inside, inside[:120]


@pytest.mark.parametrize("path", [p for p in PAGES if p.parts[1] == "answer"], ids=str)
def test_answer_pages_bring_no_script_and_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert "<script" not in text
    assert "http:" not in text
    assert "https:" not in text


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_day_is_the_day_on_somebodys_wall_and_never_that_of_utc(path: Path) -> None:
    moment = r"language\.(?:short_)?date\((?:\w+\.)*(?:\w+_)?(?:at|since|until|moment)\b(?!\.astimezone\()"
    assert not re.findall(moment, path.read_text())
