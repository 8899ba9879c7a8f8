"""What a browser sends of a form in which nothing was touched."""

from html.parser import HTMLParser


class _Form(HTMLParser):
    def __init__(self, page: str, id: str) -> None:
        super().__init__()
        self.id, self.inside = id, False
        self.select = self.area = ""
        self.values: dict[str, list[str]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("id") == self.id
        elif not self.inside or ("name" not in given and tag != "option"):
            return
        elif tag == "select":
            self.select, self.options, self.chosen = given["name"], [], None
        elif tag == "option":
            self.options.append(given["value"])
            self.chosen = given["value"] if "selected" in given else self.chosen
        elif tag == "textarea":
            self.area = given["name"]
            self._add(self.area, "")
        elif tag == "input" and ("checked" in given or given["type"] not in ("checkbox", "radio", "file")):
            self._add(given["name"], given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select:  # without a choice of its own, the first one is sent
            self._add(self.select, self.options[0] if self.chosen is None else self.chosen)
            self.select = ""
        self.inside = self.inside and tag != "form"
        self.area = "" if tag == "textarea" else self.area

    def handle_data(self, data: str) -> None:
        if self.area:  # a browser leaves out the line break that follows the tag
            self.values[self.area][-1] += data if self.values[self.area][-1] else data.removeprefix("\n")

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def untouched(page: str, id: str) -> dict[str, list[str]]:
    """The fields of the form with this id, as the page filled them."""
    return _Form(page, id).values
