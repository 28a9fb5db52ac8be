from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from .ocpi_common import OcpiCommon


@tagged("post_install", "-at_install")
class TestOcpiBulk(OcpiCommon):
    """A page of many objects costs little more than one object."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.connection, _token = cls._connect()

    def page(self, count: int, prefix: str = "P", **changes: Any) -> list[dict[str, Any]]:
        [evse] = self.location_data()["evses"]
        return [
            self.location_data(
                id=f"{prefix}-{number}",
                evses=[evse | {"uid": f"{prefix}-e{number}", "evse_id": f"NL*XYZ*E{prefix}{number}"}],
            )
            | changes
            for number in range(count)
        ]

    def locations(self) -> Any:
        model = self.env["emobility.location"].with_context(active_test=False)
        return model.search([("roaming_partner_id.connection_id", "=", self.connection.id)])

    def queries(self, items: list[dict[str, Any]]) -> int:
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.receive(self.connection, "locations", *items)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_a_page_of_new_locations_costs_few_queries(self) -> None:
        self.queries(self.page(1, "WARM"))
        one, many = self.queries(self.page(1, "ONE")), self.queries(self.page(60, "MANY"))
        self.assertLess(many, one + 30)
        self.assertEqual(len(self.locations()), 62)
        self.assertEqual(len(self.locations().evse_ids.connector_ids), 62)

    def test_a_page_that_comes_again_makes_nothing_twice_in_whatever_case(self) -> None:
        self.receive(self.connection, "locations", *self.page(3))
        changed = self.page(3, name="Other name", last_updated="2026-03-02T10:00:00Z")
        for item in changed:
            item["id"] = item["id"].lower()
        self.receive(self.connection, "locations", *changed)
        self.assertEqual(self.locations().mapped("name"), ["Other name"] * 3)
        self.assertEqual(len(self.locations().evse_ids), 3)

    def test_an_evse_id_is_given_once_with_or_without_stars(self) -> None:
        first, second, third = self.page(3)
        second["evses"][0]["evse_id"] = "NL*XYZ*EP0"
        third["evses"][0]["evse_id"] = "NLXYZEP0"
        self.receive(self.connection, "locations", first, second, third)
        self.assertEqual(self.locations().evse_ids.mapped("evse_id"), ["NL*XYZ*EP0", False, False])
        again = [item | {"last_updated": "2026-03-02T10:00:00Z"} for item in (first, second, third)]
        self.receive(self.connection, "locations", *again)
        self.assertEqual(self.locations().evse_ids.mapped("evse_id"), ["NL*XYZ*EP0", False, False])

    def test_the_same_evse_twice_in_a_location_is_one(self) -> None:
        [place] = self.page(1)
        place["evses"].append(place["evses"][0] | {"uid": "p-E0", "status": "CHARGING"})
        self.receive(self.connection, "locations", place)
        self.assertRecordValues(self.locations().evse_ids, [{"ocpi_status": "CHARGING"}])

    def test_what_a_location_lists_no_more_is_gone_and_kept_in_the_books(self) -> None:
        [place] = self.page(1)
        self.receive(self.connection, "locations", place)
        evse = self.locations().evse_ids
        self.receive(self.connection, "locations", place | {"evses": [], "last_updated": "2026-03-02T10:00:00Z"})
        self.assertRecordValues(evse, [{"active": False, "ocpi_status": "REMOVED"}])

    def test_many_cdrs_become_sessions_with_few_queries_and_are_billed_together(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        tokens = self.env["emobility.token"].create(
            [{"uid": f"04BB00{number:02}", "contract_id": self.contract.id, "state": "active", "country_code": "DE",
              "party_id": "ABC"} for number in range(30)]
        )  # fmt: skip

        def received(prefix: str, count: int) -> Any:
            return self.env["emobility.ocpi.receiver"]._receive_cdrs(
                self.connection,
                [self.cdr_data(id=f"{prefix}{number}", session_id=f"{prefix}S{number}",
                               cdr_token=self.cdr_token(uid=tokens[number].uid)) for number in range(count)],
            )  # fmt: skip

        def queries(cdrs: Any) -> int:
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with trap_jobs() as trap:
                cdrs._apply()
                self.env.flush_all()
            [self.job] = trap.enqueued_jobs
            return self.env.cr.sql_log_count - before

        queries(received("W", 2))
        few, many = received("A", 2), received("B", 30)
        self.assertLess(queries(many), queries(few) + 28 * 6, "most of what is left chooses the prices of each")
        sessions = many.session_id
        self.assertEqual((len(sessions), sessions.token_id), (30, tokens))
        queries(received("C", 3))
        self.job.perform()
        processed = self.env["emobility.session"].search([("uid", "like", "*CS")])
        self.assertEqual(len(processed), 3)
        for session in processed:
            self.assertTrue(session.state == "done" or session.hold_ids, "through the gate, or held by it")

    def test_a_bad_cdr_does_not_keep_back_the_others_of_its_job(self) -> None:
        self.receive(self.connection, "locations", self.location_data())
        good = self.cdr_data()
        credit = self.cdr_data(id="CDR-3", credit=True, credit_reference_id="CDR-1", total_cost={"excl_vat": -4.0})
        receiver = self.env["emobility.ocpi.receiver"]
        unknown = self.cdr_data(id="CDR-4", credit=True, credit_reference_id="NEVER", total_cost={"excl_vat": -4.0})
        cdrs = receiver._receive_cdrs(self.connection, [unknown, credit, good])
        cdrs._apply()
        by_name = {cdr.name: cdr for cdr in cdrs}
        self.assertTrue(by_name["CDR-1"].session_id)
        self.assertEqual(by_name["CDR-3"].credited_id, by_name["CDR-1"])
        self.assertFalse(by_name["CDR-1"].error or by_name["CDR-3"].error)
        self.assertIn("NEVER", by_name["CDR-4"].error)
        self.assertFalse(by_name["CDR-4"].session_id)
