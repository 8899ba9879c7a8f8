"""Settings of a workspace: saved by revision, walls kept, logos re-encoded (J08, J10, H12)."""

import io

import pytest
from PIL import Image

from app.errors import Conflict, Invalid, NotFound
from app.runtime import Runtime
from app.services import logos, workspace_settings, workspaces
from app.services.access import Visitor
from tests.world import World


@pytest.fixture
def owner(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"))


def picture(kind: str = "PNG", size: tuple[int, int] = (800, 400), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 128).save(buffer, kind)
    return buffer.getvalue()


def test_what_is_named_changes_and_the_rest_stays(runtime: Runtime, owner: Visitor) -> None:
    before = workspace_settings.read(runtime, owner)
    after = workspace_settings.update(
        runtime, owner, {"name": "Loja Sul", "rest_days_by_metric": {"nps": 60}}
    )
    assert after.values["name"] == "Loja Sul"
    assert after.values["rest_days_by_metric"] == {"nps": 60, "enps": 90, "csat": 14, "ces": 14}
    changed = {name for name in before.values if before.values[name] != after.values[name]}
    assert changed == {"name", "rest_days_by_metric"}
    assert workspace_settings.read(runtime, owner) == after


def test_j10_two_people_who_save_at_once_do_not_overwrite_each_other(
    runtime: Runtime, owner: Visitor
) -> None:
    seen = workspace_settings.read(runtime, owner).revision
    workspace_settings.update(runtime, owner, {"name": "Mine"}, seen)
    with pytest.raises(Conflict):
        workspace_settings.update(runtime, owner, {"name": "Yours"}, seen)
    assert workspace_settings.read(runtime, owner).values["name"] == "Mine"


def test_hours_are_checked_against_what_is_stored(runtime: Runtime, owner: Visitor) -> None:
    with pytest.raises(Invalid) as refused:
        workspace_settings.update(runtime, owner, {"opens_at": "19:00"})
    assert list(refused.value.by_field()) == ["closes_at"]
    workspace_settings.update(runtime, owner, {"opens_at": "19:00", "closes_at": "23:00"})


def test_h03_what_is_no_setting_is_refused(runtime: Runtime, owner: Visitor) -> None:
    for name in ("id", "slug", "kind", "revision", "created_at", "workspace_id", "__class__"):
        with pytest.raises(Invalid):
            workspace_settings.update(runtime, owner, {name: "x"})


def test_settings_of_one_workspace_are_not_those_of_another(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    other = world.member(world.workspace(name="Other"))
    workspace_settings.update(runtime, owner, {"name": "Changed"})
    assert workspace_settings.read(runtime, other).values["name"] == "Other"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_a_small_png_of_our_own(kind: str) -> None:
    made = Image.open(io.BytesIO(logos.reencoded(picture(kind))))
    assert (made.format, made.size) == ("PNG", (512, 256))


def test_what_hides_behind_a_picture_does_not_survive() -> None:
    hidden = picture() + b"<script>alert(1)</script>"
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[270] = "<script>alert(2)</script>"
    Image.new("RGB", (40, 40)).save(buffer, "JPEG", exif=exif, comment=b"secret")
    for upload in (hidden, buffer.getvalue()):
        made = logos.reencoded(upload)
        assert b"script" not in made
        assert b"secret" not in made


def test_a_photograph_taken_sideways_is_turned_upright() -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (100, 50)).save(buffer, "JPEG", exif=exif)
    assert Image.open(io.BytesIO(logos.reencoded(buffer.getvalue()))).size == (50, 100)


@pytest.mark.parametrize(
    "upload",
    [
        b"",
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"GIF89a<script>",
        picture()[:60],
        picture("BMP"),
        picture("TIFF"),
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        picture("PPM"),
        b"0" * (2 * 1024 * 1024 + 1),
    ],
)
def test_j08_what_is_no_raster_picture_is_refused(upload: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        logos.reencoded(upload)
    assert list(refused.value.by_field()) == ["logo"]


def test_j08_a_small_file_with_a_huge_picture_is_refused_before_it_is_decoded() -> None:
    bomb = picture(size=(30_000, 30_000), mode="1")
    assert len(bomb) < 2 * 1024 * 1024
    for upload in (bomb, picture(size=(5_000, 4_000), mode="L")):
        with pytest.raises(Invalid):
            logos.reencoded(upload)


def test_a_logo_has_a_new_address_whenever_it_changes(runtime: Runtime, owner: Visitor) -> None:
    workspace_settings.set_logo(runtime, owner, picture())
    first = workspace_settings.read(runtime, owner).logo_url
    workspace_settings.set_logo(runtime, owner, picture(size=(10, 10)))
    second = workspace_settings.read(runtime, owner).logo_url
    assert first and second and first != second
    id = second.removeprefix("/logo/").removesuffix(".png")
    assert Image.open(io.BytesIO(workspace_settings.logo(runtime, id))).size == (10, 10)
    workspace_settings.remove_logo(runtime, owner)
    workspace_settings.remove_logo(runtime, owner)
    assert workspace_settings.read(runtime, owner).logo_url is None
    with pytest.raises(NotFound):
        workspace_settings.logo(runtime, id)


@pytest.mark.parametrize(
    "id", ["", "x", "../../etc/passwd", "a" * 26, "A" * 26, "\x00", "%", "a" * 26 + "/.."]
)
def test_h12_a_logo_is_found_by_our_own_random_id_only(runtime: Runtime, owner: Visitor, id: str) -> None:
    workspace_settings.set_logo(runtime, owner, picture())
    with pytest.raises(NotFound):
        workspace_settings.logo(runtime, id)


def test_h12_removing_a_logo_leaves_other_workspaces_theirs(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    other = world.member(world.workspace())
    workspace_settings.set_logo(runtime, other, picture())
    kept = workspace_settings.read(runtime, other).logo_url
    assert kept
    workspace_settings.remove_logo(runtime, owner)
    assert workspace_settings.read(runtime, other).logo_url == kept


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Loja Sul", "loja-sul"),
        ("Café & Cia.", "cafe-cia"),
        ("  --  ", "workspace"),
        ("商店", "workspace"),
        ("a" * 120, "a" * 50),
        ("Ação/../etc", "acao-etc"),
        ("x" * 49 + " y", "x" * 49),
    ],
)
def test_a_slug_is_plain_and_short(name: str, slug: str) -> None:
    assert workspaces.slug_of(name) == slug


def test_a_new_workspace_starts_empty_with_settings_that_suit(runtime: Runtime) -> None:
    slug = workspaces.create(runtime, "Loja Sul", "customers", "America/Sao_Paulo", "pt-BR")
    assert slug == "loja-sul"
    (made,) = workspaces.list_all(runtime)
    assert (made.rest_days, made.opens_at, made.closes_at, made.revision) == (30, "09:00", "18:00", 1)
    assert made.rest_days_by_metric == {"nps": 90, "enps": 90, "csat": 14, "ces": 14}
    assert len(made.root_causes) == 6


def test_two_workspaces_of_one_name_have_different_addresses(runtime: Runtime) -> None:
    assert [workspaces.create(runtime, "Loja Sul") for _ in range(3)] == [
        "loja-sul",
        "loja-sul-2",
        "loja-sul-3",
    ]


def test_everything_wrong_with_a_new_workspace_is_said_at_once(runtime: Runtime) -> None:
    with pytest.raises(Invalid) as refused:
        workspaces.create(runtime, " ", "clients", "Mars/Olympus", "tlh")
    assert set(refused.value.by_field()) == {"name", "kind", "time_zone", "locale"}
