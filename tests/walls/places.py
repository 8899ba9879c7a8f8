"""Two full workspaces for the wall tests, and which noun each parameter of each route names."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from werkzeug.routing import Rule

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import (
    Base,
    ContactImport,
    ImportPart,
    Message,
    Occurrence,
    SandboxCopy,
    Schedule,
    Segment,
    UserSession,
    Workspace,
    new_id,
)  # fmt: skip
from app.runtime import Runtime
from app.services import api_keys, person_requests
from app.services.access import Visitor
from app.services.sessions import token_hash
from tests.pulse_world import open_pulse
from tests.services.loop import opened
from tests.world import World

MARK = "Zibelina"  # stands in every name of a workspace that nobody outside may see

# The noun that a parameter names, by the end of the address up to it. A new route whose parameter fits none
# of these fails the wall test: name its noun here and give both workspaces one, or say below why it is no id.
NOUNS = {
    "/contacts/<id>": "contact",
    "/contacts/import/<id>": "import",
    "/imports/<id>": "import",
    "/answers/<id>": "answer",
    "/followups/<id>": "followup",
    "/pulses/<id>": "pulse",
    "/schedules/<id>": "schedule",
    "/audiences/<id>": "segment",
    "/segments/<id>": "segment",
    "/runs/<run_id>": "run",
    "/settings/keys/<id>": "key",
    "/settings/members/<id>": "member",
    "/surveys/<id>": "survey",
    "/invitations/<id>": "invitation",
    "/privacy/requests/<id>": "request",
    "/sandbox/<id>": "mail",
    "/sandbox/mail/<id>": "mail",
    "/account/sessions/<device_id>": "device",
}
NO_IDS = {
    "/metrics/<metric>": "nps",
    "/channels/<channel>": "sms",
    "/bounces/<channel>": "email",
    "/<any(pause, resume, cancel):act>": "pause",
    "/<any(draft, live):which>": "draft",
    "/<locale>": "en",
}
BY_TOKEN = ("/r/<token>", "/p/<token>", "/u/<token>", "/link/<token>")  # the link is the authority
PUBLIC = ("/static/<path:filename>", "/logo/<logo_id>.png")  # files, and marks that mails show to anybody


@dataclass
class Place:
    """A workspace with one of every noun."""

    workspace: Workspace
    owner: Visitor
    secret: str
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return self.workspace.slug


def parameters(rule: Rule) -> Iterator[tuple[str, str]]:
    """Each parameter of a route with the address up to it."""
    for found in re.finditer(r"<(?:[^:<>]+:)?(\w+)>", rule.rule):
        yield found[1], rule.rule[: found.end()]


def path_of(rule: Rule, values: Mapping[str, str]) -> str:
    """The address with these values in it."""
    return re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: values[found[1]], rule.rule)


def method_of(rule: Rule) -> str:
    """The one method of a route: none of ours has two."""
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    return method


def noun_of(before: str) -> str | None:
    """The noun that the last parameter of this address names."""
    fitting = [end for end in NOUNS if before.endswith(end)]
    return NOUNS[max(fitting, key=len)] if fitting else None


def furnished(world: World, kind: str, mark: str = "") -> Place:
    """A workspace of this kind with one of everything that it can have."""
    workspace = world.workspace(kind, name=f"{mark} {kind}", reply_to=f"{mark or 'a'}@aroeira.example")
    owner = world.member(workspace, Role.OWNER, world.user(name=f"{mark} dona"))
    place = Place(workspace, owner, api_keys.create(world.runtime, owner, f"{mark} key", None).secret)
    fill = _fill_customers if kind == "customers" else _fill_people
    survey_id, contact_id = fill(world, place, mark)
    _add_schedule(world, place, survey_id, mark)
    _add_mail(world, place, contact_id, mark)
    _add_device(world, place)
    place.ids["request"] = person_requests.receive(world.runtime, owner, contact_id, "access")
    place.ids |= {
        "key": api_keys.list_keys(world.runtime, owner)[0].id,
        "member": str(world.member(workspace, Role.AGENT, world.user(name=f"{mark} agente")).member_id),
        "import": _add_import(world, place, mark),
    }  # fmt: skip
    return place


def _fill_customers(world: World, place: Place, mark: str) -> tuple[str, str]:
    survey = world.survey(place.workspace, Metric.NPS, name=f"{mark} pesquisa")
    contact = world.contact(place.workspace, name=f"{mark} cliente", external_id="c-1")
    followup = opened(world, place.workspace, 3, survey=survey, contact=contact, comment=f"{mark} reclama")
    answer = world.answer(place.workspace, 9, survey=survey, contact=contact, comment=f"{mark} elogia")
    place.ids |= {
        "survey": survey.id,
        "contact": contact.id,
        "answer": answer.id,
        "invitation": answer.invitation_id,
        "followup": followup,
    }
    return survey.id, contact.id


def _fill_people(world: World, place: Place, mark: str) -> tuple[str, str]:
    pulse = open_pulse(world, 6, workspace=place.workspace)
    pulse.answer(0, 9, f"{mark} comenta")
    contact = world.contact(place.workspace, name=f"{mark} pessoa", external_id="c-1")
    place.ids |= {
        "survey": pulse.survey.id,
        "contact": contact.id,
        "invitation": pulse.invitations[0].id,
        "pulse": pulse.pulse.id,
    }
    return pulse.survey.id, contact.id


def _add_import(world: World, place: Place, mark: str) -> str:
    waits = world.add(
        ContactImport(
            id=new_id(), workspace_id=place.workspace.id, user_id=place.owner.user_id, kind="csv", total=1,
            file_name=f"{mark}.csv", state="checked", columns=[f"{mark} nome", "e-mail"],
            meanings=["name", "email"], created_at=world.now, progressed_at=world.now,
        )
    )  # fmt: skip
    rows = zlib.compress(json.dumps([[2, [mark, "x@y.example"]]]).encode())
    world.add(ImportPart(import_id=waits.id, kind="rows", number=0, content=rows))
    return waits.id


def _add_schedule(world: World, place: Place, survey_id: str, mark: str) -> None:
    schedule = world.add(
        Schedule(
            id=new_id(), workspace_id=place.workspace.id, survey_id=survey_id, name=f"{mark} agenda",
            audience={}, repeat="monthly", starts_at="2026-12-01T10:00", time_zone="America/Sao_Paulo",
            channels=["email"], state="active", created_at=world.now, updated_at=world.now,
        )
    )  # fmt: skip
    run = world.add(
        Occurrence(
            id=new_id(), workspace_id=place.workspace.id, schedule_id=schedule.id, survey_id=survey_id,
            origin="schedule", key=new_id(), audience={}, channels=["email"], state="run",
            due_at=world.now, created_at=world.now, ended_at=world.now,
        )
    )  # fmt: skip
    segment = world.add(
        Segment(
            id=new_id(), workspace_id=place.workspace.id, name=f"{mark} público", created_at=world.now,
            audience={"all": [{"field": "name", "op": "contains", "value": mark or "a"}]},
            updated_at=world.now,
        )
    )  # fmt: skip
    place.ids |= {"schedule": schedule.id, "run": run.id, "segment": segment.id}


def _add_mail(world: World, place: Place, contact_id: str, mark: str) -> None:
    message = world.add(
        Message(
            id=new_id(), workspace_id=place.workspace.id, purpose="reply", priority=0, channel="email",
            contact_id=contact_id, to_address="x@y.example", locale="pt-BR", body=f"{mark} resposta",
            state="sent", due_at=world.now, created_at=world.now, sent_at=world.now,
        )
    )  # fmt: skip
    world.add(
        SandboxCopy(
            message_id=message.id, subject=f"{mark} assunto", text=f"{mark} texto",
            html=f"<p>{mark} texto</p>", arrived_at=world.now,
        )
    )  # fmt: skip
    place.ids["mail"] = message.id


def _add_device(world: World, place: Place) -> None:
    hashed = token_hash(new_id())
    world.add(
        UserSession(
            token_hash=hashed, user_id=place.owner.user_id, created_at=world.now, seen_at=world.now,
            expires_at=world.now.replace(year=2027),
        )
    )  # fmt: skip
    place.ids["device"] = hashed[:16]


# What asking leaves behind without anybody having done anything
NOTES = {"rate_windows"}
NOTED = {"sessions": {"seen_at"}, "api_keys": {"last_used_at"}, "users": {"last_workspace_id"},
         "members": {"joined_at"}}  # fmt: skip


def everything(runtime: Runtime) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to see that nothing changed."""
    found = {}
    with runtime.db.read() as session:
        for name, table in Base.metadata.tables.items():
            if name not in NOTES:
                columns = [each for each in table.c if each.name not in NOTED.get(name, ())]
                found[name] = sorted(tuple(map(str, row)) for row in session.execute(select(*columns)))
    return found
