"""/contacts/{id}: what a person does not want, and on which basis they may be asked."""

from typing import Literal

from pydantic import Field

from app.errors import Invalid, problem
from app.services import bounces, consents, objections, opt_outs
from app.web.api.contacts import Basis, OptOutKind, contacts
from app.web.api.routes import Call, Made
from app.web.api.schemas import Body, Channel, Moment, Query, Resource, absent


class OptInBody(Body):
    """The person's own word that they may be asked again."""

    evidence: str = absent("How you know: when, and in which words they agreed. Needed.")


class OptInQuery(Query):
    """The same as a parameter, for clients that send no body with DELETE."""

    evidence: str | None = None


class OptOutBody(Body):
    """What they do not want, and how you know."""

    kind: Literal["own_wish", "legal"] = Field(
        "own_wish", description="`legal`: they object, or the law forbids it. Their own yes lifts none."
    )
    channel: Channel = absent("Only this one; by default none of them. A legal reason holds on all.")
    evidence: str = absent("When, and in which words they said so. Kept as proof; a legal reason needs it.")


class OptOut(Resource):
    """Whether something keeps this person from being asked."""

    contact: str
    opted_out: bool
    kinds: list[OptOutKind] = Field(description="Everything that stands, the latest first.")
    since: Moment | None
    channels: list[Channel] = Field(description="Where they want nothing, though elsewhere they may.")


def opted_out(call: Call, id: str) -> dict[str, object]:
    standing = [each for each in opt_outs.of(call.runtime, call.who, id) if each.lifted_at is None]
    kinds = list(dict.fromkeys(each.kind for each in standing))
    return {
        "contact": id,
        "opted_out": any(each.holds_everywhere for each in standing),
        "kinds": kinds,
        "channels": sorted({each.channel for each in standing if each.channel}),
        "since": min((each.since for each in standing), default=None),
    }


@contacts.post("/contacts/{id}/opt-out", "contacts:write", opted_out, OptOut)
def opt_out_contact(call: Call, id: str, body: OptOutBody | None = None) -> Made:
    """The person does not want to be asked any more: on no channel, or not on this one. Twice is harmless."""
    said = body.given() if body else {}
    if said.pop("kind", "own_wish") == "legal":
        if "channel" in said:
            raise Invalid([problem("channel", "A legal reason holds on every channel.")])
        proof = said.get("evidence", "")
        objections.object_to(call.runtime, call.who, id, origin="api", evidence=proof, once=call.once)
        return Made(id)
    opt_outs.opt_out(call.runtime, call.who, id, "api", call.once, **said)
    return Made(id)


class ConsentBody(Body):
    """Another lawful basis from now on."""

    lawful_basis: Basis
    evidence: str = Field(description="How you know: when, and in which words.")
    source: str = absent("Where it comes from; by default where you know this person from.")


class Consent(Resource):
    """Since this moment they may be asked on this basis."""

    since: Moment
    lawful_basis: Basis
    source: str | None
    evidence: str | None


class Consents(Resource):
    """The consent log of one person, the latest first."""

    contact: str
    items: list[Consent]


def consent_log(call: Call, id: str) -> dict[str, object]:
    return {"contact": id, "items": consents.record(call.runtime, call.who, id).bases}


@contacts.post("/contacts/{id}/consents", "contacts:write", consent_log, Consents)
def change_consent(call: Call, id: str, body: ConsentBody) -> Made:
    """Record another lawful basis with its evidence."""
    source = body.source or ""
    consents.change(
        call.runtime, call.who, id, body.lawful_basis, source=source, evidence=body.evidence, once=call.once
    )
    return Made(id)


@contacts.get("/contacts/{id}/consents", "contacts:read", Consents)
def contact_consents(call: Call, id: str) -> object:
    """On which lawful basis a contact may be asked, and how it changed."""
    return consent_log(call, id)


@contacts.delete("/contacts/{id}/opt-out", "contacts:write")
def opt_in_contact(call: Call, id: str, query: OptInQuery, body: OptInBody | None = None) -> None:
    """Record the person's own word that they may be asked again.

    Needs `evidence`, in the body or as a parameter. Lifts no bounce and no legal block.
    """
    opt_outs.opt_in(call.runtime, call.who, id, (body and body.evidence) or query.evidence or "")


class WorksBody(Body):
    """The word that an address works again."""

    evidence: str = absent("How you know that it works. Needed.")


class WorksQuery(Query):
    """The same as a parameter, for clients that send no body with DELETE."""

    evidence: str | None = None


@contacts.delete("/contacts/{id}/bounces/{channel}", "contacts:write")
def lift_bounce(call: Call, id: str, channel: str, query: WorksQuery, body: WorksBody | None = None) -> None:
    """An address that bounced works again: `email`, or the number by `sms` or `whatsapp`. Twice is harmless.

    Needs `evidence`, in the body or as a parameter. Lifts no wish of theirs.
    """
    evidence = (body and body.evidence) or query.evidence or ""
    bounces.reachable_again(call.runtime, call.who, id, channel, evidence)


CONTACTS = contacts  # the whole noun: the routes of contacts.py and these
