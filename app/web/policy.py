"""Who may enter a route. Every view carries one of these decorators; a guard test refuses one without."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar, cast, get_args

from flask import Flask, current_app, g, request, session
from flask.typing import ResponseReturnValue

from app.domain.access import Role, least_role, opens
from app.errors import Forbidden, NotFound, Unauthenticated
from app.runtime import Runtime
from app.services import api_keys, sessions
from app.services.access import Visitor
from app.web import rates

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Kind = Literal["public", "respondent", "signed_in", "member", "key"]
POLICIES = get_args(Kind)


def runtime_of(app: Flask | None = None) -> Runtime:
    """The runtime of the application that serves this request."""
    return cast(Runtime, (app or current_app).extensions["runtime"])


def open_to_all(view: View) -> View:
    """Sign-in pages, health, static files: nothing of a workspace is shown."""
    return _marked(view, "public", None)


def by_token(view: View) -> View:
    """The link is the authority; the verb checks it."""
    return _marked(view, "respondent", None)


def signed_in(view: View) -> View:
    """Any user with a session, in no workspace in particular; `g.user` says who."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        g.user = sessions.user_of(runtime_of(), session.get("token"))
        return view(*args, **kwargs)

    return cast(View, _marked(guarded, "signed_in", None))


def allows(role: Role) -> Callable[[View], View]:
    """A member of the workspace in the address with at least this role; `visitor()` says who."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, slug: str, **kwargs: Any) -> ResponseReturnValue:
            enter(role, slug)
            return view(*args, **kwargs)

        return cast(View, _marked(guarded, "member", role))

    return decorate


def enter(role: Role, slug: str) -> None:
    """What `allows` asks, where it must be known before the body is read."""
    g.visitor = sessions.visit(runtime_of(), session.get("token"), slug)
    if not g.visitor.role.reaches(role):
        raise Forbidden


def scoped(scope: str) -> Callable[[View], View]:
    """A key of the API with this scope, within its rate; `visitor()` says who."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            who = api_keys.authenticate(runtime_of(), _bearer())
            rates.count(runtime_of(), who)
            if not opens(who.scopes, scope) or not who.role.reaches(least_role(scope)):
                raise Forbidden
            g.visitor = who
            return view(*args, **kwargs)

        return cast(View, _marked(guarded, "key", scope))

    return decorate


def visitor() -> Visitor:
    """Who acts, inside a view that `allows` or `scoped` guards."""
    if "visitor" not in g:
        raise Unauthenticated
    return cast(Visitor, g.visitor)


def customers_only() -> Visitor:
    """The visitor of a customers workspace; people workspaces have no such room."""
    who = visitor()
    if who.is_people:
        raise NotFound
    return who


def people_only() -> Visitor:
    """The visitor of a people workspace; customers workspaces have no such room."""
    who = visitor()
    if not who.is_people:
        raise NotFound
    return who


def _bearer() -> str:
    """What stands in `Authorization: Bearer …`; a key is never taken from the address, which is logged."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _marked(view: View, kind: Kind, needed: Role | str | None) -> View:
    view.policy = (kind, needed)  # type: ignore[attr-defined]  # read by the guard and the wall tests
    return view
