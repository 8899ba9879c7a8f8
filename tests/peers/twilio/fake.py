"""Twilio's messaging API with a memory, as a process: `python -m tests.peers.twilio.fake PORT FOLDER`.

What our code asks comes in here, goes through Prism (judge.py) and arrives at `/behind`, where it counts. The
judge stands in the middle and not in front, so that the line to us can be cut after a message was taken.
"""

import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.peers.twilio.faults import HANG, Fault, error
from tests.peers.twilio.judge import Judge, Judged
from tests.peers.twilio.memory import ACCOUNT, TOKEN, lock, memory
from tests.peers.twilio.messages import API, Message, complaint, matching, new_sid, page_of
from tests.peers.twilio.orders import orders, tell_status

AFTER = "X-After"  # from behind to the front: what shall become of the line
Json = dict[str, Any]


app = Flask(__name__)
app.register_blueprint(orders)
judge = Judge()


# The front: what our code sees


@app.route(f"/{API}/<path:rest>", methods=["GET", "POST", "DELETE"])
def front(rest: str) -> Response:
    over = memory.over
    kept = {
        name: value for name, value in request.headers if name in {"Authorization", "Content-Type", "Accept"}
    }
    judged = judge.passes(request.method, request.environ["RAW_URI"], request.get_data(), kept)
    after = judged.headers.get(AFTER.lower(), judged.headers.get(AFTER, ""))
    if after:
        break_off(after, over)
    note_refusal(judged)
    told = {
        name: value
        for name, value in judged.headers.items()
        if name.lower() in {"content-type", "retry-after"}
    }
    return Response(judged.body, judged.status, told)


def note_refusal(judged: Judged) -> None:
    if judged.status < 400:
        return
    with lock:
        memory.refused.append({
            "method": request.method,
            "path": request.path,
            "form": dict(request.form),
            "status": judged.status,
            "body": judged.body.decode(errors="replace"),
            "breach": b"stoplight.io/prism" in judged.body,
        })  # fmt: skip


def break_off(how: str, over: threading.Event) -> None:
    """Never answers, or resets the connection."""
    line: socket.socket = request.environ["werkzeug.socket"]
    if how == HANG:
        while not over.wait(0.05) and not _is_closed(line):
            """until our side gives up, or the test is over"""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(line.detach())
    raise ConnectionResetError


def _is_closed(line: socket.socket) -> bool:
    try:
        return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


# Behind the judge: where things happen


@app.before_request
def authenticate() -> tuple[Response, int] | None:
    if not request.path.startswith("/behind/"):
        return None
    who = request.authorization
    right = (
        who is not None and (who.username, who.password) == (ACCOUNT, TOKEN) and f"/{ACCOUNT}" in request.path
    )
    return None if right else failing(20003)


def failing(code: int, status: int = 0, message: str = "") -> tuple[Response, int]:
    body, status = error(code, status, message)
    return jsonify(body), status


def answered(fault: Fault | None, body: Json, status: int) -> tuple[Response, int]:
    response = jsonify(body)
    if fault and fault.then:
        response.headers[AFTER] = fault.then
    if fault and fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response, status


def refused(fault: Fault) -> tuple[Response, int]:
    return answered(fault, *error(fault.code or 20503, fault.http_status, fault.message))


@app.post(f"/behind/{API}/Accounts/<account>/Messages.json")
def create(account: str) -> tuple[Response, int]:
    form = request.form
    with lock:
        fault = memory.takes("create", form["To"])
        if fault and fault.prevents:
            return refused(fault)
        if wrong := complaint(form):
            return failing(wrong[0], message=wrong[1])
        first = "accepted" if form.get("MessagingServiceSid") else "queued"
        body, sender, number = form.get("Body", ""), form.get("From"), len(memory.messages)
        message = memory.keeps(
            Message(
                new_sid(),
                account,
                "outbound-api",
                sender,
                form["To"],
                body,
                first,
                memory.moment(),
                number,
                dict(form),
            )
        )
        made = message.resource()
    if fault and fault.tell:
        tell_status(message, {"status": fault.tell})
    return answered(fault, made, 201)


@app.get(f"/behind/{API}/Accounts/<account>/Messages.json")
def listed(account: str) -> tuple[Response, int]:
    with lock:
        fault = memory.takes("list")
        if fault and fault.prevents:
            return refused(fault)
        found = matching(memory.messages.values(), request.args)
        return answered(fault, page_of(found, account, request.args), 200)


@app.get(f"/behind/{API}/Accounts/<account>/Messages/<sid>.json")
def fetched(account: str, sid: str) -> tuple[Response, int]:
    with lock:
        fault = memory.takes("fetch")
        if fault and fault.prevents:
            return refused(fault)
        message = memory.messages.get(sid)
        return answered(fault, message.resource(), 200) if message else failing(20404)


@app.get(f"/behind/{API}/Accounts/<account>.json")
def account_itself(account: str) -> tuple[Response, int]:
    with lock:
        fault = memory.takes("account")
    if fault and fault.prevents:
        return refused(fault)
    return answered(
        fault, {"sid": account, "friendly_name": "Tests", "status": "active", "type": "Full"}, 200
    )


class KeptOpen(WSGIRequestHandler):
    """Connections stay, as the real one's do."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A line for each would say nothing that the ledger does not."""


def main(port: int, folder: Path) -> None:
    judge.start(f"http://127.0.0.1:{port}/behind", folder)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=KeptOpen)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # whoever started it is gone
    judge.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
