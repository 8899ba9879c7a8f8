"""How what people type in a chat is read: a table, and a line to try it."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.metrics import Metric
from app.services import reading
from app.web.pages import render
from app.web.policy import allows, customers_only

pages = Blueprint("reading", __name__, url_prefix="/w/<slug>/reading")


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """`?text=` is read as an answer to the question of `?metric=`; nothing is kept."""
    who = customers_only()
    named = request.args.get("metric", "")
    metric = Metric(named) if named in reading.EXAMPLES else Metric.NPS
    text = request.args.get("text", "")
    return render(
        "reading.html", active="surveys", metric=metric.value, text=text,
        metrics=[each.value for each in reading.EXAMPLES],
        found=reading.read(text, metric, who.locale) if text.strip() else None,
        examples=reading.examples(metric, who.locale), longest=reading.LONGEST,
    )  # fmt: skip
