"""Every setting stands in the README and in .env.example, and the other way round."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\b(?:HOST|PORT|SANDBOX)\b")


def settings() -> set[str]:
    return set(re.findall(r'self\.read\("([A-Z0-9_]+)"', (ROOT / "config.py").read_text(encoding="utf-8")))


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("## Settings") :].split("\n## ", 2)[0]
    assert {each for each in settings() if f"`{each}`" not in table} == set()


def test_the_example_file_names_every_setting_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?\s?([A-Z0-9_]+)=", example, re.MULTILINE)) == settings()
