"""A closed load of keep-alive connections from one process; prints rates and latencies as JSON."""

import json
import socket
import sys
import threading
import time
from pathlib import Path

CONNECTIONS = 16


def main(port: int, kind: str, tokens_file: str, seconds: float) -> None:
    """`kind` is post (the answer alone) or journey (page, answer, page)."""
    tokens = iter(Path(tokens_file).read_text(encoding="ascii").split())
    lock, latencies, errors = threading.Lock(), [], []
    until = time.perf_counter() + seconds

    def drive() -> None:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mine: list[float] = []
        while time.perf_counter() < until:
            with lock:
                token = next(tokens, None)
            if token is None:
                errors.append("out of tokens")
                break
            for request in requests_of(kind, token, port):
                began = time.perf_counter()
                connection.sendall(request)
                status = read(connection)
                mine.append(time.perf_counter() - began)
                if status not in (200, 303):
                    errors.append(str(status))
        with lock:
            latencies.extend(mine)

    threads = [threading.Thread(target=drive) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    took = time.perf_counter() - began
    latencies.sort()
    steps = len(requests_of(kind, "x", port))
    print(
        json.dumps(
            {
                "per_second": len(latencies) / steps / took,
                "p50_ms": 1000 * latencies[len(latencies) // 2],
                "p99_ms": 1000 * latencies[int(len(latencies) * 0.99)],
                "errors": len(errors),
            }
        )
    )


def requests_of(kind: str, token: str, port: int) -> list[bytes]:
    """The requests of one respondent."""
    head = f"Host: 127.0.0.1:{port}\r\n"
    body = "score=9"
    form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    get = f"GET /r/{token}?score=9 HTTP/1.1\r\n{head}\r\n".encode()
    post = f"POST /r/{token} HTTP/1.1\r\n{head}{form}\r\n{body}".encode()
    return [post] if kind == "post" else [get, post]


def read(connection: socket.socket) -> int:
    """One whole response; its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return 0
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split(b" ")[1])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
