"""One connection to a mail server: how to open it, and how one message goes over it."""

import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from smtplib import SMTP, SMTP_SSL, SMTPException, SMTPNotSupportedError, SMTPResponseException
from typing import Literal
from urllib.parse import unquote, urlsplit

from app.channels.base import DeliveryError, Outgoing, Receipt
from app.channels.smtp_replies import REPAIR_SECONDS, REST_SECONDS, Stage, queue_name, quoted, refusal

Security = Literal["clear", "starttls", "tls"]
SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("clear", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MAILBOX = re.compile(r"[!-;=?-~]+@[!-;=?-~]+", re.ASCII)  # printable, no space, no angle brackets


class Lost(DeliveryError):
    """The connection ended before the content left: nothing was handed over, another one may try."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over. Whether in the clear is written in the setting and never negotiated."""

    host: str
    port: int
    security: Security = "clear"
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait; more after the final dot, as giving up there leaves a message in doubt."""

    reply: float = 30
    final_dot: float = 120


def server_at(url: str) -> Server:
    """Read smtp://, smtp+starttls:// or smtps://, user:password@ or not. ValueError says what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("SMTP_URL must begin with smtp://, smtp+starttls:// or smtps://")
    if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(
            "SMTP_URL must end with host:port; write / ? # @ : of a password as %2F %3F %23 %40 %3A"
        )
    security, port = SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("SMTP_URL needs a user and a password, or neither")
    if not (user + password).isascii():
        raise ValueError("SMTP_URL: user and password must be ASCII")
    if password and security == "clear" and parts.hostname not in _LOOPBACK:
        raise ValueError("SMTP_URL would send the password in the clear; use smtp+starttls:// or smtps://")
    return Server(parts.hostname, parts.port or port, security, user, password)


class Connection:
    """Greeted, encrypted as asked, signed in. `ready` between messages, and only then."""

    def __init__(self, smtp: SMTP, patience: Patience) -> None:
        self._smtp = smtp
        self._patience = patience
        self.ready = True
        self.last_used = time.monotonic()

    def hand_over(self, message: Outgoing) -> Receipt:
        """Send one message to its one recipient. Raises DeliveryError; Lost while that changes nothing."""
        self._require_fit(message)
        self.ready = False
        self._agree_on_envelope(message)
        receipt = self._send_content(message.mime)
        self._rest()
        return receipt

    def hang_up(self) -> None:
        """Politely, where the server still listens."""
        self.ready = False
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(1)
            with suppress(SMTPException, OSError):
                self._smtp.quit()
        self._smtp.close()

    def _agree_on_envelope(self, message: Outgoing) -> None:
        """MAIL, RCPT and DATA: in one packet where the server offers that (RFC 2920), else one by one.

        Refused: the transaction is reset, so that the next message starts clean.
        """
        commands = {
            Stage.SENDER: f"MAIL FROM:<{message.from_address}>",
            Stage.RECIPIENT: f"RCPT TO:<{message.to_address}>",
            Stage.CONTENT: "DATA",
        }
        at_once = self._smtp.has_extn("pipelining")
        if at_once:
            self._write("\r\n".join(commands.values()), Stage.SENDER)
        refused: DeliveryError | None = None
        for stage, words in commands.items():
            if not at_once:
                self._write(words, stage)
            code, text = self._read(stage)
            if not _goes_on(stage, code):
                refused = refused or self._refused(code, text, stage)
                if not at_once:
                    break
            elif refused and stage is Stage.CONTENT:  # it waits for content that nobody shall get
                self._write(".", stage)
                self._read(stage)
        if refused:
            self._reset()
            raise refused

    def _write(self, words: str, stage: Stage) -> None:
        try:
            self._smtp.send(f"{words}\r\n")
        except SMTPException as error:
            raise self._cut(stage, error) from error

    def _read(self, stage: Stage) -> tuple[int, bytes]:
        try:
            return self._smtp.getreply()
        except SMTPException as error:
            raise self._cut(stage, error) from error

    def _cut(self, stage: Stage, error: SMTPException) -> DeliveryError:
        self._break()
        kind = DeliveryError if stage is Stage.CONTENT else Lost
        return kind("provider_unreachable", pause_seconds=REST_SECONDS, detail=f"{stage.value}: {error}")

    def _refused(self, code: int, text: bytes, stage: Stage) -> DeliveryError:
        """The refusal; raised at once when the server says goodbye with it, or speaks something else."""
        refused = refusal(code, text, stage)
        if code != 421 and code >= 400:
            return refused
        self._break()
        if stage is Stage.CONTENT:
            raise refused
        raise Lost(refused.reason, pause_seconds=refused.pause_seconds, detail=refused.detail)

    def _send_content(self, mime: bytes) -> Receipt:
        try:
            self._smtp.send(_ended(mime))
        except SMTPException as error:
            # The final dot stands last in what could not be written: the server cannot have taken it.
            self._break()
            raise DeliveryError(
                "provider_unreachable", detail="the connection broke before the message had left"
            ) from error
        code, text = self._verdict()
        if 200 <= code <= 299:
            return Receipt(provider_id=queue_name(text))
        if code == 421:
            self._break()
        else:
            self._rest()
        raise refusal(code, text, Stage.CONTENT)

    def _verdict(self) -> tuple[int, bytes]:
        """What the server says to the final dot; when it says nothing that we understand, nobody knows."""
        assert self._smtp.sock is not None
        self._smtp.sock.settimeout(self._patience.final_dot)
        try:
            code, text = self._smtp.getreply()
        except SMTPException as error:
            self._break()
            raise _unheard(str(error)) from error
        self._smtp.sock.settimeout(self._patience.reply)
        if not 200 <= code <= 299 and not 400 <= code <= 599:
            self._break()
            raise _unheard(quoted(code, text))
        return code, text

    def _reset(self) -> None:
        try:
            code, _ = self._smtp.docmd("RSET")
        except SMTPException:
            code = 421
        if code == 250:
            self._rest()
        else:
            self._break()

    def _rest(self) -> None:
        self.ready = True
        self.last_used = time.monotonic()

    def _break(self) -> None:
        self.ready = False
        self._smtp.close()

    @staticmethod
    def _require_fit(message: Outgoing) -> None:
        """Nothing in an address or a body may be read as a command, or need what the server may not have."""
        if not _MAILBOX.fullmatch(message.to_address):
            raise DeliveryError(
                "invalid_address", permanent=True, detail="not an address that SMTP can carry"
            )
        if not _MAILBOX.fullmatch(message.from_address):
            raise DeliveryError(
                "provider_refused", pause_seconds=REPAIR_SECONDS, detail="MAIL_FROM is no address"
            )
        line_ends = message.mime.count(b"\r\n")
        bare = line_ends != message.mime.count(b"\n") or line_ends != message.mime.count(b"\r")
        if bare or not message.mime.isascii():
            raise DeliveryError(
                "provider_refused", permanent=True, detail="not a 7-bit message in CRLF lines"
            )


def _goes_on(stage: Stage, code: int) -> bool:
    return code == 354 if stage is Stage.CONTENT else 250 <= code <= 252


def open_connection(server: Server, tls: ssl.SSLContext, patience: Patience) -> Connection:
    """Connect, encrypt and sign in as the setting says. Raises DeliveryError, never permanent."""
    try:
        smtp = _connect(server, tls, patience)
    except SMTPResponseException as error:
        raise refusal(error.smtp_code, _bytes(error.smtp_error), Stage.OPENING) from error
    except ssl.SSLCertVerificationError as error:
        raise _ours(f"the certificate of {server.host} was not accepted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise _ours(f"no TLS with {server.host}: {error.reason or error}") from error
    except SMTPNotSupportedError as error:
        raise _ours(f"{server.host}: {error}") from error
    except (SMTPException, OSError) as error:
        raise DeliveryError(
            "provider_unreachable", pause_seconds=REST_SECONDS, detail=f"{server.host}:{server.port}: {error}"
        ) from error
    return Connection(smtp, patience)


def _connect(server: Server, tls: ssl.SSLContext, patience: Patience) -> SMTP:
    name = socket.gethostname()
    ours = name if "." in name else "[127.0.0.1]"  # asking the resolver for our name may take seconds
    if server.security == "tls":
        smtp: SMTP = SMTP_SSL(server.host, server.port, ours, timeout=patience.reply, context=tls)
    else:
        smtp = SMTP(server.host, server.port, ours, timeout=patience.reply)
    try:
        assert smtp.sock is not None
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a body's last packet does not wait
        if server.security == "starttls":
            smtp.starttls(context=tls)  # not offered: SMTPNotSupportedError, and nothing goes in the clear
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _ended(mime: bytes) -> bytes:
    """The content as it goes over the wire: leading dots doubled (RFC 5321, 4.5.2), then the final dot."""
    if b"\n." in mime or mime.startswith(b"."):
        mime = re.sub(rb"(?m)^\.", b"..", mime)
    return mime + (b".\r\n" if mime.endswith(b"\r\n") else b"\r\n.\r\n")


def _ours(detail: str) -> DeliveryError:
    return DeliveryError("provider_unreachable", pause_seconds=REPAIR_SECONDS, detail=detail)


def _unheard(detail: str) -> DeliveryError:
    return DeliveryError("provider_unreachable", unknown=True, pause_seconds=REST_SECONDS, detail=detail)


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode("utf-8", "replace")
