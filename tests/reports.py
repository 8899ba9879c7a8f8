"""Feedback reports (ARF) as mailbox providers write them, about a mail that is given."""

from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText


def report_about(
    original: bytes | str | None, kind: str = "abuse", *, headers_alone: bool = False, charset: str = "utf-8"
) -> bytes:
    """The report. `original`: the mail as it arrived, or its headers."""
    report = MIMEMultipart("report", report_type="feedback-report")
    report["From"] = "fbl@mailbox.example"
    report["Subject"] = "FW: Como foi?"
    report.attach(MIMEText("This is an email abuse report.", "plain", charset))
    fields = MIMEBase("message", "feedback-report")
    inside = Message()
    inside["Feedback-Type"] = kind
    inside["User-Agent"] = "SomeGenerator/1.0"
    inside["Version"] = "1"
    fields.attach(inside)
    report.attach(fields)
    if original is not None:
        text = original.decode("ascii") if isinstance(original, bytes) else original
        if headers_alone:
            part: Message = MIMEText(
                text.replace("\r\n", "\n").partition("\n\n")[0] + "\n\n", "rfc822-headers"
            )
        else:
            part = MIMEBase("message", "rfc822")
            reported = EmailMessage()
            for line in text.replace("\r\n", "\n").partition("\n\n")[0].split("\n"):
                name, _, value = line.partition(": ")
                reported[name] = value
            reported.set_content("Como foi?")
            part.attach(reported)
        report.attach(part)
    return report.as_bytes()


def headers(message_id: str = "", way_out: str = "") -> str:
    """Of a mail of ours, with its Message-ID and the token of its way out, where they are given."""
    lines = ["From: pergunta@aroeira.example", "To: redacted@mailbox.example", "Subject: Como foi?"]
    if message_id:
        lines.append(f"Message-ID: <{message_id}@aroeira.example>")
    if way_out:
        lines.append(f"List-Unsubscribe: <https://retorno.example/u/{way_out}>")
    return "\n".join(lines) + "\n\n"
