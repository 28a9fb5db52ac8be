"""A walk-up customer charges at the station of an operator, from the page to the charge of the real amount."""

from __future__ import annotations

from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.common import stamp
from odoo.addons.emobility_roaming.ocpi import v221
from odoo.addons.emobility_roaming.ocpi.transport import OcpiError

from .common import ACCEPTED, AdhocRoamingCommon


@tagged("post_install", "-at_install")
class TestFlow(AdhocRoamingCommon):
    def test_the_customer_pays_our_price_for_what_the_cdr_says(self) -> None:
        adhoc, asked = self.paid_at_operator()
        self.assertEqual(adhoc.state, "starting")
        [call] = asked
        self.assertTrue(call["url"].endswith("/commands/START_SESSION"), call["url"])
        body = call["body"]
        self.assertEqual((body["location_id"], body["evse_uid"], body["connector_id"]), ("LOC-9", "e-9", "1"))
        self.assertEqual((body["token"]["uid"], body["token"]["type"]), (adhoc.token_id.uid, "AD_HOC_USER"))
        self.assertEqual((body["token"]["party_id"], body["token"]["whitelist"]), ("ABC", "NEVER"))
        self.result(adhoc, "ACCEPTED")
        self.assertEqual(adhoc.state, "starting", "only a session that begins says that it charges")
        session = self.tell(adhoc, kwh=3)
        self.assertEqual((adhoc.state, adhoc.session_id), ("charging", session))
        status = adhoc._public_status()
        self.assertEqual((status["energy_kwh"], status["amount"]), ("3.000", "1.77"))
        cdr = self.bill(adhoc)
        self.assertEqual((adhoc.state, adhoc.attention, adhoc.amount_due), ("settled", False, 5.9))
        self.assertEqual(self.real(adhoc), (590, 0))
        self.assertEqual((adhoc.move_id.payment_state, adhoc.token_id.state), ("paid", "expired"))
        self.assertEqual((cdr.session_id, session.state), (session, "done"))
        self.assertFalse(session._current_cdr().exchange_ids, "nothing is sent to the operator: it is its session")

    def test_a_cdr_without_a_session_before_it_is_charged_too(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        self.bill(adhoc)
        self.assertEqual((adhoc.state, self.real(adhoc)), ("settled", (590, 0)))

    def test_a_session_that_is_over_frees_the_place_and_waits_for_its_cdr(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        session = self.tell(adhoc)
        self.assertFalse(self.evse._adhoc_is_available())
        self.tell(adhoc, kwh=10, status="COMPLETED", minutes=110)
        self.assertEqual((adhoc.state, session.state, adhoc.token_id.state), ("ended", "live", "expired"))
        self.assertEqual(self.real(adhoc), (0, 2000), "nothing is charged before the CDR")
        self.assertTrue(self.evse._adhoc_is_available())
        with self.partner_answers() as asked, self.running_jobs():
            adhoc._on_session()
            adhoc._watch_limit()
            adhoc._stop_by_customer()
        self.assertFalse(asked, "what is over is not stopped")
        self.bill(adhoc)
        self.assertEqual((adhoc.state, self.real(adhoc)), ("settled", (590, 0)))

    def test_a_session_that_the_operator_names_otherwise_is_found_by_our_reference(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        reference = self.start_command(adhoc).authorization_reference
        other = self.cdr_token(uid="THEIRS", contract_id="THEIRS", type="AD_HOC_USER")
        data = self.session_data(
            start_date_time=stamp(self.start), last_updated=stamp(self.start + timedelta(minutes=100)),
            cdr_token=other, authorization_reference=reference,
        )  # fmt: skip
        with self.running_jobs():
            self.receive(self.connection, "sessions", data)
        self.assertEqual((adhoc.state, adhoc.session_id.token_uid), ("charging", "THEIRS"))

    def test_a_reference_of_another_operator_is_not_followed(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        started = {"authorization_reference": self.start_command(adhoc).authorization_reference}
        session = self.env["emobility.session"].sudo().new({"company_id": self.company.id, "source": "ocpi"})
        found = session._adhoc_of_reference(started | {"evse_id": self.own_evse.id})
        self.assertFalse(found)
        self.assertEqual(session._adhoc_of_reference(started | {"evse_id": self.evse.id}), adhoc)

    def test_the_operator_is_asked_to_stop_before_the_hold_is_used_up(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        with self.partner_answers(ACCEPTED) as asked:
            self.tell(adhoc, kwh=33, minutes=115)
        [call] = asked
        self.assertTrue(call["url"].endswith("/commands/STOP_SESSION"))
        self.assertEqual(call["body"]["session_id"], "s-1")
        self.assertEqual((adhoc.state, adhoc.stopped_by), ("charging", "limit"))
        self.bill(adhoc, kwh=33.5)
        self.assertEqual(self.real(adhoc), (1977, 0))

    def test_the_customer_stops_from_the_page(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        self.tell(adhoc)
        with self.partner_answers(ACCEPTED) as asked, self.running_jobs():
            adhoc._enqueue("stop")._stop_by_customer()
        self.assertEqual([call["url"].rsplit("/", 1)[1] for call in asked], ["STOP_SESSION"])
        self.assertTrue(adhoc._public_status()["stopping"])

    def test_the_token_is_for_the_operator_at_that_place_as_long_as_it_is_valid(self) -> None:
        adhoc, _asked = self.paid_at_operator()
        uid = adhoc.token_id.uid

        def ask(location: str = "LOC-9", evses: tuple[str, ...] | None = ("e-9",)) -> dict:
            place = v221.LocationReferences(location_id=location, evse_uids=evses)
            return self.env["emobility.ocpi.server"]._authorize(self.connection, uid, "AD_HOC_USER", place)

        answer = ask()
        self.assertEqual(answer["allowed"], "ALLOWED")
        self.assertEqual(answer["authorization_reference"], self.start_command(adhoc).authorization_reference)
        self.assertEqual(ask(evses=("x-1", "E-9"))["location"]["evse_uids"], ["E-9"])
        self.assertEqual(ask(evses=None)["location"]["evse_uids"], ["e-9"])
        for place in ({"evses": ("x-1",)}, {"location": "LOC-8"}):
            refused = ask(**place)
            self.assertEqual((refused["allowed"], "location" in refused), ("NOT_ALLOWED", False))
        stranger, _secret = self._connect("FRAAA")
        with self.assertRaises(OcpiError):
            self.env["emobility.ocpi.server"]._authorize(stranger, uid, "AD_HOC_USER", None)
        adhoc._stop_by_customer()
        self.assertEqual(ask()["allowed"], "EXPIRED")

    def test_the_token_is_told_to_nobody(self) -> None:
        adhoc, asked = self.paid_at_operator()
        with self.partner_answers() as pushed:
            self.connection._push("tokens", adhoc.token_id.id)
        self.assertFalse([call for call in asked if "/tokens/" in call["url"]] + pushed)
        self.assertFalse(self.env["emobility.ocpi.publisher"]._may_see(self.connection, "tokens", adhoc.token_id))

    def test_a_voucher_pays_at_the_operator_too(self) -> None:
        voucher = (
            self.env["emobility.adhoc.voucher"]
            .sudo()
            .create({"amount": 30.0, "company_id": self.company.id, "currency_id": self.euro.id})
        )
        with self.partner_answers(ACCEPTED) as asked:
            adhoc = self.check_out(voucher=voucher)
        self.assertEqual((adhoc.state, len(asked)), ("starting", 1))
        self.tell(adhoc)
        self.bill(adhoc)
        self.assertEqual((adhoc.state, voucher.amount_left), ("settled", 24.1))


@tagged("post_install", "-at_install")
class TestFlow211(AdhocRoamingCommon):
    version = "2.1.1"

    def test_the_token_alone_finds_the_session_in_ocpi_2_1_1(self) -> None:
        adhoc, asked = self.paid_at_operator()
        body = asked[0]["body"]
        uid = adhoc.token_id.uid
        self.assertNotIn("authorization_reference", body)
        self.assertEqual((body["token"]["uid"], body["token"]["auth_id"], body["token"]["type"]), (uid, uid, "OTHER"))
        place = v221.LocationReferences(location_id="LOC-9", evse_uids=("e-9",))
        answer = self.env["emobility.ocpi.server"]._authorize(self.connection, uid, "OTHER", place)
        self.assertEqual(answer["allowed"], "ALLOWED")
        data = {
            "id": "s-1", "start_datetime": stamp(self.start), "kwh": 2.0, "auth_id": uid,
            "auth_method": "AUTH_REQUEST", "location": self.told_location(), "currency": "EUR",
            "status": "ACTIVE", "last_updated": stamp(self.start + timedelta(minutes=60)),
        }  # fmt: skip
        with self.running_jobs():
            self.receive(self.connection, "sessions", data)
        self.assertEqual((adhoc.state, adhoc.session_id.energy_kwh), ("charging", 2.0))
