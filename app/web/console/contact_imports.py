"""The import of contacts: send a file, look at what it would do, confirm it with basis and source."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.contact_files import MAX_BYTES, MAX_COLUMNS, MAX_ROWS
from app.domain.contacts import LAWFUL_BASES
from app.errors import Invalid, NotFound
from app.services import contact_import
from app.web.pages import _, render, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("contact_imports", __name__, url_prefix="/w/<slug>/contacts/import")

AROUND = 64 * 1024  # what a form puts around its file
SHOWN = 500  # refused rows on one page; the command line lists them all


@pages.url_value_preprocessor
def _take_a_whole_file(endpoint: str | None, values: dict[str, object] | None) -> None:
    # Before the CSRF check, which is the first to read the body. Only this address takes so much.
    if endpoint == "contact_imports.upload":
        request.max_content_length = MAX_BYTES + AROUND


@pages.get("")
@allows(Role.MANAGER)
def index() -> ResponseReturnValue:
    """Choose a file."""
    return _index({})


@pages.post("")
@allows(Role.MANAGER)
def upload() -> ResponseReturnValue:
    """Keep the file for its preview."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _index({"file": _("Choose a file first.")}, 422)
    try:
        id = contact_import.upload(runtime_of(), visitor(), file.filename, file.read(MAX_BYTES + 1))
    except Invalid as error:
        return _index(sentences(error.problems), 422)
    return redirect(url_for("contact_imports.preview", slug=visitor().workspace_slug, id=id), 303)


@pages.get("/<id>")
@allows(Role.MANAGER)
def preview(id: str) -> ResponseReturnValue:
    """What confirming would do, row by row."""
    return _preview(id, {})


@pages.post("/<id>")
@allows(Role.MANAGER)
def confirm(id: str) -> ResponseReturnValue:
    """Import it; the page that answers lists every row that was refused."""
    basis, source = request.form.get("lawful_basis", ""), request.form.get("source", "")
    try:
        report = contact_import.confirm(runtime_of(), visitor(), id, lawful_basis=basis, source=source)
    except Invalid as error:
        return _preview(id, sentences(error.problems), 422)
    except NotFound:
        flash(_("This file was imported already, or has waited for too long."))
        return redirect(url_for("contacts.index", slug=visitor().workspace_slug), 303)
    return render("contacts/import_result.html", active="contacts", report=report, shown=SHOWN)


@pages.post("/<id>/removal")
@allows(Role.MANAGER)
def discard(id: str) -> ResponseReturnValue:
    """Forget the file."""
    contact_import.discard(runtime_of(), visitor(), id)
    flash(_("The file was removed. Nothing was imported."))
    return redirect(url_for("contact_imports.index", slug=visitor().workspace_slug), 303)


def _index(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    most = {"rows": MAX_ROWS, "columns": MAX_COLUMNS, "megabytes": MAX_BYTES // 1024**2}
    return render("contacts/import.html", status, active="contacts", errors=errors, most=most)


def _preview(id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    found = contact_import.preview(runtime_of(), visitor(), id)
    return render(
        "contacts/import_preview.html",
        status,
        active="contacts",
        found=found,
        report=found.report,
        errors=errors,
        bases=LAWFUL_BASES,
        basis=request.form.get("lawful_basis") or found.lawful_basis,
        source=request.form.get("source", ""),
        shown=SHOWN,
    )
