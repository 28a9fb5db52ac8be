"""Pictures of the monthly report; no database needed."""

from lxml import etree

from odoo.tests import tagged
from odoo.tests.common import BaseCase

from .. import charts

SVG = "{http://www.w3.org/2000/svg}"


@tagged("post_install", "-at_install")
class TestCharts(BaseCase):
    def _rects(self, picture: str) -> list[dict[str, str]]:
        return [dict(node.attrib) for node in etree.fromstring(picture).iter(f"{SVG}rect")]

    def test_columns_are_as_high_as_their_values(self) -> None:
        first, second, empty = self._rects(charts.columns([("1", 10), ("2", 5), ("3", 0)], str))
        self.assertAlmostEqual(float(first["height"]), 2 * float(second["height"]), delta=0.2)
        self.assertEqual(float(empty["height"]), 0)

    def test_negative_columns_hang_below_the_line(self) -> None:
        up, down = self._rects(charts.columns([("1", 10), ("2", -10)], str))
        self.assertAlmostEqual(float(up["y"]) + float(up["height"]), float(down["y"]), delta=0.2)

    def test_bars_are_as_long_as_their_values_and_say_them(self) -> None:
        picture = charts.bars([("Market <square> & more", 30), ("B", 15)], lambda value: f"{value:.2f} EUR")
        long, short = self._rects(picture)
        self.assertAlmostEqual(float(long["width"]), 2 * float(short["width"]), delta=0.2)
        self.assertIn("30.00 EUR", picture)
        self.assertIn("&lt;square&gt; &amp;", picture)

    def test_nothing_to_draw_is_a_picture_too(self) -> None:
        self.assertEqual(self._rects(charts.columns([], str)), [])
        self.assertEqual(self._rects(charts.bars([], str)), [])
