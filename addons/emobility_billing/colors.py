"""Colours that can be read."""

LIGHT, DARK = "#ffffff", "#1b1b1b"


def readable_on(color: str) -> str:
    """White or almost black, whichever has the higher contrast (WCAG relative luminance)."""
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return LIGHT if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.06 else DARK
