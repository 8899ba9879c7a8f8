"""The vendor's side of the Twilio channels: its SDK over one kept session, and what it raises in our words.

Slow to import: only twilio_api does, when something is sent or asked.
"""

import base64
import logging
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import (
    ClientConnectorError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.base.version import Version
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from app.channels.base import DeliveryError, Receipt
from app.channels.twilio_account import Account, Listed, Patience, Wanted
from app.channels.twilio_errors import refusal, too_many, unheard, unreachable

SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
KEPT_SECONDS = 15  # servers hang up on idle connections; an end that crosses our request leaves it in doubt
PAGE_SIZE = 1000  # the most that Twilio gives at once
MOST_PAGES = 200
_NO_ENVIRONMENT = {"": ""}  # the SDK reads the environment unless it is given one that is not empty


class _Http(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types
    """How the SDK calls: at our address, with time-outs, nothing twice.

    Not the SDK's own asynchronous client: that one hands aiohttp a time-out of None, which means none at all
    there, and logs addresses. aiohttp repeats only what may be repeated, so never a POST.
    """

    def __init__(self, account: Account, patience: Patience) -> None:
        super().__init__(logging.getLogger("twilio.unused"), is_async=True)
        self._base = account.url
        login = f"{account.sid}:{account.token}".encode()
        self._session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=KEPT_SECONDS),
            timeout=ClientTimeout(total=patience.whole, connect=patience.connect, sock_read=patience.read),
            headers={"Authorization": "Basic " + base64.b64encode(login).decode()},
            cookie_jar=DummyCookieJar(),
        )

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        **_credentials_and_time_out: object,
    ) -> Response:
        body = urlencode(data, doseq=True).encode() if data else None
        url = self._url(uri, params)
        async with self._session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            text = (await answer.read()).decode("utf-8", "replace")
        if answer.status == 429:  # here, as what the SDK raises knows no headers
            raise too_many(answer.headers.get("Retry-After", ""), time.time())
        return Response(answer.status, text, answer.headers)

    def _url(self, uri: str, params: Mapping[str, object] | None) -> str:
        parts = urlsplit(uri)
        query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
        return f"{self._base}{parts.path}{'?' if query else ''}{query}"

    async def close(self) -> None:
        await self._session.close()


class TwilioClient:
    """What we ask of Twilio. Belongs to the event loop that it was made on."""

    def __init__(self, account: Account, patience: Patience) -> None:
        self._http = _Http(account, patience)
        self._sid = account.sid
        self._client = Client(account.sid, account.token, http_client=self._http, environment=_NO_ENVIRONMENT)

    async def create(self, fields: Mapping[str, Any]) -> Receipt:
        """Hand over a message. Raises DeliveryError, `unknown` once the request may have arrived."""
        try:
            made = await self._client.messages.create_async(**fields)
        except Exception as error:
            raise _in_our_words(error) from error
        if not SID.fullmatch(str(made.sid or "")):
            raise unheard("an answer without a message's SID")
        return Receipt(provider_id=made.sid)

    async def account_status(self) -> str:
        """active, suspended or closed. Raises DeliveryError."""
        try:
            account = await self._client.api.v2010.accounts(self._sid).fetch_async()
        except Exception as error:
            raise _nothing_done(_in_our_words(error)) from error
        return str(account.status)

    async def messages(self, wanted: Wanted) -> list[Listed]:
        """Messages, newest first."""
        filters: dict[str, Any] = {"page_size": PAGE_SIZE}
        if wanted.sent_since:
            filters["date_sent_after"] = wanted.sent_since
        if wanted.to_address:
            filters["to"] = wanted.to_address
        found: list[Listed] = []
        try:
            page = await self._client.messages.page_async(**filters)
            for _ in range(MOST_PAGES):
                listed = [_listed(each) for each in page]
                found += [each for each in listed if SID.fullmatch(each.sid)]
                if all(each.at is not None and each.at < wanted.stop for each in listed):
                    break
                page = await page.next_page_async()
                if page is None:
                    break
        except Exception as error:
            raise _nothing_done(_in_our_words(error)) from error
        return found

    async def close(self) -> None:
        await self._http.close()


def _in_our_words(error: Exception) -> DeliveryError:
    """What an exception tells of a request: it was refused, it never left, or nobody knows."""
    if isinstance(error, DeliveryError):
        return error
    if isinstance(error, TwilioException):
        return _refused(error)
    if isinstance(error, ClientConnectorError):
        return unreachable(str(error))
    if isinstance(error, ConnectionTimeoutError):
        return unreachable("no connection in time")
    # It came after the request began. Only its name is kept: its text may hold words of ours.
    return unheard(type(error).__name__)


def _refused(error: TwilioException) -> DeliveryError:
    if isinstance(error, TwilioRestException):
        return refusal(error.status, error.code, str(error.msg))
    if isinstance(error, TwilioServiceException):
        return refusal(error.status, error.code, f"{error.title} {error.detail or ''}")
    if len(error.args) > 1 and isinstance(error.args[1], Response):  # of a page, with the answer unread
        return _refused(Version.exception("GET", "", error.args[1], "no list"))
    return unheard(type(error).__name__)


def _nothing_done(error: DeliveryError) -> DeliveryError:
    """The same about a request that only asks: nothing is in doubt after it."""
    if not error.unknown:
        return error
    return DeliveryError(error.reason, pause_seconds=error.pause_seconds, detail=error.detail)


def _listed(message: Any) -> Listed:
    return Listed(
        sid=str(message.sid or ""),
        is_inbound=message.direction == "inbound",
        from_address=str(message.from_ or ""),
        to_address=str(message.to or ""),
        service=str(message.messaging_service_sid or ""),
        text=str(message.body or ""),
        status=str(message.status or ""),
        error_code=str(message.error_code or ""),
        at=message.date_sent or message.date_created,
    )
