"""The house: who may import whom, who may commit, how long a module or a function may be."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("domain", "models", "rendering", "channels", "services", "jobs", "web", "cli")
# Beside the standard library, app.errors and the room itself.
MAY_IMPORT = {
    "domain": {"dateutil.rrule", "dateutil", "phonenumbers", "email_validator"},
    "models": {"app.db", "app.domain", "sqlalchemy"},
    "channels": {"smtplib", "telegram", "httpx", "twilio", "aiohttp", "structlog"},
    "rendering": {"app.domain", "jinja2", "markupsafe", "babel", "segno", "xlsxwriter"},
    "services": {
        "app.runtime", "app.domain", "app.models", "app.db", "app.engines", "app.rendering",
        "app.channels.base", "app.sealing", "app.journal", "sqlalchemy", "alembic", "argon2", "pyotp", "PIL",
        "python_calamine", "structlog", "config",
    },
    "jobs": {"app.services", "app.runtime", "apscheduler", "structlog"},
    "web": {
        "app.services", "app.models", "app.domain", "app.runtime", "app.rendering", "flask", "flask_wtf",
        "werkzeug", "jinja2", "markupsafe", "itsdangerous", "pydantic", "prometheus_client",
        "structlog",
    },
    "cli": {
        "app.services", "app.models", "app.domain", "app.runtime", "app.rendering", "app.jobs", "app.db",
        "config", "flask", "click",
    },
    "bots": {"app.services", "app.runtime", "app.channels.base", "app.domain", "app.rendering"},
}  # fmt: skip
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
DATABASES_CLOCK = re.compile(r"(?i)func\.(now|current_)|current_timestamp|_timestamp\(|\bnow\(\) *::|'now'")


def modules() -> Iterator[Path]:
    yield from sorted((ROOT / "app").rglob("*.py"))
    yield from sorted((ROOT / "bots").rglob("*.py"))
    yield from (ROOT / "config.py", ROOT / "config_values.py", ROOT / "wsgi.py")


def room_of(path: Path) -> str | None:
    parts = path.relative_to(ROOT).parts
    if parts[0] == "bots":
        return "bots"
    return parts[1] if len(parts) > 2 else None


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "app":
                yield from ((f"app.{alias.name}", node.lineno) for alias in node.names)
            elif node.module.count(".") == 1 and node.module.startswith("app."):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def is_allowed(name: str, room: str) -> bool:
    own = "bots" if room == "bots" else f"app.{room}"
    allowed = {*MAY_IMPORT[room], own, "app.errors"}
    return name.split(".", 1)[0] in sys.stdlib_module_names or any(
        name == each or name.startswith(f"{each}.") for each in allowed
    )


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_to_its_room(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no line on what it is for"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    room = room_of(path)
    if room in MAY_IMPORT:
        strangers = [f"{name} (line {line})" for name, line in imports(tree) if not is_allowed(name, room)]
        assert not strangers


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short_and_import_nothing_inside(path: Path) -> None:
    vendor = room_of(path) == "channels"  # a slow vendor library may wait inside its own channel
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"
            inside = [each for each in ast.walk(node) if isinstance(each, ast.Import | ast.ImportFrom)]
            assert not inside or vendor, f"{node.name} imports inside"


def test_nobody_commits_but_the_database() -> None:
    for path in modules():
        if path.name != "db.py":
            text = path.read_text(encoding="utf-8")
            assert ".commit(" not in text, path
            assert ".rollback(" not in text, path


def test_the_environment_is_read_in_one_place() -> None:
    for path in modules():
        if path.name != "config.py":
            text = path.read_text(encoding="utf-8")
            assert "os.environ" not in text, path
            assert "getenv" not in text, path


def test_the_clock_is_read_in_one_place() -> None:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if path.name != "runtime.py":
            assert "datetime.now(" not in text, path
            assert "utcnow" not in text, path
        if path.name != "checks_of_clocks.py":  # who compares it with ours
            assert not DATABASES_CLOCK.search(text), path


def test_only_sealing_opens_the_box() -> None:
    for path in modules():
        names = {name.split(".", 1)[0] for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")))}
        assert "nacl" not in names or path.name == "sealing.py", path


def test_app_knows_nothing_of_its_bots() -> None:
    for path in (ROOT / "app").rglob("*.py"):
        names = {name.split(".", 1)[0] for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")))}
        assert "bots" not in names, path


def test_web_and_commands_run_no_statements() -> None:
    for room in ("web", "cli"):
        for path in (ROOT / "app" / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for word in ("session.execute", "session.scalars", "db.read(", "db.write(", "session.add("):
                assert word not in text, f"{path}: {word}"


def test_there_is_no_room_for_odds_and_ends() -> None:
    for path in modules():
        assert not {"utils", "util", "helpers", "helper", "common", "misc"} & set(path.with_suffix("").parts)
