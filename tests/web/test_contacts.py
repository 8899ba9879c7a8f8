"""The rooms of contacts, fetched as members fetch them: list, person, forms, opt-outs, import, erasure."""

import io
from collections.abc import Callable
from typing import get_args

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.jobs.worker import run_until_idle
from app.models import Contact, ContactImport, FollowUp, Workspace
from app.rendering.languages import Language
from app.runtime import Runtime
from app.services import contacts, erasure, objections, opt_outs, outbox, sending
from app.services.access import Visitor
from app.web.api.imports import State
from tests.services.loop import open_again, opened
from tests.world import Clock, World

ClientFor = Callable[[Visitor], FlaskClient]


@pytest.fixture
def place(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def camila(world: World, place: Workspace) -> Visitor:
    return world.member(place, Role.MANAGER, world.user(locale="en"))


@pytest.fixture
def here(place: Workspace) -> str:
    return f"/w/{place.slug}/contacts"


def typed(**values: str) -> dict[str, str]:
    return {"revision": "0", "name": "Ana Souza", "email": "ana@x.example", **values}


def csv_file(text: str, name: str = "clientes.csv") -> dict[str, object]:
    return {"file": (io.BytesIO(text.encode()), name)}


def test_an_empty_room_says_what_will_be_here(client_for: ClientFor, camila: Visitor, here: str):
    page = client_for(camila).get(here).text
    assert "Nobody is here yet." in page
    assert f'href="{here}/import"' in page


def test_the_list_searches_and_counts(runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str):
    ana = contacts.create(runtime, camila, {"name": "Ána Souza", "email": "ana@x.example"})
    contacts.create(runtime, camila, {"name": "<b>Bia</b>", "phone": "31 98888-4417"})
    opt_outs.opt_out(runtime, camila, ana, "console")
    client = client_for(camila)
    page = client.get(here).text
    assert "2 contacts" in page and "1 of them does not want to be asked." in page
    assert "&lt;b&gt;Bia&lt;/b&gt;" in page and "<b>Bia" not in page
    found = client.get(f"{here}?q=ana").text
    assert "1 person found" in found and "Bia" not in found
    assert "Nobody matches." in client.get(f"{here}?q=nobody").text
    assert "Ána" not in client.get(f"{here}?show=active").text


def test_the_list_goes_on_where_the_page_ends(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    for number in range(55):
        contacts.create(runtime, camila, {"name": f"Pessoa {number:02}"})
    client = client_for(camila)
    first = client.get(here).text
    assert "Pessoa 49" in first and "Pessoa 50" not in first
    more = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "Pessoa 54" in client.get(more).text
    assert client.get(f"{here}?cursor=nonsense").status_code == 422


def test_somebody_is_added_and_shown(client_for: ClientFor, camila: Visitor, here: str):
    client = client_for(camila)
    assert client.get(f"{here}/new").status_code == 200
    answer = client.post(
        f"{here}/new",
        data={
            **typed(phone="31 8888-4417"),
            "attribute_name": ["Plano", ""],
            "attribute_value": ["Anual", ""],
        },
    )
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Ana Souza" in page and "+55 31 98888-4417" in page and "Anual" in page
    assert "Legitimate interest" in page and "Never asked us to stop" in page


def test_a_refused_form_keeps_what_was_typed_and_says_why(client_for: ClientFor, camila: Visitor, here: str):
    answer = client_for(camila).post(
        f"{here}/new",
        data={
            **typed(email="ana@", phone="12"),
            "attribute_name": ["", "Cidade"],
            "attribute_value": ["x", "BH"],
        },
    )
    assert answer.status_code == 422
    assert "This address has no domain after the @." in answer.text
    for kept in ('value="Ana Souza"', 'value="ana@"', 'value="12"', 'value="Cidade"', 'value="BH"'):
        assert kept in answer.text
    assert "3 things are not right yet" in answer.text


def test_an_edit_keeps_numbers_numbers_and_takes_away_what_is_emptied(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    attributes = {"seats": 12, "vip": True, "city": "BH", "gone": "x", "note": "one\ntwo"}
    id = contacts.create(runtime, camila, {"name": "Ana", "attributes": attributes})
    client = client_for(camila)
    assert client.get(f"{here}/{id}/edit").status_code == 200
    answer = client.post(
        f"{here}/{id}/edit",
        data={
            "revision": "1", "name": "Ana Lima", "kind": "customer", "lawful_basis": "consent",
            "attribute_name": ["seats", "vip", "city", "gone", "note"],
            "attribute_value": ["12", "true", "Recife", "", "one\r\ntwo"],
        },
    )  # fmt: skip
    assert answer.status_code == 303
    contact = contacts.one(runtime, camila, id)
    assert contact.attributes == {"seats": 12, "vip": True, "city": "Recife", "note": "one\ntwo"}
    assert (contact.name, contact.lawful_basis, contact.revision) == ("Ana Lima", "consent", 2)


def test_j10_whoever_is_overtaken_sees_both_and_decides(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    id = contacts.create(runtime, camila, {"name": "Ana"})
    contacts.edit(runtime, camila, id, {"name": "Theirs"}, 1)
    client = client_for(camila)
    answer = client.post(f"{here}/{id}/edit", data={"revision": "1", "name": "Mine", "kind": "customer"})
    assert answer.status_code == 409
    assert 'value="Mine"' in answer.text and "Saved meanwhile: “Theirs”" in answer.text
    assert contacts.one(runtime, camila, id).name == "Theirs"
    assert 'name="revision" value="2"' in answer.text
    again = client.post(f"{here}/{id}/edit", data={"revision": "2", "name": "Mine", "kind": "customer"})
    assert again.status_code == 303


def test_the_page_of_a_person_tells_their_story(
    runtime: Runtime,
    world: World,
    place: Workspace,
    client_for: ClientFor,
    camila: Visitor,
    here: str,
    clock: Clock,
):
    maria = world.contact(place, name="Maria <Figueiredo>", attributes={"empresa": "Bem-te-vi"})
    survey = world.survey(place)
    clock.advance(days=1)
    invitation = world.invitation(place, survey, maria, state="answered")
    answer = world.answer(
        place, 4, survey=survey, contact=maria, invitation=invitation, comment="Caiu <b>duas</b> vezes"
    )
    followup = open_again(runtime, place, answer)
    clock.advance(days=1)
    world.invitation(place, survey, maria, state="skipped", reason="resting", until=clock.now, sent_at=None)
    page = client_for(camila).get(f"{here}/{maria.id}").text
    for said in (
        "Maria &lt;Figueiredo&gt;", "Bem-te-vi", "We asked the NPS by e-mail", "Gave a 4, detractor",
        "Caiu &lt;b&gt;duas&lt;/b&gt; vezes", "A follow-up was opened", "We did not ask: resting",
        "rests until", "Why is Maria",
    ):  # fmt: skip
        assert said in page, said
    assert f"/followups/{followup}" in page
    assert "Open their follow-up" in page


@pytest.mark.parametrize(
    ("zone", "phone", "said"),
    [
        ("Europe/London", "+5592988884417", ["London</dd>"]),
        (None, "+5592988884417", ["Manaus, by the phone number"]),
        (None, None, ["Sao Paulo, the workspace’s: theirs is not known"]),
        ("Mars/<b>", None, ["Sao Paulo, the workspace’s", "“Mars/&lt;b&gt;”, as it stands in the record"]),
    ],
)
def test_d14_the_page_says_whose_clock_counts_and_why(
    client_for: ClientFor, world: World, place: Workspace, camila: Visitor, here: str,
    zone: str | None, phone: str | None, said: list[str],
):  # fmt: skip
    page = client_for(camila).get(f"{here}/{world.contact(place, time_zone=zone, phone=phone).id}").text
    for each in said:
        assert each in page


def test_whoever_was_asked_often_enough_may_be_asked_from_a_day_that_is_told(
    client_for: ClientFor, world: World, camila: Visitor, here: str, place: Workspace, runtime: Runtime
):
    with runtime.db.write() as session:
        row = session.get_one(Workspace, place.id)
        row.daily_cap, row.rest_days, row.rest_days_by_metric = 1, 0, {}
    maria = world.contact(place)
    world.invitation(place, world.survey(place), maria)
    page = client_for(camila).get(f"{here}/{maria.id}").text
    assert "asked as often as we allow in this time. May be asked again from 17 November 2026" in page


def test_an_opt_out_is_recorded_and_undone_only_with_evidence(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    id = contacts.create(runtime, camila, {"name": "Ana", "email": "a@x.example"})
    client = client_for(camila)
    assert client.post(f"{here}/{id}/opt-out").status_code == 303
    assert "Does not want to be asked" in client.get(f"{here}/{id}").text
    refused = client.post(f"{here}/{id}/opt-in", data={"evidence": " "})
    assert refused.status_code == 422
    assert "Say how you know" in refused.text
    assert client.post(f"{here}/{id}/opt-in", data={"evidence": "<i>She called</i>"}).status_code == 303
    page = client.get(f"{here}/{id}").text
    assert "&lt;i&gt;She called&lt;/i&gt;" in page and "Wants to be asked" in page


def shared(runtime: Runtime, who: Visitor, *names: str) -> list[str]:
    """People of one household: one mailbox, and an id each."""
    return [
        contacts.create(runtime, who, {"external_id": each, "name": each, "email": "casa@x.example"})
        for each in names
    ]


def wish_on(page: str) -> str:
    return page.partition("<dt>Their wish</dt><dd>")[2].partition("</dd>")[0]


def test_a_page_says_whose_wish_it_is_that_keeps_somebody_from_being_asked(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    ana, bia = shared(runtime, camila, "Ana", "Bia")
    opt_outs.opt_out(runtime, camila, ana, "console")
    client = client_for(camila)
    page = client.get(f"{here}/{bia}").text
    said = "Another person, Ana, does not want to be asked: it holds at an address of theirs too."
    assert wish_on(page) == said
    assert f"{said} A yes of Bia undoes it for Bia alone." in page
    assert "Record their opt-out" in page and "They want to be asked again" in page
    client.post(f"{here}/{bia}/opt-out")
    assert wish_on(client.get(f"{here}/{bia}").text) == "Does not want to be asked"
    assert wish_on(client.get(f"{here}/{ana}").text) == "Does not want to be asked"


def test_a_page_says_that_another_may_not_be_asked_for_a_legal_reason(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    ana, bia = shared(runtime, camila, "Ana", "Bia")
    objections.object_to(runtime, camila, ana, origin="console", evidence="Letter of 3 May.")
    page = client_for(camila).get(f"{here}/{bia}").text
    assert wish_on(page).startswith("Another person, Ana, must not be asked, for a legal reason:")
    assert f"{wish_on(page)} It ends on their page." in page


def test_a_page_names_nobody_who_was_erased_and_gives_nobody_their_wish(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    """Nor a yes that they had said: what they leave is that nobody is asked there."""
    zulmira, bia = shared(runtime, camila, "Zulmira", "Bia")
    opt_outs.opt_out(runtime, camila, zulmira, "console")
    opt_outs.opt_in(runtime, camila, zulmira, "Zulmira phoned.")
    client = client_for(camila)
    assert wish_on(client.get(f"{here}/{bia}").text) == "Never asked us to stop"
    erasure.erase(runtime, camila, zulmira)
    page = client.get(f"{here}/{bia}").text
    said = "Somebody who was erased had an address of theirs, and must not be asked there."
    assert wish_on(page) == said
    assert f"{said} A yes of Bia undoes it for Bia alone." in page and "Zulmira" not in page
    client.post(f"{here}/{bia}/opt-in", data={"evidence": "She wrote so."})
    assert wish_on(client.get(f"{here}/{bia}").text) == "Wants to be asked"


def test_what_bounced_is_used_again_only_with_evidence(
    runtime: Runtime, world: World, client_for: ClientFor, camila: Visitor, here: str
):
    id = contacts.create(runtime, camila, {"name": "Ana", "email": "a@x.example", "phone": "+5531988884417"})
    with runtime.db.write() as session:
        row = session.get_one(Contact, id)
        keys = row.email_key, row.phone_key
        opt_outs.record(
            session, row.workspace_id, None, keys, kind="bounce", origin="provider", now=world.now
        )
    client = client_for(camila)
    assert client.get(f"{here}/{id}").text.count("Bounced on") == 2
    refused = client.post(f"{here}/{id}/bounces/email", data={"evidence": " "})
    assert refused.status_code == 422
    assert "Say how you know" in refused.text and 'href="#works_email"' in refused.text
    assert client.post(f"{here}/{id}/bounces/pigeon", data={"evidence": "x"}).status_code == 422
    assert client.post(f"{here}/{id}/bounces/email", data={"evidence": "She wrote"}).status_code == 303
    page = client.get(f"{here}/{id}").text
    assert page.count("Bounced on") == 1
    assert "The e-mail works again" in page and "She wrote" in page
    assert "The e-mail address bounced" in page and "Nothing arrives at the phone number" in page
    assert "by their own word" not in page


def test_somebody_is_put_away_and_taken_back(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    id = contacts.create(runtime, camila, {"name": "Ana"})
    client = client_for(camila)
    client.post(f"{here}/{id}/activity", data={"active": "no"})
    assert "Make active again" in client.get(f"{here}/{id}").text
    client.post(f"{here}/{id}/activity", data={"active": "yes"})
    assert contacts.one(runtime, camila, id).active


def test_j11_erasing_asks_first_and_then_nobody_is_there(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    id = contacts.create(runtime, camila, {"name": "Ana"})
    client = client_for(camila)
    assert "Erase Ana?" in client.get(f"{here}/{id}/erasure").text
    assert client.post(f"{here}/{id}/erasure").status_code == 422
    assert contacts.one(runtime, camila, id).name == "Ana"
    assert client.post(f"{here}/{id}/erasure", data={"sure": "yes"}).status_code == 303
    page = client.get(here).text
    assert "Erased." in page and "got messages about them" not in page
    assert client.get(f"{here}/{id}").status_code == 404


def test_whoever_erases_is_told_whom_to_ask_for_the_rest(
    runtime: Runtime, world: World, client_for: ClientFor, camila: Visitor, here: str
):
    with runtime.db.read() as session:
        home = session.get_one(Workspace, camila.workspace_id)
    ana = world.contact(home)
    opened(world, home, 3, contact=ana)
    with runtime.db.write() as session:
        followup = session.scalars(select(FollowUp.id)).one()
        outbox.enqueue_alerts(session, home.id, followup, world.now)
    sending.send_urgent(runtime)
    client = client_for(camila)
    client.post(f"{here}/{ana.id}/erasure", data={"sure": "yes"})
    assert f"These members got messages about them: {camila.name}." in client.get(here).text


def test_j01_an_import_is_looked_at_confirmed_and_answered_row_by_row(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    client = client_for(camila)
    assert client.get(f"{here}/import").status_code == 200
    sent = client.post(f"{here}/import", data=csv_file("nome;e-mail;Plano\nAna;a@x.example;Anual\nBia;b@;\n"))
    assert sent.status_code == 303
    columns = client.get(sent.location).text
    for said in ("2 rows are here. What do their columns mean?", "clientes.csv", "Anual", "Leave out"):
        assert said in columns, said
    refused = client.post(f"{sent.location}/columns", data={"meaning": ["name", "skip", "skip"]})
    assert refused.status_code == 422 and "Say which column is the e-mail" in refused.text
    assert client.post(f"{sent.location}/columns", data={"meaning": ["name"]}).status_code == 422
    looked = client.post(f"{sent.location}/columns", data={"meaning": ["name", "email", "attribute"]})
    preview = client.get(looked.location).text
    for said in ("1 row can be imported", "This address has no domain after the @.", "Attribute"):
        assert said in preview, said
    assert "2 rows are here" in client.get(f"{sent.location}/columns").text
    with runtime.db.read() as session:
        assert session.scalars(select(Contact.id)).all() == []
    refused = client.post(sent.location, data={"lawful_basis": "consent", "source": ""})
    assert refused.status_code == 422
    assert "Say where these contacts come from." in refused.text
    done = client.post(
        sent.location, data={"lawful_basis": "consent", "source": "CRM"}, follow_redirects=True
    )
    assert done.status_code == 200
    assert "1 new person is here" in done.text and "Bia" in done.text
    assert contacts.find(runtime, camila).items[0].contact.source == "CRM"
    again = client.post(
        sent.location, data={"lawful_basis": "consent", "source": "CRM"}, follow_redirects=True
    )
    assert "somebody else was quicker" in again.text
    rejects = client.get(f"{sent.location}/rejects.csv")
    assert rejects.mimetype == "text/csv" and "Bia,b@,,3,This address has no domain" in rejects.text
    assert "clientes.csv" in client.get(f"{here}/import").text
    erasure.erase(runtime, camila, contacts.find(runtime, camila).items[0].contact.id)
    gone = client.get(sent.location).text
    assert "Rows that are left out are kept for a week" in gone and "Bia" not in gone


def test_the_page_of_very_many_columns_looks_up_each_word_once(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str, monkeypatch: pytest.MonkeyPatch
):
    """Our own export has a column for each attribute that anybody has."""
    looked_up = []
    look_up = Language.gettext

    def counting(self: Language, message: str, /, **params: object) -> str:
        looked_up.append(message)
        return look_up(self, message, **params)

    monkeypatch.setattr(Language, "gettext", counting)
    client = client_for(camila)
    columns = ";".join(["email", *(f"attribute.a{place}" for place in range(60))])
    sent = client.post(f"{here}/import", data=csv_file(f"{columns}\na@x.example\n"))
    looked_up.clear()
    page = client.get(sent.location).text
    assert page.count('<option value="attribute" selected>Attribute</option>') == 60
    assert page.count('<option value="email" selected>E-mail</option>') == 1
    assert looked_up.count("Channel that they prefer") < 60


def test_opt_outs_of_rows_that_cannot_be_imported_are_taken_over(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    for code in "12":
        contacts.upsert(runtime, camila, {"email": "shared@x.example", "external_id": code})
    client = client_for(camila)
    sent = client.post(f"{here}/import", data=csv_file("email,opted_out\nshared@x.example,yes\n"))
    client.post(f"{sent.location}/columns", data={"meaning": ["email", "opted_out"]})
    preview = client.get(sent.location).text
    for said in ("but its opt-outs are taken over", "1 of them opted out", "Take over the opt-outs"):
        assert said in preview, said
    done = client.post(sent.location, data={"lawful_basis": "consent", "source": "CRM"})
    assert "1 of them opted out" in client.get(done.location).text
    assert all(line.opted_out for line in contacts.find(runtime, camila).items)


def test_every_state_of_an_import_has_a_word_in_the_list(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    client = client_for(camila)
    sent = client.post(f"{here}/import", data=csv_file("email\na@x.example\n"))
    for state in get_args(State):
        with runtime.db.write() as session:
            session.get_one(ContactImport, sent.location.rsplit("/", 1)[1]).state = state
        cell = client.get(f"{here}/import").text.split('data-label="State">')[1].split("<")[0]
        assert cell.strip(), state


def test_a_large_file_is_watched_stopped_and_taken_up_again(
    runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str
):
    client = client_for(camila)
    many = "e-mail\n" + "".join(f"p{number}@x.example\n" for number in range(6_000))
    sent = client.post(f"{here}/import", data=csv_file(many))
    assert "The file is being read" in client.get(sent.location).text
    run_until_idle(runtime)
    client.post(f"{sent.location}/columns", data={"meaning": ["email"]})
    page = client.get(sent.location).text
    assert "We look at what it would do" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    still = client.get(f"{sent.location}?still").text
    assert "refresh" not in still and "progress.js" not in still
    run_until_idle(runtime)
    assert "6,000 rows can be imported" in client.get(sent.location).text
    client.post(sent.location, data={"lawful_basis": "consent", "source": "CRM"})
    page = client.get(sent.location).text
    assert "The people are coming in" in page and "0 of 6,000 rows" in page
    stopped = client.post(f"{sent.location}/stop", follow_redirects=True).text
    assert "The import was stopped" in stopped and "Go on with the rest" in stopped
    client.post(f"{sent.location}/rest")
    run_until_idle(runtime)
    assert "6,000 new people are here" in client.get(sent.location).text
    assert "somebody else was quicker" in client.post(f"{sent.location}/rest", follow_redirects=True).text


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "Choose a file first."),
        (b"", "The file is empty."),
        (b"PK\x03\x04 workbook", "This is a workbook or a zip file"),
        (b"%PDF-1.7", "This is a PDF."),
    ],
)
def test_j02_a_file_that_is_no_csv_is_refused_by_its_content(
    client_for: ClientFor, camila: Visitor, here: str, file: bytes | None, words: str
):
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="clientes.csv"\r\n\r\n'
    body = b"--x--\r\n" if file is None else part + file + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    answer = client_for(camila).post(f"{here}/import", data=body, content_type=kind)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_file_that_breaks_on_reading_says_where(client_for: ClientFor, camila: Visitor, here: str):
    client = client_for(camila)
    sent = client.post(f"{here}/import", data=csv_file('nome;e-mail\nAna;a@x.example\n"Bia;b@x.example\n'))
    page = client.get(sent.location).text
    assert "The import has failed" in page and "The quotes around line 3 do not match" in page
    assert "Choose another file" in page


def test_a_body_beyond_the_limit_is_not_even_read(client_for: ClientFor, camila: Visitor, here: str):
    client = client_for(camila)
    for path, size in ((f"{here}/import", 300_000_000), (f"{here}/new", 600_000)):
        kind = "multipart/form-data; boundary=x"
        answer = client.post(
            path, data=b"a", content_type=kind, environ_overrides={"CONTENT_LENGTH": str(size)}
        )
        assert answer.status_code == 413


def test_a_waiting_file_can_be_removed(runtime: Runtime, client_for: ClientFor, camila: Visitor, here: str):
    client = client_for(camila)
    sent = client.post(f"{here}/import", data=csv_file("email\na@x.example\n"))
    assert client.post(f"{sent.location}/removal").status_code == 303
    with runtime.db.read() as session:
        assert session.scalars(select(ContactImport.id)).all() == []
    assert client.get(sent.location).status_code == 404


def test_formulas_and_markup_in_a_file_stay_text_on_the_page(
    client_for: ClientFor, camila: Visitor, here: str
):
    client = client_for(camila)
    sent = client.post(
        f"{here}/import", data=csv_file("nome;e-mail\n<script>x</script>;a@x.example\n=cmd;b@\n")
    )
    for _ in range(2):
        page = client.get(sent.location).text
        assert "<script>x" not in page and "&lt;script&gt;x" in page
        client.post(f"{sent.location}/columns", data={"meaning": ["name", "email"]})


@pytest.mark.parametrize("locale", ["pt-BR", "es"])
def test_h06_a_viewer_reads_and_changes_nothing(
    runtime: Runtime,
    world: World,
    place: Workspace,
    client_for: ClientFor,
    camila: Visitor,
    here: str,
    locale: str,
):
    id = contacts.create(runtime, camila, {"name": "Ana", "email": "a@x.example"})
    viewer = client_for(world.member(place, Role.VIEWER, world.user(locale=locale)))
    agent = client_for(world.member(place, Role.AGENT, world.user(locale=locale)))
    for page in (here, f"{here}/{id}"):
        assert viewer.get(page).status_code == 200
        assert 'action="' + here not in viewer.get(page).text.replace(f'action="{here}" role="search"', "")
    for page in ("new", "import", f"{id}/edit", f"{id}/erasure"):
        assert viewer.get(f"{here}/{page}").status_code == 403
    for act in (
        "new",
        "import",
        f"{id}/edit",
        f"{id}/opt-out",
        f"{id}/opt-in",
        f"{id}/activity",
        f"{id}/erasure",
    ):
        assert viewer.post(f"{here}/{act}").status_code == 403
    for act in ("import", f"{id}/erasure"):
        assert agent.post(f"{here}/{act}").status_code == 403


def test_h01_another_workspaces_person_and_file_do_not_exist_here(
    runtime: Runtime, world: World, client_for: ClientFor, camila: Visitor, here: str
):
    stranger = world.member(world.workspace(), Role.OWNER)
    id = contacts.create(runtime, stranger, {"name": "Ana"})
    file = client_for(stranger).post(
        f"/w/{stranger.workspace_slug}/contacts/import", data=csv_file("email\na@x.example\n")
    )
    file_id = file.location.rsplit("/", 1)[1]
    client = client_for(camila)
    for page in (id, f"{id}/edit", f"{id}/erasure", f"import/{file_id}", f"import/{file_id}/rejects.csv"):
        assert client.get(f"{here}/{page}").status_code == 404
    for act in (f"{id}/edit", f"{id}/opt-out", f"{id}/opt-in", f"{id}/activity", f"import/{file_id}/removal"):
        assert client.post(f"{here}/{act}", data={"evidence": "x"}).status_code == 404


def test_in_a_people_workspace_it_is_about_people_and_pulses_stay_sealed(
    runtime: Runtime, world: World, client_for: ClientFor
):
    team = world.workspace("people")
    hr = world.member(team, Role.OWNER, world.user(locale="en"))
    person = world.contact(team, name="Rui")
    world.invitation(team, world.survey(team, Metric.ENPS), person, state="answered")
    client = client_for(hr)
    assert "1 person in the team" in client.get(f"/w/{team.slug}/contacts").text
    page = client.get(f"/w/{team.slug}/contacts/{person.id}").text
    assert "We asked the e-NPS by e-mail" in page
    assert "answered" not in page and "follow-up" not in page.lower()


@pytest.mark.parametrize("locale", ["pt-BR", "es"])
def test_every_page_speaks_the_readers_language(
    runtime: Runtime, world: World, place: Workspace, client_for: ClientFor, here: str, locale: str
):
    who = world.member(place, Role.OWNER, world.user(locale=locale))
    id = contacts.create(runtime, who, {"name": "Ana", "email": "a@x.example"})
    client = client_for(who)
    refused = client.post(f"{here}/{id}/edit", data={"revision": "1", "email": "nada", "phone": "12"})
    assert "has no @" not in refused.text
    for page in ("", "/new", "/import", f"/{id}", f"/{id}/edit", f"/{id}/erasure"):
        said = client.get(f"{here}{page}").text
        assert not [word for word in (" the ", "They ", "Lawful", "Nobody", "Macro") if word in said], page


def test_k03_people_leave_as_a_file_for_managers_only(
    runtime: Runtime, world: World, place: Workspace, client_for: ClientFor, camila: Visitor, here: str
):
    contacts.create(runtime, camila, {"name": "Ana", "email": "a@x.example"})
    page = client_for(camila).get(here).text
    assert f"{here}/export.csv?show=all" in page
    for ending, kind in (("csv", "text/csv"), ("xlsx", "application/vnd.openxmlformats")):
        file = client_for(camila).get(f"{here}/export.{ending}?show=all")
        assert file.status_code == 200 and file.mimetype.startswith(kind)
        assert f'filename="contacts-{place.slug}-2026-11-16.{ending}"' in file.headers["Content-Disposition"]
    agent = client_for(world.member(place, Role.AGENT, world.user(locale="en")))
    assert "export.csv" not in agent.get(here).text
    for ending in ("csv", "xlsx"):
        assert agent.get(f"{here}/export.{ending}").status_code == 403
