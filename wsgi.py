"""The composition: settings, runtime, web application and commands; for granian and `flask --app wsgi`."""

import gc
import sys

gc.disable()  # what is loaded from here on stays: looking for garbage in it costs a tenth of the start

import click
from flask import Flask
from flask.cli import ScriptInfo

from app import logs
from app.channels.registry import open_channels
from app.db import open_database
from app.journal import Journal
from app.runtime import Runtime, now
from app.services import starting
from app.web import create_app
from bots import handle
from config import BadConfig, Config


def build_runtime(config: Config) -> Runtime:
    """The runtime over real time and real channels."""
    db = open_database(config.database_url, journal=Journal(config.journal_dir))
    return Runtime(config=config, clock=now, db=db, channels=open_channels(config), inbound=handle)


def build_app(*, is_command: bool) -> Flask:
    """The web application over the settings; ends the process where it must not start."""
    try:
        runtime = build_runtime(Config.from_env())
    except BadConfig as refused:
        sys.exit(str(refused))
    logs.configure(runtime.config)
    if not is_command and (trouble := starting.why_not(runtime)):  # commands look for themselves
        sys.exit(f"Retorno does not start: {trouble}")
    return create_app(runtime)


asked = click.get_current_context(silent=True)
if asked is None or asked.find_object(ScriptInfo) is None:
    app = build_app(is_command=False)
else:  # a web process needs no command, and starts a quarter sooner without what they load
    from app import cli

    app = Flask("retorno") if cli.needs_nothing(asked) else build_app(is_command=True)
    cli.register(app)
gc.freeze()
gc.enable()
