"""The quick readings of addresses never say anything else than the libraries do."""

import random
import unicodedata

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.addresses import Address, BadAddress, read_any_email, read_any_phone, read_email, read_phone
from app.domain.contacts import fold
from app.domain.plain_addresses import plain_email, plain_phone

REGIONS = (None, "BR", "AR", "MX", "ES", "PT", "CL", "CO", "US", "GB", "IT", "DE", "SG", "KZ", "HU", "UY")
SIGNS = "0123456789" * 3 + " ().-+"
LABELS = (
    "x",
    "bemtevi",
    "MAIL",
    "a-b",
    "a--b",
    "xn--a",
    "-a",
    "a-",
    "1",
    "com",
    "br",
    "test",
    "local",
    "arpa",
    "onion",
)


def said(read, *given):
    try:
        return read(*given)
    except BadAddress as error:
        return str(error)


@settings(max_examples=400, deadline=None)
@given(
    st.from_regex(r"[A-Za-z0-9._+'-]{1,70}", fullmatch=True),
    st.lists(
        st.sampled_from(LABELS) | st.from_regex(r"[a-z0-9-]{1,66}", fullmatch=True), min_size=1, max_size=6
    ),
)
def test_an_email_is_read_as_the_library_reads_it(local: str, labels: list[str]):
    address = f"{local}@{'.'.join(labels)}"
    assert said(read_email, address) == said(read_any_email, address)


@settings(max_examples=600, deadline=None)
@given(st.text(alphabet=SIGNS, min_size=1, max_size=20), st.sampled_from(REGIONS))
def test_any_digits_are_read_as_the_library_reads_them(text: str, region: str | None):
    assert said(read_phone, text, region) == said(read_any_phone, text, region)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_mobile_numbers_of_every_country_are_read_as_the_library_reads_them(region: str):
    """The example number with every digit changed in turn, at home and from abroad."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        return
    national = phonenumbers.national_significant_number(example)
    dice = random.Random(region)
    for place in range(len(national)):
        for digit in dice.sample("0123456789", 2):
            changed = national[:place] + digit + national[place + 1 :]
            for text in (changed, f"+{example.country_code} {changed}", f"0{changed}", changed[1:]):
                assert said(read_phone, text, region) == said(read_any_phone, text, region), text


@pytest.mark.parametrize("text", ["ana.souza@bemtevi.example", "a+b@x-y.com.br", "A_1@X.CO"])
def test_usual_emails_take_the_quick_way(text: str):
    assert plain_email(text) is not None


@pytest.mark.parametrize(
    ("text", "region"), [("(31) 98888-4417", "BR"), ("+55 31 98888-4417", None), ("+34 612 345 678", "BR")]
)
def test_usual_numbers_take_the_quick_way(text: str, region: str | None):
    number = plain_phone(text, region)
    assert number is not None and read_phone(text, region) == Address(number, number)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_ascii_is_folded_as_any_text(text: str):
    assert fold(text) == unicodedata.normalize("NFKD", text).casefold()
