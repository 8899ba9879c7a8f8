"""Where a form may send somebody afterwards: to a page of ours, and nowhere else."""

from urllib.parse import urlsplit


def own_page(wanted: str | None, otherwise: str = "/") -> str:
    """The wanted path if it is one of this site; everything else becomes `otherwise`.

    Browsers read `\\` as `/` and skip tabs and line breaks, so anything but plain path characters is refused.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return otherwise
    if "\\" in wanted or not wanted.isascii() or not wanted.isprintable() or " " in wanted:
        return otherwise
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else wanted
