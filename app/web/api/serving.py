"""Serves the routes of the API: read what came, call the view, write what it gives."""

from collections.abc import Callable
from typing import Any, cast

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.errors import RetornoError
from app.services import once
from app.services.once import Once
from app.web.api import reading
from app.web.api.routes import Call, Made, Route
from app.web.policy import runtime_of, visitor


def served(route: Route) -> Callable[..., ResponseReturnValue]:
    """The route as a Flask view; its policy comes around it."""

    def view(**values: str) -> ResponseReturnValue:
        taken: dict[str, Any] = dict(values)
        if route.query is not None or request.args:
            taken |= _named("query", reading.query_of(request, route.query))
        if route.method != "GET":
            body = reading.body_of(request, route.body, optional=route.body_is_optional)
            taken |= _named("body", body)
        call = _call(route)
        if route.reads is None:
            return _written(route, route.view(call, **taken), route.status)
        made = _made(route, call, taken)
        told = made.shown if made.shown is not None else route.reads(call, made.id)
        return _written(route, told, made.status)

    view.__name__ = route.name
    view.__doc__ = route.view.__doc__
    return view


def _named(name: str, model: object) -> dict[str, object]:
    return {} if model is None else {name: model}


def _call(route: Route) -> Call:
    runtime, who = runtime_of(), visitor()
    key = reading.key_of(request) if route.method == "POST" else None
    if key is None or who.key_id is None:
        return Call(runtime, who)
    return Call(runtime, who, Once(who.key_id, key, reading.fingerprint_of(request), runtime.clock()))


def _made(route: Route, call: Call, taken: dict[str, Any]) -> Made:
    """Do it, unless the same request did it before: then what it made is read again."""
    if done := _done_before(call):
        return done
    try:
        return cast(Made, route.view(call, **taken))
    except RetornoError:
        if done := _done_before(call):  # the same request was quicker by a moment
            return done
        raise


def _done_before(call: Call) -> Made | None:
    done = once.earlier(call.runtime, call.once) if call.once else None
    return Made(done.resource, done.status) if done else None


def _written(route: Route, given: object, status: int) -> Response:
    if route.gives is None:
        return Response(status=204)
    model = route.gives.model_validate(given)
    return Response(model.model_dump_json(exclude_unset=True), status, content_type="application/json")
