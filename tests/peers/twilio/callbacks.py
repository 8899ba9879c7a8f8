"""Posts signed forms to our webhooks as Twilio does: to the public address, by a proxy if there is one."""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

PATIENCE = 15.0  # as long as Twilio waits for a webhook
Form = Sequence[tuple[str, str]]
Answer = tuple[int, str]


def signature(token: str, url: str, form: Form) -> str:
    return str(RequestValidator(token).compute_signature(url, MultiDict(form)))


def post(
    url: str, form: Form, token: str | None, *, doors: dict[str, str], times: int, at_once: bool
) -> list[Answer]:
    """What our side answered to each: (status, body), (0, why) where there was no answer.

    `doors` say where a public address really is: there the request goes, as a TLS proxy would hand it on.
    """
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        "I-Twilio-Idempotency-Token": secrets.token_hex(16),
    }
    if token is not None:
        headers["X-Twilio-Signature"] = signature(token, url, form)
    body = urlencode(form)
    with ThreadPoolExecutor(max_workers=times if at_once else 1) as threads:
        return list(threads.map(lambda _: _post_once(url, body, headers, doors), range(times)))


def _post_once(url: str, body: str, headers: dict[str, str], doors: dict[str, str]) -> Answer:
    public = next((each for each in doors if url.startswith(each)), "")
    real, there = urlsplit(doors[public] + url.removeprefix(public) if public else url), urlsplit(url)
    if public:
        forwarded = {
            "X-Forwarded-Proto": there.scheme,
            "X-Forwarded-Host": there.netloc,
            "X-Forwarded-For": "192.0.2.7",
        }
        headers = {**headers, **forwarded}
    kind = HTTPSConnection if real.scheme == "https" else HTTPConnection
    connection = kind(real.netloc, timeout=PATIENCE)
    try:
        connection.request("POST", f"{real.path}?{real.query}" if real.query else real.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, HTTPException) as trouble:
        return 0, repr(trouble)
    finally:
        connection.close()
