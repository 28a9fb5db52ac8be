"""Two workers that invoice at once need the twin of a tax that nobody has made yet."""

from __future__ import annotations

from typing import Any

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_crm.tests.common import TwoTransactions


@tagged("post_install", "-at_install")
class TestTaxRace(TwoTransactions, TransactionCase):
    def setUp(self) -> None:
        super().setUp()
        env = api.Environment(self.one, SUPERUSER_ID, {})
        company = env.company.id
        germany = env.ref("base.de").id
        group = env["account.tax.group"].create({"name": "Race", "company_id": company, "country_id": germany})
        values = {"name": "Race", "amount": 17, "tax_group_id": group.id, "company_id": company,
                  "country_id": germany, "price_include_override": "tax_excluded"}  # fmt: skip
        self.tax_id = env["account.tax"].create(values).id
        self.group_id = group.id
        self.one.commit()
        self.addCleanup(self.remove)

    def remove(self) -> None:
        self.one.rollback()
        self.two.rollback()
        env = api.Environment(self.one, SUPERUSER_ID, {})
        of_this = ["|", ("id", "=", self.tax_id), ("emobility_source_tax_id", "=", self.tax_id)]
        taxes = env["account.tax"].search(of_this)
        taxes.sorted("id", reverse=True).unlink()
        env["account.tax.group"].browse(self.group_id).unlink()
        self.one.commit()

    def twin(self, cursor: Any) -> int:
        env = api.Environment(cursor, SUPERUSER_ID, {})
        return int(env["account.tax"].browse(self.tax_id)._emobility_variant(True).id)

    def test_the_second_worker_begins_anew_and_finds_the_twin_of_the_first(self) -> None:
        self.two.execute("SELECT 1")  # its snapshot is from before
        made = self.twin(self.one)
        self.one.commit()
        with self.assertRaises(SerializationFailure), mute_logger("odoo.sql_db"):
            self.twin(self.two)
        self.two.rollback()
        self.assertEqual(self.twin(self.two), made)
