"""How often a key may come: counted per minute, told on every response, refusals included."""

from flask import Flask, Response, g

from app.runtime import Runtime
from app.services import limits
from app.services.access import Visitor
from app.services.limits import Limit

WINDOW = 60  # seconds: API_RATE_LIMIT is said per minute


def count(runtime: Runtime, who: Visitor) -> None:
    """One more request of this key. Raises TooMany."""
    limit = Limit(runtime.config.api_rate_limit, WINDOW)
    reset = limit.retry_after(runtime.clock())
    g.api_rate = (limit.most, 0, reset)
    used = limits.count_once(runtime, f"api:{who.key_id}", limit)
    g.api_rate = (limit.most, limit.most - used, reset)


def register(app: Flask) -> None:
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    """The fields of draft-ietf-httpapi-ratelimit-headers, as most clients know them."""
    if "api_rate" in g:
        most, left, reset = g.api_rate
        response.headers["RateLimit-Limit"] = str(most)
        response.headers["RateLimit-Remaining"] = str(left)
        response.headers["RateLimit-Reset"] = str(reset)
        response.headers["RateLimit-Policy"] = f"{most};w={WINDOW}"
    return response
