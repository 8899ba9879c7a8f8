"""Roles in their order and scopes by their names (H06)."""

import itertools

from app.domain import access
from app.domain.access import Role


def test_h06_each_role_reaches_itself_and_all_below_it_and_nothing_above() -> None:
    order = [Role.VIEWER, Role.AGENT, Role.MANAGER, Role.OWNER]
    for (mine, have), (theirs, needed) in itertools.product(enumerate(order), enumerate(order)):
        assert have.reaches(needed) is (mine >= theirs)


def test_roles_are_compared_by_what_they_may_and_not_by_their_letters() -> None:
    assert Role.OWNER.reaches(Role.AGENT)
    assert not Role.VIEWER.reaches(Role.MANAGER)


def test_every_role_says_in_a_sentence_what_it_may() -> None:
    assert set(access.MAY) == set(Role)


def test_a_scope_for_writing_does_not_open_reading() -> None:
    assert access.opens(("contacts:write",), "contacts:write")
    assert not access.opens(("contacts:write",), "contacts:read")
    assert not access.opens((), "contacts:read")


def test_unknown_scopes_are_named_in_order() -> None:
    assert access.unknown_scopes(("contacts:read", "root", "contacts:*")) == ["root", "contacts:*"]
    assert access.unknown_scopes(access.SCOPES) == []
