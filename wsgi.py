"""The composition: settings, runtime, web application and commands; for granian and `flask --app wsgi`."""

import gc
import sys

gc.disable()  # what is loaded from here on stays: looking for garbage in it costs a tenth of the start

import click
from flask.cli import ScriptInfo

from app import logs
from app.channels.registry import open_channels
from app.db import open_database
from app.runtime import Runtime, now
from app.services import starting
from app.web import create_app
from bots import handle
from config import BadConfig, Config


def build_runtime(config: Config) -> Runtime:
    """The runtime over real time and real channels."""
    db = open_database(config.database_url)
    return Runtime(config=config, clock=now, db=db, channels=open_channels(config), inbound=handle)


try:
    runtime = build_runtime(Config.from_env())
except BadConfig as refused:
    sys.exit(str(refused))
logs.configure(runtime.config)
asked = click.get_current_context(silent=True)
is_command = asked is not None and asked.find_object(ScriptInfo) is not None  # they look for themselves
if not is_command and (trouble := starting.why_not(runtime)):
    sys.exit(f"Retorno does not start: {trouble}")
app = create_app(runtime)
if is_command:  # a web process needs no command, and starts a quarter sooner without what they load
    from app import cli

    cli.register(app)
gc.freeze()
gc.enable()
