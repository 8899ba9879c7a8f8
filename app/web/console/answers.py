"""Answers: a page with filters, and the same as a file."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.metrics import RULES, Metric, metrics_for
from app.errors import Invalid, Problem, problem
from app.rendering import moments
from app.services import answer_export, answers
from app.services.answer_rows import Shown, Wanted
from app.services.contact_export import Ending
from app.services.counting import Filters
from app.web.downloads import download
from app.web.pages import _, render, sentences
from app.web.policy import allows, customers_only, runtime_of

pages = Blueprint("answers", __name__, url_prefix="/w/<slug>/answers")

LONGEST = 200  # of a filter's value: the longest thing that one can be


@dataclass(frozen=True)
class Query:
    """What stands in the address: each filter as text, empty where it is not set."""

    metric: str = ""
    band: str = ""
    survey: str = ""
    channel: str = ""
    contact: str = ""
    since: str = ""
    until: str = ""
    attribute: str = ""
    value: str = ""
    shown: str = ""

    @classmethod
    def sent(cls) -> "Query":
        """The filters of this request."""
        known = cls.__dataclass_fields__
        return cls(**{name: text[:LONGEST] for name, text in request.args.items() if name in known})

    def but(self, **changes: str) -> str:
        """These filters with some of them changed, as an address."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__} | changes
        kept = {name: value for name, value in values.items() if value}
        return "?" + urlencode(kept) if kept else ""

    @property
    def narrows(self) -> bool:
        """Is anything filtered out?"""
        return self != Query(shown=self.shown)

    def wanted(self, zone: str) -> Wanted:
        """The filters as the services take them; days are the workspace's. Raises Invalid."""
        problems: list[Problem] = []
        since = _start_of(self.since, "since", zone, problems)
        until = _start_of(self.until, "until", zone, problems, after=timedelta(days=1))
        if problems:
            raise Invalid(problems)
        shown: Shown = "set_aside" if self.shown == "set_aside" else "counted"
        return Wanted(
            Filters(
                survey=self.survey or None,
                contact=self.contact or None,
                channel=self.channel or None,
                since=since,
                until=until,
                attributes={self.attribute: self.value} if self.attribute and self.value else {},
            ),
            metric=self.metric or None,
            band=self.band or None,
            shown=shown,
        )


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """The answers that the filters in the address let through."""
    who, query, cursor = customers_only(), Query.sent(), request.args.get("cursor")
    try:
        found = answers.answers(runtime_of(), who, query.wanted(who.time_zone), cursor)
    except Invalid as error:
        return _page(answers.answers(runtime_of(), who, Wanted()), query, 422, sentences(error.problems))
    return _page(found, query)


@pages.get("/export.csv")
@allows(Role.VIEWER)
def export() -> ResponseReturnValue:
    """The same answers, all of them, as a file."""
    return _export("csv")


@pages.get("/export.xlsx")
@allows(Role.VIEWER)
def export_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _export("xlsx")


def _export(ending: Ending) -> ResponseReturnValue:
    who = customers_only()
    wanted = Query.sent().wanted(who.time_zone)
    try:
        pieces = answer_export.export(runtime_of(), who, wanted, ending)
    except Invalid as error:
        if not any(each.field == "export" for each in error.problems):
            raise
        flash(sentences(error.problems)["export"], "error")
        return _back()
    return download(pieces, "answers", ending)


@pages.post("/<id>/confirmation")
@allows(Role.MANAGER)
def confirm(id: str) -> ResponseReturnValue:
    """This answer is a person's: it counts."""
    answers.confirm(runtime_of(), customers_only(), id)
    flash(_("It counts now."))
    return _back()


@pages.post("/<id>/doubt")
@allows(Role.MANAGER)
def set_aside(id: str) -> ResponseReturnValue:
    """This answer is no person's: it stays, and does not count."""
    answers.set_aside(runtime_of(), customers_only(), id)
    flash(_("Set aside: it does not count any more."))
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("answers.index", slug=customers_only().workspace_slug) + Query.sent().but(), 303)


def _page(
    found: answers.Answers, query: Query, status: int = 200, errors: dict[str, str] | None = None
) -> ResponseReturnValue:
    named = {name for line in found.page.items for name in line.attributes} | {query.attribute} - {""}
    return render(
        "answers/index.html",
        status,
        active="answers",
        found=found,
        query=query,
        errors=errors or {},
        metrics=[metric.value for metric in metrics_for("customers")],
        bands=_bands(query.metric),
        attributes=sorted(named),
        now=runtime_of().clock(),
        moments=moments,
        cursor=request.args.get("cursor"),
    )


def _bands(metric: str) -> list[str]:
    if metric not in set(Metric) or Metric(metric) not in metrics_for("customers"):
        return []
    return [band.value for band in RULES[Metric(metric)].bands]


def _start_of(
    text: str, field: str, zone: str, problems: list[Problem], after: timedelta = timedelta(0)
) -> datetime | None:
    """The moment at which a day begins (or ends, with a day `after`) where the workspace is."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + after
        return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(problem(field, "Write the day as year, month and day, like 2026-11-16."))
        return None
