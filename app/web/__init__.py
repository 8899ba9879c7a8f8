"""Flask: parse, call one verb, render. `create_app` puts the pages together."""

from pathlib import Path

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from app.runtime import Runtime
from app.web import api, errors, headers, operations, pages, requests, styles, unknown_tokens
from app.web.blueprints import CONSOLE, RESPONDENT
from app.web.cookies import Cookies

BODY_BYTES = 256 * 1024  # of any request; the import of contacts alone takes more, and says so itself
FORM_PARTS = 500
ROOT = Path(__file__).parents[2]


def create_app(runtime: Runtime) -> Flask:
    """The web application over one runtime."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "app" / "static"))
    config = runtime.config
    earlier = [config.secret_key_previous] if config.secret_key_previous else []
    app.config.update(
        SECRET_KEY=config.secret_key,
        SECRET_KEY_FALLBACKS=earlier,
        WTF_CSRF_SECRET_KEY=[*earlier, config.secret_key],  # so a form that is open outlives a new key
        SESSION_COOKIE_NAME="retorno",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_PARTS=FORM_PARTS,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # static addresses carry a fingerprint
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=config.is_https,
    )
    app.extensions["runtime"] = runtime
    app.session_interface = Cookies()
    headers.register(app)  # inside of what reads the proxy's words: it asks whether this is https
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    csrf = CSRFProtect(app)
    requests.register(app)
    errors.register(app)
    pages.register(app)
    styles.register(app)
    operations.register(app)
    unknown_tokens.register(app)
    for blueprint in RESPONDENT:
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    for blueprint in CONSOLE:
        app.register_blueprint(blueprint)
    api.register(app, csrf)
    return app
