"""A payment terminal provider registers its terminals, lets us start, and confirms what it captured."""

from __future__ import annotations

from typing import Any

from odoo import Command
from odoo.tests import tagged

from odoo.addons.emobility_adhoc.tests.common import AdhocCommon
from odoo.addons.emobility_roaming.ocpi.versions import read_credentials
from odoo.addons.emobility_roaming.tests.ocpi_common import OcpiHttpCase, failed, ok
from odoo.addons.queue_job.tests.common import trap_jobs

AT = "2026-03-01T10:00:00Z"
PATH = "/2.3.0/cpo/payments"


@tagged("post_install", "-at_install")
class TestPayments(AdhocCommon, OcpiHttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.evse.write({"uid": "E1", "evse_id": "DE*ABC*E1"})
        cls.provider = cls.env.ref("emobility_terminal.payment_provider_terminal").sudo().copy(
            {"company_id": cls.company.id}
        )
        cls.provider.write({"state": "test", "journal_id": cls.company_data["default_journal_bank"].id})
        cls.connection, cls.secret = cls._connect("ATPTP", version="2.3.0", our_roles="CPO")
        cls.connection.party_ids.write({"role": "PTP", "contract_id": False})
        cls.env["emobility.ocpi.module"].create(
            {"connection_id": cls.connection.id, "module": "payments", "interface": "SENDER",
             "url": "https://atptp.example.com/ocpi/2.3.0/ptp/payments"}
        )  # fmt: skip
        cls.stranger, cls.stranger_secret = cls._connect("FRAAA", version="2.3.0")

    def terminal_data(self, **changes: Any) -> dict[str, Any]:
        return {"terminal_id": "T-1", "reference": "0815", "city": "Wien", "address": "Gasse 1", "country": "AUT",
                "customer_reference": "CPO-7", "invoice_creator": "CPO", "last_updated": AT} | changes  # fmt: skip

    def confirmation(self, **changes: Any) -> dict[str, Any]:
        return {
            "id": "fac-1",
            "authorization_reference": "pp-1",
            "total_costs": {"before_taxes": 4.96, "taxes": [{"name": "VAT", "amount": 0.94}]},
            "currency": "EUR",
            "eft_data": ["Visa", "Nr: 4242424242424242"],
            "capture_status_code": "SUCCESS",
            "last_updated": AT,
        } | changes

    def send(self, path: str, body: Any) -> Any:
        """The provider posts something; the jobs of the request, which is over, run on the cursor of the test."""
        with trap_jobs() as trap:
            answer = self.data(self.secret, "POST", path, body)
        self.env.invalidate_all()
        with self.running_jobs():
            for job in (one for one in trap.enqueued_jobs if not one.eta):
                records = self.env[job.recordset._name].sudo().browse(job.recordset.ids)
                getattr(records, job.method_name)(*job.args)
        return answer

    def post(self, path: str, body: Any) -> None:
        self.send(PATH + path, body)

    def known_terminal(self) -> Any:
        self.post("/terminals/", self.terminal_data())
        terminal = self.env["emobility.terminal"].search([("identity", "=", "T-1")])
        with self.partner_answers(ok()), self.running_jobs():
            terminal.evse_ids = [Command.set(self.evse.ids)]
        return terminal

    def start(self, reference: str = "pp-1", **changes: Any) -> Any:
        body = {
            "response_url": "https://atptp.example.com/ocpi/answers/1",
            "token": self.token_data("CARD1", country_code="AT", party_id="PTP", type="AD_HOC_USER", language="de"),
            "location_id": "MARKET",
            "evse_uid": "E1",
            "authorization_reference": reference,
        } | changes
        answer = self.send("/2.3.0/cpo/commands/START_SESSION", body)
        adhoc = self.env["emobility.adhoc.session"].search([("terminal_reference", "=", reference)])
        return answer["result"], adhoc

    # Terminals

    def test_the_module_is_offered_to_providers_of_terminals_only(self) -> None:
        offered = self.data(self.secret, "GET", "/2.3.0")["endpoints"]
        [endpoint] = [one for one in offered if one["identifier"] == "payments"]
        self.assertEqual((endpoint["role"], endpoint["url"][-24:]), ("RECEIVER", "/ocpi/2.3.0/cpo/payments"))
        others = self.data(self.stranger_secret, "GET", "/2.3.0")["endpoints"]
        self.assertNotIn("payments", [one["identifier"] for one in others])
        for method, path, body in (
            ("POST", "/terminals", self.terminal_data()),
            ("GET", "/terminals/T-1", None),
            ("POST", "/financial-advice-confirmations", self.confirmation()),
            ("GET", "/financial-advice-confirmations/fac-1", None),
        ):
            self.refused(2001, self.stranger_secret, method, PATH + path, body, status=404)

    def test_terminal_is_created_once_and_shown_as_we_know_it(self) -> None:
        for _time in range(2):
            self.post("/terminals/", self.terminal_data())
        terminal = self.env["emobility.terminal"].search([("connection_id", "=", self.connection.id)])
        self.assertEqual((len(terminal), terminal.serial, terminal.ptp_state), (1, "0815", "active"))
        self.assertEqual((terminal.company_id, terminal.provider_id), (self.company, self.provider))
        self.post("/terminals", self.terminal_data(reference="4711", last_updated="2026-03-01T09:00:00Z"))
        self.assertEqual(terminal.serial, "0815", "an older word that comes late")
        shown = self.data(self.secret, "GET", PATH + "/terminals/t-1")
        self.assertEqual((shown["terminal_id"], shown["customer_reference"]), ("T-1", "CPO-7"))
        self.refused(2001, self.secret, "GET", PATH + "/terminals/T-2", status=404)

    def test_smallest_terminal_and_named_charging_points_are_taken(self) -> None:
        self.post("/terminals", {"terminal_id": "T-2"})
        self.post("/terminals", self.terminal_data(location_ids=["market"]))
        terminals = self.env["emobility.terminal"].search([("connection_id", "=", self.connection.id)])
        self.assertEqual(terminals.evse_ids, self.location.evse_ids)
        self.assertEqual(set(terminals.mapped("name")), {"T-2", "Wien Gasse 1"})

    def test_terminal_of_somebody_else_is_refused(self) -> None:
        self.env["emobility.terminal"].create(
            {"name": "Ours", "identity": "T-1", "provider_id": self.provider.id, "company_id": self.company.id}
        )
        self.refused(2001, self.secret, "POST", PATH + "/terminals", self.terminal_data())
        self.refused(2001, self.secret, "POST", PATH + "/terminals", {"reference": "no id"})

    def test_assignment_update_and_deactivation_are_told_to_the_provider(self) -> None:
        self.post("/terminals", self.terminal_data())
        terminal = self.env["emobility.terminal"].search([("identity", "=", "T-1")])
        with self.partner_answers(ok()) as asked, self.running_jobs():
            terminal.evse_ids = [Command.set(self.evse.ids)]
            terminal.customer_reference = "CPO-8"
            terminal.action_deactivate()
        base = "https://atptp.example.com/ocpi/2.3.0/ptp/payments/terminals/T-1"
        told = {(one["method"], one["url"]): one["body"] for one in asked}
        self.assertEqual(set(told), {("PATCH", base), ("PUT", base), ("POST", f"{base}/deactivate")})
        self.assertEqual(told["PATCH", base]["evse_uids"], ["E1"])
        self.assertEqual(told["PATCH", base]["location_ids"], [])
        self.assertEqual(told["PUT", base]["customer_reference"], "CPO-8")
        self.assertEqual(asked[0]["headers"]["OCPI-to-party-id"], "PTP")
        self.assertEqual(terminal.ptp_state, "inactive")
        self.assertEqual(self.start()[0], "REJECTED")

    def test_activation_is_asked_for_and_the_provider_gives_the_id(self) -> None:
        terminal = self.env["emobility.terminal"].create(
            {"name": "New", "serial": "0815", "provider_id": self.provider.id, "company_id": self.company.id,
             "connection_id": self.connection.id, "evse_ids": [Command.link(self.evse.id)]}
        )  # fmt: skip
        with self.partner_answers(ok()) as asked, self.running_jobs():
            terminal.action_activate()
        [call] = asked
        self.assertEqual((call["method"], call["url"][-19:]), ("POST", "/terminals/activate"))
        self.assertEqual((call["body"]["reference"], "terminal_id" in call["body"]), ("0815", False))
        self.assertEqual(terminal.ptp_state, "activating")
        self.post("/terminals", self.terminal_data())
        self.assertEqual((terminal.identity, terminal.ptp_state, terminal.name), ("T-1", "active", "New"))
        self.assertEqual(terminal.evse_ids, self.evse)

    def test_what_the_provider_could_not_be_told_is_seen_and_told_again(self) -> None:
        terminal = self.known_terminal()
        with self.partner_answers(failed(503)), trap_jobs() as trap:
            terminal._tell("assign")
            self.assertIn("503", terminal.ptp_error)
            trap.assert_jobs_count(1, only=terminal._tell)
        with self.partner_answers(failed(404)), trap_jobs() as trap:
            terminal._tell("assign")
            trap.assert_jobs_count(0)
        with self.partner_answers(ok()):
            terminal._tell("assign")
        self.assertFalse(terminal.ptp_error)

    def test_terminals_and_confirmations_are_fetched(self) -> None:
        answers = (ok([self.terminal_data(), {"reference": "broken"}]), ok([self.confirmation()]))
        with self.partner_answers(*answers) as asked:
            self.assertEqual(self.connection._pull("payments"), 2)
        self.assertEqual([one["url"].rsplit("/", 1)[1] for one in asked],
                         ["terminals", "financial-advice-confirmations"])  # fmt: skip
        terminal = self.env["emobility.terminal"].search([("connection_id", "=", self.connection.id)])
        self.assertEqual(terminal.identity, "T-1")
        found = self.env["emobility.terminal.confirmation"].search([("terminal_id", "=", terminal.id)])
        self.assertEqual((found.uid, found.attention), ("fac-1", "unknown"))
        source = self.env["emobility.ocpi.module"]._of(self.connection, "payments", "SENDER")
        self.assertIn("terminal_id", source.last_error)
        self.assertIn("payments", self.connection._pulled_modules())

    # Money

    def test_card_at_the_terminal_of_a_provider_from_the_start_to_the_confirmation(self) -> None:
        terminal = self.known_terminal()
        with self.partner_answers(ok()) as asked:
            result, adhoc = self.start()
            self.assertEqual((result, adhoc.state, adhoc.amount_held), ("ACCEPTED", "starting", 20.0))
            self.assertEqual((adhoc.terminal_id, adhoc.lang[:2]), (terminal, "en"))
            self.answer_start(adhoc, "accepted")
            self.charge(adhoc)
            # Pushes wait some seconds, so that several changes are one.
            self.connection._push("sessions", adhoc.session_id.id)
            self.connection._push("cdrs", adhoc.session_id.cdr_ids.id)
        self.assertEqual((adhoc.state, adhoc.amount_due), ("ended", 5.9))
        told = {one["url"].split("/ocpi/")[1]: one["body"] for one in asked}
        self.assertEqual(told["answers/1"], {"result": "ACCEPTED"})
        self.assertFalse(self.connection.module_ids.filtered("last_error").mapped("last_error"))
        session = next(body for path, body in told.items() if path.startswith("2.3.0/receiver/sessions/"))
        self.assertEqual((session["authorization_reference"], session["status"]), ("pp-1", "COMPLETED"))
        cdr = told["2.3.0/receiver/cdrs"]
        self.assertEqual((cdr["authorization_reference"], cdr["invoice_reference_id"]), ("pp-1", adhoc.move_id.name))
        total = cdr["total_cost"]
        gross = total["before_taxes"] + sum(tax["amount"] for tax in total.get("taxes", []))
        self.assertEqual((round(gross, 2), cdr["cdr_token"]["party_id"]), (5.9, "PTP"))
        self.post("/financial-advice-confirmations/", self.confirmation())
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.attention), ("settled", 5.9, False))
        self.assertIn("**** 4242", adhoc.move_id.narration)
        self.post("/financial-advice-confirmations/", self.confirmation())
        shown = self.data(self.secret, "GET", PATH + "/financial-advice-confirmations/FAC-1")
        self.assertEqual((shown["authorization_reference"], shown["eft_data"][1]), ("pp-1", "Nr: **** 4242"))
        logged = self.env["emobility.ocpi.message"].search([("module", "=", "payments")])
        self.assertNotIn("4242424242424242", "".join(filter(None, logged.mapped("request_body"))))

    def test_f60_station_refuses_and_the_provider_hears_that_the_hold_is_free(self) -> None:
        self.known_terminal()
        with self.partner_answers(ok()) as asked:
            _result, adhoc = self.start()
            self.answer_start(adhoc, "rejected")
        self.assertEqual((adhoc.state, adhoc.transaction_id.state, adhoc.attention), ("released", "cancel", False))
        self.assertEqual([one["body"] for one in asked if one["url"].endswith("answers/1")], [{"result": "REJECTED"}])

    def test_start_that_is_sent_twice_holds_once_and_a_taken_point_is_refused(self) -> None:
        self.known_terminal()
        _result, adhoc = self.start()
        self.assertEqual(self.start()[1], adhoc)
        self.assertEqual(len(adhoc.transaction_ids), 1)
        commands = self.env["emobility.ocpi.command"].search([("authorization_reference", "=", "pp-1")])
        self.assertEqual(len(commands), 1)
        self.assertEqual(self.start("pp-2")[0], "REJECTED")
        self.assertEqual(self.start("pp-3", evse_uid="E9")[0], "REJECTED")

    def test_failed_capture_of_the_provider_is_booked_when_it_comes_after_all(self) -> None:
        self.known_terminal()
        with self.partner_answers(ok()):
            _result, adhoc = self.start()
            self.charge(adhoc)
        none = {"before_taxes": 0, "taxes": [{"name": "VAT", "amount": 0}]}
        self.post("/financial-advice-confirmations",
                  self.confirmation(capture_status_code="FAILED", total_costs=none, eft_data=[]))  # fmt: skip
        self.assertEqual((adhoc.state, adhoc.amount_captured, adhoc.attempts), ("ended", 0.0, 1))
        self.post("/financial-advice-confirmations", self.confirmation(last_updated="2026-03-01T11:00:00Z"))
        self.assertEqual((adhoc.state, adhoc.amount_captured), ("settled", 5.9))

    def test_walk_up_tariff_tells_how_much_to_hold(self) -> None:
        self.known_terminal()
        tariffs = self.data(self.secret, "GET", "/2.3.0/cpo/tariffs")
        self.assertEqual([one["preauthorize_amount"] for one in tariffs], [20.0])
        [location] = self.data(self.secret, "GET", "/2.3.0/cpo/locations")
        self.assertEqual(location["evses"][0]["connectors"][0]["tariff_ids"], [tariffs[0]["id"]])

    def test_provider_of_terminals_is_known_by_its_role(self) -> None:
        connection = self.env["emobility.ocpi.connection"].create({"name": "New", "company_id": self.company.id})
        role = {"role": "PTP", "country_code": "AT", "party_id": "NEW", "business_details": {"name": "Terminals"}}
        credentials = {"token": "t" * 20, "url": "https://new.example.com/ocpi/versions", "roles": [role]}
        connection._take_credentials(read_credentials("2.3.0", credentials))
        self.assertEqual(connection.party_ids.role, "PTP")
