from __future__ import annotations

from typing import Any

from odoo.tests import TransactionCase, tagged

from ..colors import DARK, LIGHT, readable_on


def contrast(one: str, other: str) -> float:
    """Ratio of WCAG 2.2, 1.4.3, from 1 (the same) to 21 (black on white)."""

    def luminance(color: str) -> float:
        channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@tagged("post_install", "-at_install")
class TestColors(TransactionCase):
    def _look(self, color: str) -> Any:
        company = self.env.company
        brand = self.env["emobility.brand"].create(
            {"name": f"Brand {color}", "company_id": company.id, "primary_color": color}
        )
        return brand._look(company)

    def test_the_better_of_white_and_black_is_chosen(self) -> None:
        for color, expected in {
            "#000000": LIGHT,
            "#ffffff": DARK,
            "#1b7f4b": LIGHT,
            "#ffdd00": DARK,
            "#FFDD00": DARK,
            "#0000ff": LIGHT,
            "#00ff00": DARK,
            "#ff0000": DARK,
        }.items():
            with self.subTest(color=color):
                self.assertEqual(readable_on(color), expected)
                other = DARK if expected == LIGHT else LIGHT
                self.assertGreater(contrast(color, expected), contrast(color, other))

    def test_text_on_any_colour_can_be_read(self) -> None:
        """4.5 to 1 is what WCAG asks of text."""
        steps = ("00", "33", "66", "80", "99", "cc", "ff")
        colors = [f"#{red}{green}{blue}" for red in steps for green in steps for blue in steps]
        worst = min(colors, key=lambda color: contrast(color, readable_on(color)))
        self.assertGreaterEqual(contrast(worst, readable_on(worst)), 4.5, worst)

    def test_links_have_the_colour_of_the_brand_only_where_it_can_be_read_on_white(self) -> None:
        for color, text, on_button in (
            ("#1b7f4b", "#1b7f4b", LIGHT),
            ("#ffdd00", DARK, DARK),
            ("#ffffff", DARK, DARK),
        ):
            with self.subTest(color=color):
                look = self._look(color)
                self.assertEqual((look.text_color, look.on_primary), (text, on_button))
                self.assertGreaterEqual(contrast(look.text_color, "#ffffff"), 4.5)
