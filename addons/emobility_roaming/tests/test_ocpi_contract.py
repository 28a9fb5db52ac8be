"""The contract that pays for a provider's drivers reaches all its tokens, whenever they come."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_crm.tests.common import TwoTransactions
from odoo.addons.queue_job.tests.common import trap_jobs

from ..models import emobility_roaming_partner
from .ocpi_common import OcpiCommon


@tagged("post_install", "-at_install")
class TestContractOfProvider(OcpiCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, _token = cls._connect()
        cls.provider = cls.connection._partner(cls.connection._first_party(), "EMSP")

    def tokens(self) -> Any:
        return self.env["emobility.token"].search([("roaming_partner_id", "=", self.provider.id)])

    def test_tokens_that_came_without_a_contract_get_it_with_the_next_job(self) -> None:
        self.receive(self.connection, "tokens", *(self.token_data(f"04AA000{number}") for number in range(5)))
        self.tokens().contract_id = False
        with patch.object(emobility_roaming_partner, "TOKENS_AT_ONCE", 2), trap_jobs() as trap:
            self.provider._give_contract()
            self.assertEqual(len(self.tokens().filtered("contract_id")), 2)
            trap.perform_enqueued_jobs()
            self.assertEqual(len(self.tokens().filtered("contract_id")), 4, "each transaction takes some")
            trap.perform_enqueued_jobs()
        self.assertEqual(self.tokens().contract_id, self.partner_contract)
        self.assertTrue(all(self.tokens().mapped("contract_id")))

    def test_naming_the_contract_gives_it_at_once_and_again_after_the_commit(self) -> None:
        other = self._make_contract(self.env["res.partner"].create({"name": "Another payer"}), "PAYER2")
        self.receive(self.connection, "tokens", self.token_data())
        with trap_jobs() as trap:
            self.provider.contract_id = other
            self.assertEqual(self.tokens().contract_id, other)
            # Came in another transaction, which did not see the new contract.
            self.tokens().contract_id = self.partner_contract
            trap.perform_enqueued_jobs()
        self.assertEqual(self.tokens().contract_id, other)

    def test_tokens_that_were_there_before_their_provider_get_its_contract(self) -> None:
        values = {"uid": "04EE", "country_code": "FR", "party_id": "NEW", "token_type": "RFID", "state": "active"}
        token = self.env["emobility.token"].create(values)
        provider = {"name": "New", "country_code": "FR", "party_id": "NEW", "role": "EMSP"}
        self.env["emobility.roaming.partner"].create(provider | {"contract_id": self.partner_contract.id})
        self.assertEqual(token.contract_id, self.partner_contract)


@tagged("post_install", "-at_install")
class TestContractRace(TwoTransactions, OcpiCommon):
    """Two transactions at once: one takes in tokens, one names the contract. None of them goes on with the old one."""

    def setUp(self) -> None:
        super().setUp()
        self.two.execute(
            "INSERT INTO emobility_roaming_partner (name, active, country_code, party_id, role, company_id)"
            " VALUES ('Race', TRUE, 'ZZ', 'RAC', 'EMSP', 1) RETURNING id"
        )
        [(self.partner_id,)] = self.two.fetchall()
        self.two.commit()
        self.addCleanup(self.remove)

    def remove(self) -> None:
        self.one.rollback()
        self.two.rollback()
        self.two.execute("DELETE FROM emobility_roaming_partner WHERE id = %s", [self.partner_id])
        self.two.commit()

    def contract_of_now(self) -> Any:
        """What the transaction that takes in tokens sees."""
        env = api.Environment(self.one, SUPERUSER_ID, {})
        return env["emobility.roaming.partner"].browse(self.partner_id)._contract_of_now()

    def name_another(self) -> None:
        self.two.execute("SET LOCAL lock_timeout = '300ms'")
        self.two.execute(
            "UPDATE emobility_roaming_partner SET write_date = now() WHERE id = %s", [self.partner_id]
        )

    def test_tokens_are_taken_in_again_when_the_contract_was_named_meanwhile(self) -> None:
        self.one.execute("SELECT count(*) FROM emobility_roaming_partner")
        self.name_another()
        self.two.commit()
        with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
            self.contract_of_now()

    def test_a_contract_is_named_only_when_the_tokens_are_there(self) -> None:
        self.assertFalse(self.contract_of_now())
        with mute_logger("odoo.sql_db"), self.assertRaises(LockNotAvailable):
            self.name_another()
        self.two.rollback()
        self.one.commit()
        self.name_another()
