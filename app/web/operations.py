"""For those who run it: /healthz, /readyz and /metrics."""

from collections.abc import Callable
from typing import cast

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.services import health
from app.web.policy import open_to_all, runtime_of


@open_to_all
def healthz() -> ResponseReturnValue:
    """Live: this process answers."""
    return Response("ok\n", content_type="text/plain")


@open_to_all
def readyz() -> ResponseReturnValue:
    """Ready: database, migrations and a worker's heartbeat."""
    found = health.check(runtime_of())
    return jsonify({"ready": found.ready, "checks": found.checks}), 200 if found.ready else 503


@open_to_all
def metrics() -> ResponseReturnValue:
    """Prometheus: requests of this process, and what waits in the tables."""
    lines = "".join(f"retorno_{name} {value}\n" for name, value in health.gauges(runtime_of()).items())
    return Response(generate_latest() + lines.encode(), content_type=CONTENT_TYPE_LATEST)


def register(app: Flask) -> None:
    for view in (healthz, readyz, metrics):
        app.add_url_rule(f"/{view.__name__}", view_func=view)
    app.view_functions["static"] = open_to_all(cast(Callable[..., Response], app.view_functions["static"]))
