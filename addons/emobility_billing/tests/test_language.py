from __future__ import annotations

from datetime import UTC, datetime

from odoo.tests import tagged

from .charging_common import ChargedCommon

START = datetime(2026, 1, 10, 9, tzinfo=UTC)


@tagged("post_install", "-at_install")
class TestLanguageOfThePayer(ChargedCommon):
    """Invoices are made by jobs, whose language is nobody's: what a payer reads is in the payer's."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("de_DE")
        cls.env["ir.module.module"]._load_module_terms(["emobility_billing"], ["de_DE"])
        cls.driver.lang = "de_DE"

    def test_lines_and_the_credit_note_are_in_the_language_of_the_payer(self) -> None:
        session = self._charge("de", self.contract, START, 40, "12.5")
        move = self._invoice(session)
        names = sorted(move.invoice_line_ids.mapped("name"))
        self.assertEqual([name.split(":")[0] for name in names], ["Ladeenergie", "Startgebühr"])
        self.assertIn("1 Ladevorgang am 10.01.2026", names[0])
        with self.running_jobs():
            session.cdr_ids.action_credit()
        credit = self.env["account.move"].search([("reversed_entry_id", "=", move.id)])
        self.assertEqual(credit.ref, f"Korrektur von {move.name}: Andere")

    def test_tax_that_is_made_for_a_price_mode_has_its_name_in_all_languages(self) -> None:
        tax = self.tax.copy({"name": "Usage 7"})._emobility_variant(True)
        german = tax.with_context(lang="de_DE").name
        self.assertEqual((tax.with_context(lang="en_US").name, german), ("Usage 7 (incl.)", "Usage 7 (inkl.)"))
