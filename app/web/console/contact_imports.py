"""The import of contacts: send a file, say what its columns mean, see what it would do, watch it done."""

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.contact_columns import MAX_COLUMNS, MEANINGS
from app.domain.contact_files import MAX_BYTES, MAX_ROWS
from app.domain.contacts import LAWFUL_BASES
from app.errors import Conflict, Invalid
from app.services import contact_imports, import_pages, import_undoing
from app.services.import_pages import ImportPage
from app.web.downloads import download
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, enter, runtime_of, visitor

pages = Blueprint("contact_imports", __name__, url_prefix="/w/<slug>/contacts/import")

AROUND = 64 * 1024  # what a form puts around its file
TEMPLATES = {
    "mapping": "columns",
    "checked": "checked",
    "done": "ended",
    "stopped": "ended",
    "failed": "ended",
    "undone": "ended",
}


@pages.url_value_preprocessor
def _take_a_whole_file(endpoint: str | None, values: dict[str, str] | None) -> None:
    # Before the CSRF check, which is the first to read the body. Only this address takes so much, and only
    # of whoever may import.
    if endpoint == "contact_imports.upload" and values is not None:
        enter(Role.MANAGER, values["slug"])
        request.max_content_length = MAX_BYTES + AROUND


@pages.get("")
@allows(Role.MANAGER)
def index() -> ResponseReturnValue:
    """Choose a file, and what became of the latest ones."""
    return _index({})


@pages.post("")
@allows(Role.MANAGER)
def upload() -> ResponseReturnValue:
    """Keep the file and begin to read it."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _index({"file": _("Choose a file first.")}, 422)
    try:
        id = contact_imports.receive(runtime_of(), visitor(), file.filename, file.stream)
    except Invalid as error:
        return _index(sentences(error.problems), 422)
    except Conflict as error:
        return _index({"file": sentence(error)}, 409)
    return _to(id)


@pages.get("/<id>")
@allows(Role.MANAGER)
def one(id: str) -> ResponseReturnValue:
    """Where it stands: its columns, what it would do, how far it is, or what it did."""
    return _page(import_pages.page(runtime_of(), visitor(), id))


@pages.get("/<id>/columns")
@allows(Role.MANAGER)
def columns(id: str) -> ResponseReturnValue:
    """The columns once more, before anything is imported."""
    found = import_pages.page(runtime_of(), visitor(), id)
    return _columns(found) if found.state == "checked" else _page(found)


@pages.post("/<id>/columns")
@allows(Role.MANAGER)
def choose_columns(id: str) -> ResponseReturnValue:
    """Take over what the columns mean, and begin the dry run."""
    chosen = request.form.getlist("meaning")
    try:
        found = import_pages.page(runtime_of(), visitor(), id)
        if len(chosen) != len(found.columns):
            return _columns(found, {"columns": _("Say what each column means.")}, 422)
        contact_imports.choose_columns(runtime_of(), visitor(), id, chosen)
    except Invalid as error:
        return _columns(found, sentences(error.problems), 422, chosen)
    except Conflict as error:
        flash(sentence(error))
    return _to(id)


@pages.post("/<id>")
@allows(Role.MANAGER)
def begin(id: str) -> ResponseReturnValue:
    """Import it."""
    basis, source = request.form.get("lawful_basis", ""), request.form.get("source", "")
    try:
        contact_imports.begin(runtime_of(), visitor(), id, lawful_basis=basis, source=source)
    except Invalid as error:
        return _page(import_pages.page(runtime_of(), visitor(), id), sentences(error.problems), 422)
    except Conflict as error:
        flash(sentence(error))
    return _to(id)


@pages.post("/<id>/stop")
@allows(Role.MANAGER)
def stop(id: str) -> ResponseReturnValue:
    """Nothing more of it is done."""
    contact_imports.stop(runtime_of(), visitor(), id)
    return _to(id)


@pages.post("/<id>/rest")
@allows(Role.MANAGER)
def go_on(id: str) -> ResponseReturnValue:
    """Take the rest of it."""
    try:
        contact_imports.go_on(runtime_of(), visitor(), id)
    except Conflict as error:
        flash(sentence(error))
    return _to(id)


@pages.post("/<id>/removal")
@allows(Role.MANAGER)
def discard(id: str) -> ResponseReturnValue:
    """Forget the file."""
    try:
        contact_imports.discard(runtime_of(), visitor(), id)
    except Conflict as error:
        flash(sentence(error))
        return _to(id)
    flash(_("The file was removed. Nothing was imported."))
    return redirect(url_for("contact_imports.index", slug=visitor().workspace_slug), 303)


@pages.get("/<id>/undoing")
@allows(Role.MANAGER)
def ask_undoing(id: str) -> ResponseReturnValue:
    """What undoing it would do, in numbers, before it is done."""
    return _undoing(id)


@pages.post("/<id>/undoing")
@allows(Role.MANAGER)
def undo(id: str) -> ResponseReturnValue:
    """Undo it, when the number was confirmed."""
    if request.form.get("sure") != "yes":
        return _undoing(id, {"sure": _("Tick the box to confirm these numbers.")}, 422)
    try:
        import_undoing.undo(runtime_of(), visitor(), id, request.form.get("put_away", type=int))
    except Conflict as error:
        return _undoing(id, {"sure": sentence(error)}, 409)
    return _to(id)


def _undoing(id: str, errors: Mapping[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    told = import_undoing.foretell(runtime_of(), visitor(), id)
    return render("contacts/import_undoing.html", status, active="contacts", told=told, errors=errors or {})


@pages.get("/<id>/rejects.csv")
@allows(Role.MANAGER)
def rejects(id: str) -> ResponseReturnValue:
    """The rows that were not taken, each with what is wrong, to be corrected and sent again."""
    reader = language()
    chunks = import_pages.rejects(
        runtime_of(), visitor(), id, lambda wrong: reader.gettext(wrong.message, **wrong.params)
    )
    return download(chunks, "rejects", "csv")


def _to(id: str) -> ResponseReturnValue:
    return redirect(url_for("contact_imports.one", slug=visitor().workspace_slug, id=id), 303)


def _index(errors: Mapping[str, str], status: int = 200) -> ResponseReturnValue:
    return render(
        "contacts/import.html",
        status,
        active="contacts",
        errors=errors,
        most={"rows": MAX_ROWS, "columns": MAX_COLUMNS, "megabytes": MAX_BYTES // 1024**2},
        recent=import_pages.recent(runtime_of(), visitor()),
    )


def _page(
    found: ImportPage, errors: Mapping[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    if found.state == "mapping":
        return _columns(found)
    return render(
        f"contacts/import_{TEMPLATES.get(found.state, 'progress')}.html",
        status,
        active="contacts",
        found=found,
        errors=errors or {},
        bases=LAWFUL_BASES,
        basis=request.form.get("lawful_basis") or found.lawful_basis,
        source=request.form.get("source", found.source),
        still="still" in request.args,
    )


def _columns(
    found: ImportPage,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    chosen: list[str] | None = None,
) -> ResponseReturnValue:
    return render(
        "contacts/import_columns.html",
        status,
        active="contacts",
        found=found,
        errors=errors or {},
        meanings=MEANINGS,
        chosen=chosen or [column.meaning for column in found.columns],
    )
