"""The console's style sheet in one piece; every other file under /static/ is served as it lies."""

from flask import Flask, Response

from app.rendering.assets import CONSOLE_SHEET, console_sheet
from app.web.policy import open_to_all


@open_to_all
def stylesheet() -> Response:
    """look.css with what it imports; its address carries a fingerprint, so that it may be kept for a year."""
    response = Response(console_sheet(), content_type="text/css; charset=utf-8")
    response.cache_control.public = True
    response.cache_control.max_age = 31_536_000
    return response


def register(app: Flask) -> None:
    """Stands before the general rule for /static/, because it is the more exact one."""
    app.add_url_rule(f"/static/{CONSOLE_SHEET}", view_func=stylesheet)
