"""Whom the law forbids to ask stays so: under another name, after a restore, and whatever they type."""

from pathlib import Path

import pytest

from app.domain.access import Role
from app.runtime import Runtime
from app.services import backup, consents, contacts, erasure, opt_outs
from app.services.access import Visitor
from tests.world import Clock, World

ANA = {"external_id": "1", "name": "Ana", "email": "ana@zibelina.example", "phone": "+5531988884417"}


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


@pytest.fixture
def ana(runtime: Runtime, bea: Visitor) -> str:
    return contacts.create(runtime, bea, ANA)


def is_out(runtime: Runtime, who: Visitor, id: str) -> bool:
    return contacts.detail(runtime, who, id).is_opted_out


def on_basis(runtime: Runtime, who: Visitor, id: str, basis: str, evidence: str = "Wrote it to us.") -> None:
    consents.change(runtime, who, id, basis, source="", evidence=evidence)


def why(runtime: Runtime, who: Visitor, id: str) -> set[str | None]:
    return {each.reason for each in contacts.detail(runtime, who, id).askable}


def test_a_withdrawn_basis_holds_for_the_address_under_another_name(
    runtime: Runtime, bea: Visitor, ana: str
) -> None:
    on_basis(runtime, bea, ana, "none")
    for name, address in (("email", "ANA@zibelina.example"), ("phone", "31 98888-4417")):
        raw = {"external_id": f"by {name}", "name": "A.", name: address, "lawful_basis": "consent"}
        again = contacts.create(runtime, bea, raw)
        assert is_out(runtime, bea, again)
        assert why(runtime, bea, again) == {"opted_out"}
    assert why(runtime, bea, ana) == {"no_lawful_basis"}, "the reason that says more comes first"


def test_a_withdrawn_basis_outlives_yesterdays_copy(
    runtime: Runtime, bea: Visitor, ana: str, tmp_path: Path
) -> None:
    backup.backup(runtime, tmp_path / "copy")
    on_basis(runtime, bea, ana, "none")
    backup.restore(runtime, tmp_path / "copy", force=True)
    assert contacts.detail(runtime, bea, ana).contact.lawful_basis != "none"
    assert why(runtime, bea, ana) == {"opted_out"}


def test_another_basis_ends_it_with_its_evidence(runtime: Runtime, bea: Visitor, ana: str) -> None:
    on_basis(runtime, bea, ana, "none", "Withdrew it on the phone.")
    on_basis(runtime, bea, ana, "none")
    (block,) = opt_outs.of(runtime, bea, ana)
    assert (block.kind, block.origin, block.proof) == ("legal", "basis", "Withdrew it on the phone.")
    on_basis(runtime, bea, ana, "consent", "Signed at the fair.")
    (block,) = opt_outs.of(runtime, bea, ana)
    assert (block.lifted_at, block.evidence) == (runtime.clock(), "Signed at the fair.")
    assert not is_out(runtime, bea, ana)


def test_their_own_yes_is_no_basis_and_another_basis_is_not_their_yes(
    runtime: Runtime, bea: Visitor, ana: str
) -> None:
    opt_outs.opt_out(runtime, bea, ana, "console")
    on_basis(runtime, bea, ana, "none")
    opt_outs.opt_in(runtime, bea, ana, "Called and said so.")
    assert [each.kind for each in opt_outs.of(runtime, bea, ana) if each.lifted_at is None] == ["legal"]
    opt_outs.opt_out(runtime, bea, ana, "console")
    on_basis(runtime, bea, ana, "consent")
    assert [each.kind for each in opt_outs.of(runtime, bea, ana) if each.lifted_at is None] == ["own_wish"]


def test_a_withdrawn_basis_outlives_an_erasure(runtime: Runtime, bea: Visitor, ana: str) -> None:
    on_basis(runtime, bea, ana, "none")
    erasure.erase(runtime, bea, ana)
    again = contacts.create(runtime, bea, ANA)
    opt_outs.opt_in(runtime, bea, again, "Said so, though who knows.")
    assert is_out(runtime, bea, again)


def test_the_timeline_says_what_came_and_went(runtime: Runtime, bea: Visitor, ana: str, clock: Clock) -> None:
    on_basis(runtime, bea, ana, "none")
    clock.advance(hours=1)
    on_basis(runtime, bea, ana, "consent", "Signed at the fair.")
    moments = contacts.detail(runtime, bea, ana).moments.items
    assert [(each.kind, getattr(each, "cause", None)) for each in moments[:2]] == [
        ("opted_in", "legal"),
        ("opted_out", "legal"),
    ]
