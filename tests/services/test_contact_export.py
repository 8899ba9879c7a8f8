"""People leave as a file that opens as a table, never runs, and comes back as it was."""

import csv
import io
import resource
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.domain.access import Role
from app.errors import Invalid
from app.models import Contact, OptOut
from app.rendering import xlsx_export
from app.runtime import Runtime
from app.services import contact_export, contact_imports, contacts, opt_outs
from app.services.access import Visitor
from app.services.contact_search import EVERYBODY, Sought
from tests.services.test_workbooks import read
from tests.world import World

PHONE = "+5531988884417"
FACTS = (
    "external_id",
    "name",
    "email",
    "phone",
    "kind",
    "locale",
    "time_zone",
    "attributes",
    "active",
    "preferred_channel",
)


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(), Role.MANAGER)


@pytest.fixture
def people(runtime: Runtime, camila: Visitor) -> list[str]:
    given: list[dict[str, object]] = [
        {"name": "=cmd|' /C calc'!A0", "email": "a@x.example", "attributes": {"Plano": "Anual", "n": 1}},
        {
            "name": "Maria Conceição",
            "phone": "+5531988884417",
            "locale": "pt-BR",
            "external_id": "007",
            "attributes": {"phone": "2017", "name": "Mia"},
            "preferred_channel": "whatsapp",
        },
        {"name": 'Ana; "Mia"\nSouza', "email": "b@x.example", "time_zone": "America/Recife", "active": False},
    ]
    return [contacts.create(runtime, camila, each) for each in given]


def table(runtime: Runtime, who: Visitor, sought: Sought = EVERYBODY) -> list[dict[str, str]]:
    text = b"".join(contact_export.export(runtime, who, "csv", sought)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def wishes(runtime: Runtime, who: Visitor) -> set[tuple[str | None, str | None, str, str | None]]:
    with runtime.db.read() as session:
        rows = session.scalars(select(OptOut).where(OptOut.workspace_id == who.workspace_id)).all()
    return {(row.contact_id, row.address_key, row.kind, row.channel) for row in rows}


def facts(runtime: Runtime, who: Visitor) -> list[list[object]]:
    with runtime.db.read() as session:
        rows = session.scalars(select(Contact).where(Contact.workspace_id == who.workspace_id)).all()
    found = [[getattr(row, name) for name in FACTS] for row in rows]
    return sorted(found, key=lambda each: str(each[2:4]))


def test_everybody_leaves_with_their_facts(runtime: Runtime, camila: Visitor, people: list[str]) -> None:
    opt_outs.opt_out(runtime, camila, people[1], "console")
    rows = {row["retorno: id"]: row for row in table(runtime, camila)}
    assert set(rows) == set(people)
    assert rows[people[0]]["name"] == "'=cmd|' /C calc'!A0"
    assert (rows[people[0]]["attribute.Plano"], rows[people[0]]["attribute.n"]) == ("Anual", "1")
    assert (rows[people[1]]["opted_out"], rows[people[1]]["phone"]) == ("true", "'+5531988884417")
    assert [row["retorno: id"] for row in table(runtime, camila, Sought(show="opted_out"))] == [people[1]]
    assert [row["retorno: id"] for row in table(runtime, camila, Sought("conceicao"))] == [people[1]]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_left_comes_back_as_it_was(
    runtime: Runtime, world: World, camila: Visitor, people: list[str], ending: contact_export.Ending
) -> None:
    opt_outs.opt_out(runtime, camila, people[1], "console")
    file = io.BytesIO(b"".join(contact_export.export(runtime, camila, ending)))
    other = world.member(world.workspace(), Role.MANAGER)
    done = contact_imports.run(
        runtime, other, f"people.{ending}", file, lawful_basis="consent", source="export"
    )
    assert (done.counts["created"], done.opted_out) == (3, 1)
    before, after = facts(runtime, camila), facts(runtime, other)
    for row in (*before, *after):  # a file knows texts only, in the order of its columns
        row[7] = sorted((key, str(value)) for key, value in dict(row[7]).items())  # type: ignore[call-overload]
    assert [[str(cell).replace("\n", " ") for cell in row] for row in after] == [
        [str(cell).replace("\n", " ") for cell in row] for row in before
    ]
    again = contact_imports.run(
        runtime, other, "again.csv", io.BytesIO(b"".join(contact_export.export(runtime, other, "csv"))),
        lawful_basis="consent", source="export",
    )  # fmt: skip
    assert again.counts["unchanged"] == 3


def test_a_silence_that_is_not_their_own_wish_comes_back_as_none(runtime: Runtime, camila: Visitor) -> None:
    """What only came with their data, and what somebody else at the same mailbox said."""
    shop = io.BytesIO(b"id;e-mail\n1;gil@x.example\n")
    contact_imports.run(runtime, camila, "shop.csv", shop, lawful_basis="none", source="shop")
    home = [
        contacts.create(runtime, camila, {"external_id": each, "email": "casa@x.example"})
        for each in ("Ana", "Bia")
    ]
    opt_outs.opt_out(runtime, camila, home[0], "console")
    leaving = table(runtime, camila)
    file = io.BytesIO(b"".join(contact_export.export(runtime, camila, "csv")))
    contact_imports.run(runtime, camila, "people.csv", file, lawful_basis="consent", source="export")
    assert {row["external_id"]: row["opted_out"] for row in leaving} == {
        "1": "false",
        "Ana": "true",
        "Bia": "false",
    }
    assert [row["external_id"] for row in table(runtime, camila) if row["opted_out"] == "true"] == ["Ana"]
    opt_outs.opt_in(runtime, camila, home[0], "She called.")
    assert table(runtime, camila, Sought(show="opted_out")) == []


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_wish_for_one_channel_moves_with_its_person(
    runtime: Runtime, world: World, camila: Visitor, ending: contact_export.Ending
) -> None:
    """It says nothing new where it stands already, as a word or a complaint, nor of who shares the phone."""
    maria, rui, ana = (
        contacts.create(runtime, camila, {"external_id": each, "email": f"{each}@x.example", "phone": PHONE})
        for each in ("maria", "rui", "ana")
    )
    for channel in ("whatsapp", "sms"):
        opt_outs.opt_out(runtime, camila, maria, "console", channel=channel)
    with runtime.db.write() as session:
        row = session.get_one(Contact, ana)
        opt_outs.record(
            session, row.workspace_id, ana, [row.email_key],
            kind="complaint", origin="provider", now=row.created_at, channel="email",
        )  # fmt: skip
    said = {row["external_id"]: row["opted_out_on"] for row in table(runtime, camila)}
    assert said == {"maria": "sms, whatsapp", "rui": "", "ana": "email"}
    file = b"".join(contact_export.export(runtime, camila, ending))
    there = world.member(world.workspace(), Role.MANAGER)
    for who in (there, camila):
        before = wishes(runtime, who)
        page = contact_imports.run(
            runtime, who, f"a.{ending}", io.BytesIO(file), lawful_basis="consent", source="export"
        )
        assert page.opted_out == 0, "they may still be asked elsewhere"
        assert who is there or wishes(runtime, who) == before
    assert {row["external_id"]: row["opted_out_on"] for row in table(runtime, there)} == said
    assert {(kind, channel) for _, _, kind, channel in wishes(runtime, there)} == {
        ("own_wish", "sms"), ("own_wish", "whatsapp"), ("own_wish", "email"),
    }  # fmt: skip
    assert not any(contacts.detail(runtime, camila, each).is_opted_out for each in (maria, rui, ana))


def test_a_channel_that_nobody_knows_is_said_and_takes_no_row(runtime: Runtime, camila: Visitor) -> None:
    file = io.BytesIO("e-mail;Não contatar por\na@x.example;SMS e fax\nb@x.example;E-mail / sms\n".encode())
    done = contact_imports.run(runtime, camila, "a.csv", file, lawful_basis="consent", source="feira")
    assert (done.counts["refused"], done.counts["created"]) == (1, 1)
    assert [row["opted_out_on"] for row in table(runtime, camila)] == ["email, sms"]
    assert [str(each) for each in done.rejects[0].problems] == ["e is not a channel."]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\r\n\t'=+-@ _x"),
    max_size=12,
)
NAMES = st.sampled_from(
    ["Plano", "plano", "phone", "E-mail", "=n", "attribute.x", "retorno: why", "tags", "ação ß"]
)
SCALARS = (
    TEXTS
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e9, 1e9)
    | st.just("true")
    | st.just("12")
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"name": TEXTS, "attributes": st.dictionaries(NAMES, SCALARS), "active": st.booleans()},
        optional={
            "locale": st.sampled_from(["pt-BR", "en", None]),
            "time_zone": st.sampled_from(["America/Recife", None]),
            "preferred_channel": st.sampled_from(["sms", None]),
            "tags": st.lists(st.sampled_from(["vip", "Norte", "2024"]), unique=True),
        },
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(given_people=PEOPLE)
def test_whatever_stands_in_a_file_that_left_it_changes_nothing_when_it_comes_back(
    runtime: Runtime, world: World, ending: contact_export.Ending, given_people: list[dict[str, Any]]
) -> None:
    camila = world.member(world.workspace(), Role.MANAGER)
    for number, raw in enumerate(given_people):
        contacts.create(runtime, camila, {**raw, "external_id": f"C{number}"})
    before = whole(runtime, camila)
    file = io.BytesIO(b"".join(contact_export.export(runtime, camila, ending)))
    done = contact_imports.run(
        runtime, camila, f"people.{ending}", file, lawful_basis="consent", source="export"
    )
    assert whole(runtime, camila) == before
    assert done.counts["unchanged"] == len(given_people), done.rejects


def whole(runtime: Runtime, who: Visitor) -> list[list[str]]:
    """Everybody with everything, to the type of each value."""
    with runtime.db.read() as session:
        rows = session.scalars(select(Contact).where(Contact.workspace_id == who.workspace_id)).all()
    columns = [column.name for column in Contact.__table__.columns if column.name != "attributes"]
    return sorted(
        [row.id, repr(sorted(row.attributes.items())), *(repr(getattr(row, name)) for name in columns)]
        for row in rows
    )


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_very_many_attributes_come_back(
    runtime: Runtime, camila: Visitor, ending: contact_export.Ending
) -> None:
    for part in range(15):
        attributes = {f"fato {part} {number}": number for number in range(100)}
        contacts.create(runtime, camila, {"external_id": str(part), "attributes": attributes})
    file = io.BytesIO(b"".join(contact_export.export(runtime, camila, ending)))
    done = contact_imports.run(runtime, camila, f"a.{ending}", file, lawful_basis="consent", source="export")
    assert done.counts["unchanged"] == 15


def test_more_attributes_than_would_come_back_do_not_leave(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in range(2):
        attributes = {f"fato {part} {number}": number for number in range(20)}
        contacts.create(runtime, camila, {"external_id": str(part), "name": "Ana", "attributes": attributes})
    width = len(table(runtime, camila)[0])
    monkeypatch.setattr(contact_export, "MAX_COLUMNS", width)
    assert len(table(runtime, camila)) == 2
    monkeypatch.setattr(contact_export, "MAX_COLUMNS", width - 1)
    with pytest.raises(Invalid, match="Choose fewer people"):
        contact_export.export(runtime, camila, "csv")


def test_nobody_of_another_workspace_leaves(runtime: Runtime, world: World, people: list[str]) -> None:
    stranger = world.member(world.workspace(), Role.OWNER)
    assert table(runtime, stranger) == []


def test_k01_a_workbook_keeps_numbers_and_holds_no_formula(runtime: Runtime) -> None:
    pieces = xlsx_export.stream(["=head", "n"], [["=1+1", -20], ["@SUM(1)", 4.5], ["x" * 40_000, None]])
    table = read(io.BytesIO(b"".join(pieces)))
    assert table.columns == ("'=head", "n")
    rows = [cells for _, cells in table.records]
    assert rows[:2] == [["'=1+1", "-20"], ["'@SUM(1)", "4.5"]]
    assert len(rows[2][0]) == xlsx_export.LONGEST


def test_k02_a_large_export_takes_no_more_memory(
    runtime: Runtime, world: World, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "e-mail\n" + "".join(f"p{number}@x.example\n" for number in range(2_500))
    contact_imports.run(
        runtime, camila, "a.csv", io.BytesIO(lines.encode()), lawful_basis="consent", source="x"
    )
    assert len(table(runtime, camila)) == 2_500
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    for _ in contact_export.export(runtime, camila, "csv"):
        pass
    assert tracemalloc.get_traced_memory()[1] < 8_000_000  # a batch, however many they are
    tracemalloc.stop()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    monkeypatch.setattr(xlsx_export, "MOST_ROWS", 2_000)
    with pytest.raises(Invalid):
        contact_export.export(runtime, camila, "xlsx")
