"""Files that leave: named for what is in them, their workspace and the day, and kept by nobody on the way."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from flask import Response

from app.web.policy import runtime_of, visitor

TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def download(pieces: Iterator[bytes], what: str, ending: str) -> Response:
    """The answer to a request for a file of the visitor's workspace."""
    who = visitor()
    today = runtime_of().clock().astimezone(ZoneInfo(who.time_zone)).date()
    name = f"{what}-{who.workspace_slug}-{today.isoformat()}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(pieces, mimetype=TYPES[ending], headers=headers)
