"""A workspace's logo: whatever raster was uploaded becomes a small PNG of our own making."""

import io
import warnings

from PIL import Image, ImageOps

from app.errors import Invalid, problem

LARGEST_BYTES = 2 * 1024 * 1024  # a logo; a photograph from a phone is refused before it is decoded
LARGEST_PIXELS = 16_000_000  # 64 MB while it is decoded
SIDE = 512  # pixels: sharp on a phone's screen at the sizes we show
# Only these decoders run. SVG and HTML are programs, not pictures.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def reencoded(upload: bytes) -> bytes:
    """The picture as a PNG of at most 512 pixels a side, without metadata; raises Invalid."""
    if not upload:
        raise Invalid([problem("logo", "Choose a file.")])
    if len(upload) > LARGEST_BYTES:
        raise Invalid([problem("logo", "At most 2 MB.")])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(upload), formats=FORMATS) as picture:
                return _small_png(picture)
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise Invalid(
            [problem("logo", "This is not a picture that we can read. Use PNG, JPEG or WebP.")]
        ) from error


def _small_png(picture: Image.Image) -> bytes:
    width, height = picture.size
    if width * height > LARGEST_PIXELS:
        raise Invalid([problem("logo", "This picture has too many pixels. 1024 × 1024 is plenty.")])
    picture.draft("RGB", (SIDE * 2, SIDE * 2))  # JPEG decodes at a fraction of its size
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((SIDE, SIDE))
    clean = Image.new("RGBA", upright.size)
    clean.paste(upright)
    result = io.BytesIO()
    clean.save(result, "PNG", optimize=True)
    return result.getvalue()
