"""A mail as the sandbox shows it: in light or dark, its links leading to pages of their own."""

import re

SCHEMES = ("light", "dark")
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_BOTH = re.compile(r"(color-scheme\s*:\s*|name=\"(?:supported-)?color-schemes?\" content=\")light dark")
_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)]")


def framed(html: str, scheme: str) -> str:
    """The mail's page with its links leading out of the frame, in this scheme whatever the reader's is."""
    html = _DARK.sub("all" if scheme == "dark" else "not all", html)
    html = _BOTH.sub(lambda found: f"{found[1]}{scheme}", html)
    return _HEAD.sub(lambda found: f'{found[0]}<base target="_blank">', html, count=1)


def linked(text: str) -> list[tuple[str, bool]]:
    """The plain text in pieces; True for those that are web addresses, as a mail program links them."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for found in _LINK.finditer(text):
        pieces += [(text[end : found.start()], False), (found[0], True)]
        end = found.end()
    pieces.append((text[end:], False))
    return [piece for piece in pieces if piece[0]]
