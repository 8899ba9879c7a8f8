"""A client of the API that speaks with a key."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class Api:
    """A client with a key; addresses are written without their prefix."""

    def __init__(self, client: FlaskClient, secret: str) -> None:
        self.client = client
        self.secret = secret

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}"} | more.pop("headers", {})
        if json is not None:
            more["json"] = json
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self("GET", path, query_string=query)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self("POST", path, json, **more)

    def patch(self, path: str, json: Any) -> TestResponse:
        return self("PATCH", path, json)

    def delete(self, path: str, json: Any = None, **query: Any) -> TestResponse:
        return self("DELETE", path, json, query_string=query)

    def all(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of every page, in order."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(path, **query)
            assert page.status_code == 200, page.json
            found += page.json["items"]
            if page.json["next_cursor"] is None:
                return found
            query["cursor"] = page.json["next_cursor"]
