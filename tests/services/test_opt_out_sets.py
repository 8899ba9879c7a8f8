"""Who opted out of a whole workspace is who each of them is when looked up."""

from itertools import product

import pytest
from sqlalchemy import event, select

from app.domain.channel_choice import CHANNELS
from app.models import Contact, OptOut, Workspace, new_id
from app.runtime import Runtime
from app.services import contacts, few, opt_out_sets, opt_outs
from app.services.contact_search import Sought
from tests.world import World

KINDS = ("own_wish", "legal", "bounce", "erasure")


@pytest.fixture
def workspace(world: World) -> Workspace:
    """A person for every kind of opt-out, by every address and by name, that stands or was lifted."""
    here, elsewhere = world.workspace(), world.workspace()
    whose = ("person", "email_key", "phone_key", "telegram_key")
    ways = product(KINDS, whose, (None, "email", "sms"), (True, False), (here, elsewhere))
    for number, (kind, by, channel, stands, where) in enumerate(ways):
        contact = world.contact(
            here, email=f"p{number}@b.example", phone=f"+55319{number:08}", telegram_chat_id=str(number + 1)
        )
        world.add(
            OptOut(
                id=new_id(), workspace_id=where.id, kind=kind, origin="console", channel=channel,
                contact_id=contact.id if by == "person" else None,
                address_key=None if by == "person" else getattr(contact, by),
                created_at=world.now, lifted_at=None if stands else world.now,
            )
        )  # fmt: skip
    return here


def test_they_are_the_same_from_both_sides(runtime: Runtime, workspace: Workspace) -> None:
    here = Contact.workspace_id == workspace.id
    with runtime.db.read() as session:
        for channel in (None, *CHANNELS):
            each = set(session.scalars(select(Contact.id).where(here, opt_outs.is_opted_out(channel))))
            assert set(session.scalars(opt_out_sets.who_opted_out(workspace.id, channel))) == each
        for channel in CHANNELS:
            each = set(session.scalars(select(Contact.id).where(here, opt_outs.is_bounced(channel))))
            found = session.scalars(opt_out_sets.who_bounced(workspace.id, channel)).all()
            assert len(found) == len(each)
            assert set(found) == each
        assert session.scalars(opt_out_sets.who_opted_out(workspace.id)).all()


def test_everybody_is_counted_without_looking_up_the_opt_outs_of_each(
    runtime: Runtime, world: World, workspace: Workspace
) -> None:
    """Of a million people that took longer than anybody waits."""
    who = world.member(workspace)
    said: list[str] = []

    @event.listens_for(runtime.db.engine, "before_cursor_execute")
    def hear(*given: object) -> None:
        said.append(str(given[2]))

    listing = contacts.listing(runtime, who)
    event.remove(runtime.db.engine, "before_cursor_execute", hear)
    assert listing.counts is not None
    for show, number in listing.counts.items():
        found = contacts.find(runtime, who, Sought(show=show), limit=1_000).items
        assert len(found) == number
    assert 0 < listing.counts["opted_out"] < listing.counts["all"]
    counting = [each for each in said if each.startswith("SELECT count(") and "opt_outs" in each]
    assert len(counting) == 1
    assert "EXISTS" not in counting[0]


def test_few_people_are_found_before_they_are_put_in_order(
    runtime: Runtime, world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of names one would look at everybody to come upon them; the pages are the same."""
    who, said = world.member(workspace), list[str]()

    @event.listens_for(runtime.db.engine, "before_cursor_execute")
    def hear(*given: object) -> None:
        said.append(str(given[2]))

    def pages(query: str) -> list[str]:
        found, cursor = list[str](), None
        while True:
            page = contacts.find(runtime, who, Sought(query), cursor=cursor, limit=4)
            found += [each.contact.id for each in page.items]
            if (cursor := page.next_cursor) is None:
                return found

    few_first = pages("p1")
    assert any("MATERIALIZED" in each and "ORDER BY contacts.search_name" in each for each in said)
    monkeypatch.setattr(few, "FEW", 2)
    said.clear()
    assert pages("p1") == few_first
    assert len(few_first) > 9
    assert not any("MATERIALIZED" in each for each in said)
    event.remove(runtime.db.engine, "before_cursor_execute", hear)
