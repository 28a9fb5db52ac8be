import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pypdf
from PIL import Image

from odoo.tests import tagged

from ..report.ir_actions_report import MODULE_PIXELS
from .charging_common import ChargedCommon

_SESSIONS = (
    ("2026-01-10 07:30", 42, "17.345"),
    ("2026-01-12 18:05", 63, "33.901"),
    ("2026-01-31 22:50", 55, "21.007"),
)


@tagged("post_install", "-at_install")
class TestChargingInvoice(ChargedCommon):
    def _sessions(self, prefix: str, contract: Any, repeat: int = 1) -> Any:
        sessions = self.env["emobility.session"]
        for round_number in range(repeat):
            for index, (start, minutes, kwh) in enumerate(_SESSIONS):
                begin = datetime.fromisoformat(start).replace(tzinfo=UTC) - timedelta(days=40 * round_number)
                sessions |= self._charge(f"{prefix}-{round_number}-{index}", contract, begin, minutes, kwh)
        self.assertEqual(set(sessions.mapped("state")), {"done"}, sessions.hold_ids.mapped("reason_code"))
        return sessions

    def _pages(self, moves: Any) -> list[str]:
        report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        content, kind = report._render_qweb_pdf("account.account_invoices", moves.ids)
        self.assertEqual(kind, "pdf")
        return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]

    def test_gross_annex_adds_up_to_the_invoice_total(self) -> None:
        move = self._invoice(self._sessions("gross", self.contract))
        annex = move._emobility_annex()
        self.assertTrue(annex.tax_included)
        self.assertEqual(len(annex.rows), len(_SESSIONS))
        self.assertAlmostEqual(sum(row.amount for row in annex.rows), move.amount_total, places=2)
        self.assertEqual((annex.other_amount, annex.difference), (0, 0))

    def test_net_annex_adds_up_to_the_untaxed_total(self) -> None:
        self.price_rule.tariff_id = self._old_tariff("net")
        move = self._invoice(self._sessions("net", self.contract))
        annex = move._emobility_annex()
        self.assertFalse(annex.tax_included)
        self.assertAlmostEqual(sum(row.amount for row in annex.rows), move.amount_untaxed, places=2)
        self.assertEqual(annex.difference, 0)

    def test_f70_a_fee_on_the_invoice_is_told_apart_from_the_sessions(self) -> None:
        self.price_rule.tariff_id = self._old_tariff("net")
        sessions = self._sessions("fee", self.contract)
        move = self.env["emobility.invoicing"]._invoice(sessions.cdr_ids.rating_ids)
        move.write(
            {"invoice_line_ids": [(0, 0, {"name": "Monthly fee", "price_unit": 4.9, "tax_ids": [(5,)]})]}
        )
        annex = move._emobility_annex()
        self.assertAlmostEqual(annex.other_amount, 4.9)
        self.assertEqual(annex.difference, 0)
        self.assertAlmostEqual(annex.sessions_amount + 4.9, move.amount_untaxed, places=2)

    def test_a_line_shows_the_price_of_the_tariff_whatever_the_tax_rounding(self) -> None:
        self.company.tax_calculation_rounding_method = "round_globally"
        move = self._invoice(self._sessions("price", self.contract))
        energy = move.invoice_line_ids.filtered(lambda line: line.product_uom_id.name == "KWH")
        price = move.rating_ids.line_ids.filtered(lambda line: line.dimension == "ENERGY")[0].unit_price
        self.assertIn(move._emobility_unit_price(energy), (f"{price:.2f}", f"{price:.4f}"))

    def test_a_line_says_how_many_sessions_and_when_on_the_clock_of_the_place(self) -> None:
        session = self._charge("one", self.contract, datetime(2026, 7, 1, 21, 30, tzinfo=UTC), 60, "20")
        name = self._invoice(session).invoice_line_ids[0].name
        self.assertIn("1 session on 07/02/2026", name)
        self.assertIn("3 sessions, 01/10/2026 to 02/01/2026",
                      self._invoice(self._sessions("many", self.contract)).invoice_line_ids[0].name)

    def test_times_in_the_annex_are_those_of_the_place(self) -> None:
        session = self._charge("local", self.contract, datetime(2026, 7, 1, 21, 30, tzinfo=UTC), 60, "20")
        row = self._invoice(session)._emobility_annex().rows[0]
        self.assertIn("11:30", row.start)
        self.assertIn("12:30", row.end)
        self.assertNotEqual(row.end, "00:30", "a session over midnight shows the date of its end")

    def test_pdf_has_sender_address_sentences_and_sums_on_the_pages_of_one_document(self) -> None:
        self.company.primary_color = "#0a7d4f"
        move = self._invoice(self._sessions("pdf", self.contract))
        pages = self._pages(move)
        first, annex = pages[0], "\n".join(pages[1:])
        for text in (move.name, "Anna Ampere", "Kabelgasse 2", "Stromweg 1"):
            self.assertIn(text, first)
        self.assertIn("Annex: charging sessions", annex)
        self.assertIn("Marktplatz", annex)
        self.assertIn("DE*ABC*E1", annex)
        for line in move.rating_ids.line_ids:
            self.assertIn(line.description.replace(" ", ""), annex.replace(" ", "").replace("\n", ""))
        for number, page in enumerate(pages, start=1):
            self.assertIn(f"Page {number} of {len(pages)}", page)

    def test_two_invoices_in_one_print_keep_their_page_numbers(self) -> None:
        other = self.env["res.partner"].create({"name": "Volker Volt"})
        contract = self.contract
        first = self._invoice(self._sessions("one", contract, repeat=12))
        session = self._charge(
            "two", self._make_contract(other, "04FFFFFF"), datetime(2026, 3, 1, 8, tzinfo=UTC), 30, "10"
        )
        pages = self._pages(first | self._invoice(session))
        self.assertGreater(len(pages), 4, "the annex of the first invoice has several pages")
        self.assertIn(f"Page {len(pages) - 2} of {len(pages) - 2}", pages[-3])
        self.assertIn("Page 1 of 2", pages[-2])
        self.assertIn("Volker Volt", pages[-2])
        self.assertNotIn("Anna Ampere", pages[-2])

    def test_sending_uses_the_charging_document(self) -> None:
        move = self._invoice(self._sessions("send", self.contract))
        sender = self.env["account.move.send"].with_context(force_report_rendering=True)
        sender._generate_and_send_invoices(move, sending_methods=["manual"])
        content = move.invoice_pdf_report_id.raw
        text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
        self.assertIn("Annex: charging sessions", text)

    def test_other_invoices_keep_their_document(self) -> None:
        move = self.init_invoice("out_invoice", products=self.product_a, post=True)
        self.assertEqual(move._get_name_invoice_report(), "account.report_invoice_document")

    def test_other_invoices_follow_din_5008_when_the_company_chooses_it(self) -> None:
        """Odoo's own layout, by our renderer: window, header and footer are on the page."""
        layout = self.env.ref("l10n_din5008.external_layout_din5008")
        self.company.write(
            {"external_report_layout_id": layout.id, "report_footer": "<p>Amtsgericht Musterstadt HRB 1</p>"}
        )
        self.driver.name = "Dora Empfang"
        move = self.init_invoice("out_invoice", partner=self.driver, products=self.product_a, post=True)
        [page] = self._pages(move)
        for text in ("Dora Empfang", "Amtsgericht Musterstadt HRB 1", "Stromweg 1", move.name):
            self.assertIn(text, page)

    def test_window_of_the_charging_invoice_is_where_din_5008_wants_it(self) -> None:
        """Form B: the window begins 45 mm below the upper edge, 20 mm from the left, and is 45 mm high."""
        move = self._invoice(self._charge("din", self.contract, datetime(2026, 3, 1, 8, tzinfo=UTC), 30, "10"))
        report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        content, _kind = report._render_qweb_pdf("account.account_invoices", move.ids)
        found: list[tuple[float, float]] = []

        def visit(text: str, matrix: Any, text_matrix: Any, *_font: Any) -> None:
            if "Anna Ampere" in text:
                x, y = text_matrix[4], text_matrix[5]
                a, b, c, d, e, f = matrix
                found.append((a * x + c * y + e, b * x + d * y + f))

        page = pypdf.PdfReader(io.BytesIO(content)).pages[0]
        page.extract_text(visitor_text=visit)
        x, y = found[0]
        millimetres = 25.4 / 72
        top = (float(page.mediabox.height) - y) * millimetres
        self.assertTrue(45 < top < 90, top)
        self.assertTrue(20 <= x * millimetres < 40, x * millimetres)

    def test_credit_note_lists_what_is_taken_back_as_positive_amounts(self) -> None:
        session = self._charge("credit", self.contract, datetime(2026, 3, 1, 8, tzinfo=UTC), 30, "10")
        move = self._invoice(session)
        session.cdr_ids._take_back()
        credit = self._invoice(session)
        self.assertEqual(credit.move_type, "out_refund")
        annex = credit._emobility_annex()
        self.assertAlmostEqual(annex.sessions_amount, move.amount_total)
        self.assertEqual(annex.difference, 0)

    def test_the_payment_code_says_what_odoo_would_draw(self) -> None:
        text = "BCD\n002\n1\nSCT\n\nLadewerk\nDE02120300000000202051\nEUR12.34\n\n\nINV/2026/00001"
        drawing = self.env["ir.actions.report"]
        ours = Image.open(io.BytesIO(drawing.with_context(emobility_payment_code=True).barcode("QR", text)))
        size = {"width": ours.width, "height": ours.height}
        odoo = Image.open(io.BytesIO(drawing.barcode("QR", text, **size))).convert("L")
        self.assertEqual(ours.size, odoo.size)
        middles = range(MODULE_PIXELS // 2, ours.width, MODULE_PIXELS)
        for y in middles:
            self.assertEqual(
                [ours.getpixel((x, y)) < 128 for x in middles], [odoo.getpixel((x, y)) < 128 for x in middles]
            )

    def test_document_of_hundred_sessions_needs_few_queries(self) -> None:
        contract = self.contract
        move = self._invoice(self._sessions("many", contract, repeat=30))
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(42):
            self.assertEqual(len(move._emobility_annex().rows), 90)
