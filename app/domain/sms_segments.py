"""How many segments a text message takes: each is paid for, and one letter can double them.

3GPP TS 23.038 (the GSM 7-bit alphabet and its extension) and TS 23.040 (how long messages are joined).
A message of one segment holds 160 characters of the GSM alphabet or 70 of UCS-2; each part of a longer one
gives some room to the joining header and holds 153 or 67.
"""

import unicodedata
from dataclasses import dataclass
from typing import Literal

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")  # sent as an escape and a letter: two places

Encoding = Literal["GSM-7", "UCS-2"]
_ROOM: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True)
class SmsCount:
    """What a text costs to send."""

    encoding: Encoding
    parts: tuple[int, ...]  # places used in each segment
    room: int  # places in each segment
    costly: tuple[str, ...]  # the characters that force UCS-2, each once, in the order of the text

    @property
    def segments(self) -> int:
        return len(self.parts)

    @property
    def characters(self) -> int:
        """Places used; an extension character or an emoji takes two."""
        return sum(self.parts)

    @property
    def capacity(self) -> int:
        """Places in all the segments together."""
        return self.room * self.segments


def count_segments(text: str) -> SmsCount:
    """The segments of a text as a phone network cuts it; no character is ever cut in two."""
    costly = tuple(dict.fromkeys(each for each in text if each not in GSM_7 | GSM_7_EXTENSION))
    encoding: Encoding = "UCS-2" if costly else "GSM-7"
    alone, joined = _ROOM[encoding]
    widths = [_width(each, encoding) for each in text]
    if sum(widths) <= alone:
        return SmsCount(encoding, (sum(widths),), alone, costly)
    parts = [0]
    for width in widths:
        if parts[-1] + width > joined:
            parts.append(0)
        parts[-1] += width
    return SmsCount(encoding, tuple(parts), joined, costly)


def without_marks(text: str) -> str:
    """The same text in the cheap alphabet where it can be: accents dropped, typographic marks made plain."""
    plain = text.translate(_PLAIN)
    return "".join(each if each in GSM_7 | GSM_7_EXTENSION else _bare(each) for each in plain)


def without_costly(text: str) -> str:
    """The same, and what has no cheap form left out: what it would come to without its costly letters."""
    return "".join(each for each in without_marks(text) if each in GSM_7 | GSM_7_EXTENSION)


_PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "\u00a0": " ",
        "ª": "a",
        "º": "o",
    }
)


def _bare(letter: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFD", letter) if not unicodedata.combining(each))


def _width(character: str, encoding: Encoding) -> int:
    if encoding == "GSM-7":
        return 2 if character in GSM_7_EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1  # UTF-16 units: an emoji is a pair
