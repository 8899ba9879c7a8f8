"""Tags: short words that a team puts on people. In small letters, so that VIP and vip are one."""

import re
import unicodedata
from collections.abc import Iterable

from app.errors import Invalid, problem

MOST_TAGS = 50  # on one person
LONGEST_TAG = 40  # characters
_BETWEEN = re.compile(r"[,;\n\r\t]")


def read_tags(name: str, value: object) -> list[str]:
    """Tags in a list, or in a text with commas between them; sorted, each once. Raises Invalid."""
    if value is None:
        return []
    if isinstance(value, str):
        value = _BETWEEN.split(value)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise Invalid([problem(name, "Tags are words with commas between them.")])
    tags = _written(value)
    if len(tags) > MOST_TAGS:
        raise Invalid([problem(name, "A contact has at most %(most)s tags.", most=MOST_TAGS)])
    for tag in tags:
        if len(tag) > LONGEST_TAG or _BETWEEN.search(tag) or not tag.isprintable():
            message = "A tag has at most %(most)s visible characters, without a comma."
            raise Invalid([problem(name, message, most=LONGEST_TAG)])
    return tags


def tag_of(words: str) -> str:
    """The tag that is meant by these words."""
    return unicodedata.normalize("NFC", " ".join(words.split()).lower())


def _written(words: Iterable[str]) -> list[str]:
    return sorted({tag for each in words if (tag := tag_of(each))})
