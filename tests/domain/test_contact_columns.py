"""What the columns of a file mean: by their names in three languages, by what stands in them, and chosen."""

import pytest

from app.domain import contact_columns
from app.domain.contact_columns import ATTRIBUTE, ROW_COLUMN, WHY_COLUMN, check, guess, header
from app.errors import Invalid


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        ("id,canal preferido", ("external_id", "preferred_channel")),
        ("e-mail,telefone,nome,idioma,fuso", ("email", "phone", "name", "locale", "time_zone")),
        (
            "E-MAIL,Celular,NOME COMPLETO,Idioma,Fuso horário",
            ("email", "phone", "name", "locale", "time_zone"),
        ),
        ("correo,teléfono,nombre,idioma,zona horaria", ("email", "phone", "name", "locale", "time_zone")),
        ("Correo electrónico,Móvil,Nombre,tipo,activo", ("email", "phone", "name", "kind", "active")),
        ("email,phone,name,external_id,opted_out", ("email", "phone", "name", "external_id", "opted_out")),
        ("Email,Mobile phone,Full name,id,Time zone", ("email", "phone", "name", "external_id", "time_zone")),
        ("matrícula,e_mail,cidade", ("external_id", "email", "attribute")),
        ("email,Descadastrado,Dado de baja", ("email", "opted_out", "attribute")),
        (f"email,{ROW_COLUMN},{WHY_COLUMN},", ("email", "skip", "skip", "skip")),
    ],
)
def test_headers_are_understood_in_three_languages(header: str, meanings: tuple[str, ...]):
    assert guess(header.split(","), [], "BR") == meanings


def test_a_column_of_addresses_is_known_by_what_stands_in_it():
    rows = [[f"p{n}@x.example", f"(31) 98888-{n:04}", f"{n:011}", "x"] for n in range(20)]
    rows.append(["not yet", "", "", ""])
    assert guess(["Contato", "Zap", "CPF", "Obs"], rows, "BR") == ("email", "phone", "attribute", "attribute")
    assert guess(["Contato", "E-mail"], rows, "BR") == ("attribute", "email")


def test_whoever_stands_under_customer_has_that_name_unless_a_column_is_called_name_or_it_is_a_number():
    assert guess(["Cliente", "E-mail"], [["Ana Prado", "a@x.example"]], None) == ("name", "email")
    named = ["Cliente", "Nome"]
    assert guess(named, [["Aroeira", "Ana Prado"]], None) == ("attribute", "name")
    assert guess(["Customer", "Mail"], [["C-0012", "a@x.example"]], None) == ("attribute", "email")


def test_a_second_column_of_a_meaning_is_kept_as_an_attribute_and_the_same_name_again_is_left_out():
    columns = ["email", "celular", "telefone", "Plano", "plano", "Plano"]
    assert guess(columns, [], None) == ("email", "phone", "attribute", "attribute", "attribute", "skip")


def test_an_attribute_of_our_own_export_is_one_whatever_it_is_called():
    columns = header(
        ["id", *(f"{ATTRIBUTE}{name}" for name in ("Plano", "plano", "retorno: why", "a@x.com", "e-mail"))]
    )
    remembered = {"attributeplano": "skip", "email": "skip"}
    sample = [["1", "x", "y", "z", "b@x.example", "c@x.example"]]
    assert guess(columns, sample, None, remembered) == ("external_id", *["attribute"] * 5)


@pytest.mark.parametrize(
    ("cells", "meaning"),
    [
        (["2026-03-01", "", "01/04/2026"], "attribute"),
        (["yes", "no"], "attribute"),
        (["", " "], "opted_out_on"),
        (["", "SMS e fax", "E-mail / sms"], "opted_out_on"),
        ([], "opted_out_on"),
    ],
)
def test_a_column_of_channels_has_channels_in_it(cells: list[str], meaning: str):
    rows = [["a@x.example", cell] for cell in cells]
    assert guess(["email", "Opted out on"], rows, None) == ("email", meaning)
    for before in ("opted_out_on", "attribute"):
        of_another = {"optedouton": before}
        assert guess(["email", "Opted out on"], rows, None, of_another) == ("email", meaning)
    left_out = {"optedouton": "skip"}
    assert guess(["email", "Opted out on"], rows, None, left_out) == ("email", "skip"), "somebody said so"
    named = {"quando": "opted_out_on"}
    assert guess(["email", "Quando"], rows, None, named) == ("email", "opted_out_on"), "somebody said so"


def test_what_was_chosen_before_wins():
    remembered = {"contato": "external_id", "nome": "skip", "x": "nonsense"}
    assert guess(["Contato", "Nome", "x"], [], None, remembered) == ("external_id", "skip", "attribute")


@pytest.mark.parametrize(
    ("meanings", "words"),
    [
        (("name", "attribute", "attribute"), "Say which column"),
        (("email", "email", "name"), "“a” and “A b” mean the same"),
        (("email", "attribute", "attribute"), "“A b” and “attribute.A b” mean the same"),
    ],
)
def test_a_choice_that_names_nobody_or_one_thing_twice_is_refused(meanings: tuple[str, ...], words: str):
    with pytest.raises(Invalid) as caught:
        check(["a", "A b", "attribute.A b"], meanings)
    assert words in str(caught.value.problems[0])


def test_an_attribute_may_be_called_like_a_field():
    columns = header(["email", "phone", "attribute.phone", "Correo", "Email"])
    meanings = guess(columns[:4], [], None)
    assert meanings == ("email", "phone", "attribute", "attribute")
    assert check(columns[:4], meanings) == meanings
    both = guess(["Correo", "Email"], [], None)
    assert check(["Correo", "Email"], both) == both == ("email", "attribute")


def test_a_meaning_that_nobody_knows_leaves_the_column_out():
    assert check(["a", "b"], ["email", "password"]) == ("email", "skip")


def test_names_of_columns_are_no_addresses():
    for cells in (["ana@x.com", "Ana"], ["", ""], ["x" * 61]):
        with pytest.raises(Invalid):
            contact_columns.header(cells)
    assert contact_columns.header([" a ", "b", "", " "]) == ("a", "b")
