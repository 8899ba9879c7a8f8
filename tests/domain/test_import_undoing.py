"""What an import changed is put back, and never what somebody has changed since."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.import_undoing import ATTRIBUTES, VALUES, changes, put_back

few = st.sampled_from([None, "a", "b", "c", "A"])
PAIRS = {"email": "email_key", "phone": "phone_key"}


def with_keys(person: dict) -> dict:
    """Each address with its key, in which it does not matter how the address is written."""
    return person | {key: person[name] and person[name].lower() for name, key in PAIRS.items()}


people = st.fixed_dictionaries(
    {
        **dict.fromkeys(VALUES, few),
        ATTRIBUTES: st.dictionaries(st.sampled_from("xyz"), st.sampled_from("abc")),
    }
).map(with_keys)


@given(before=people, after=people)
def test_with_nothing_changed_since_everything_is_as_before(before: dict, after: dict) -> None:
    assert {**after, **put_back(changes(before, after), after)} == before


@given(before=people, after=people, now=people)
def test_what_has_been_changed_since_stays_as_it_is(before: dict, after: dict, now: dict) -> None:
    found = {**now, **put_back(changes(before, after), now)}
    assert found == with_keys(found), "a key belongs to its address"
    for name in set(VALUES) - set(PAIRS.values()):
        assert found[name] == (before[name] if now[name] == after[name] else now[name])
    for name in "xyz":
        was, became, here = (each[ATTRIBUTES].get(name) for each in (before, after, now))
        assert found[ATTRIBUTES].get(name) == (was if here == became else here)
