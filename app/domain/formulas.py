"""Text that a spreadsheet would run: made inert when it leaves, and bared again when it comes back."""

import re

# What spreadsheets take for the beginning of a formula, in both widths (OWASP, "CSV Injection"). Blanks and
# quotes before it count as well: some programs strip them first.
_FORMULA = re.compile(r"""[\s\0\ufeff\u200b"']*[=+\-@＝＋－＠]|[\t\r\n\0]""")
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?", re.ASCII)


def inert(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would run it; a plain number stays a number."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def bared(text: str) -> str:
    """The text that was made inert, as it was before."""
    if text[:1] == "'" and inert(text[1:]) == text:
        return text[1:]
    return text
