"""Contacts: the list, one person with their timeline, adding and editing, opt-outs, erasure."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import get_args
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.addresses import written_phone
from app.domain.channel_choice import CHANNELS
from app.domain.contacts import KINDS, LAWFUL_BASES
from app.errors import Conflict, Invalid
from app.rendering import look_words
from app.rendering.languages import NAMES
from app.rendering.moments import when
from app.services import bounces, connect_links, contact_export, contacts, erasure, looks, opt_outs, segments
from app.services.contact_export import Ending
from app.services.contact_rows import Card
from app.services.contact_search import Show, Sought
from app.services.contacts import Detail
from app.services.timeline_moments import Moment
from app.web.console.contact_form import Form, choices_of, differing
from app.web.downloads import download
from app.web.pages import _, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("contacts", __name__, url_prefix="/w/<slug>/contacts")


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """The list by name; `?q=ana&show=opted_out` narrows it."""
    sought = _sought()
    cursor, known = request.args.get("cursor"), segments.names(runtime_of(), visitor())
    return render(
        "contacts/index.html",
        active="contacts",
        listing=contacts.listing(runtime_of(), visitor(), sought, cursor=cursor),
        sought=sought,
        segments=known,
        segment_name=dict(known).get(sought.segment or ""),
        cursor=cursor,
    )


@pages.get("/export.csv")
@allows(Role.MANAGER)
def export() -> ResponseReturnValue:
    """Everybody whom the list would show, as a file that the import reads back."""
    return _export("csv")


@pages.get("/export.xlsx")
@allows(Role.MANAGER)
def export_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _export("xlsx")


def _export(ending: Ending) -> ResponseReturnValue:
    try:
        pieces = contact_export.export(runtime_of(), visitor(), ending, _sought())
    except Invalid as error:
        flash(sentences(error.problems)["export"], "error")
        return redirect(url_for("contacts.index", slug=visitor().workspace_slug), 303)
    return download(pieces, "contacts", ending)


def _sought() -> Sought:
    show: Show = next((each for each in get_args(Show) if each == request.args.get("show")), "all")
    given = {name: request.args.get(name, "")[:200] for name in ("q", "segment", "tag")}
    return Sought(given["q"], show, given["segment"] or None, given["tag"] or None)


@pages.get("/new")
@allows(Role.AGENT)
def new() -> ResponseReturnValue:
    """An empty form."""
    return _form(Form.empty())


@pages.post("/new")
@allows(Role.AGENT)
def create() -> ResponseReturnValue:
    """Add somebody by hand."""
    form = Form.sent()
    try:
        id = contacts.create(runtime_of(), visitor(), form.values())
    except Invalid as error:
        return _form(form, status=422, errors=sentences(error.problems))
    flash(_("Saved."))
    return _to(id)


@pages.get("/<id>")
@allows(Role.VIEWER)
def detail(id: str) -> ResponseReturnValue:
    """One person: may they be asked, where are they reached, and what happened so far."""
    return _page(contacts.detail(runtime_of(), visitor(), id, request.args.get("cursor")))


@pages.get("/<id>/edit")
@allows(Role.AGENT)
def edit(id: str) -> ResponseReturnValue:
    """The form as it is saved."""
    contact = contacts.one(runtime_of(), visitor(), id)
    return _form(Form.of(contact), contact)


@pages.post("/<id>/edit")
@allows(Role.AGENT)
def save(id: str) -> ResponseReturnValue:
    """Save; whoever was overtaken sees both and decides."""
    form, contact = Form.sent(), contacts.one(runtime_of(), visitor(), id)
    try:
        contacts.edit(runtime_of(), visitor(), id, form.values(contact), form.revision)
    except Invalid as error:
        return _form(form, contact, status=422, errors=sentences(error.problems))
    except Conflict as error:
        meanwhile = differing(form, Form.of(contact))
        return _form(form, contact, status=409, conflict=sentence(error), meanwhile=meanwhile)
    flash(_("Saved."))
    return _to(id)


@pages.post("/<id>/opt-out")
@allows(Role.AGENT)
def opt_out(id: str) -> ResponseReturnValue:
    """The person told us that they do not want to be asked."""
    opt_outs.opt_out(runtime_of(), visitor(), id, "console")
    flash(_("They will not be asked any more, on any channel."))
    return _to(id)


@pages.post("/<id>/opt-in")
@allows(Role.AGENT)
def opt_in(id: str) -> ResponseReturnValue:
    """The person told us that they want to be asked again, and how we know."""
    evidence = request.form.get("evidence", "")
    try:
        opt_outs.opt_in(runtime_of(), visitor(), id, evidence)
    except Invalid as error:
        found = contacts.detail(runtime_of(), visitor(), id)
        return _page(found, status=422, errors=sentences(error.problems), evidence=evidence)
    found = contacts.detail(runtime_of(), visitor(), id)
    if found.is_opted_out or found.contact.lawful_basis == "none":
        flash(_("Recorded. They are not asked all the same: this page says why."))
    else:
        flash(_("They may be asked again."))
    return _to(id)


@pages.post("/<id>/bounces/<channel>")
@allows(Role.AGENT)
def reachable_again(id: str, channel: str) -> ResponseReturnValue:
    """What bounced works again, and how we know."""
    evidence = request.form.get("evidence", "")
    try:
        bounces.reachable_again(runtime_of(), visitor(), id, channel, evidence)
    except Invalid as error:
        places = {"evidence": f"works_{channel}", "channel": ""}
        wrong = {places[each]: said for each, said in sentences(error.problems).items()}
        return _page(contacts.detail(runtime_of(), visitor(), id), status=422, errors=wrong)
    flash(_("It will be used again."))
    return _to(id)


@pages.post("/<id>/activity")
@allows(Role.AGENT)
def set_active(id: str) -> ResponseReturnValue:
    """Put somebody away, or take them back."""
    active = request.form.get("active") == "yes"
    contacts.set_active(runtime_of(), visitor(), id, active)
    flash(_("They are active again.") if active else _("They are inactive now and will not be asked."))
    return _to(id)


@pages.get("/<id>/erasure")
@allows(Role.MANAGER)
def ask_erasure(id: str) -> ResponseReturnValue:
    """What erasing means, before it is done."""
    contact = contacts.one(runtime_of(), visitor(), id)
    return render("contacts/erasure.html", active="contacts", contact=contact, errors={})


@pages.post("/<id>/erasure")
@allows(Role.MANAGER)
def erase(id: str) -> ResponseReturnValue:
    """Erase, when it was confirmed."""
    if request.form.get("sure") != "yes":
        errors = {"sure": _("Tick the box to confirm: this cannot be undone.")}
        contact = contacts.one(runtime_of(), visitor(), id)
        return render("contacts/erasure.html", 422, active="contacts", contact=contact, errors=errors)
    told = erasure.erase(runtime_of(), visitor(), id)
    flash(_("Erased. What they answered stays counted, without their words."))
    if told:
        flash(
            _(
                "These members got messages about them: %(names)s. Ask them to delete what lies in"
                " their mailboxes and what they typed in Telegram; what we wrote there is"
                " replaced within a minute.",
                names=", ".join(told),
            )
        )
    return redirect(url_for("contacts.index", slug=visitor().workspace_slug), 303)


def _form(
    form: Form,
    contact: Card | None = None,
    *,
    status: int = 200,
    errors: dict[str, str] | None = None,
    conflict: str | None = None,
    meanwhile: dict[str, str] | None = None,
) -> ResponseReturnValue:
    return render(
        "contacts/form.html",
        status,
        active="contacts",
        form=form,
        contact=contact,
        errors=errors or {},
        conflict=conflict,
        meanwhile=meanwhile or {},
        # A conflict is decided by sending the form again: then it stands on what is saved now.
        revision=contact.revision if contact and conflict else form.revision,
        kinds=KINDS,
        bases=LAWFUL_BASES,
        locales=choices_of(NAMES.items(), form.texts["locale"]),
        channels=CHANNELS,
    )


def _page(
    found: Detail, status: int = 200, errors: dict[str, str] | None = None, evidence: str = ""
) -> ResponseReturnValue:
    why = request.args.get("why")
    return render(
        "contacts/detail.html",
        status,
        active="contacts",
        found=found,
        contact=found.contact,
        months=_by_month(found.moments.items),
        askable_surveys=looks.choices(runtime_of(), visitor()),
        why=looks.explain(runtime_of(), visitor(), found.contact.id, why) if why else None,
        words=look_words,
        written_address=written_phone,
        when=when,
        zone=ZoneInfo(visitor().time_zone),
        names=NAMES,
        can_connect=connect_links.is_possible(runtime_of()),
        errors=errors or {},
        evidence=evidence,
    )


def _by_month(moments: Iterable[Moment]) -> list[tuple[date, list[Moment]]]:
    """The moments under the first day of their month, where the reader is."""
    zone = ZoneInfo(visitor().time_zone)
    grouped = groupby(moments, lambda moment: moment.at.astimezone(zone).date().replace(day=1))
    return [(month, list(each)) for month, each in grouped]


def _to(id: str) -> ResponseReturnValue:
    return redirect(url_for("contacts.detail", slug=visitor().workspace_slug, id=id), 303)
