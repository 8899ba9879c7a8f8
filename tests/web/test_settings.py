"""Settings, members and keys in the browser, by role (G17, G18, H05, H06, J08, J10)."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import delete

from app.domain.access import Role
from app.models import OptOut, Workspace
from app.runtime import Runtime
from app.services import api_keys, backup, contacts, members, opt_outs, switch, workspace_settings
from app.services.access import Visitor
from tests.web.forms import untouched
from tests.world import World

ClientFor = Callable[[Visitor], FlaskClient]


@pytest.fixture
def owner(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"))


def base(who: Visitor) -> str:
    return f"/w/{who.workspace_slug}/settings"


def colleague(world: World, runtime: Runtime, who: Visitor, role: Role) -> Visitor:
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
    return world.member(workspace, role)


def form(**changes: object) -> dict[str, object]:
    return {
        "revision": "1",
        "name": "Aroeira",
        "sender_name": "",
        "reply_to": "",
        "postal_address": "",
        "locale": "pt-BR",
        "time_zone": "America/Sao_Paulo",
        "business_days": ["0", "1"],
        "opens_at": "09:00",
        "closes_at": "18:00",
        "holidays": "25/12/2026\r\n2026-11-20",
        "rest_days": "30",
        "rest_nps": "90",
        "rest_csat": "14",
        "rest_ces": "14",
        "quiet_from": "21:00",
        "quiet_to": "09:00",
        "daily_cap": "",
        "weekly_cap": "",
        "lawful_basis": "consent",
        "root_causes": "Cobrança\r\nOutra",
    } | changes


def png(size: tuple[int, int] = (600, 300)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "green").save(buffer, "PNG")
    return buffer.getvalue()


def test_an_owner_saves_every_setting_at_once(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    client = client_for(owner)
    assert client.get(base(owner)).status_code == 200
    data = form(name="Loja Sul", reply_to="Oi@LojaSul.example", business_days=["5", "0"])
    assert client.post(base(owner), data=data).location == base(owner)
    values = workspace_settings.read(runtime, owner).values
    assert (values["name"], values["reply_to"], values["business_days"]) == (
        "Loja Sul",
        "Oi@lojasul.example",
        [0, 5],
    )
    assert values["holidays"] == ["2026-11-20", "2026-12-25"]
    assert values["root_causes"] == ["Cobrança", "Outra"]
    page = client.get(base(owner)).text
    assert "2026-11-20\n2026-12-25" in page
    assert 'value="Loja Sul"' in page


def test_an_owner_sets_quiet_and_caps_and_everybody_reads_them(
    client_for: ClientFor, runtime: Runtime, world: World, owner: Visitor
) -> None:
    changes = {"quiet_from": "20:00", "quiet_to": "08:30", "quiet_days": ["5", "6"], "quiet_email": "yes"}
    client_for(owner).post(base(owner), data=form(**changes, daily_cap="1", weekly_cap="3"))
    values = workspace_settings.read(runtime, owner).values
    assert values["quiet_hours"] == {"from": "20:00", "to": "08:30"}
    assert (values["quiet_days"], values["quiet_email"]) == ([5, 6], True)
    assert (values["daily_cap"], values["weekly_cap"]) == (1, 3)
    page = client_for(colleague(world, runtime, owner, Role.VIEWER)).get(base(owner)).text
    assert all(each in page for each in ("20:00", "08:30", "Sábado, Domingo"))
    client_for(owner).post(base(owner), data=form(revision="2", quiet_from="", quiet_to=""))
    values = workspace_settings.read(runtime, owner).values
    assert (values["quiet_hours"], values["quiet_days"], values["daily_cap"]) == (None, [], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("reply_to", "oi"),
        ("sender_name", "x" * 121),
        ("time_zone", "Mars"),
        ("business_days", []),
        ("opens_at", "25:00"),
        ("closes_at", "08:00"),
        ("holidays", "natal"),
        ("rest_days", "-1"),
        ("rest_days", ""),
        ("rest_nps", "many"),
        ("quiet_from", "09:00"),
        ("quiet_days", ["0", "1", "2", "3", "4", "5", "6"]),
        ("daily_cap", "0"),
        ("weekly_cap", "often"),
        ("lawful_basis", "x"),
        ("root_causes", "x" * 121),
        ("locale", "x"),
    ],
)
def test_what_cannot_be_saved_stays_in_the_form_with_its_reason(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, field: str, value: object
) -> None:
    before = workspace_settings.read(runtime, owner)
    refused = client_for(owner).post(base(owner), data=form(**{"sender_name": "As typed", field: value}))
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert f'href="#{field}"' in refused.text
    assert "As typed" in refused.text or field == "sender_name"
    assert workspace_settings.read(runtime, owner) == before


def test_a_zone_that_the_form_does_not_offer_stays_until_another_is_chosen(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    workspace_settings.update(runtime, owner, {"time_zone": "Brazil/East"})
    client = client_for(owner)
    fields = untouched(client.get(base(owner)).text, "settings")
    assert client.post(base(owner), data=fields).status_code == 303
    assert workspace_settings.read(runtime, owner).values["time_zone"] == "Brazil/East"


def test_j10_settings_that_somebody_saved_meanwhile_are_overwritten_only_by_whoever_saw_it(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    client = client_for(owner)
    fields = untouched(client.get(base(owner)).text, "settings") | {
        "name": ["Mine"],
        "holidays": ["2026-12-25"],
    }
    workspace_settings.update(runtime, owner, {"name": "Theirs"})
    late = client.post(base(owner), data=fields)
    assert late.status_code == 409
    assert f'<a href="{base(owner)}">' in late.text
    assert workspace_settings.read(runtime, owner).values["name"] == "Theirs"
    again = untouched(late.text, "settings")
    assert again.items() >= {"name": ["Mine"], "holidays": ["2026-12-25"]}.items()
    assert client.post(base(owner), data=again).status_code == 303
    assert workspace_settings.read(runtime, owner).values["name"] == "Mine"


def test_j10_a_revision_that_is_no_number_is_one_that_was_overtaken(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    late = client_for(owner).post(base(owner), data=form(revision="x", name="Mine"))
    assert late.status_code == 409
    again = untouched(late.text, "settings")
    assert client_for(owner).post(base(owner), data=again).status_code == 303
    assert workspace_settings.read(runtime, owner).values["name"] == "Mine"


def test_h03_a_form_cannot_reach_what_is_no_setting(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    extra = {"slug": "taken", "kind": "people", "id": "x", "workspace_id": "x", "created_at": "2020-01-01"}
    client_for(owner).post(base(owner), data=form(**extra))
    found = workspace_settings.read(runtime, owner)
    assert (found.slug, found.kind) == (owner.workspace_slug, "customers")


ACTS = {
    "": Role.OWNER,
    "/logo": Role.OWNER,
    "/logo/removal": Role.OWNER,
    "/members": Role.OWNER,
    "/keys": Role.OWNER,
    "/members/x/role": Role.OWNER,
    "/members/x/removal": Role.OWNER,
    "/keys/x/revocation": Role.OWNER,
    "/sending/pause": Role.MANAGER,
    "/sending/resume": Role.MANAGER,
}
PAGES = {"": Role.VIEWER, "/members": Role.VIEWER, "/keys": Role.OWNER}


@pytest.mark.parametrize("role", list(Role))
def test_h06_each_role_reaches_what_it_may_and_is_refused_the_rest(
    client_for: ClientFor, runtime: Runtime, world: World, owner: Visitor, role: Role
) -> None:
    who = colleague(world, runtime, owner, role)
    client = client_for(who)
    for path, needed in PAGES.items():
        assert client.get(base(who) + path).status_code == (200 if role.reaches(needed) else 403), path
    for path, needed in ACTS.items():
        refused = client.post(base(who) + path).status_code == 403
        assert refused is not role.reaches(needed), path


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.MANAGER])
def test_h05_whoever_may_not_change_settings_is_offered_no_form_for_it(
    client_for: ClientFor, runtime: Runtime, world: World, owner: Visitor, role: Role
) -> None:
    who = colleague(world, runtime, owner, role)
    page = client_for(who).get(base(who)).text
    assert "revision" not in page
    assert ("/sending/pause" in page) is role.reaches(Role.MANAGER)
    assert f"{base(who)}/keys" not in page
    listed = client_for(who).get(f"{base(who)}/members").text
    assert "/removal" not in listed


def test_h06_settings_of_a_workspace_are_nothing_to_members_of_another(
    client_for: ClientFor, world: World, owner: Visitor
) -> None:
    client = client_for(world.member(world.workspace()))
    nowhere = client.get("/w/no-such-place/settings")
    for path in PAGES:
        theirs = client.get(base(owner) + path)
        assert theirs.status_code == 404
        assert _without_ids(theirs.text) == _without_ids(nowhere.text)
    for path in ACTS:
        assert client.post(base(owner) + path).status_code == 404


def _without_ids(page: str) -> str:
    return re.sub(r"[0-9a-z]{16,26}", "", page)


def test_the_big_switch_is_on_this_page(client_for: ClientFor, runtime: Runtime, owner: Visitor) -> None:
    client = client_for(owner)
    client.post(f"{base(owner)}/sending/pause")
    assert switch.status(runtime)
    assert f"{base(owner)}/sending/resume" in client.get(base(owner)).text
    client.post(f"{base(owner)}/sending/resume")
    assert not switch.status(runtime)


def test_m08_going_on_applies_the_journal_before_anything_leaves(
    client_for: ClientFor, runtime: Runtime, world: World, owner: Visitor
) -> None:
    id = contacts.create(runtime, owner, {"name": "Ana", "email": "ana@x.example"})
    opt_outs.opt_out(runtime, owner, id, "console")
    with runtime.db.write() as session:  # an older copy, whose journal came later
        session.execute(delete(OptOut))
    switch.pause(runtime, backup.WHY_PAUSED)
    page = client_for(owner).post(f"{base(owner)}/sending/resume", follow_redirects=True).text
    assert not switch.status(runtime)
    assert contacts.detail(runtime, owner, id).is_opted_out
    assert "1 saída, retorno ou apagamento de depois da cópia foi aplicado antes." in page


def test_m08_going_on_with_a_copy_that_has_no_journal_says_so(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    switch.pause(runtime, backup.WHY_PAUSED)
    page = client_for(owner).post(f"{base(owner)}/sending/resume", follow_redirects=True).text
    assert "Não há diário desta instalação" in page


def test_a_logo_is_shown_to_everybody_as_a_picture_and_nothing_else(
    client_for: ClientFor, client: FlaskClient, runtime: Runtime, owner: Visitor
) -> None:
    upload = {"logo": (io.BytesIO(png()), "../../etc/evil.svg", "image/svg+xml")}
    assert client_for(owner).post(f"{base(owner)}/logo", data=upload).location == base(owner)
    url = workspace_settings.read(runtime, owner).logo_url or ""
    assert url in client_for(owner).get(base(owner)).text
    response = client.get(url)
    assert response.status_code == 200
    assert response.content_type == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "immutable" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers
    assert Image.open(io.BytesIO(response.data)).size == (512, 256)
    client_for(owner).post(f"{base(owner)}/logo/removal")
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "upload", [b"", b"<svg onload='alert(1)'/>", b"<html><script>alert(1)</script>", b"GIF89a"]
)
def test_j08_a_logo_that_is_a_program_is_refused(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, upload: bytes
) -> None:
    data = {"logo": (io.BytesIO(upload), "logo.png", "image/png")}
    refused = client_for(owner).post(f"{base(owner)}/logo", data=data)
    assert refused.status_code == 422
    assert 'id="logo-error"' in refused.text
    assert workspace_settings.read(runtime, owner).logo_url is None


def test_a_logo_may_be_two_megabytes_and_nothing_else_may(client_for: ClientFor, owner: Visitor) -> None:
    client = client_for(owner)
    assert _upload(client, f"{base(owner)}/logo", png() + b"\0" * 1_500_000) == 303
    assert _upload(client, f"{base(owner)}/logo", b"\0" * 3_000_000) == 413
    assert client.post(base(owner), data=form(postal_address="x" * 400_000)).status_code == 413


def _upload(client: FlaskClient, path: str, content: bytes) -> int:
    """A form with one file, put together here: the test client would leave a temporary file open."""
    head = b'--cut\r\nContent-Disposition: form-data; name="logo"; filename="logo.png"\r\n\r\n'
    body = head + content + b"\r\n--cut--\r\n"
    return client.post(path, data=body, content_type="multipart/form-data; boundary=cut").status_code


@pytest.mark.parametrize("id", ["x", "..%2f..%2fetc%2fpasswd", "a" * 26, "%00"])
def test_h12_logos_have_no_paths(client: FlaskClient, id: str) -> None:
    assert client.get(f"/logo/{id}.png").status_code == 404


def test_an_owner_invites_and_is_shown_the_link_this_once(client_for: ClientFor, owner: Visitor) -> None:
    client = client_for(owner)
    page = client.post(f"{base(owner)}/members", data={"email": "rui@aroeira.example", "role": "agent"})
    assert page.status_code == 200
    assert "/link/" in page.text
    listed = client.get(f"{base(owner)}/members")
    assert "rui@aroeira.example" in listed.text
    assert "/link/" not in listed.text


@pytest.mark.parametrize(("email", "role", "status"), [("rui", "agent", 422), ("rui@x.example", "root", 422)])
def test_an_invitation_that_cannot_be_is_explained(
    client_for: ClientFor, owner: Visitor, email: str, role: str, status: int
) -> None:
    refused = client_for(owner).post(f"{base(owner)}/members", data={"email": email, "role": role})
    assert refused.status_code == status
    assert 'aria-invalid="true"' in refused.text


def test_inviting_somebody_twice_says_so(client_for: ClientFor, owner: Visitor) -> None:
    data = {"email": "rui@aroeira.example", "role": "agent"}
    client = client_for(owner)
    client.post(f"{base(owner)}/members", data=data)
    assert client.post(f"{base(owner)}/members", data=data).status_code == 409


def test_an_owner_changes_a_role_and_removes_a_member(
    client_for: ClientFor, runtime: Runtime, world: World, owner: Visitor
) -> None:
    rui = colleague(world, runtime, owner, Role.AGENT)
    theirs, client = client_for(rui), client_for(owner)
    assert theirs.get(base(owner)).status_code == 200
    changed = client.post(f"{base(owner)}/members/{rui.member_id}/role", data={"role": "manager"})
    assert changed.location == f"{base(owner)}/members"
    assert theirs.get(base(owner)).status_code == 303
    assert client.post(f"{base(owner)}/members/{rui.member_id}/role", data={"role": "x"}).status_code == 422
    client.post(f"{base(owner)}/members/{rui.member_id}/removal")
    assert [each.id for each in members.list_members(runtime, owner)] == [owner.member_id]
    assert client.post(f"{base(owner)}/members/{rui.member_id}/removal").status_code == 404


def test_the_last_owner_is_told_to_make_another_one_first(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    client = client_for(owner)
    for act, data in (("removal", {}), ("role", {"role": "viewer"})):
        assert client.post(f"{base(owner)}/members/{owner.member_id}/{act}", data=data).status_code == 303
        assert "flash-wrong" in client.get(f"{base(owner)}/members").text
    assert members.list_members(runtime, owner)[0].role is Role.OWNER


def test_an_owner_who_leaves_goes_to_the_start(
    client_for: ClientFor, runtime: Runtime, world: World, owner: Visitor
) -> None:
    colleague(world, runtime, owner, Role.OWNER)
    client = client_for(owner)
    assert client.post(f"{base(owner)}/members/{owner.member_id}/removal").location == "/"
    assert client.get("/").location == "/account"


def test_g17_a_key_is_shown_once_and_then_only_how_it_begins(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    client = client_for(owner)
    made = client.post(
        f"{base(owner)}/keys", data={"name": "Order system", "extent": "some", "scopes": "events:write"}
    )
    secret = re.search(r"rtn_[\w-]{43}", made.text)
    assert secret
    assert made.headers["Cache-Control"] == "no-store"
    assert api_keys.authenticate(runtime, secret[0]).scopes == {"events:write"}
    page = client.get(f"{base(owner)}/keys").text
    assert secret[0] not in page
    assert f"{secret[0][:10]}…" in page
    (key,) = api_keys.list_keys(runtime, owner)
    assert key.key_hash not in page
    assert client.post(f"{base(owner)}/keys/{key.id}/revocation").status_code == 303
    assert "/revocation" not in client.get(f"{base(owner)}/keys").text


def test_a_key_needs_a_name_and_something_that_it_may(
    client_for: ClientFor, runtime: Runtime, owner: Visitor
) -> None:
    client = client_for(owner)
    for data in ({}, {"name": "Key", "extent": "some"}, {"name": "Key", "extent": "some", "scopes": "root"}):
        assert client.post(f"{base(owner)}/keys", data=data).status_code == 422
    assert api_keys.list_keys(runtime, owner) == []
    assert client.post(f"{base(owner)}/keys", data={"name": "All", "extent": "everything"}).status_code == 200


def test_a_people_workspace_has_the_settings_that_it_needs(client_for: ClientFor, world: World) -> None:
    who = world.member(world.workspace("people"))
    page = client_for(who).get(base(who)).text
    assert 'name="rest_enps"' in page
    assert 'name="rest_nps"' not in page
    assert 'name="root_causes"' not in page
