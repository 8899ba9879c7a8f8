"""Health, headers and the shape of errors."""

from flask.testing import FlaskClient

from app.runtime import Runtime


def test_a_live_process_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200


def test_without_a_worker_it_is_not_ready_and_says_what_to_run(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "flask --app wsgi worker" in response.get_json()["checks"]["worker"]


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
    assert b"retorno_followups_open 0" in client.get("/metrics").data
