"""A number in the editor of an audience means one thing in every language, or is refused in words."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.access import Role
from app.domain.audience import Condition, Group
from app.models import Segment
from app.runtime import Runtime
from app.services.access import Visitor
from app.web.console import audience_form
from tests.world import World

HERE = "/w/aroeira/audiences"
NUMBERS = st.one_of(
    st.integers(1 - 2**53, 2**53 - 1),
    st.floats(1 - 2**53, 2**53 - 1, allow_nan=False),
    st.decimals(-10_000, 10_000, places=3).map(float),
)


@pytest.fixture(params=["en", "pt-BR", "es"])
def console(
    request: pytest.FixtureRequest, world: World, client_for: Callable[[Visitor], FlaskClient]
) -> FlaskClient:
    aroeira = world.workspace(name="Aroeira", slug="aroeira")
    return client_for(world.member(aroeira, Role.MANAGER, world.user(locale=request.param)))


def typed(number: str) -> dict[str, str]:
    return {
        "act": "save", "name": number, "t.join": "all", "t-0.field": "attributes.", "t-0.name": "seats",
        "t-0.op": "above", "t-0.value": number,
    }  # fmt: skip


@pytest.mark.parametrize(
    "number", ["1.200", "1,200", "1.200,50", "1,200.50", "1_000", "1e3", "inf", "nan", "1 200", "٣", "", "1."]
)
def test_what_could_be_another_number_elsewhere_is_refused(console: FlaskClient, number: str) -> None:
    refused = console.post(f"{HERE}/new", data=typed(number))
    assert refused.status_code == 422
    assert f'value="{number}"' in refused.text or not number
    if 'lang="en"' in refused.text:
        assert "This must be a number without a separator of thousands, as 1200 or 12.5." in refused.text


@pytest.mark.parametrize(
    ("number", "kept"),
    [("1200", 1200), ("12.5", 12.5), ("12,5", 12.5), (" -3 ", -3), ("0.125", 0.125), ("0,125", 0.125)],
)
def test_what_can_be_only_one_is_taken(
    console: FlaskClient, runtime: Runtime, number: str, kept: float
) -> None:
    assert console.post(f"{HERE}/new", data=typed(number)).status_code == 303
    with runtime.db.read() as session:
        (row,) = session.query(Segment).all()
    assert row.audience["all"][0]["value"] == kept


@given(NUMBERS)
@example(1.234)
@example(1e-7)
@example(0.125)
@example(9e15)
def test_a_saved_number_stands_in_the_editor_as_it_is_read_again(number: float) -> None:
    saved = Group(every=True, members=(Condition("attributes.seats", "above", number=number),))
    raw = audience_form.of(saved).raw()
    assert raw == {"all": [{"field": "attributes.seats", "op": "above", "value": number}]}
