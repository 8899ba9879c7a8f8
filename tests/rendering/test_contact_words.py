"""What the reading of addresses and files says is translated: those sentences are not all in `problem()`."""

import ast
from pathlib import Path

import pytest

from app.domain import addresses, contact_files
from app.rendering.languages import language_of

MODULES = (
    *("app/domain/addresses.py", "app/domain/contacts.py", "app/domain/contact_files.py"),
    *("app/domain/contact_columns.py", "app/domain/imported_rows.py", "app/services/workbooks.py"),
    "app/services/import_deciding.py",
)


def _sentences() -> set[str]:
    """The first argument of BadAddress, what is called `message`, and the tables."""
    found = {*addresses._WRONG_LENGTHS.values(), *(message for _, message in contact_files._NOT_TEXT)}
    for module in MODULES:
        for node in ast.walk(ast.parse(Path(module).read_text())):
            found |= set(_said_by(node))
    return found


def _said_by(node: ast.AST) -> list[str]:
    value: ast.AST | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BadAddress":
        value = node.args[0]
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "message":
        value = node.value
    elif isinstance(node, ast.FunctionDef) and node.name == "_why_not":
        return [
            each.value
            for each in ast.walk(node)
            if isinstance(each, ast.Constant) and str(each.value).endswith(".")
        ]
    return [value.value] if isinstance(value, ast.Constant) else []


@pytest.mark.parametrize("code", ["pt-BR", "es"])
def test_every_refusal_of_an_address_or_a_file_is_translated(code: str):
    sentences = _sentences()
    assert len(sentences) >= 30
    assert [each for each in sorted(sentences) if language_of(code).gettext(each) == each] == []
