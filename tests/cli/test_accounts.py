"""`workspaces`, `users` and `keys`: what the next command needs stands alone on standard output."""

import json

import pytest
from click.testing import Result
from flask import Flask

from app import cli
from app.domain.access import SCOPES, Role
from app.runtime import Runtime
from app.services import api_keys, links, recovery, sessions
from app.services.recovery import Filled
from tests.services.people import HERE, PASSWORD, account, row
from tests.world import World


@pytest.fixture
def run(runtime: Runtime) -> "Run":
    app = Flask("commands")
    app.extensions["runtime"] = runtime
    cli.register(app)
    return Run(app)


class Run:
    """Calls a command as a shell would."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def __call__(self, *words: str, status: int = 0) -> Result:
        with self.app.app_context():  # as the `flask` command pushes it
            result = self.app.test_cli_runner().invoke(args=list(words))
        assert result.exit_code == status, result.output
        return result


def token_in(link: str) -> str:
    return link.strip().rsplit("/link/", 1)[1]


def test_a_workspace_an_owner_and_a_key_are_made_one_after_the_other(run: Run, runtime: Runtime) -> None:
    slug = run(
        "workspaces", "create", "Loja Sul", "--time-zone", "America/Sao_Paulo", "--locale", "pt-BR"
    ).stdout
    assert slug == "loja-sul\n"
    link = run("users", "create", "Ana@LojaSul.example", "--workspace", "loja-sul", "--role", "owner").stdout
    assert link.startswith(f"{runtime.config.public_url}/link/")
    assert link.count("\n") == 1
    entered = recovery.redeem(runtime, token_in(link), Filled(PASSWORD, "Ana"), HERE)
    assert sessions.visit(runtime, entered.token, "loja-sul").role is Role.OWNER
    made = run("keys", "create", "--workspace", "loja-sul")
    assert api_keys.authenticate(runtime, made.stdout.strip()).scopes == frozenset(SCOPES)
    assert made.stdout.count("\n") == 1


def test_somebody_with_a_password_gets_no_link(run: Run, world: World) -> None:
    account(world, "rui@aroeira.example")
    slug = world.workspace().slug
    made = run("users", "create", "rui@aroeira.example", "--workspace", slug, "--role", "agent")
    assert made.stdout == ""
    assert "password already" in made.stderr
    again = run("users", "create", "rui@aroeira.example", "--workspace", slug, "--role", "agent", status=1)
    assert again.stdout == ""
    assert "member already" in again.stderr


def test_a_reset_link_stands_alone(run: Run, runtime: Runtime, world: World) -> None:
    account(world, "rui@aroeira.example")
    link = run("users", "reset-link", "rui@aroeira.example").stdout
    assert links.look(runtime, token_in(link)).purpose == "reset"
    refused = run("users", "reset-link", "nobody@aroeira.example", status=1)
    assert refused.stdout == ""
    assert "no account" in refused.stderr


def test_a_lost_telephone_is_no_lost_account(run: Run, runtime: Runtime, world: World) -> None:
    user = account(world, "rui@aroeira.example", second_factor=True)
    run("users", "remove-second-factor", "rui@aroeira.example")
    assert row(runtime, user.id).totp_secret is None
    run("users", "remove-second-factor", "nobody@aroeira.example", status=1)


@pytest.mark.parametrize(
    "words",
    [
        ("workspaces", "create", " "),
        ("workspaces", "create", "Loja", "--time-zone", "Mars"),
        ("users", "create", "ana", "--workspace", "x", "--role", "owner"),
        ("users", "create", "ana@x.example", "--workspace", "no-such-place", "--role", "owner"),
        ("keys", "create", "--workspace", "no-such-place"),
        ("keys", "revoke", "no-such-key"),
    ],
)
def test_what_is_refused_is_said_on_standard_error(run: Run, words: tuple[str, ...]) -> None:
    refused = run(*words, status=1)
    assert refused.stdout == ""
    assert refused.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "words",
    [
        ("workspaces", "create", "Loja", "--kind", "clients"),
        ("workspaces", "create", "Loja", "--locale", "tlh"),
        ("users", "create", "ana@x.example", "--workspace", "x", "--role", "root"),
        ("users", "create", "ana@x.example", "--role", "owner"),
    ],
)
def test_a_misspelt_option_is_a_wrong_call(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words, status=2).stdout == ""


def test_keys_are_listed_without_their_secrets_and_revoked_by_id(
    run: Run, runtime: Runtime, world: World
) -> None:
    slug = world.workspace().slug
    secret = run(
        "keys", "create", "--workspace", slug, "--scope", "contacts:read", "--name", "Nightly"
    ).stdout.strip()
    listed = run("keys", "list", "--json").stdout
    (key,) = json.loads(listed)
    assert secret not in listed
    assert (key["workspace"], key["name"], key["scopes"]) == (slug, "Nightly", ["contacts:read"])
    assert secret not in run("keys", "list").stdout
    run("keys", "revoke", key["id"])
    assert json.loads(run("keys", "list", "--json").stdout)[0]["revoked_at"]
    assert "revoked" in run("keys", "list").stdout
    run("keys", "create", "--workspace", slug, "--scope", "root", status=1)


def test_everything_that_lists_speaks_json(run: Run, world: World) -> None:
    who = world.member(world.workspace(name="Loja Sul"), Role.AGENT)
    assert json.loads(run("workspaces", "list", "--json").stdout)[0]["slug"] == who.workspace_slug
    (member,) = json.loads(run("users", "list", "--json").stdout)
    assert (member["workspace"], member["role"]) == (who.workspace_slug, "agent")
    assert "Loja Sul" in run("workspaces", "list").stdout
    assert member["email"] in run("users", "list").stdout
    assert json.loads(run("keys", "list", "--json").stdout) == []
