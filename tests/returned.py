"""Delivery reports (RFC 3464) in the shapes of Postfix, Exim and Microsoft, about a mail that is given."""

POSTFIX = """\
Return-Path: <>
Date: Mon, 16 Nov 2026 13:05:00 +0000 (UTC)
From: MAILER-DAEMON@relay.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: pergunta@aroeira.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F2A1.1794834300/relay.example"

This is a MIME-encapsulated message.

--4F2A1.1794834300/relay.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4F2A1.1794834300/relay.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
X-Postfix-Queue-ID: 4F2A1
Arrival-Date: Mon, 16 Nov 2026 13:00:00 +0000 (UTC)

Final-Recipient: rfc822; maria@bemtevi.example
Original-Recipient: rfc822;maria@bemtevi.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.bemtevi.example
Diagnostic-Code: smtp; 550 {status} <maria@bemtevi.example>: {words}

--4F2A1.1794834300/relay.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

{original}Como foi?

--4F2A1.1794834300/relay.example--
"""

EXIM = """\
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: pergunta@aroeira.example
Subject: Mail delivery failed: returning message to sender
X-Failed-Recipients: maria@bemtevi.example
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=1794834300-eximdsn-77
MIME-Version: 1.0

--1794834300-eximdsn-77
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1794834300-eximdsn-77
Content-type: message/delivery-status

Reporting-MTA: dns; relay.example

Action: {action}
Final-Recipient: rfc822;maria@bemtevi.example
Status: {general}
Remote-MTA: dns; mx.bemtevi.example
Diagnostic-Code: smtp; 550-{status} {words}
 550 {status} Try another.

--1794834300-eximdsn-77
Content-type: text/rfc822-headers

{original}
--1794834300-eximdsn-77--
"""

MICROSOFT = """\
From: postmaster@bemtevi.example
To: pergunta@aroeira.example
Subject: =?utf-8?B?TsOjbyBlbnRyZWd1ZQ==?=
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="_000_a1b2c3"

--_000_a1b2c3
Content-Type: multipart/alternative; boundary="_001_d4e5f6"

--_001_d4e5f6
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: 8bit

<p>Não foi possível entregar a sua mensagem.</p>
--_001_d4e5f6--

--_000_a1b2c3
Content-Type: message/delivery-status

Reporting-MTA: dns;CP2PR01.prod.outlook.example
Received-From-MTA: dns;relay.example
Arrival-Date: Mon, 16 Nov 2026 13:00:00 +0000

Final-Recipient: rfc822;maria@bemtevi.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 {status} RESOLVER.ADR.RecipientNotFound; {words}

--_000_a1b2c3
Content-Type: message/rfc822

{original}
--_000_a1b2c3--
"""
SERVERS = {"postfix": POSTFIX, "exim": EXIM, "microsoft": MICROSOFT}


def came_back(
    original: str, server: str = "postfix", *, action: str = "failed", status: str = "5.1.1",
    words: str = "User unknown",
) -> bytes:  # fmt: skip
    """The report. `original`: the headers of the mail that it is about."""
    general = f"{status[:1]}.0.0"  # Exim knows no better
    said = {"action": action, "status": status, "general": general, "words": words}
    return SERVERS[server].format(original=original, **said).encode()
