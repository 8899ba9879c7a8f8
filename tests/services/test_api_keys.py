"""API keys: shown once, stored hashed, scoped, revocable, of one workspace (G17)."""

import pytest

from app.domain.access import SCOPES, Role
from app.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.models import ApiKey
from app.runtime import Runtime
from app.services import api_keys
from app.services.access import Visitor
from tests.world import Clock, World


@pytest.fixture
def owner(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"))


def test_g17_a_key_speaks_for_its_workspace_with_its_scopes(runtime: Runtime, owner: Visitor) -> None:
    made = api_keys.create(runtime, owner, "Order system", ["contacts:write", "invitations:write"])
    who = api_keys.authenticate(runtime, made.secret)
    assert (who.workspace_id, who.key_id, who.user_id) == (owner.workspace_id, made.id, None)
    assert who.scopes == {"contacts:write", "invitations:write"}
    assert (who.name, who.role) == ("Order system", Role.OWNER)


def test_without_a_list_a_key_may_everything_in_its_workspace(runtime: Runtime, owner: Visitor) -> None:
    made = api_keys.create(runtime, owner, "All", None)
    assert api_keys.authenticate(runtime, made.secret).scopes == frozenset(SCOPES)


def test_g17_a_key_may_never_more_than_its_maker(runtime: Runtime, world: World, owner: Visitor) -> None:
    manager = world.member(world.workspace(), Role.MANAGER)
    made = api_keys.create(runtime, manager, "Mine", None)
    assert api_keys.authenticate(runtime, made.secret).role is Role.MANAGER


def test_g17_the_secret_is_nowhere_in_the_database_and_the_list_shows_its_beginning(
    runtime: Runtime, owner: Visitor
) -> None:
    made = api_keys.create(runtime, owner, "Order system", None)
    (listed,) = api_keys.list_keys(runtime, owner)
    assert made.secret not in repr(vars(listed))
    assert made.secret.startswith(listed.prefix)
    assert len(listed.prefix) == 10
    assert len(made.secret) > 40


def test_g17_a_revoked_key_is_nobody_at_once_and_stays_listed(
    runtime: Runtime, owner: Visitor, clock: Clock
) -> None:
    made = api_keys.create(runtime, owner, "Order system", None)
    api_keys.revoke(runtime, owner, made.id)
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(runtime, made.secret)
    first = api_keys.list_keys(runtime, owner)[0].revoked_at
    clock.advance(hours=1)
    api_keys.revoke(runtime, owner, made.id)
    assert api_keys.list_keys(runtime, owner)[0].revoked_at == first


def test_h02_another_workspaces_key_cannot_be_seen_or_revoked(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    made = api_keys.create(runtime, owner, "Order system", None)
    stranger = world.member(world.workspace())
    assert api_keys.list_keys(runtime, stranger) == []
    with pytest.raises(NotFound):
        api_keys.revoke(runtime, stranger, made.id)
    api_keys.authenticate(runtime, made.secret)


@pytest.mark.parametrize("secret", ["", "rtn_", "rtn_" + "x" * 43, "Bearer x", "é", "rtn_\udc80", "rtn_\x00"])
def test_what_is_no_key_of_ours_is_nobody(runtime: Runtime, owner: Visitor, secret: str) -> None:
    api_keys.create(runtime, owner, "Order system", None)
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(runtime, secret)


def test_the_stored_hash_is_no_key(runtime: Runtime, owner: Visitor) -> None:
    api_keys.create(runtime, owner, "Order system", None)
    with runtime.db.read() as session:
        stored = session.query(ApiKey.key_hash).scalar()
    for guess in (stored, f"rtn_{stored}"):
        with pytest.raises(Unauthenticated):
            api_keys.authenticate(runtime, guess)


def test_the_last_use_is_noted_now_and_then(runtime: Runtime, owner: Visitor, clock: Clock) -> None:
    made = api_keys.create(runtime, owner, "Order system", None)

    def last() -> object:
        return api_keys.list_keys(runtime, owner)[0].last_used_at

    assert last() is None
    api_keys.authenticate(runtime, made.secret)
    first = last()
    assert first == clock.now
    clock.advance(minutes=9)
    api_keys.authenticate(runtime, made.secret)
    assert last() == first
    clock.advance(minutes=2)
    api_keys.authenticate(runtime, made.secret)
    assert last() == clock.now


@pytest.mark.parametrize(("name", "scopes", "field"), [
    ("", None, "name"), (" ", None, "name"), ("x" * 121, None, "name"), ("a\x1bb", None, "name"),
    ("Key", ["contacts:*"], "scopes"), ("Key", ["contacts:read", "root"], "scopes"), ("Key", [], "scopes"),
])  # fmt: skip
def test_a_key_needs_a_name_and_scopes_that_exist(
    runtime: Runtime, owner: Visitor, name: str, scopes: list[str] | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        api_keys.create(runtime, owner, name, scopes)
    assert list(refused.value.by_field()) == [field]


def test_a_workspace_has_a_hundred_keys_in_force_at_most(runtime: Runtime, owner: Visitor) -> None:
    made = [api_keys.create(runtime, owner, f"Key {number}", None) for number in range(100)]
    with pytest.raises(Conflict):
        api_keys.create(runtime, owner, "One more", None)
    api_keys.revoke(runtime, owner, made[0].id)
    api_keys.create(runtime, owner, "One more", None)


def test_the_operator_makes_lists_and_revokes_keys(runtime: Runtime, owner: Visitor) -> None:
    made = api_keys.create_for(runtime, owner.workspace_slug, "Nightly", ["answers:read"])
    assert [(key.id, slug) for key, slug in api_keys.list_all(runtime)] == [(made.id, owner.workspace_slug)]
    api_keys.revoke_by_id(runtime, made.id)
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(runtime, made.secret)
    for id in ("", "x" * 26, "\x00"):
        with pytest.raises(NotFound):
            api_keys.revoke_by_id(runtime, id)
    with pytest.raises(NotFound):
        api_keys.create_for(runtime, "no-such-place", "Nightly", None)
