"""Saved audiences: the list, the editor with its live count, and taking one away."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.anonymity import Thresholds
from app.domain.audience import EVERYBODY
from app.domain.audience_fields import ANSWERED_METRICS, ATTRIBUTE, FIELDS
from app.domain.contacts import KINDS, LAWFUL_BASES
from app.domain.metrics import RULES, metrics_for
from app.errors import Conflict, Invalid, Unavailable
from app.rendering import audience_words
from app.rendering.languages import NAMES
from app.rendering.words import band_word, metric_word
from app.services import audiences, segments, tagging
from app.services.audiences import Found, Vocabulary
from app.services.segments import Sheet
from app.web.console import audience_form
from app.web.console.audience_form import Node
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("audiences", __name__, url_prefix="/w/<slug>/audiences")

HISTORY = ("answered", "asked", "followup", "tags")


@dataclass(frozen=True)
class Draft:
    """What stands in the editor."""

    name: str
    tree: Node
    revision: int | None = None

    @classmethod
    def sent(cls) -> "Draft":
        given = request.form
        return cls(given.get("name", ""), audience_form.sent(), given.get("revision", type=int))

    @classmethod
    def of(cls, sheet: Sheet) -> "Draft":
        return cls(sheet.name, audience_form.of(sheet.audience), sheet.revision)

    def raw(self) -> dict[str, object]:
        """What the verbs take."""
        return {"name": self.name, "audience": self.tree.raw()}


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Every saved audience, by name."""
    cursor = request.args.get("cursor")
    found = segments.list_segments(runtime_of(), visitor(), cursor=cursor)
    return _render("index", page=found, cursor=cursor)


@pages.get("/new")
@allows(Role.MANAGER)
def new() -> ResponseReturnValue:
    """An empty editor: everybody."""
    return _editor(Draft("", audience_form.of(EVERYBODY)))


@pages.post("/new")
@allows(Role.MANAGER)
def create() -> ResponseReturnValue:
    """A button of the editor: it changes the draft, or keeps it."""
    draft = Draft.sent()
    if request.form.get("act") != "save":
        return _worked_on(draft)
    try:
        id = segments.create(runtime_of(), visitor(), draft.raw())
    except Invalid as wrong:
        return _editor(draft, wrong=wrong, status=422)
    flash(_("Saved."))
    return _to(id)


@pages.get("/<id>")
@allows(Role.VIEWER)
def detail(id: str) -> ResponseReturnValue:
    """One saved audience, and whom it means now."""
    sheet = segments.get(runtime_of(), visitor(), id)
    return _editor(Draft.of(sheet), sheet)


@pages.post("/<id>")
@allows(Role.MANAGER)
def save(id: str) -> ResponseReturnValue:
    """A button of the editor; whoever was overtaken keeps what they made and decides."""
    draft, sheet = Draft.sent(), segments.get(runtime_of(), visitor(), id)
    if request.form.get("act") != "save":
        return _worked_on(draft, sheet)
    try:
        segments.edit(runtime_of(), visitor(), id, draft.raw(), draft.revision)
    except Invalid as wrong:
        return _editor(draft, sheet, wrong=wrong, status=422)
    except Conflict as late:
        return _editor(draft, sheet, conflict=sentence(late), status=409)
    flash(_("Saved."))
    return _to(id)


@pages.get("/<id>/removal")
@allows(Role.MANAGER)
def ask_removal(id: str) -> ResponseReturnValue:
    """What taking it away means, before it is done."""
    return _render("removal", sheet=segments.get(runtime_of(), visitor(), id), refused=None)


@pages.post("/<id>/removal")
@allows(Role.MANAGER)
def remove(id: str) -> ResponseReturnValue:
    """Take it away, unless a schedule asks it."""
    try:
        segments.delete(runtime_of(), visitor(), id)
    except Conflict as used:
        sheet = segments.get(runtime_of(), visitor(), id)
        return _render("removal", 409, sheet=sheet, refused=sentence(used))
    flash(_("The saved audience is gone. Its people stay."))
    return redirect(f"/w/{visitor().workspace_slug}/audiences", 303)


@pages.get("/<id>/tags")
@allows(Role.MANAGER)
def ask_tags(id: str) -> ResponseReturnValue:
    """Tags for all of its people: how many it would be, before it is done."""
    return _tags(id)


@pages.post("/<id>/tags")
@allows(Role.MANAGER)
def put_tags(id: str) -> ResponseReturnValue:
    """Put them on everybody or take them off, when it was confirmed for this number of people."""
    words, away = request.form.get("tags", ""), request.form.get("away") == "yes"
    number = request.form.get("number", -1, type=int)
    try:
        changed = tagging.tag(runtime_of(), visitor(), id, words, away=away, number=number)
    except Invalid as wrong:
        return _tags(id, sentences(wrong.problems), 422)
    except Conflict as late:
        return _tags(id, {"": sentence(late)}, 409)
    flash(
        language().ngettext(
            "The tags of %(num)s person changed.", "The tags of %(num)s people changed.", changed
        )
    )
    return _to(id)


def _tags(id: str, errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    sheet = segments.get(runtime_of(), visitor(), id)
    try:
        found = tagging.look(runtime_of(), visitor(), id)
    except Unavailable:
        found = None
    form = {"tags": request.form.get("tags", ""), "away": request.form.get("away", "no")}
    return _render(
        "tags", status, sheet=sheet, found=found, form=form, errors=errors or {}, most=tagging.MOST
    )


def _worked_on(draft: Draft, sheet: Sheet | None = None) -> ResponseReturnValue:
    """The draft after a button; what is not filled in yet is only said when somebody asks who it would be."""
    looked = _looked(draft)
    if isinstance(looked, Invalid) and request.form.get("act") == "look":
        return _editor(draft, sheet, looked, wrong=looked, status=422)
    return _editor(draft, sheet, looked)


def _looked(draft: Draft) -> Found | Invalid | Unavailable:
    """Whom the draft means now, or why that cannot be said; what was typed is never lost by it."""
    try:
        return audiences.preview(runtime_of(), visitor(), draft.tree.raw())
    except (Invalid, Unavailable) as trouble:
        return trouble


def _editor(
    draft: Draft,
    sheet: Sheet | None = None,
    looked: Found | Invalid | Unavailable | None = None,
    *,
    wrong: Invalid | None = None,
    conflict: str | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    who = visitor()
    vocabulary = audiences.vocabulary(runtime_of(), who)
    looked = looked or _looked(draft)
    return _render(
        "editor",
        status,
        draft=draft,
        sheet=sheet,
        found=looked if isinstance(looked, Found) else None,
        too_long=isinstance(looked, Unavailable),
        errors=sentences(audience_form.placed(wrong.problems)) if wrong else {},
        conflict=conflict,
        # A conflict is decided by sending the form again: then it stands on what is saved now
        revision=sheet.revision if sheet and conflict else draft.revision,
        choices=_choices(vocabulary),
        tags=vocabulary.tags,
        fewest=Thresholds().answers if who.is_people else 0,
        may_edit=who.role.reaches(Role.MANAGER),
    )


def _choices(vocabulary: Vocabulary) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a condition can be about, in groups, as the workspace knows it."""
    history = ("asked", "tags") if visitor().is_people else HISTORY
    groups = (
        (_("What happened"), history),
        (_("What else you know"), [*(f"{ATTRIBUTE}{name}" for name in vocabulary.attributes), ATTRIBUTE]),
        (_("The person"), [each for each in FIELDS if each not in HISTORY]),
    )
    return [
        (label, [(each, audience_words.field_word(language(), each)) for each in names])
        for label, names in groups
    ]


def _asks() -> list[tuple[str, str]]:
    """The questions that somebody may have been asked here."""
    known = metrics_for(visitor().workspace_kind)
    return [("", _("anything")), *((each.value, metric_word(language(), each.value)) for each in known)]


def _answers() -> list[tuple[str, str]]:
    """The same, and what was answered."""
    found = [("", _("anything"))]
    for metric in ANSWERED_METRICS:
        word = metric_word(language(), metric.value)
        found.append((metric.value, word))
        for band in RULES[metric].bands:
            found.append((f"{metric.value}:{band.value}", f"{word}: {band_word(language(), band.value)}"))
    return found


def _render(name: str, status: int = 200, **values: object) -> ResponseReturnValue:
    return render(
        f"audiences/{name}.html",
        status,
        active="contacts",
        audience_words=audience_words,
        asks=_asks(),
        answers=_answers(),
        languages=NAMES,
        bases=LAWFUL_BASES,
        kinds=KINDS,
        **values,
    )


def _to(id: str) -> ResponseReturnValue:
    return redirect(f"/w/{visitor().workspace_slug}/audiences/{id}", 303)
