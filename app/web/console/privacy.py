"""What is owed to people: their consents, wishes and file; requests that wait; how long data is kept."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.channel_choice import CHANNELS
from app.domain.contacts import LAWFUL_BASES
from app.domain.retention import read_periods
from app.errors import Invalid
from app.services import complaints, consents, objections, opt_outs, person_export, person_requests, retention
from app.services.complained_about import Named
from app.services.complaints import Told
from app.web.pages import _, render, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("privacy", __name__)
PERSON = "/w/<slug>/contacts/<id>"
HERE = "/w/<slug>/settings/privacy"


@pages.get(f"{PERSON}/privacy")
@allows(Role.AGENT)
def person(id: str) -> ResponseReturnValue:
    """Why they may be asked and since when, what they do not want, what they asked of us."""
    return _person(id)


@pages.post(f"{PERSON}/export")
@allows(Role.MANAGER)
def export(id: str) -> ResponseReturnValue:
    """Everything that we hold of them, as a file. A POST: it is noted who took it."""
    text = person_export.export(runtime_of(), visitor(), id)
    headers = {"Content-Disposition": f'attachment; filename="person-{id}.json"', "Cache-Control": "no-store"}
    return Response(text, mimetype="application/json", headers=headers)


@pages.post(f"{PERSON}/requests")
@allows(Role.AGENT)
def receive(id: str) -> ResponseReturnValue:
    """They asked for something today."""
    try:
        person_requests.receive(runtime_of(), visitor(), id, request.form.get("kind", ""))
    except Invalid as error:
        return _person(id, sentences(error.problems), 422)
    flash(_("Recorded. It is due in 15 days."))
    return _to_person(id)


@pages.post(f"{PERSON}/basis")
@allows(Role.AGENT)
def change_basis(id: str) -> ResponseReturnValue:
    """From now on they may be asked on another basis, and how we know."""
    form = request.form
    try:
        consents.change(
            runtime_of(), visitor(), id, form.get("lawful_basis", ""), source=form.get("source", ""),
            evidence=form.get("evidence", ""),
        )  # fmt: skip
    except Invalid as error:
        return _person(id, sentences(error.problems), 422)
    flash(_("Saved."))
    return _to_person(id)


@pages.post(f"{PERSON}/channel-opt-out")
@allows(Role.AGENT)
def opt_out_of_channel(id: str) -> ResponseReturnValue:
    """They want nothing on one channel."""
    channel, evidence = request.form.get("channel", ""), request.form.get("proof", "")
    try:
        opt_outs.opt_out(runtime_of(), visitor(), id, "console", channel=channel, evidence=evidence)
    except Invalid as error:
        wrong = {
            "proof" if each == "evidence" else each: said for each, said in sentences(error.problems).items()
        }
        return _person(id, wrong, 422)
    flash(_("They will not be asked on this channel any more."))
    return _to_person(id)


@pages.post(f"{PERSON}/objection")
@allows(Role.MANAGER)
def object_to(id: str) -> ResponseReturnValue:
    """They object, or the law forbids to ask them."""
    proof = request.form.get("objection", "")
    try:
        objections.object_to(runtime_of(), visitor(), id, origin="console", evidence=proof)
    except Invalid as error:
        return _person(id, {"objection": sentences(error.problems)["evidence"]}, 422)
    flash(_("They will not be asked any more, on any channel."))
    return _to_person(id)


@pages.post(f"{PERSON}/objection-lifting")
@allows(Role.OWNER)
def lift(id: str) -> ResponseReturnValue:
    """What was objected holds no more."""
    try:
        objections.lift(runtime_of(), visitor(), id, request.form.get("lifting", ""))
    except Invalid as error:
        return _person(id, {"lifting": sentences(error.problems)["evidence"]}, 422)
    flash(_("The objection holds no more."))
    return _to_person(id)


@pages.post(f"{PERSON}/complaint")
@allows(Role.MANAGER)  # too many pause a schedule, which is a manager's act
def complain(id: str) -> ResponseReturnValue:
    """They reported what we sent as spam."""
    channel, proof = request.form.get("complaint_channel", ""), request.form.get("complaint", "")
    told = Told(Named(channel, contact_id=id), "console", evidence=proof)
    try:
        complaints.record(runtime_of(), visitor(), told)
    except Invalid as error:
        fields = {"channel": "complaint_channel", "evidence": "complaint"}
        wrong = {fields.get(field, field): said for field, said in sentences(error.problems).items()}
        return _person(id, wrong, 422)
    flash(_("They will not be asked on this channel any more."))
    return _to_person(id)


@pages.get(HERE)
@allows(Role.OWNER)
def index() -> ResponseReturnValue:
    """Requests that wait, and how long each kind of data is kept."""
    return _index()


@pages.post(f"{HERE}/requests/<id>/done")
@allows(Role.OWNER)
def finish(id: str) -> ResponseReturnValue:
    """A request was answered."""
    person_requests.finish(runtime_of(), visitor(), id)
    flash(_("Done."))
    return _back()


@pages.post(f"{HERE}/retention")
@allows(Role.OWNER)
def keep() -> ResponseReturnValue:
    """Look what would go, or keep it so from now on."""
    try:
        periods = read_periods(request.form)
    except Invalid as error:
        return _index(errors=sentences(error.problems), status=422)
    if request.form.get("act") != "save":
        return _index(tried=periods)
    retention.change(runtime_of(), visitor(), periods)
    flash(_("Saved."))
    return _back()


def _person(id: str, errors: Mapping[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    record = consents.record(runtime_of(), visitor(), id)
    return render(
        "contacts/privacy.html", status, active="contacts", record=record, errors=errors or {},
        typed=request.form, bases=LAWFUL_BASES, channels=CHANNELS, requests=person_requests.KINDS,
        now=runtime_of().clock(), zone=ZoneInfo(visitor().time_zone),
    )  # fmt: skip


def _index(
    *,
    tried: Mapping[str, int | None] | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    runtime, who = runtime_of(), visitor()
    return render(
        "settings/privacy.html", status, active="settings", here="privacy", tried=tried is not None,
        waiting=person_requests.waiting(runtime, who), kept=retention.show(runtime, who, tried),
        errors=errors or {}, typed=request.form if errors else None, now=runtime.clock(),
        zone=ZoneInfo(who.time_zone),
    )  # fmt: skip


def _to_person(id: str) -> ResponseReturnValue:
    return redirect(url_for("privacy.person", slug=visitor().workspace_slug, id=id), 303)


def _back() -> ResponseReturnValue:
    return redirect(url_for("privacy.index", slug=visitor().workspace_slug), 303)
