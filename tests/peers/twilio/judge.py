"""Prism with Twilio's own description of its API: refuses what Twilio's clients could not have meant."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from tests.peers.running import PACKAGES, START_SECONDS, free_port
from tests.peers.twilio.messages import API

DESCRIPTION = PACKAGES / "@twilio/cli-core/src/services/twilio-api/twilio_api_v2010.json"
PRISM = PACKAGES / "@stoplight/prism-cli/dist/index.js"
SPOKEN = (
    f"/{API}/Accounts/{{Sid}}.json",
    f"/{API}/Accounts/{{AccountSid}}/Messages.json",
    f"/{API}/Accounts/{{AccountSid}}/Messages/{{Sid}}.json",
)


class Judged(NamedTuple):
    """What came back from behind, or from Prism itself."""

    status: int
    headers: dict[str, str]
    body: bytes


class Judge:
    """Stands between the front and what is behind it."""

    def start(self, behind: str, folder: Path) -> None:
        self.port = free_port()
        description = folder / "description.json"
        description.write_text(json.dumps(_spoken_part(json.loads(DESCRIPTION.read_text(encoding="utf-8")))))
        where = ["-p", str(self.port), "-h", "127.0.0.1", "--errors", "-v", "warn"]
        node = shutil.which("node") or "node"
        process = self._process = subprocess.Popen(
            [node, str(PRISM), "proxy", *where, str(description), behind]
        )
        until = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("Prism did not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def passes(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Judged:
        connection = HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Judged(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


def _spoken_part(whole: dict[str, Any]) -> dict[str, Any]:
    """Only the paths that we speak, so that it starts in half the time.

    Its answers carry relative addresses where it describes a `uri`: not even its own examples would pass.
    What it says of the validity period in words becomes a rule.
    """
    whole["paths"] = {path: whole["paths"][path] for path in SPOKEN}
    for field in _fields_named_uri(whole["paths"]):
        field.pop("format", None)
    form = whole["paths"][SPOKEN[1]]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    form["schema"]["properties"]["ValidityPeriod"] |= {"minimum": 1, "maximum": 36_000}
    return whole


def _fields_named_uri(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            if name.endswith("uri") and isinstance(inner, dict):
                yield inner
            yield from _fields_named_uri(inner)
