"""Every sentence that a person may read is there in Portuguese and in Spanish, once, with its values."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from app.rendering import audit_words, words

CATALOGUES = Path("app/rendering/catalogue")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "problem": (2,),
    "Conflict": (1,),
    "Refused": (1,),
    "BadAddress": (1,),
}
VALUES = re.compile(r"%\(\w+\)s")
CODES = ("pt_BR", "es")


def _catalogue(code: str) -> dict[str, list[tuple[Path, tuple[str, ...]]]]:
    found = defaultdict(list)
    for path in sorted((CATALOGUES / code).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=code):
                if message.id:
                    one = message.id if isinstance(message.id, str) else message.id[0]
                    said = (message.string,) if isinstance(message.string, str) else message.string
                    found[one].append((path, tuple(said)))
    return dict(found)


def _sentences() -> set[str]:
    """What templates, views, verbs and errors say, and the words for our codes."""
    found = set()
    for folder, method in (("app", "python"), ("bots", "python"), ("templates", "jinja2.ext:babel_extract")):
        for path in Path(folder).rglob("*"):
            if path.suffix not in (".py", ".html", ".txt") or (method == "python") != (path.suffix == ".py"):
                continue
            for _, message, _, _ in extract_from_file(method, path, KEYWORDS):
                found.add(message if isinstance(message, str) else message[0])
    named = {**vars(words), **vars(audit_words)}
    tables = (value for name, value in named.items() if name.isupper() and name != "FOR_TEMPLATES")
    for table in tables:
        found |= {table} if isinstance(table, str) else set(table.values())
    return found - {""}


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_is_translated(code: str) -> None:
    catalogue = _catalogue(code)
    assert sorted(_sentences() - set(catalogue)) == []


@pytest.mark.parametrize("code", CODES)
def test_no_translation_is_empty_and_two_corners_say_the_same(code: str) -> None:
    for sentence, entries in _catalogue(code).items():
        assert all(all(said) for _, said in entries), sentence
        assert len({said for _, said in entries}) == 1, (sentence, entries)


@pytest.mark.parametrize("code", CODES)
def test_a_translation_carries_the_same_values(code: str) -> None:
    for sentence, entries in _catalogue(code).items():
        for _, said in entries:
            for each in said:
                missing = set(VALUES.findall(sentence)) ^ set(VALUES.findall(each))
                assert missing <= {"%(num)s"}, (sentence, each)


FORMAL = re.compile(
    r"\b(usted|indique|elija|escriba|diga|guárdel[ao]|envíe|envíel[ao]|descargue)\b"
    r"|\b(puede salir de esta|deje un[ao]|dé a|pregunte a|conecte|pida uno|empiece|añádalo)\b"
    r"|\b(puede responder aquí|no recibirá más|su mensaje|su experiencia|puede hacerle)\b"
    r"|\b(?-i:Responda|Su respuesta)\b",  # “quiere que le responda” is said of somebody else
    re.IGNORECASE,
)


def test_spanish_says_tu_to_members_and_to_those_who_are_asked() -> None:
    said = [
        (path.name, text)
        for entries in _catalogue("es").values()
        for path, texts in entries
        for text in texts
        if FORMAL.search(text)
    ]
    assert said == []


@pytest.mark.parametrize("code", CODES)
def test_one_thing_has_one_word(code: str) -> None:
    """An external id is a code, whatever page speaks of it."""
    texts = [text for entries in _catalogue(code).values() for _, texts in entries for text in texts]
    assert [text for text in texts if re.search(r"\bid externo\b", text)] == []
