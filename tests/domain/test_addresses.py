"""How e-mail addresses and phone numbers are read, and what counts as the same one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.addresses import (
    BadAddress,
    default_region,
    read_email,
    read_phone,
    written_phone,
)


def test_an_address_is_kept_as_written_but_its_domain_is_lower_case():
    address = read_email("  Ana.Souza@Bemtevi.Example ")
    assert address.text == "Ana.Souza@bemtevi.example"
    assert address.key == "ana.souza@bemtevi.example"


def test_an_international_domain_becomes_its_a_label():
    assert read_email("ana@Açaí.com.br").text == read_email("ana@xn--aa-4iaz.com.br").text
    assert read_email("ana@AÇAÍ.com.br").key == "ana@xn--aa-4iaz.com.br"


def test_e16_sharp_s_in_a_domain_is_not_two_letters_s():
    assert read_email("a@straße.de").key != read_email("a@strasse.de").key


def test_e16_a_turkish_capital_i_does_not_make_the_same_domain():
    assert read_email("a@İnfo.com").key != read_email("a@info.com").key
    assert read_email("INFO@x.com").key == "info@x.com"


def test_c23_dots_before_gmails_at_sign_do_not_split_a_person():
    assert read_email("A.n.a@Gmail.com").key == read_email("ana@googlemail.com").key
    assert read_email("a.n.a@bemtevi.example").key != read_email("ana@bemtevi.example").key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ana@", "no domain after"),
        ("@bemtevi.example", "nothing before"),
        ("ana", "no @"),
        ("", "no @"),
        ("a@x.com, b@x.com", "one e-mail address only"),
        ("ana@localhost2", "needs an ending"),
        ("josé@x.com", "has an accent"),
        ("ana@x.com\n", "line break"),
        ("ana@x.com\r\nBcc: all@x.com", "line break"),
        ("ana\x00@x.com", "line break"),
        ("an\u202ea@x.com", "line break"),
        ("Ana Souza <ana@x.com>", "not a valid"),
        ('"a b"@x.com', "not a valid"),
        ("a@[127.0.0.1]", "not a valid"),
        ("a..b@x.com", "not a valid"),
        ("a@" + "x" * 260 + ".com", "254"),
        ("ana@\ud800.com", "line break"),
    ],
)
def test_what_is_not_an_address_says_why(text: str, words: str):
    with pytest.raises(BadAddress, match=words):
        read_email(text)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60) | st.emails())
def test_an_accepted_address_is_ascii_on_one_line_and_reads_to_itself(text: str):
    try:
        address = read_email(text)
    except BadAddress:
        return
    assert address.text.isascii() and address.text.isprintable() and " " not in address.text
    assert address.key == address.key.casefold()
    assert read_email(address.text) == address
    assert read_email(address.text.upper()).key == address.key


@pytest.mark.parametrize(
    "text",
    [
        "+55 (11) 98765-4321",
        "+55 11 8765-4321",
        "5511987654321",
        "551187654321",
        "11 98765-4321",
        "(11) 8765-4321",
        "011 98765 4321",
        "0055 11 98765-4321",
        "'+5511987654321",
        "\u202a+55 11 98765-4321\u202c",
        "０１１９８７６５４３２１",
    ],
)
def test_c23_every_way_of_writing_a_brazilian_mobile_number_is_one_person(text: str):
    assert read_phone(text, "BR").key == "+5511987654321"


def test_numbers_are_read_without_a_region_when_they_carry_their_country():
    assert read_phone("55 11 8765-4321", None).text == "+5511987654321"
    assert read_phone("+34 612 34 56 78", None).text == "+34612345678"
    assert read_phone("34612345678", "PT").text == "+34612345678"


def test_a_landline_is_never_given_a_ninth_digit():
    assert read_phone("(31) 3333-4417", "BR").text == "+553133334417"
    assert read_phone("+55 11 5087-1234", "BR").text == "+551150871234"


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["11", "21", "31", "48", "71", "85", "91"]), st.integers(20_000_000, 99_999_999))
def test_only_mobile_numbers_gain_the_ninth_digit(area: str, number: int):
    try:
        read = read_phone(f"+55{area}{number}", "BR").text
    except BadAddress:
        return
    if str(number)[0] in "2345":
        assert read == f"+55{area}{number}"
    else:
        assert read == f"+55{area}9{number}"
        assert read == read_phone(f"+55{area}9{number}", "BR").text


@settings(deadline=None, max_examples=200)
@given(st.integers(2_000_000_000, 9_999_999_999))
def test_c23_a_mexican_number_is_one_with_and_without_its_former_1(number: int):
    """WhatsApp goes on to write the 1; of what is no number, none becomes one by it."""
    try:
        read = read_phone(f"+52{number}", None)
    except BadAddress:
        with pytest.raises(BadAddress):
            read_phone(f"+521{number}", None)
        return
    assert read.text == f"+52{number}"
    area, rest = divmod(number, 10**8)
    for written in (f"+521{number}", f"521{number}", f"00521{number}", f"+52 1 {area} {rest:08}"):
        assert read_phone(written, None) == read_phone(written, "MX") == read


def test_without_its_country_a_1_before_ten_digits_is_no_mexican_one():
    assert read_phone("15512345678", "MX").text == "+15512345678"
    assert read_phone("+52 1 55 1234 5678", "US").text == "+525512345678"


def test_an_argentine_mobile_number_has_its_9_however_it_is_written():
    """A number without it is a landline, and may be somebody else's."""
    for written in ("+54 9 11 2345-6789", "011 15 2345-6789", "+54 11 15 2345-6789", "5491123456789"):
        assert read_phone(written, "AR").text == "+5491123456789"
    assert read_phone("+54 11 2345-6789", "AR").text == "+541123456789"


def test_other_countries_gain_no_digit():
    assert read_phone("+34 612345678", "BR").text == "+34612345678"
    assert read_phone("+1 202 555 0123", "BR").text == "+12025550123"


@pytest.mark.parametrize(
    ("text", "region", "words"),
    [
        ("98765-4321", "BR", "area code"),
        ("4003-1234", "BR", "service number"),
        ("0800 777 1234", "BR", "service number"),
        ("190", "BR", "too short"),
        ("11 98765-43210", "BR", "digit too many|too long"),
        ("+55 11 0765-4321", "BR", "area code"),
        ("11 98765-4321", None, "Start with \\+"),
        ("5.51199E+12", "BR", "spreadsheet"),
        ("5,51199E+12", "BR", "spreadsheet"),
        ("11 3333-4444 ramal 12", "BR", "not a phone number"),
        ("+55 11 3333-4444;12", "BR", "digit too|too long|not a phone|extension"),
        ("+55 11 3333-4444#12", "BR", "extension"),
        ("ligar depois", "BR", "not a phone number"),
        ("", "BR", "not a phone number"),
        ("9" * 500, "BR", "not a phone number"),
        ("+55 11\n98765-4321", "BR", "not a phone number"),
        ("+999 1234567", "BR", "not a phone|No country"),
    ],
)
def test_what_is_not_a_number_says_why(text: str, region: str | None, words: str):
    with pytest.raises(BadAddress, match=words):
        read_phone(text, region)


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=40) | st.from_regex(r"\A\+?[0-9 ().-]{6,20}\Z"),
    st.sampled_from(["BR", "ES", "US", None]),
)
def test_an_accepted_number_is_e164_and_reads_to_itself(text: str, region: str | None):
    try:
        number = read_phone(text, region)
    except BadAddress:
        return
    assert number.text.startswith("+") and number.text[1:].isdigit() and len(number.text) <= 16
    assert read_phone(number.text, None) == number


def test_a_number_is_written_in_groups():
    assert written_phone("+5531988884417") == "+55 31 98888-4417"
    assert written_phone("?") == "?"


def test_the_region_comes_from_the_workspaces_zone():
    assert default_region("America/Sao_Paulo") == "BR"
    assert default_region("America/Belem") == "BR"
    assert default_region("Brazil/East") == "BR"
    assert default_region("Europe/Madrid") == "ES"
    assert default_region("Asia/Calcutta") == "IN"
    assert default_region("America/Argentina/Buenos_Aires") == "AR"


def test_utc_and_unknown_zones_have_no_region():
    assert default_region("UTC") is None
    assert default_region("Etc/GMT+3") is None
    assert default_region("Nowhere/At_All") is None
