"""From a folder of templates/mail to a MailForm: Jinja writes it once, with marks for what differs."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from app.domain.placeholders import Placeholder, Segments, one_line, parse
from app.rendering.languages import language_of
from app.rendering.mime import MailForm, domain_of, mailbox

FOLDER = Path(__file__).parents[2] / "templates" / "mail"
LINK = "link"
UNSUBSCRIBE = "unsubscribe"
LINKS = frozenset({LINK, UNSUBSCRIBE})


@dataclass(frozen=True)
class Letterhead:
    """Who writes: the workspace as its mails show it. Empty strings are left out."""

    name: str
    from_address: str
    sender_name: str = ""
    reply_to: str = ""
    postal_address: str = ""
    logo_url: str = ""
    rest_days: int = 0  # at most one question in so many days; 0: no promise

    @property
    def sender(self) -> str:
        """The name that a mail program shows."""
        return one_line(self.sender_name or self.name)


class Draft:
    """One mail in the making. Gaps pass through Jinja as marks that nobody's words can contain."""

    def __init__(self, letterhead: Letterhead, locale: str) -> None:
        self.letterhead = letterhead
        self.language = language_of(locale)
        self._gaps: list[Placeholder] = []
        self._mark = secrets.token_hex(8)

    def words(self, text: str) -> str:
        """A text that a user wrote, with marks for its placeholders."""
        return "".join(part if isinstance(part, str) else self._gap(part) for part in parse(text).parts)

    def form(
        self,
        name: str,
        facts: Mapping[str, object],
        *,
        asks: bool = False,
        automatic: bool = True,
        headers: Sequence[tuple[str, str]] = (),
    ) -> MailForm:
        """The folder's subject and two bodies. One that asks must have its link and its way out."""
        context = {
            "_": self.language.gettext,
            "ngettext": self.language.ngettext,
            "language": self.language,
            "letterhead": self.letterhead,
            LINK: self._gap(Placeholder(LINK)),
            UNSUBSCRIBE: self._gap(Placeholder(UNSUBSCRIBE)),
            **facts,
        }
        subject = _TEMPLATES.get_template(f"{name}/subject.txt").render(context).strip()
        text = self._cut(_TEMPLATES.get_template(f"{name}/body.txt").render(context))
        html = self._cut(_TEMPLATES.get_template(f"{name}/body.html").render(context, subject=subject))
        if asks and not (text.names >= LINKS and html.names >= LINKS):
            raise ValueError(f"the mail “{name}” asks without its link or its way out")
        return MailForm(
            headers=[*_own_headers(self.letterhead, automatic), *headers],
            message_domain=domain_of(self.letterhead.from_address),
            subject=self._cut(subject),
            text=text,
            html=html,
            links=LINKS & (text.names | html.names),
        )

    def _gap(self, placeholder: Placeholder) -> str:
        self._gaps.append(placeholder)
        return f"\ue000{self._mark}.{len(self._gaps) - 1}\ue001"

    def _cut(self, made: str) -> Segments:
        """What Jinja made, taken apart at the marks."""
        parts = re.split(f"\ue000{self._mark}\\.([0-9]+)\ue001", made.strip())
        return Segments(
            tuple(self._gaps[int(part)] if odd % 2 else part for odd, part in enumerate(parts) if part)
        )


def _own_headers(letterhead: Letterhead, automatic: bool) -> list[tuple[str, str]]:
    headers = [("From", mailbox(letterhead.sender, letterhead.from_address))]
    if letterhead.reply_to:
        headers.append(("Reply-To", mailbox("", letterhead.reply_to)))
    if automatic:
        headers.append(("Auto-Submitted", "auto-generated"))  # RFC 3834: no machine should answer it
    return headers


def _lines(text: str) -> Markup:
    """Line ends as <br>; the words themselves are escaped."""
    return Markup("<br>").join(text.split("\n"))


def _quoted(text: str) -> str:
    """As mail programs quote in plain text."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(lines=_lines, quoted=_quoted)
# The two voices of the house, spelled out in every tag: mail programs drop style sheets.
_TEMPLATES.globals.update(
    machine=Markup("font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif"),
    voice=Markup("font-family:Palatino,'Palatino Linotype','Iowan Old Style',P052,Georgia,serif"),
)
