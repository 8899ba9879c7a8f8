"""Health, headers and the shape of errors."""

from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import text

from app.db import open_database
from app.runtime import Runtime
from app.services import heartbeats, schema, switch
from app.web import create_app


def test_a_live_process_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200


def test_without_a_worker_it_is_not_ready_and_says_what_to_run(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "flask --app wsgi worker" in response.get_json()["checks"]["worker"]


def test_with_a_worker_it_is_ready_and_says_when_sending_is_paused(
    client: FlaskClient, runtime: Runtime
) -> None:
    heartbeats.beat(runtime)
    assert client.get("/readyz").get_json() == {
        "ready": True,
        "checks": {"database": "ok", "migrations": "ok", "worker": "ok"},
    }
    switch.pause(runtime, "restored from a backup")
    response = client.get("/readyz")
    assert response.status_code == 200
    assert "sending resume" in response.get_json()["checks"]["sending"]


def test_on_a_newer_database_it_is_not_ready_and_says_what_to_do(
    client: FlaskClient, runtime: Runtime
) -> None:
    with runtime.db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        response = client.get("/readyz")
        assert response.status_code == 503
        assert "install the newer version" in response.get_json()["checks"]["migrations"]
        assert client.get("/healthz").status_code == 200, "it lives: restarting it helps nobody"
    finally:
        with runtime.db.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": schema.head()})


def test_without_its_database_it_is_not_ready_and_a_person_reads_a_calm_page(runtime: Runtime) -> None:
    away = open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    client = create_app(replace(runtime, db=away)).test_client()
    assert "cannot be reached" in client.get("/readyz").get_json()["checks"]["database"]
    response = client.get("/r/a-link-of-somebody-123456")
    assert response.status_code == 503
    assert "Traceback" not in response.text
    away.dispose()


def test_every_answer_carries_the_security_headers_errors_included(client: FlaskClient) -> None:
    for path in ("/healthz", "/there-is-nothing-here", "/api/v1/nothing"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Cookie" in headers["Vary"]


def test_an_unknown_api_path_is_a_problem_document(client: FlaskClient) -> None:
    response = client.get("/api/v1/nothing")
    assert response.mimetype == "application/problem+json"
    assert response.get_json()["status"] == 404


def test_metrics_count_what_waits(client: FlaskClient, runtime: Runtime) -> None:
    counted = client.get("/metrics").text
    assert "retorno_followups_open 0" in counted
    assert ("retorno_disk_free_bytes" in counted) is runtime.db.is_sqlite
