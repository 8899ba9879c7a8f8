"""What Twilio shall do wrong, to order: errors by number, silence, a cut line, a report before the answer."""

from dataclasses import dataclass
from typing import Any

MORE = "https://www.twilio.com/docs/errors/"
# code: (HTTP status, what it says)
KNOWN = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service is temporarily unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21608: (400, "The number is unverified. Trial accounts cannot send messages to unverified numbers"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21614: (400, "'To' number is not a valid mobile number"),
    30003: (400, "Unreachable destination handset"),
    30007: (400, "Message filtered"),
    63016: (400, "Failed to send freeform message because you are outside the allowed window"),
}
HANG, RESET = "hang", "reset"  # what may follow instead of an answer


@dataclass
class Fault:
    """`on` is create, list, fetch or account; without `to` it meets the next, whoever it is for.

    `code` refuses. `then` hangs or resets after the request was done, or, with `unseen`, before. `tell` posts
    that status to the callback before the answer goes out.
    """

    on: str = "create"
    to: str | None = None
    times: int = 1
    code: int = 0
    http_status: int = 0
    message: str = ""
    retry_after: int | None = None
    then: str = ""
    unseen: bool = False
    tell: str = ""

    @property
    def prevents(self) -> bool:
        """The request is not done."""
        return bool(self.code) or self.unseen

    def meets(self, on: str, to: str | None) -> bool:
        return self.times > 0 and self.on == on and self.to in {None, to}


def error(code: int, status: int = 0, message: str = "") -> tuple[dict[str, Any], int]:
    """The body of an error, and its HTTP status."""
    usual, words = KNOWN.get(code, (400, "Bad Request"))
    status = status or usual
    return {"code": code, "message": message or words, "more_info": f"{MORE}{code}", "status": status}, status
