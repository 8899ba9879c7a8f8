"""What an import changed is put back, and never what somebody has changed since."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.import_undoing import ATTRIBUTES, VALUES, changes, put_back

few = st.sampled_from([None, "a", "b", "c"])
people = st.fixed_dictionaries(
    {
        **dict.fromkeys(VALUES, few),
        ATTRIBUTES: st.dictionaries(st.sampled_from("xyz"), st.sampled_from("abc")),
    }
)


@given(before=people, after=people)
def test_with_nothing_changed_since_everything_is_as_before(before: dict, after: dict) -> None:
    assert {**after, **put_back(changes(before, after), after)} == before


@given(before=people, after=people, now=people)
def test_what_has_been_changed_since_stays_as_it_is(before: dict, after: dict, now: dict) -> None:
    found = {**now, **put_back(changes(before, after), now)}
    for name in VALUES:
        assert found[name] == (before[name] if now[name] == after[name] else now[name])
    for name in "xyz":
        was, became, here = (each[ATTRIBUTES].get(name) for each in (before, after, now))
        assert found[ATTRIBUTES].get(name) == (was if here == became else here)
