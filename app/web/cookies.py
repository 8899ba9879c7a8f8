"""The cookie of a signed-in browser. Respondents have none, and for them none is looked for."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class Cookies(SecureCookieSessionInterface):
    """Flask's own, but it makes its keys ready only where there is a cookie to read."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if not request.headers.get("Cookie"):
            return self.session_class()
        return super().open_session(app, request)
