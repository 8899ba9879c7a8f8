"""Which contacts are looked for: by words, by a tag, by whom a segment means. Lists stand in contacts.py."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.domain.contacts import search_words
from app.domain.tags import tag_of
from app.models import Contact
from app.runtime import Runtime
from app.services import audiences, segments
from app.services.access import Visitor
from app.services.json_values import has_tag

Show = Literal["active", "inactive", "opted_out", "all"]


@dataclass(frozen=True)
class Sought:
    """Every word stands in name, addresses or external id, they carry the tag, and the segment means them."""

    query: str = ""
    show: Show = "all"
    segment: str | None = None
    tag: str | None = None


EVERYBODY = Sought()


def here(who: Visitor) -> list[ColumnElement[bool]]:
    """The contacts of the visitor's workspace."""
    return [Contact.workspace_id == who.workspace_id, Contact.erased_at.is_(None)]


def found_by(session: Session, runtime: Runtime, who: Visitor, sought: Sought) -> list[ColumnElement[bool]]:
    """A step: those whom this finds. Raises NotFound for a segment that is not here."""
    words = [Contact.search_name.contains(word, autoescape=True) for word in search_words(sought.query)]
    tags = [has_tag(Contact.tags, tag_of(sought.tag))] if sought.tag else []
    meant = segments.audience_of(session, who, sought.segment)
    fits = [audiences.condition(session, runtime, who.workspace_id, meant)] if meant.members else []
    return [*here(who), *words, *tags, *fits]
