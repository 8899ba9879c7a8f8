"""A workspace's settings: what is taken, what is refused and with which field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import workspace_settings as rules
from app.domain.setting_values import Refused, read_days, read_lines
from app.errors import Invalid
from app.rendering.languages import LOCALES


def refused(**changes: object) -> dict[str, str]:
    with pytest.raises(Invalid) as found:
        rules.checked(changes)
    return {field: str(each) for field, each in found.value.by_field().items()}


def test_values_come_back_as_they_are_stored() -> None:
    assert rules.checked(
        {
            "name": "  Loja   Sul ",
            "sender_name": "",
            "reply_to": "Oi@LojaSul.Example",
            "postal_address": " Rua A \n\n São Paulo ",
            "business_days": [4, 0, 0],
            "opens_at": "08:30",
            "holidays": ["25/12/2026", "2026-11-20", "2026-12-25"],
            "rest_days": 0,
            "rest_days_by_metric": {"nps": 90},
            "root_causes": ["Cobrança", " Cobrança ", "", "Outra"],
        }
    ) == {
        "name": "Loja Sul",
        "sender_name": None,
        "reply_to": "Oi@lojasul.example",
        "postal_address": "Rua A\nSão Paulo",
        "business_days": [0, 4],
        "opens_at": "08:30",
        "holidays": ["2026-11-20", "2026-12-25"],
        "rest_days": 0,
        "rest_days_by_metric": {"nps": 90},
        "root_causes": ["Cobrança", "Outra"],
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", None),
        ("name", 7),
        ("name", "x" * 121),
        ("name", "a\x00b"),
        ("sender_name", "a\x1bb"),
        ("sender_name", ["a"]),
        ("sender_name", "x" * 121),
        ("reply_to", "oi"),
        ("reply_to", "a@b.example, c@d.example"),
        ("reply_to", "a@b.example\r\nBcc: x@y.example"),
        ("reply_to", 7),
        ("postal_address", "x" * 301),
        ("postal_address", "a\x00"),
        ("postal_address", 7),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", None),
        ("time_zone", ["UTC"]),
        ("locale", "tlh"),
        ("locale", {}),
        ("business_days", []),
        ("business_days", [7]),
        ("business_days", ["0"]),
        ("business_days", [True]),
        ("business_days", "0123"),
        ("opens_at", "9:00"),
        ("opens_at", "24:00"),
        ("opens_at", "09:00:00"),
        ("closes_at", "٠٩:٠٠"),
        ("closes_at", 9),
        ("holidays", ["2026-02-30"]),
        ("holidays", "2026-12-25"),
        ("holidays", [20261225]),
        ("holidays", ["12/25/2026"]),
        ("holidays", [f"{year}-01-01" for year in range(1000, 1500)]),
        ("rest_days", -1),
        ("rest_days", 731),
        ("rest_days", "30"),
        ("rest_days", True),
        ("rest_days", 1.5),
        ("rest_days_by_metric", {"nps": -1}),
        ("rest_days_by_metric", {"mood": 1}),
        ("rest_days_by_metric", [1]),
        ("quiet_hours", {"from": "21:00"}),
        ("quiet_hours", {"from": "21:00", "to": "21:00"}),
        ("quiet_hours", {"from": "9", "to": "21:00"}),
        ("quiet_hours", {"from": "21:00", "to": ""}),
        ("quiet_hours", {"from": "21:00", "to": "09:00", "zone": "UTC"}),
        ("quiet_hours", {"from": 21, "to": 9}),
        ("quiet_hours", ["21:00", "09:00"]),
        ("quiet_hours", "21:00-09:00"),
        ("quiet_days", [0, 1, 2, 3, 4, 5, 6]),
        ("quiet_days", [7]),
        ("quiet_days", ["0"]),
        ("quiet_days", None),
        ("quiet_email", "yes"),
        ("quiet_email", 1),
        ("quiet_email", None),
        ("daily_cap", 0),
        ("daily_cap", 101),
        ("daily_cap", "1"),
        ("weekly_cap", True),
        ("weekly_cap", 1.5),
        ("root_causes", "Cobrança"),
        ("root_causes", ["x" * 121]),
        ("root_causes", [str(number) for number in range(41)]),
        ("root_causes", [1]),
        ("lawful_basis", "because"),
        ("workspace_id", "x"),
        ("kind", "people"),
        ("revision", 1),
        ("slug", "x"),
        ("", ""),
    ],
)
def test_h03_anything_else_is_refused_under_its_own_name(field: str, value: object) -> None:
    assert list(refused(**{field: value})) == [field]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert set(refused(name="", locale="tlh", rest_days=-1)) == {"name", "locale", "rest_days"}


def test_a_day_closes_after_it_opens() -> None:
    assert rules.hours_problems("09:00", "18:00") == []
    assert [each.field for each in rules.hours_problems("18:00", "18:00")] == ["closes_at"]


def test_holidays_are_typed_one_per_line_in_either_way_of_writing_them() -> None:
    assert read_days("25/12/2026\n\n 2026-11-20, 1.1.2027 \n25/12/2026") == [
        "2026-11-20",
        "2026-12-25",
        "2027-01-01",
    ]
    with pytest.raises(Refused, match="natal"):
        read_days("25/12/2026\nnatal")


def test_lists_are_typed_one_entry_per_line() -> None:
    assert read_lines(" Cobrança \n\nFalta de   aviso\nCobrança") == ["Cobrança", "Falta de aviso"]
    assert read_lines("") == []


def test_quiet_and_caps_come_back_as_they_are_stored_and_may_be_taken_away() -> None:
    hours = {"from": "22:30", "to": "08:00"}
    given = {"quiet_hours": hours, "quiet_days": [6, 5, 6], "quiet_email": True, "daily_cap": 1}
    assert rules.checked(given) == given | {"quiet_days": [5, 6]}
    nothing = {"quiet_hours": None, "quiet_days": [], "quiet_email": False, "daily_cap": None}
    assert rules.checked(nothing) == nothing


def test_a_form_says_no_quiet_and_no_cap_by_empty_fields() -> None:
    typed = {"quiet_from": "", "quiet_to": "", "quiet_days": [], "daily_cap": "", "weekly_cap": " "}
    assert rules.from_form(typed) == {
        "quiet_hours": None, "quiet_days": [], "daily_cap": None, "weekly_cap": None,
    }  # fmt: skip
    typed = {"quiet_from": "21:00", "quiet_to": "09:00", "quiet_days": ["6"], "daily_cap": "1"}
    hours = {"from": "21:00", "to": "09:00"}
    assert rules.from_form(typed) == {"quiet_hours": hours, "quiet_days": [6], "daily_cap": 1}


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"quiet_from": "21:00", "quiet_to": ""}, "quiet_from"),
        ({"daily_cap": "0"}, "daily_cap"),
        ({"daily_cap": "one"}, "daily_cap"),
        ({"weekly_cap": "-1"}, "weekly_cap"),
        ({"quiet_days": list("0123456")}, "quiet_days"),
    ],
)
def test_what_a_form_says_wrong_is_told_at_the_field_it_was_typed_in(typed: dict, field: str) -> None:
    with pytest.raises(Invalid) as found:
        rules.from_form(typed)
    assert list(found.value.by_field()) == [field]


def test_the_languages_are_those_that_we_speak() -> None:
    assert set(rules.LOCALES) == set(LOCALES)


@given(
    st.dictionaries(
        st.sampled_from(["name", "holidays", "rest_days", "reply_to", "postal_address", "root_causes", "x"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
    )
)
@settings(deadline=None, max_examples=150)
def test_whatever_is_sent_is_taken_or_refused_and_never_a_mistake(changes: dict[str, object]) -> None:
    try:
        clean = rules.checked(changes)
    except Invalid as error:
        assert set(error.by_field()) <= set(changes)
    else:
        assert set(clean) == set(changes)
        assert rules.checked(clean) == clean
