"""The routes of the API: what each needs, takes and gives, listed once for serving and for describing."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from app.runtime import Runtime
from app.services.access import Visitor
from app.services.once import Once
from app.web.api.schemas import Body, Query, Resource

View = TypeVar("View", bound=Callable[..., object])
METHODS = {"GET": 200, "POST": 201, "PATCH": 200, "DELETE": 204}  # and what each answers when it went well


@dataclass(frozen=True)
class Call:
    """One request: the runtime, who asks, and for a POST that may be repeated, how it is known again."""

    runtime: Runtime
    who: Visitor
    once: Once | None = None


@dataclass(frozen=True)
class Made:
    """What a POST made or changed, by its id; the answer is then read like any other."""

    id: str
    status: int = 201
    shown: object = None  # what is told only now: a repeated request reads, and does not find it


@dataclass(frozen=True)
class Route:
    """One method at one path. The view's signature says what it takes: `body`, `query`, and path values."""

    method: str
    path: str
    scope: str
    noun: str
    gives: type[Resource] | None
    view: Callable[..., object]
    also: tuple[int, ...] = ()  # other statuses of success
    reads: Callable[[Call, str], object] | None = None

    @property
    def name(self) -> str:
        """Unique: the operation's id and the end of the endpoint."""
        return self.view.__name__

    @property
    def status(self) -> int:
        return METHODS[self.method]

    @property
    def values(self) -> list[str]:
        """The names in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def body(self) -> type[Body] | None:
        return cast(type[Body] | None, self._taken("body"))

    @property
    def body_is_optional(self) -> bool:
        parameter = inspect.signature(self.view).parameters.get("body")
        return parameter is not None and parameter.default is None

    @property
    def query(self) -> type[Query] | None:
        return cast(type[Query] | None, self._taken("query"))

    def _taken(self, name: str) -> object:
        parameter = inspect.signature(self.view).parameters.get(name)
        if parameter is None:
            return None
        kinds = getattr(parameter.annotation, "__args__", (parameter.annotation,))
        return next(each for each in kinds if each is not type(None))


@dataclass(frozen=True, eq=False)
class Noun:
    """One resource of the API: its routes carry its name and are told about together."""

    name: str
    about: str
    routes: list[Route]

    def get(self, path: str, scope: str, gives: type[Resource]) -> Callable[[View], View]:
        """A reading route."""
        return self._add(lambda view: Route("GET", path, scope, self.name, gives, view))

    def post(
        self, path: str, scope: str, reads: Callable[[Call, str], object], gives: type[Resource], *also: int
    ) -> Callable[[View], View]:
        """A route that does something once; what it gives is read by id, on a repeated request as well."""
        return self._add(lambda view: Route("POST", path, scope, self.name, gives, view, also, reads))

    def patch(self, path: str, scope: str, gives: type[Resource]) -> Callable[[View], View]:
        """A route that changes what is sent."""
        return self._add(lambda view: Route("PATCH", path, scope, self.name, gives, view))

    def delete(self, path: str, scope: str) -> Callable[[View], View]:
        """A route that ends something; it answers nothing."""
        return self._add(lambda view: Route("DELETE", path, scope, self.name, None, view))

    def _add(self, route: Callable[[View], Route]) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            self.routes.append(route(view))
            return view

        return decorate


def noun(name: str, about: str) -> Noun:
    """A resource without routes yet."""
    return Noun(name, about, [])
