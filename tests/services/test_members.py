"""Members: roles that count at once, an owner that stays, nothing of another workspace (G01, H07)."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.models import Member
from app.runtime import Runtime
from app.services import members, sessions
from app.services.access import Visitor
from app.services.sign_in import sign_in
from tests.services.people import ELSEWHERE, HERE, PASSWORD, account
from tests.world import World

RUI = "rui@aroeira.example"


@pytest.fixture
def owner(world: World) -> Visitor:
    return world.member(world.workspace(name="Aroeira"), Role.OWNER, account(world))


@pytest.fixture
def rui(world: World, owner: Visitor, runtime: Runtime) -> Visitor:
    return colleague(runtime, world, owner, Role.AGENT, RUI)


def colleague(runtime: Runtime, world: World, owner: Visitor, role: Role, email: str) -> Visitor:
    user = account(world, email, name="Rui Lima")
    with runtime.db.write() as session:
        made = Member(
            workspace_id=owner.workspace_id, user_id=user.id, role=role.value, created_at=runtime.clock()
        )
        session.add(made)
    return Visitor(
        workspace_id=owner.workspace_id, workspace_slug=owner.workspace_slug, workspace_kind="customers",
        role=role, name=user.name, locale="pt-BR", time_zone="UTC", user_id=user.id, member_id=made.id,
    )  # fmt: skip


def entered(runtime: Runtime, email: str) -> str:
    token = sign_in(runtime, email, PASSWORD, ELSEWHERE).token
    assert token is not None
    return token


def id_of(who: Visitor) -> str:
    assert who.member_id is not None
    return who.member_id


def roles(runtime: Runtime, who: Visitor) -> dict[str, str]:
    return {each.email: each.role.value for each in members.list_members(runtime, who)}


def test_g01_a_new_role_ends_that_persons_sessions_and_counts_at_the_next_sign_in(
    runtime: Runtime, owner: Visitor, rui: Visitor
) -> None:
    token = entered(runtime, RUI)
    members.change_role(runtime, owner, id_of(rui), "manager")
    with pytest.raises(Unauthenticated):
        sessions.visit(runtime, token, owner.workspace_slug)
    assert sessions.visit(runtime, entered(runtime, RUI), owner.workspace_slug).role is Role.MANAGER


def test_a_role_that_stays_the_same_disturbs_nobody(runtime: Runtime, owner: Visitor, rui: Visitor) -> None:
    token = entered(runtime, RUI)
    members.change_role(runtime, owner, id_of(rui), "agent")
    sessions.visit(runtime, token, owner.workspace_slug)


def test_h07_a_removed_member_is_out_at_the_next_request_and_after_signing_in_again(
    runtime: Runtime, owner: Visitor, rui: Visitor
) -> None:
    token = entered(runtime, RUI)
    members.remove(runtime, owner, id_of(rui))
    with pytest.raises(Unauthenticated):
        sessions.visit(runtime, token, owner.workspace_slug)
    with pytest.raises(NotFound):
        sessions.visit(runtime, entered(runtime, RUI), owner.workspace_slug)
    assert RUI not in roles(runtime, owner)


def test_removing_somebody_leaves_their_follow_ups_to_the_others(
    runtime: Runtime, world: World, owner: Visitor, rui: Visitor
) -> None:
    members.remove(runtime, owner, id_of(rui))
    members.invite(runtime, owner, RUI, "agent")
    assert roles(runtime, owner)[RUI] == "agent"


def test_the_only_owner_is_neither_removed_nor_demoted(
    runtime: Runtime, owner: Visitor, rui: Visitor
) -> None:
    with pytest.raises(Conflict):
        members.remove(runtime, owner, id_of(owner))
    with pytest.raises(Conflict):
        members.change_role(runtime, owner, id_of(owner), "viewer")
    members.change_role(runtime, owner, id_of(rui), "owner")
    members.change_role(runtime, owner, id_of(owner), "viewer")
    assert roles(runtime, owner) == {RUI: "owner", "camila@aroeira.example": "viewer"}


def test_whoever_gives_up_their_own_role_stays_signed_in_here_and_nowhere_else(
    runtime: Runtime, owner: Visitor, rui: Visitor
) -> None:
    members.change_role(runtime, owner, id_of(rui), "owner")
    here, there = (entered(runtime, "camila@aroeira.example") for _ in range(2))
    members.change_role(runtime, owner, id_of(owner), "viewer", but=here)
    assert sessions.visit(runtime, here, owner.workspace_slug).role is Role.VIEWER
    with pytest.raises(Unauthenticated):
        sessions.visit(runtime, there, owner.workspace_slug)


def test_two_owners_who_remove_each_other_at_once_leave_one(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    other = colleague(runtime, world, owner, Role.OWNER, RUI)
    pairs = [(owner, other), (other, owner)]

    def go(pair: tuple[Visitor, Visitor]) -> bool:
        try:
            members.remove(runtime, pair[0], id_of(pair[1]))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(go, pairs)) == 1
    assert list(roles(runtime, owner).values()) == ["owner"]


def test_h02_a_member_of_another_workspace_is_unknown_here(
    runtime: Runtime, world: World, owner: Visitor
) -> None:
    stranger = world.member(world.workspace(), Role.AGENT)
    for id, _ in itertools.product((id_of(stranger), "", "x" * 26, "x" * 300, "\x00"), range(1)):
        with pytest.raises(NotFound):
            members.change_role(runtime, owner, id, "viewer")
        with pytest.raises(NotFound):
            members.remove(runtime, owner, id)
    with runtime.db.read() as session:
        assert session.scalar(select(Member.role).where(Member.id == stranger.member_id)) == "agent"


@pytest.mark.parametrize("role", ["admin", "", "OWNER", "owner ", "\x00"])
def test_a_role_that_does_not_exist_is_refused(
    runtime: Runtime, owner: Visitor, rui: Visitor, role: str
) -> None:
    with pytest.raises(Invalid):
        members.change_role(runtime, owner, id_of(rui), role)


def test_one_person_invited_by_two_owners_at_once_is_one_member(runtime: Runtime, owner: Visitor) -> None:
    def go(_: int) -> bool:
        try:
            members.invite(runtime, owner, "new@aroeira.example", "agent")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(go, range(6))) == 1
    assert roles(runtime, owner)["new@aroeira.example"] == "agent"


def test_members_are_listed_by_what_they_may_and_then_by_name(
    runtime: Runtime, world: World, owner: Visitor, rui: Visitor
) -> None:
    colleague(runtime, world, owner, Role.MANAGER, "ana@aroeira.example")
    world.member(world.workspace(), Role.OWNER)
    assert list(roles(runtime, owner).values()) == ["owner", "manager", "agent"]


def test_signing_in_still_works_from_home_after_a_removal(runtime: Runtime, owner: Visitor) -> None:
    assert (
        sessions.user_of(runtime, sign_in(runtime, "camila@aroeira.example", PASSWORD, HERE).token).id
        == owner.user_id
    )
