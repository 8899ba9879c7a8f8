"""Fixtures for all: a runtime on SQLite and on PostgreSQL, a clock that stands still, a world to fill."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from flask import Flask
from hypothesis.internal.conjecture import providers
from jinja2 import FileSystemBytecodeCache

from app.channels.registry import open_channels
from app.db import Database, open_database
from app.journal import Journal
from app.runtime import Runtime
from app.services import address_keys, migrating
from app.services.address_keys import address_key
from bots import handle
from config import Config
from tests.postgres import PostgresServer
from tests.world import Clock, World

KINDS = ("sqlite", "postgresql")
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # bytes: what all the tests leave, several times


def pytest_configure() -> None:
    """Temporary files stay in memory where there is room: a commit of SQLite's waits for the disk.

    And garbage is looked for less often: most of what lives here, lives to the end. A template is compiled
    once, not by each application and each process.
    """
    gc.set_threshold(50_000, 20, 100)
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache()}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Cases take turns between the databases, the first by its test's name; but `on_both` means each."""
    tests: dict[str, dict[str, dict[str, pytest.Item]]] = {}
    for item in items:
        if item.get_closest_marker("on_both") is None and (kind := _kind(item)):
            test, _, case = item.nodeid.partition("[")
            tests.setdefault(test, {}).setdefault(case.replace(kind, ""), {})[kind] = item
    elsewhere: set[pytest.Item] = set()
    for test, cases in tests.items():
        for turn, on in enumerate(cases.values(), crc32(test.encode())):
            if len(on) > 1:
                elsewhere.add(on[KINDS[turn % 2]])
    items[:] = [each for each in items if each not in elsewhere]
    config.hook.pytest_deselected(items=list(elsewhere))
    _keep_from_hypothesis()


def _kind(item: pytest.Item) -> str:
    call = getattr(item, "callspec", None)
    kind = call.params.get("database_kind") if call else None
    return kind if kind in KINDS else ""  # none of them: it is judged on another


def _keep_from_hypothesis() -> None:
    """It tries the constants of our code as well; those of a thousand tests are no one's input.

    To read them takes it ten seconds, and what it tries would depend on what else was collected.
    """
    tests = [each for name, each in sys.modules.items() if name.startswith("tests.")]
    providers._seen_modules.update(map(id, tests))


def pytest_collection_finish() -> None:
    """The tests themselves are never garbage."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--databases", default=",".join(KINDS), help="which databases the tests run on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        kinds = metafunc.config.getoption("--databases").split(",")
        if "chromium" in metafunc.fixturenames:
            kinds = kinds[:1]  # what a browser sees does not depend on the database; it is seen once
        if chosen := metafunc.definition.get_closest_marker("judged_on"):
            kinds = [each for each in kinds if each in chosen.args]
        metafunc.parametrize("database_kind", kinds, scope="session")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgresql"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "retorno.db"
    furnish(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_database(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database, emptied after each test."""
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database("retorno")
    furnish(url)
    return url


def furnish(url: str) -> None:
    """The schema, and the key that never changes: an engine that serves many tests remembers it."""
    db = open_database(url)
    migrating.upgrade(db)
    with db.write() as session:
        address_key(session, "somebody")
    db.dispose()


@pytest.fixture(scope="session")
def kept_database(
    database_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """One engine for every test of a kind: what it has compiled serves them all. Its rows go after each."""
    if database_kind == "postgresql":
        url = request.getfixturevalue("postgres_database")
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'retorno.db'}"
    database = open_database(url)
    yield database
    database.dispose()


@pytest.fixture
def db(kept_database: Database, request: pytest.FixtureRequest) -> Iterator[Database]:
    address_keys.forget(kept_database.engine)  # it belongs to the rows
    if kept_database.is_sqlite:
        fresh_file(kept_database, request.getfixturevalue("sqlite_template"))
        yield kept_database
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        yield kept_database
        server.empty(kept_database)


def fresh_file(database: Database, template: Path) -> None:
    """A file of its own for each test, under the same name."""
    database.dispose()
    path = Path(database.engine.url.database or "")
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.copy(template, path)


@pytest.fixture
def database_url(db: Database) -> str:
    return db.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    settings = {
        "DATABASE_URL": database_url,
        "KEYS_DIR": str(tmp_path / "keys"),
        "SECRET_KEY": "a-secret-only-for-tests-0123456789-abcdefgh",
    }
    return Config.from_env(settings, argon2_profile="cheapest")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(config: Config, db: Database, clock: Clock) -> Runtime:
    db = replace(db, journal=Journal(config.journal_dir))
    return Runtime(config=config, clock=clock, db=db, channels=open_channels(config), inbound=handle)


@pytest.fixture
def world(runtime: Runtime) -> World:
    return World(runtime)


pytest_plugins = [
    "tests.smtp",
    "tests.peers.fixtures",
    "tests.web.clients",
    "tests.web.browser",
    "tests.hurrying",
]
