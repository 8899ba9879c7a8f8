"""Values of a condition as lines of a form, both ways: nothing is lost, whatever the API has said."""

from hypothesis import example, given
from hypothesis import strategies as st

from app.web.console.trigger_form import lines_of, values_of


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
@example(["Smith, John", "X"])
@example([""])
@example(['"', '""', ' "a" ', "\r", "a\nb", "\u2028"])
def test_values_come_back_as_they_were(values: list[str]) -> None:
    lines = lines_of(values)
    assert values_of(lines) == values
    assert values_of(lines.replace("\n", "\r\n") + "\r\n") == values  # as a browser sends them


def test_what_people_type_is_taken_as_it_stands() -> None:
    assert values_of("auto\n\n bot, robot \n") == ["auto", "bot, robot"]
    assert values_of('"Ana" Souza\n""') == ['"Ana" Souza', ""]
    assert values_of("") == []
