"""QR codes, drawn as pictures that a page carries in itself."""

import segno


def qr_picture(words: str) -> str:
    """A data: address of the QR code that says these words: black on white in every theme."""
    return segno.make(words, error="m").svg_data_uri(scale=4, border=4, light="#fff")
