"""A typed message as words, numbers and marks, each with its place in the text as it was typed."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 4_096  # characters: Telegram's longest message, and no other channel brings a longer one


class Sort(StrEnum):
    """What a token is; OTHER is whatever we do not know, and nothing with it in the wrong place is read."""

    WORD = "word"
    NUMBER = "number"
    MARK = "mark"
    BREAK = "break"  # a line ends
    STAR = "star"
    EMPTY_STAR = "empty star"
    GLAD = "glad"
    SAD = "sad"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is comparable: a word without case and accents, a number in ASCII digits ("" if unreadable)."""

    sort: Sort
    text: str
    start: int
    end: int
    spaced: bool  # white space, or the beginning, stands before it

    def is_mark(self, among: str) -> bool:
        return self.sort is Sort.MARK and self.text in among


# Joiners, direction marks, variation selectors, skin tones and tags: nobody sees them, so nobody means them.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]"
)
_REVERSED = "\u202e"  # what follows is shown backwards: 01 looks like 10
_KEYCAP = "\u20e3"
_TEN = "\U0001f51f"  # 🔟
_ACCENTS = re.compile("[\u0300-\u0303\u0308\u0327'\u2019]")  # not U+0336 and its like, which strike out
_MARKS = {
    **{sign: sign for sign in ",;:.!?\u2026-\u2014=|()/\"*'\u00a1\u00bf"},
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
    **dict.fromkeys("\u2015", "\u2014"),
    **dict.fromkeys("\u00ab\u00bb\u201c\u201d\u201e\u2018\u2019", '"'),
}
_STARS = "⭐🌟★"
_EMPTY_STARS = "☆"
_GLAD = (
    "😊🙂😀😃😄😁😅😆😋😌😇☺😍🥰😘😉😎🤩🤗🥳❤💙💚💛🧡💜💖💕💓💗💞💝🤍♥🫶"
    "👏🙌🙏👍👌🤝💪🔥🎉🎊✨🏆🚀✅✔🌹🌻🌷💐🎈"
)
_SAD = "😡😠👎😞😔😢😭😤🤬😒☹🙁😣😩😫💔💩🤮🤢😖😥😓🙄🤡🖕💀"
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    rf"|(?P<keycap>(?:\d{_KEYCAP})+)"
    r"|(?P<number>\d+)"
    r"|(?P<word>[^\W\d_ªº](?:[^\W\d_ªº]|[\u0300-\u036f]|['’](?=[^\W\d_]))*)"
    r"|(?P<glad>[:;=]-?(?:\)|D(?!\w)))"
    r"|(?P<sad>[:=]-?\()"
    r"|(?P<sign>.)",
    re.DOTALL,
)


def tokens_of(text: str) -> list[Token]:
    """The message in tokens. Never raises, and its work grows with the text and no faster."""
    shown, places = _shown(text)
    found: list[Token] = []
    spaced = True
    for match in _TOKEN.finditer(shown):
        start, end = places[match.start()], places[match.end() - 1] + 1
        if match.lastgroup == "space":
            spaced = True
            if "\n" not in match[0] and "\r" not in match[0]:
                continue
        sort, said = _read(match)
        if sort is Sort.NUMBER and len(said) > 1 and _REVERSED in text:
            said = ""
        found.append(Token(sort, said, start, end, spaced))
        spaced = match.lastgroup == "space"
    return _without_hyphens(found)


def _shown(text: str) -> tuple[str, list[int]]:
    """What one sees, full-width and styled signs as plain ones, and where each of them came from."""
    signs, places = [], []
    for place, sign in enumerate(text):
        if sign.isascii():
            signs.append(sign)
            places.append(place)
        elif not _INVISIBLE.match(sign):
            signs.append(_plain(sign))
            places.append(place)
    return "".join(signs), places


def _plain(sign: str) -> str:
    # digits keep their script, and what only looks like one (², ½, Ⅸ) stays what it is
    if sign in "ªº\u2026" or unicodedata.category(sign)[0] == "N":
        return sign
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) == 1 else sign


def _read(match: re.Match[str]) -> tuple[Sort, str]:
    said = match[0]
    match match.lastgroup:
        case "space":
            return Sort.BREAK, "\n"
        case "keycap" | "number":
            return Sort.NUMBER, _digits(said.replace(_KEYCAP, ""))
        case "word":
            return Sort.WORD, fold(said)
        case "glad":
            return Sort.GLAD, said
        case "sad":
            return Sort.SAD, said
    return _sign(said)


def _sign(said: str) -> tuple[Sort, str]:
    if said == _TEN:
        return Sort.NUMBER, "10"
    for sort, among in (
        *((Sort.STAR, _STARS), (Sort.EMPTY_STAR, _EMPTY_STARS)),
        *((Sort.GLAD, _GLAD), (Sort.SAD, _SAD)),
    ):
        if said in among:
            return sort, said
    return (Sort.MARK, _MARKS[said]) if said in _MARKS else (Sort.OTHER, said)


def _digits(said: str) -> str:
    """ASCII digits; "" where two scripts are mixed: ١ and ٥ look like other signs beside ours."""
    zeros = {ord(digit) - unicodedata.decimal(digit) for digit in said}
    return "".join(str(unicodedata.decimal(digit)) for digit in said) if len(zeros) == 1 else ""


def fold(word: str) -> str:
    """A word as it is compared: without case, accents and apostrophes.

    "é" alone is Portuguese for "is" and becomes "eh", as many type it: "e" is "and".
    """
    composed = unicodedata.normalize("NFC", word).casefold()
    return "eh" if composed == "é" else _ACCENTS.sub("", unicodedata.normalize("NFD", composed))


def _without_hyphens(tokens: list[Token]) -> list[Token]:
    """Opt-out is opt out: a hyphen that binds two words is no mark."""
    kept = []
    for at, token in enumerate(tokens):
        inside = 0 < at < len(tokens) - 1 and token.is_mark("-") and not token.spaced
        if inside and tokens[at - 1].sort is tokens[at + 1].sort is Sort.WORD and not tokens[at + 1].spaced:
            continue
        kept.append(token)
    return kept
