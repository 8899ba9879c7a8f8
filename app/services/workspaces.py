"""Making a workspace: its address, and settings that suit until somebody changes them."""

import re
import unicodedata

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.domain.setting_values import time_zones
from app.errors import Conflict, Invalid, Problem, problem
from app.models import Workspace, new_id
from app.rendering.languages import LOCALES, language_of
from app.runtime import Runtime
from app.services import audit

KINDS = ("customers", "people")
LONGEST_NAME = 120
LONGEST_SLUG = 50  # leaves room for -2, -3, …
# Rests in days: what peers with a good name do, so that nobody is asked too often by default.
REST_DAYS = 30
REST_DAYS_BY_METRIC = {"nps": 90, "enps": 90, "csat": 14, "ces": 14}
LAWFUL_BASIS = "legitimate_interest"


def create(
    runtime: Runtime, name: str, kind: str = "customers", time_zone: str = "UTC", locale: str = "en"
) -> str:
    """Make an empty workspace and return its slug; raises Invalid."""
    values = checked(name, kind, time_zone, locale)
    with runtime.db.write() as session:
        workspace = add(session, runtime, values)
        audit.note(
            session, None, runtime.clock(), "workspace.created", workspace.id, workspace_id=workspace.id
        )
        return workspace.slug


def list_all(runtime: Runtime) -> list[Workspace]:
    """Every workspace of this installation, for its operator."""
    with runtime.db.read() as session:
        return list(session.scalars(select(Workspace).order_by(Workspace.slug)))


def checked(name: str, kind: str, time_zone: str, locale: str) -> dict[str, str]:
    """The four as they are stored; raises Invalid with everything that is wrong."""
    problems: list[Problem] = []
    name = read_workspace_name(name, problems)
    if kind not in KINDS:
        problems.append(problem("kind", "Choose customers or people."))
    if time_zone not in time_zones():
        problems.append(problem("time_zone", "Choose a time zone from the list."))
    if locale not in LOCALES:
        problems.append(problem("locale", "Choose one of the languages."))
    if problems:
        raise Invalid(problems)
    return {"name": name, "kind": kind, "time_zone": time_zone, "locale": locale}


def read_workspace_name(text: str, problems: list[Problem], field: str = "name") -> str:
    """A name on one line; what is wrong with it is added to the problems."""
    name = " ".join(text.split())
    if not name:
        problems.append(problem(field, "Give it a name."))
    elif len(name) > LONGEST_NAME or not name.isprintable():
        problems.append(problem(field, "At most %(most)s ordinary characters.", most=LONGEST_NAME))
    return name


def add(session: Session, runtime: Runtime, values: dict[str, str]) -> Workspace:
    """A workspace with values that `checked` has seen."""
    workspace = Workspace(
        **values, id=new_id(), slug=_free_slug(session, values["name"]), business_days=[0, 1, 2, 3, 4],
        opens_at="09:00", closes_at="18:00", holidays=[], rest_days=REST_DAYS,
        rest_days_by_metric=dict(REST_DAYS_BY_METRIC), root_causes=_root_causes(values["locale"]),
        lawful_basis=LAWFUL_BASIS, created_at=runtime.clock(),
    )  # fmt: skip
    session.add(workspace)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("Another workspace took this name a moment ago. Try again.") from error
    return workspace


def slug_of(name: str) -> str:
    """`Loja Sul` → `loja-sul`, `Café & Cia.` → `cafe-cia`; something for every name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-") or "workspace"


def _free_slug(session: Session, name: str) -> str:
    start = slug_of(name)
    taken = set(
        session.scalars(select(Workspace.slug).where(Workspace.slug.startswith(start, autoescape=True)))
    )
    number, slug = 1, start
    while slug in taken:
        number += 1
        slug = f"{start}-{number}"
    return slug


def _root_causes(locale: str) -> list[str]:
    """A first list in the workspace's language; owners make it theirs."""
    language = language_of(locale)
    return [
        language.gettext("Service was down"),
        language.gettext("Nobody told them"),
        language.gettext("Slow to answer"),
        language.gettext("Billing"),
        language.gettext("Promised too much"),
        language.gettext("Other"),
    ]
