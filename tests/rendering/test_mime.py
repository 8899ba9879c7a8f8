"""What leaves, read back by Python's own mail parser: headers, parts, and what tries to break out."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.placeholders import Placeholder, Segments
from app.rendering.mime import HeaderRefused, MailForm, To, ascii_address, domain_of, mailbox, unstructured

AT = datetime(2026, 11, 16, 16, 9, 5, tzinfo=UTC)
TO = To("k7q2m4x9a5", "maria@example.com", "Maria Figueiredo", AT)
NAME, LINK = Placeholder("contact.name", "friend"), Placeholder("link")
WEB = "https://retorno.example/r/abc"
TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=300)


def form(text: str = "Hello, ", html: str = "<p>Hello, ") -> MailForm:
    return MailForm(
        headers=[("From", mailbox("Aroeira", "ask@aroeira.example"))],
        message_domain="aroeira.example",
        subject=Segments((NAME, ", a question")),
        text=Segments((text, NAME, ".\n\n", LINK)),
        html=Segments((html, NAME, '.</p>\n<a href="', LINK, '?score=3">3</a>')),
        links=frozenset({"link"}),
    )


def filled(name: str = "Maria", link: str = WEB, made: MailForm | None = None) -> bytes:
    return (made or form()).fill(TO, {"contact.name": name, "link": link})


def parsed(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert not [defect for part in mail.walk() for defect in part.defects]
    return mail


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_the_parser_of_the_standard_library_reads_what_was_written() -> None:
    mail = parsed(filled())
    assert mail["From"] == "Aroeira <ask@aroeira.example>"
    assert mail["To"] == "Maria Figueiredo <maria@example.com>"
    assert mail["Subject"] == "Maria, a question"
    assert mail["Message-ID"] == "<k7q2m4x9a5@aroeira.example>"
    assert mail["Date"].datetime == AT
    assert mail.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]
    assert part(mail, "plain") == f"Hello, Maria.\n\n{WEB}\n"
    assert part(mail, "html") == f'<p>Hello, Maria.</p>\n<a href="{WEB}?score=3">3</a>\n'


def test_the_same_message_has_the_same_message_id_at_every_try() -> None:
    later = To(TO.message_id, TO.address, TO.name, datetime(2026, 12, 1, tzinfo=UTC))
    values = {"contact.name": "Maria", "link": "https://retorno.example/r/other"}
    assert parsed(form().fill(later, values))["Message-ID"] == parsed(filled())["Message-ID"]


def test_a_missing_value_becomes_its_fallback() -> None:
    assert parsed(filled(name="  "))["Subject"] == "friend, a question"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://a.example/ x", "/r/abc", "https://a.example/\n", ""]
)
def test_a_link_that_is_no_web_address_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match="not a web address"):
        filled(link=link)


def test_a_link_cannot_leave_its_attribute() -> None:
    mail = parsed(filled(link='https://a.example/"onclick="x'))
    assert 'href="https://a.example/&quot;onclick=&quot;x?score=3"' in part(mail, "html")


def test_a_message_without_its_link_is_not_made() -> None:
    with pytest.raises(LookupError):
        form().fill(TO, {"contact.name": "Maria"})


@pytest.mark.parametrize(
    "name",
    [
        '<script>alert("x")</script>',
        "<svg onload=alert(1)>",
        '"><img src=x onerror=alert(1)>',
        "{{ link }}{{7*7}}${x}$&",
        "\u202egnp.exe",
        "Z\u0351\u036b\u0313\u036a\u0302A\u0334\u0335L\u0320\u0368G\u0334\u033bO",
        "👩‍👩‍👧‍👦 família",
        "--=_retorno--",
        ".",
        "From here",
    ],
)
def test_a_value_is_data_wherever_it_stands(name: str) -> None:
    mail = parsed(filled(name=name))
    assert part(mail, "plain") == f"Hello, {name}.\n\n{WEB}\n"
    html = part(mail, "html")
    assert html.count("<") == 4  # our own p and a, opened and closed
    assert html.count(WEB) == 1
    assert len(mail.keys()) == 7
    assert len(list(mail.iter_parts())) == 2


@settings(deadline=None, max_examples=150)
@given(UNICODE, UNICODE, UNICODE)
def test_any_text_arrives_as_it_is_in_seven_bits_and_short_lines(text: str, html: str, value: str) -> None:
    raw = filled(name=value, made=form(text, html))
    raw.decode("ascii")
    assert not re.search(rb"[^\r]\n|\r[^\n]", raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    seen = value if value.strip() else "friend"
    assert part(parsed(raw), "plain") == _as_mail_keeps_it(f"{text}{seen}.\n\n{WEB}\n")


def _as_mail_keeps_it(text: str) -> str:
    """One kind of line end, no unseen control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each for each in text if each in "\t\n" or not (each < " " or each == "\x7f"))


@pytest.mark.parametrize(
    "value",
    [
        "Hello\r\nBcc: eva@example.com",
        "Hello\nBcc: eva@example.com",
        "Hello\r\n\r\n<script>",
        "Hello\rX",
        "nul\0",
        "\x1b[31m",
        "para\u2029graph",
        "next\x85line",
        "half \ud800 pair",
    ],
)
def test_no_header_takes_a_line_end_or_control_character(value: str) -> None:
    with pytest.raises(HeaderRefused):
        unstructured(value)
    with pytest.raises(HeaderRefused):
        mailbox(value, "a@example.com")
    with pytest.raises(HeaderRefused):
        mailbox("Maria", f"a@example.com{value}")


def test_a_value_with_a_line_end_is_one_line_of_the_subject_and_adds_no_header() -> None:
    mail = parsed(filled(name="Maria\r\nBcc: eva@example.com"))
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Maria Bcc: eva@example.com, a question"


def test_a_name_that_turns_the_direction_of_reading_cannot_turn_the_header() -> None:
    to = To("m", "a@example.com", "evil\u202emoc.knab", AT)
    mail = parsed(form().fill(to, {"contact.name": "x\u202ey", "link": WEB}))
    assert "\u202e" not in mail["To"] + mail["Subject"]


@settings(deadline=None, max_examples=200)
@given(ONE_LINE)
def test_every_subject_and_name_reads_back_and_folds(value: str) -> None:
    value = value.translate(TURNING).strip()
    assume(value)
    sender = mailbox(value, "ask@aroeira.example")
    head = f"Subject: {unstructured(value)}\r\nFrom: {sender}\r\n\r\n".encode("ascii")
    assert max(len(line) for line in head.split(b"\r\n")) <= 78
    mail = message_from_bytes(head, policy=default)
    assert _spaces(str(mail["Subject"])) == _spaces(value)
    name, address = parseaddr(sender.replace("\r\n", ""))
    assert address == "ask@aroeira.example"
    assert _spaces(str(make_header(decode_header(name)))) == _spaces(value)


def _spaces(text: str) -> str:
    """Mail programs may show several blanks as one."""
    return " ".join(text.split())


@pytest.mark.parametrize("subject", ["=?utf-8?q?forged?=", "x" * 2000, "é" * 2000, "🎉" * 200, "a b " * 500])
def test_long_strange_and_forged_subjects_arrive_as_they_are(subject: str) -> None:
    raw = f"Subject: {unstructured(subject)}\r\n\r\n".encode("ascii")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert str(message_from_bytes(raw, policy=default)["Subject"]).strip() == subject.strip()


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("maria@example.com", "maria@example.com"),
        ("Maria.O'Hara+nps@Example.COM", "Maria.O'Hara+nps@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),  # IDNA 2008, not another domain's "strasse"
        ("ana@日本語.jp", "ana@xn--wgv71a119e.jp"),
    ],
)
def test_international_domains_are_written_as_a_labels(typed: str, written: str) -> None:
    assert ascii_address(typed) == written
    assert domain_of(typed) == written.split("@")[1]


NO_ADDRESSES = [
    "maria",
    "@example.com",
    "maria@",
    "a@b@c",
    "a@-x.example",
    "joão@example.com",
    "a@b..c",
    "a..b@example.com",
    "<a@example.com>",
    "a@example.com,b@example.com",
    "a@exa_mple.com",
    "a@[127.0.0.1]",
    "a@exä_mple.com",
]


@pytest.mark.parametrize("address", [*NO_ADDRESSES, "", "a b@example.com", "a@ex ample.com", "a@é\u2028.com"])
def test_what_smtp_cannot_carry_is_no_address(address: str) -> None:
    with pytest.raises(HeaderRefused):
        ascii_address(address)
