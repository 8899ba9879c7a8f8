"""The composition: settings, runtime, web application and commands; for granian and `flask --app wsgi`."""

import sys

from app import cli, logs
from app.channels.registry import open_channels
from app.db import open_database
from app.runtime import Runtime, now
from app.web import create_app
from config import BadConfig, Config


def build_runtime(config: Config) -> Runtime:
    """The runtime over real time and real channels."""
    db = open_database(config.database_url)
    return Runtime(config=config, clock=now, db=db, channels=open_channels(config))


try:
    runtime = build_runtime(Config.from_env())
except BadConfig as refused:
    sys.exit(str(refused))
logs.configure(runtime.config)
app = create_app(runtime)
cli.register(app)
