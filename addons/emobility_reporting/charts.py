"""Pictures for the monthly report: SVG by plain Python, no Odoo. Every value is written too, for who cannot see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

WIDTH = 720
BLUE, GREEN, GREY, TEXT = "#1f5f8b", "#2f855a", "#d5dbe1", "#4a5763"


def columns(
    values: Sequence[tuple[str, float]],
    write: Callable[[float], str],
    *,
    colour: str = BLUE,
    height: int = 200,
) -> str:
    """A column for each (label, value), with a scale. Negative values hang below the line."""
    left, bottom, top = 64, 26, 10
    highest = max([value for _label, value in values] + [0.0])
    lowest = min([value for _label, value in values] + [0.0])
    span = (highest - lowest) or 1.0

    def y(value: float) -> float:
        return top + (highest - value) / span * (height - top - bottom)

    parts = [_open(height, "; ".join(f"{label}: {write(value)}" for label, value in values))]
    for index in range(5):
        value = lowest + span * index / 4
        parts.append(
            f'<line x1="{left}" x2="{WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{GREY}"/>'
            f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{escape(write(value))}</text>'
        )
    width = (WIDTH - left) / max(len(values), 1)
    every = -(-len(values) // 16)
    for index, (label, value) in enumerate(values):
        x = left + index * width
        parts.append(
            f'<rect x="{x + width * 0.15:.1f}" y="{min(y(value), y(0)):.1f}" width="{width * 0.7:.1f}" '
            f'height="{abs(y(value) - y(0)):.1f}" rx="1.5" fill="{colour}"/>'
        )
        if index % every == 0:
            parts.append(
                f'<text x="{x + width / 2:.1f}" y="{height - 8}" text-anchor="middle">{escape(label)}</text>'
            )
    return "".join(parts) + "</svg>"


def bars(values: Sequence[tuple[str, float]], write: Callable[[float], str], *, colour: str = GREEN) -> str:
    """A bar for each (label, value) with its value at the end, the longest first as given."""
    row, left, right = 24, 220, 110
    highest = max([abs(value) for _label, value in values] + [0.0]) or 1.0
    parts = [
        _open(row * max(len(values), 1), "; ".join(f"{label}: {write(value)}" for label, value in values))
    ]
    for index, (label, value) in enumerate(values):
        length = abs(value) / highest * (WIDTH - left - right)
        y = index * row
        parts.append(
            f'<text x="{left - 8}" y="{y + 16}" text-anchor="end">{escape(_short(label))}</text>'
            f'<rect x="{left}" y="{y + 4}" width="{length:.1f}" height="{row - 8}" rx="2" '
            f'fill="{colour if value >= 0 else "#b42318"}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 16}">{escape(write(value))}</text>'
        )
    return "".join(parts) + "</svg>"


def _short(label: str) -> str:
    return label if len(label) <= 34 else f"{label[:33]}…"


def _open(height: int, text: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(text)}" style="width:100%;height:auto;font:11px sans-serif" fill="{TEXT}">'
    )
