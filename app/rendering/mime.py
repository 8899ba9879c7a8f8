"""Mail messages as bytes: made once for a text, filled for each person with encoded values.

Bodies are quoted-printable and headers encoded words: a message is 7-bit in CRLF lines whatever is in it. No
value can end a header, a part or an attribute: each is encoded for the place where it stands, in one pass.
"""

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from unicodedata import normalize

from app.domain.placeholders import Placeholder, Segments, fill, has_control_characters, one_line, value_of

BOUNDARY = "=_retorno"  # "=_" stands in no quoted-printable text, so no body can hold it
WORD_BYTES = (
    39  # of UTF-8 in one encoded word: "Reply-To: " and the word stay within 76 characters (RFC 2047)
)
LINE = 78  # RFC 5322's advice; what is longer is folded or encoded

# Codes that turn the direction of what follows them could make one address look like another.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_UNSEEN = dict.fromkeys([*range(0x09), *range(0x0B, 0x20), 0x7F])  # all C0 but tab and line feed
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN = re.compile(rf"{_LOCAL.pattern}@{_LABEL.pattern}(?:\.{_LABEL.pattern})+")  # most are so already
_WEB = re.compile(r"https?://[!-~]+", re.ASCII)

Encode = Callable[[str], bytes]


class HeaderRefused(ValueError):
    """A value that no header may carry: a line end or control character, or an address that is none."""


@dataclass(frozen=True, slots=True)
class To:
    """One person, and one message of ours to them. `message_id` makes the same Message-ID at every try."""

    message_id: str
    address: str
    name: str
    at: datetime


class MailForm:
    """A message with gaps. `links` names the values that must be web addresses."""

    def __init__(
        self,
        *,
        headers: Sequence[tuple[str, str]],
        message_domain: str,
        subject: Segments,
        text: Segments,
        html: Segments,
        links: frozenset[str] = frozenset(),
    ) -> None:
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self._domain = message_domain
        self._subject = subject
        self._links = links
        self._gaps: dict[tuple[Encode, Placeholder], int] = {}  # each is filled once, wherever it stands
        self._order: list[int] = []
        parts = self._part("plain", text, _quoted) + self._part("html", html, _quoted_html)
        self._body = parts + f"--{BOUNDARY}--\r\n".encode()

    def fill(self, to: To, values: Mapping[str, str] | None = None) -> bytes:
        """The whole message. Raises HeaderRefused, and LookupError for a value that is missing."""
        values = values or {}
        for name in self._links:
            if not _WEB.fullmatch(values[name]):
                raise ValueError(f"{name} is not a web address")
        filled = [encode(value_of(gap, values)) for encode, gap in self._gaps]
        return self._headers(to, values).encode("ascii") + self._body % tuple(
            map(filled.__getitem__, self._order)
        )

    def _headers(self, to: To, values: Mapping[str, str]) -> str:
        one_click = ""
        if "unsubscribe" in self._links:
            one_click = (
                f"List-Unsubscribe: <{values['unsubscribe']}>\r\n"
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            )
        return (
            f"{self._head}"
            f"To: {mailbox(one_line(to.name), to.address)}\r\n"
            f"Subject: {unstructured(one_line(fill(self._subject, values)))}\r\n"
            f"Date: {format_datetime(to.at)}\r\n"
            f"Message-ID: {message_id(to.message_id, self._domain)}\r\n"
            f"{one_click}"
            "MIME-Version: 1.0\r\n"
            f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n\r\n'
        )

    def _part(self, kind: str, segments: Segments, encode: Encode) -> bytes:
        """A body part with %b for each gap, which C fills in faster than anything that Python joins."""
        made = (
            f"--{BOUNDARY}\r\n"
            f"Content-Type: text/{kind}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        ).encode()
        for part in segments.parts:
            if isinstance(part, str):
                made += _quoted(part).replace(b"%", b"%%")
            else:
                made += b"%b"
                self._order.append(self._gaps.setdefault((encode, part), len(self._gaps)))
        return made + b"\r\n\r\n"  # the part's last line end, and the one that belongs to the boundary


def message_id(ours: str, domain: str) -> str:
    """<id@domain>: what the Message-ID of a message of ours is, was and will be."""
    return f"<{ours}@{domain}>"


def unstructured(text: str) -> str:
    """The value of a header such as Subject: as it is where ASCII and short, else encoded words, folded."""
    text = _inert(text)
    return text if text.isascii() and len(text) <= LINE - 12 and "=?" not in text else _encoded_words(text)


def mailbox(name: str, address: str) -> str:
    """`"Name" <address>` for From, To and Reply-To (RFC 5322, 3.4)."""
    name = _inert(name).strip()
    address = ascii_address(address)
    if not name:
        return address
    if name.isascii() and len(name) <= 60 and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    else:
        shown = _encoded_words(name)
    fits = len(shown.rsplit("\n", 1)[-1]) + len(address) < LINE - 16
    return f"{shown}{' ' if fits else _FOLD}<{address}>"


def ascii_address(address: str) -> str:
    """The address with its domain in A-labels (RFC 5891). Raises HeaderRefused for what SMTP cannot carry."""
    if _PLAIN.fullmatch(address):
        return address
    local, _, domain = address.rpartition("@")
    labels = [_a_label(label) for label in normalize("NFC", domain.lower()).split(".")]
    if not _LOCAL.fullmatch(local) or not all(_LABEL.fullmatch(label) for label in labels):
        raise HeaderRefused("not an e-mail address that can be written in a header")
    return f"{local}@{'.'.join(labels)}"


def domain_of(address: str) -> str:
    """The domain of an address, in A-labels."""
    return ascii_address(address).rpartition("@")[2]


_FOLD = "\r\n "


def _a_label(label: str) -> str:
    if label.isascii():
        return label
    if not label.isprintable():
        raise HeaderRefused("not the domain of an e-mail address")
    return "xn--" + label.encode("punycode").decode("ascii")


def _inert(text: str) -> str:
    if text.isprintable():
        return text
    if has_control_characters(text):
        raise HeaderRefused("a header value has a line end or control character in it")
    return text.translate(_TURNING)


def _encoded_words(text: str) -> str:
    data = text.encode()
    words = []
    while data:
        end = min(WORD_BYTES, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(data[:end], newline=False).decode()}?=")
        data = data[end:]
    return _FOLD.join(words)


def _quoted_html(value: str) -> bytes:
    return _quoted(escape(value))


def _quoted(text: str) -> bytes:
    """Quoted-printable that ends with a soft break: whatever follows begins a line of its own."""
    if not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN)
    lines = b2a_qp(text.encode("utf-8", "replace"), istext=True)
    last = len(lines) - lines.rfind(b"\n") - 1
    if last > 75:  # the "=" of the soft break would be the 77th
        cut = len(lines) - (3 if lines[-3:-2] == b"=" else 1)
        lines = lines[:cut] + b"=\n" + lines[cut:]
    return (lines + b"=\n").replace(b"\n", b"\r\n")
