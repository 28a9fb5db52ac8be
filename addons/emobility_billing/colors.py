"""Colours that can be read."""

# With pure black the better of the two always has a contrast of 4.5 at least, which WCAG 2.2 asks of text (1.4.3).
LIGHT, DARK = "#ffffff", "#000000"


def readable_on(color: str) -> str:
    """White or black, whichever has the higher contrast (WCAG relative luminance)."""
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return LIGHT if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else DARK
