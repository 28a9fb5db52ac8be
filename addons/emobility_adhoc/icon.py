"""The icon of the pages on a home screen: the first letter of a brand on its colour."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

SIZES = (192, 512)
"""What browsers want of an application that can be installed, in pixels."""


def icon(name: str, background: str, ink: str, size: int) -> bytes:
    """A square PNG."""
    picture = Image.new("RGB", (size, size), background)
    font = ImageFont.load_default(size * 0.6)
    middle = (size / 2, size / 2)
    ImageDraw.Draw(picture).text(middle, name.strip()[:1].upper() or "E", fill=ink, font=font, anchor="mm")
    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
