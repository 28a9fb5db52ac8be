from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pypdf
from lxml import etree

from odoo import Command
from odoo.tests import tagged
from odoo.tools import config

from .charging_common import ChargedCommon
from .einvoice_common import Validator, lines, payable, uncomputable_lines

# Format of the receiver -> rules that the file must pass.
_FORMATS = {
    "account.edi.xml.ubl_bis3": "ubl",
    "account.edi.xml.ubl_de": "ubl",
    "account.edi.xml.cii": "cii",
}


@tagged("post_install", "-at_install")
class TestElectronicInvoice(ChargedCommon):
    """What Odoo core exports of our invoices passes EN 16931, and still is the sum of the sessions."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        germany = cls.env.ref("base.de")
        bank = cls.env["res.partner.bank"].create(
            {"acc_number": "DE02120300000000202051", "partner_id": cls.company.partner_id.id, "allow_out_payment": True}
        )
        cls.company.write(
            {
                "country_id": germany.id,
                "vat": "DE123456788",
                "phone": "+49 89 123456",
                "email": "invoices@example.com",
                "currency_id": cls.euro.id,
                "bank_ids": [Command.link(bank.id)],
            }
        )
        cls.driver.write({"country_id": germany.id, "ref": "04011000-12345-34", "phone": "+49 30 98765"})
        cls.validator = Validator()
        cls.addClassCleanup(cls.validator.close)
        cls.reduced_tax = cls.tax.copy({"name": "7% usage", "amount": 7})

    def setUp(self) -> None:
        super().setUp()
        # One session after the other: two at once on one connector would be held.
        self._next_start = datetime(2026, 1, 2, 6, tzinfo=UTC)

    def _sessions(self, prefix: str, count: int, seed: object = 0) -> Any:
        """So many sessions with fractional energy and uneven lengths."""
        generator = random.Random(f"{prefix}{seed}")
        events = []
        for number in range(count):
            start = self._next_start
            minutes = generator.randint(20, 55)
            payloads = (
                (
                    "started",
                    start,
                    {"evse_id": self.evse.id, "connector_id": self.connector.id, "contract_id": self.contract.id},
                ),
                ("ended", start + timedelta(minutes=minutes), {"energy_kwh": f"{generator.uniform(0.3, 14):.3f}"}),
            )
            for kind, at, payload in payloads:
                events.append(self.event(f"{prefix}{number}", kind, at, payload, source="import"))
            self._next_start += timedelta(minutes=90)
        sessions = self.ingest(events)
        self.assertEqual(set(sessions.mapped("state")), {"done"}, sessions.hold_ids.mapped("reason_code"))
        return sessions

    def _use_tariff(self, code: str, mode: str, energy: float, time: float) -> None:
        prices = {"ENERGY": energy, "TIME": time, "FLAT": 0.35}
        self.price_rule.tariff_id = self._make_tariff(code, prices, mode=mode, valid_from="2010-01-01 00:00:00")

    def _check(self, move: Any) -> None:
        rated = sum(move.rating_ids.mapped("amount_total")) * (-1 if move.move_type == "out_refund" else 1)
        total = move.amount_total if move._emobility_is_tax_included() else move.amount_untaxed
        self.assertEqual(move.currency_id.compare_amounts(total, rated), 0)
        for builder, rules in _FORMATS.items():
            with self.subTest(builder=builder, move=move.move_type):
                xml, errors = self.env[builder]._export_invoice(move)
                self.assertFalse(errors)
                self.assertEqual(self.validator.violations(xml, rules), [])
                self.assertEqual(uncomputable_lines(xml), [])
                self.assertEqual(payable(xml), Decimal(f"{move.amount_residual:.2f}"))
                units = {unit for _quantity, unit, _price, _amount in lines(xml)}
                self.assertLessEqual(units, {"KWH", "HUR", "C62"})
                self.assertIn("KWH", units)

    def test_f69_one_two_and_fifty_sessions_pass_en_16931_gross_and_net(self) -> None:
        for mode in ("gross", "net"):
            self._use_tariff(f"F69-{mode}", mode, 0.4237, 1.234567)
            for count in (1, 2, 50):
                with self.subTest(mode=mode, count=count):
                    self._check(self._invoice(self._sessions(f"{mode}{count}-", count)))

    def _many_ratings(self, count: int) -> Any:
        """Ratings as of so many sessions, made beside the way of a session, which would take minutes."""
        generator = random.Random(count)
        cdr = self._sessions("many", 1).cdr_ids
        rating = cdr.rating_ids
        system = self.env["emobility.guarded"].sudo()._as_system().env
        values = cdr.read(["session_id", "contract_id", "partner_id", "location_id", "evse_id"], load=False)[0]
        values.pop("id")
        times = {"start_at": cdr.start_at, "end_at": cdr.end_at, "company_id": cdr.company_id.id}
        cdrs = system["emobility.cdr"].create(
            [values | times | {"name": f"MANY-{number}", "revision": number + 2} for number in range(count)]
        )
        kwhs = [round(generator.uniform(0.3, 60), 3) for _cdr in cdrs]
        common = {
            "relation": "retail",
            "partner_id": rating.partner_id.id,
            "contract_id": rating.contract_id.id,
            "tariff_version_id": rating.tariff_version_id.id,
            "currency_id": rating.currency_id.id,
            "price_mode": rating.price_mode,
        }
        product = self.env.ref("emobility_billing.product_energy")
        energy = {"dimension": "ENERGY", "product_id": product.id, "unit": "kWh"}
        return system["emobility.rating"].create(
            [
                common
                | {
                    "cdr_id": one.id,
                    "amount_total": round(kwh * 0.4237, 2),
                    "line_ids": [
                        Command.create(
                            energy | {"quantity": kwh, "unit_price": 0.4237, "amount": round(kwh * 0.4237, 2)}
                        )
                    ],
                }
                for one, kwh in zip(cdrs, kwhs, strict=True)
            ]
        )

    def test_f69_five_hundred_sessions_pass_en_16931_gross_and_net(self) -> None:
        for mode in ("gross", "net"):
            with self.subTest(mode=mode), self.env.cr.savepoint() as savepoint:
                self._use_tariff(f"500-{mode}", mode, 0.4237, 1.234567)
                move = self.env["emobility.invoicing"]._invoice(self._many_ratings(500))
                move.action_post()
                self.assertEqual(len(move.rating_ids), 500)
                self._check(move)
                savepoint.rollback()

    def test_f69_prices_of_six_decimals_pass_whatever_the_rounding_of_taxes(self) -> None:
        for rounding in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding
            for mode in ("gross", "net"):
                with self.subTest(rounding=rounding, mode=mode):
                    self._use_tariff(f"{rounding}-{mode}", mode, 0.318759, 0.617283)
                    self._check(self._invoice(self._sessions(f"{rounding}{mode}-", 7)))

    def test_f69_several_tax_rates_on_one_invoice_pass(self) -> None:
        self.env.ref("emobility_billing.product_time").taxes_id = [Command.set(self.reduced_tax.ids)]
        for mode in ("gross", "net"):
            with self.subTest(mode=mode):
                self._use_tariff(f"rates-{mode}", mode, 0.4237, 1.2345)
                move = self._invoice(self._sessions(f"rates-{mode}-", 6))
                self.assertEqual(set(move.invoice_line_ids.tax_ids.mapped("amount")), {19, 7})
                self._check(move)

    def test_f69_companies_and_drivers_pass_as_payers(self) -> None:
        """A driver has no tax number and no Peppol address, a company has both."""
        self._use_tariff("payers", "net", 0.4237, 1.2345)
        self.assertFalse(self.driver.vat)
        self._check(self._invoice(self._sessions("driver-", 1)))
        self.driver.write({"is_company": True, "vat": "DE136695976"})
        self._check(self._invoice(self._sessions("company-", 1)))

    def test_f69_a_credit_note_passes_and_takes_back_what_was_invoiced(self) -> None:
        for mode in ("gross", "net"):
            with self.subTest(mode=mode):
                self._use_tariff(f"credit-{mode}", mode, 0.4237, 1.2345)
                sessions = self._sessions(f"credit-{mode}-", 3)
                move = self._invoice(sessions)
                sessions.cdr_ids._take_back()
                credit = self._invoice(sessions)
                self.assertEqual(credit.move_type, "out_refund")
                self.assertEqual(credit.amount_total, move.amount_total)
                self._check(credit)

    def test_f69_the_energy_of_a_fleet_keeps_its_price(self) -> None:
        """60,000 kWh: at the two decimals (CII) and six (UBL) of core, quantity times price is not the amount."""
        self._use_tariff("fleet", "gross", 0.4237, 0.1)
        self.connector.max_power_kw = 100000
        self.gate_rule("amount_cap", is_on=False)
        session = self._charge("fleet", self.contract, datetime(2026, 1, 2, tzinfo=UTC), 59, "61234.567")
        self.assertEqual(session.state, "done", session.hold_ids.mapped("reason_code"))
        self._check(self._invoice(session))

    def test_a_broken_document_is_found_by_the_rules(self) -> None:
        move = self._invoice(self._sessions("broken", 1))
        for builder, rules in _FORMATS.items():
            with self.subTest(builder=builder):
                xml = self.env[builder]._export_invoice(move)[0]
                total = f"{move.amount_total:.2f}".encode()
                broken = xml.replace(b">" + total + b"<", b">999999.99<")
                self.assertTrue(self.validator.violations(broken, rules))

    def test_the_pdf_is_pdf_a_3_and_has_the_e_invoice_of_the_payer_in_it(self) -> None:
        self.driver.invoice_edi_format = "facturx"
        move = self._invoice(self._sessions("mail", 2))
        sender = self.env["account.move.send"].with_context(force_report_rendering=True)
        hook = type(sender)._hook_invoice_document_after_pdf_report_render

        def as_in_production(records: Any, *args: Any) -> None:
            """In tests core makes no PDF/A, because it expects that there is no renderer."""
            with patch.dict(config._runtime_options, {"test_enable": False}):
                hook(records, *args)

        with patch.object(type(sender), hook.__name__, as_in_production):
            sender._generate_and_send_invoices(move, sending_methods=["manual"])
        reader = pypdf.PdfReader(io.BytesIO(move.invoice_pdf_report_id.raw))
        [xml] = reader.attachments["factur-x.xml"]
        self.assertEqual(xml, move.ubl_cii_xml_id.raw)
        self.assertEqual(self.validator.violations(xml, "cii"), [])
        root = reader.trailer["/Root"]
        [intent] = root["/OutputIntents"]
        self.assertEqual(intent.get_object()["/S"], "/GTS_PDFA1")
        [file] = root["/AF"]
        self.assertEqual(file.get_object()["/AFRelationship"], "/Data")
        metadata = etree.fromstring(root["/Metadata"].get_data())
        values = {etree.QName(element).localname: element.text for element in metadata.iter(etree.Element)}
        self.assertEqual((values["part"], values["conformance"]), ("3", "B"))
        self.assertEqual(values["DocumentFileName"], "factur-x.xml")
        self.assertIn("ID", "".join(reader.trailer))
        for page in reader.pages:
            for font in page["/Resources"].get("/Font", {}).values():
                self._check_font(font.get_object())

    def _check_font(self, font: Any) -> None:
        """PDF/A wants every font in the file."""
        for descendant in font.get("/DescendantFonts", [font]):
            descriptor = descendant.get_object()["/FontDescriptor"].get_object()
            self.assertTrue({"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"])
