"""An SMTP server that says yes to everything and keeps nothing: a process of its own, bare sockets."""

import socket
import sys
import threading


def main(port: int) -> None:
    server = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def serve(connection: socket.socket) -> None:
    """One client until it leaves."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"220 sink\r\n")
    buffer, in_data = b"", False
    while piece := _received(connection):
        buffer += piece
        while True:
            end = b"\r\n.\r\n" if in_data else b"\r\n"
            found = buffer.find(end)
            if found < 0:
                break
            line, buffer = buffer[:found], buffer[found + len(end) :]
            if in_data:
                in_data = False
                connection.sendall(b"250 2.0.0 Ok\r\n")
                continue
            word = line[:4].upper()
            in_data = word == b"DATA"
            replies = {b"EHLO": b"250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n"}
            connection.sendall(replies.get(word, b"250 2.0.0 Ok\r\n"))


def _received(connection: socket.socket) -> bytes:
    """Nothing from a client that was ended."""
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


if __name__ == "__main__":
    main(int(sys.argv[1]))
