"""What Twilio's error codes and message statuses mean in our words. Only here does somebody read one.

A code comes with a refusal at once, or later with the status of a message that was taken. One that we do
not know is never permanent: a wrong "never" loses a person, a wrong "later" a try.
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import structlog

from app.channels.base import DeliveryError

log = structlog.get_logger("twilio")
REST_SECONDS = 60  # Twilio is busy or away: the next minute is soon enough
REPAIR_SECONDS = 300  # a setting of ours is wrong: somebody has to look; nobody's message is lost meanwhile
LONGEST_REST_SECONDS = 3600  # what a slip of theirs could cost us; they say it again if they mean it
TRY_AGAIN_SECONDS = 1800  # a phone that is off is not on again in a minute
MOST_TRIES = 3  # each costs money


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code in our words; the fields are those of DeliveryError."""

    reason: str
    permanent: bool = False
    pause_seconds: int | None = None
    retry_seconds: int | None = None
    most_tries: int | None = None
    stops_run: bool = False
    complains: bool = False  # they shut us out for what reached them before

    def error(self, detail: str) -> DeliveryError:
        return DeliveryError(
            self.reason,
            permanent=self.permanent,
            pause_seconds=self.pause_seconds,
            retry_seconds=self.retry_seconds,
            most_tries=self.most_tries,
            stops_run=self.stops_run,
            detail=detail,
        )


_NO_SUCH_NUMBER = Meaning("invalid_address", permanent=True)
_OPTED_OUT = Meaning("opted_out", permanent=True)
_BLOCKED = Meaning("blocked", permanent=True)
_SHUT_OUT = Meaning("blocked", permanent=True, complains=True)
_COUNTRY = Meaning("country_not_allowed", permanent=True)
_NO_TEMPLATE = Meaning("no_template", permanent=True)
_OUTSIDE_WINDOW = Meaning("outside_window")  # the same words would fail again: a template may go instead
_NIGHT = Meaning("quiet_hours")  # it waited until its time was over, and goes in the next
_REFUSED = Meaning("provider_refused", permanent=True)
_FILTERED = Meaning("provider_refused", permanent=True, stops_run=True)
_PHONE_OFF = Meaning("phone_off", retry_seconds=TRY_AGAIN_SECONDS, most_tries=MOST_TRIES)
_NOBODY_KNOWS = Meaning("provider_refused", retry_seconds=TRY_AGAIN_SECONDS, most_tries=MOST_TRIES)
_LATER = Meaning("provider_refused")
_TOMORROW = Meaning("provider_refused", pause_seconds=LONGEST_REST_SECONDS)
_BUSY = Meaning("provider_refused", pause_seconds=REST_SECONDS)
_OURS = Meaning("provider_refused", pause_seconds=REPAIR_SECONDS)

# https://www.twilio.com/docs/api/errors
BY_CODE = {
    20003: _OURS,  # SID and token do not fit
    20005: _OURS,  # the account is not active
    20006: _OURS,  # no right to do this
    20404: _OURS,  # no such account
    20429: _BUSY,
    21211: _NO_SUCH_NUMBER,
    21212: _OURS,  # our From is no number
    21217: _NO_SUCH_NUMBER,
    21265: _NO_SUCH_NUMBER,  # a short code
    21401: _NO_SUCH_NUMBER,
    21407: _NO_SUCH_NUMBER,  # takes no texts
    21408: _COUNTRY,
    21602: _REFUSED,  # nothing to say
    21603: _OURS,  # no From
    21606: _OURS,  # From is not ours, or sends no texts
    21608: _REFUSED,  # a trial account writes to verified numbers only
    21609: _OURS,  # the address for statuses
    21610: _OPTED_OUT,
    21611: _BUSY,  # our number's queue is full
    21612: _REFUSED,  # no way from this number of ours to that one of theirs
    21614: _NO_SUCH_NUMBER,  # not a mobile number
    21617: _REFUSED,  # too long
    21635: _NO_SUCH_NUMBER,  # a landline
    21654: _NO_TEMPLATE,
    21655: _NO_TEMPLATE,  # no such ContentSid
    21656: _NO_TEMPLATE,  # its variables do not fit
    21659: _OURS,  # From is no number of Twilio's
    21660: _OURS,  # From is another account's
    21661: _OURS,
    21701: _OURS,  # no such Messaging Service
    21703: _OURS,  # one without numbers
    21704: _OURS,
    21705: _OURS,
    30001: _BUSY,  # queue overflow
    30002: _OURS,  # account suspended
    30003: _PHONE_OFF,
    30004: _BLOCKED,
    30005: _NO_SUCH_NUMBER,
    30006: _NO_SUCH_NUMBER,  # a landline
    30007: _FILTERED,
    30008: _NOBODY_KNOWS,
    30032: _FILTERED,  # toll-free number not verified
    30034: _FILTERED,  # number not registered with the carriers
    30035: _FILTERED,
    30036: _NIGHT,  # validity period over
    30410: _NOBODY_KNOWS,  # the carrier did not answer
    63001: _OURS,  # WhatsApp does not know us
    63003: _NO_SUCH_NUMBER,
    63005: _REFUSED,  # content not accepted
    63007: _OURS,  # our From is no WhatsApp sender
    63012: _LATER,
    63013: _FILTERED,  # against WhatsApp's policy
    63014: _SHUT_OUT,  # the person blocked us, on the sheet that also reports
    63015: _REFUSED,  # has not joined Twilio's own sandbox
    63016: _OUTSIDE_WINDOW,
    63017: _BUSY,
    63018: _BUSY,  # WhatsApp's rate limit
    63020: _OURS,  # business account restricted
    63021: _REFUSED,
    63024: _NO_SUCH_NUMBER,
    63027: _NO_TEMPLATE,  # not in this language
    63028: _NO_TEMPLATE,  # its variables do not fit
    63030: _REFUSED,
    63033: _SHUT_OUT,  # the same, before 63014
    63038: _TOMORROW,  # the account's limit for a day
    63040: _NO_TEMPLATE,  # rejected
    63041: _NO_TEMPLATE,  # paused
    63042: _NO_TEMPLATE,  # disabled
    63049: _REFUSED,  # WhatsApp chose not to deliver it
}

# Without a code of Twilio's: what a wrong TWILIO_API_URL, a wrong token or a proxy says.
_BY_HTTP = dict.fromkeys((301, 302, 303, 307, 308, 401, 403, 404, 405, 407), _OURS) | {408: _BUSY}

# "The provider has it" is what `sent` says, and Twilio does from the moment that it has a status.
_STATES = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_NUMBER = re.compile(r"\+?\d[\d\s().-]{5,}\d")


def refusal(status: int, code: object, words: str) -> DeliveryError:
    """The error that an answer other than 2xx stands for."""
    detail = _quoted(f"{code} (HTTP {status})", words)
    if status >= 500:
        return unheard(detail)
    number = _number(code)
    meaning = BY_CODE.get(number)
    if meaning is None and (number in {0, status} or status == 401):
        meaning = _BY_HTTP.get(status)
    if meaning is None:
        # No pause: it may be about one person, and what is tried again without counting would stop everybody.
        log.warning("unknown_error_code", code=number, status=status)
    return (meaning or _LATER).error(detail)


def too_many(retry_after: str, now: float) -> DeliveryError:
    """Nothing of this was done (HTTP 429): rest as long as they say, if they say it."""
    wait = _seconds(retry_after, now)
    seconds = REST_SECONDS if wait is None else max(1, min(wait, LONGEST_REST_SECONDS))
    return DeliveryError("provider_refused", pause_seconds=seconds, detail="429: too many requests")


def unreachable(detail: str) -> DeliveryError:
    """No connection came about: nothing was handed over."""
    return DeliveryError("provider_unreachable", pause_seconds=REST_SECONDS, detail=detail)


def unheard(detail: str) -> DeliveryError:
    """The request left, and nobody can tell what became of it."""
    return DeliveryError("provider_unreachable", unknown=True, pause_seconds=REST_SECONDS, detail=detail)


def state_of(status: str) -> str:
    """sent, delivered or failed; "" for a status that Twilio has thought of since."""
    state = _STATES.get(status, "")
    if not state:
        log.warning("unknown_status", status=status)
    return state


def failure(status: str, code: str) -> Meaning:
    """Why a message failed that Twilio had taken."""
    if status == "canceled":
        return _REFUSED
    number = _number(code)
    meaning = BY_CODE.get(number)
    if meaning is None:
        log.warning("unknown_error_code", code=number, message_status=status)
    return meaning or _LATER


def _number(code: object) -> int:
    words = str(code)
    return int(words) if words.isascii() and words.isdigit() and len(words) <= 6 else 0


def _quoted(what: str, words: str) -> str:
    """Their words on one line, without anybody's number: they outlive the person."""
    return " ".join(f"{what} {_NUMBER.sub('…', words)}".split())


def _seconds(retry_after: str, now: float) -> int | None:
    """Retry-After is a number of seconds or a date (RFC 9110)."""
    words = retry_after.strip()
    if words.isascii() and words.isdigit():
        return int(words[:10])
    try:
        return round(parsedate_to_datetime(words).timestamp() - now)
    except (ValueError, OverflowError):
        return None
