import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from odoo.addons.emobility_billing.tests.common import ChargingCommon

from ..ocpi.v221 import Cdr


class OcpiCommon(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.write({"emobility_country_code": "DE", "emobility_party_id": "ABC"})
        cls.location.write(
            {"street": "Marktplatz 1", "zip": "12345", "latitude": 52.520008, "longitude": 13.404954}
        )
        cls.evse.write({"evse_id": "DE*ABC*EMARKET1", "meter_serial": "METER-1"})
        cls.token.write({"country_code": "NL", "party_id": "XYZ"})
        cls.start = (datetime.now(UTC) - timedelta(hours=4)).replace(microsecond=0)

    def cdr(self, session: str = "S1", **values: Any) -> Any:
        """The CDR of an hour of charging with 10 kWh."""
        return self.ingest(self.events(session, self.start, **values)).cdr_ids

    def exported(self, cdr: Any) -> Cdr:
        """What a partner reads from the file."""
        return Cdr.model_validate_json(cdr._to_ocpi().to_json())


@tagged("post_install", "-at_install")
class TestOcpiCdr(OcpiCommon):
    def test_cdr_of_a_gross_tariff_has_net_and_gross_cost(self) -> None:
        cdr = self.cdr()
        ocpi = self.exported(cdr)
        self.assertEqual(
            (ocpi.country_code, ocpi.party_id, ocpi.id, ocpi.session_id), ("DE", "ABC", cdr.name, "S1")
        )
        self.assertEqual(
            (ocpi.start_date_time, ocpi.end_date_time), (self.start, self.start + timedelta(hours=1))
        )
        self.assertEqual((ocpi.total_energy, ocpi.total_time), (Decimal(10), Decimal(1)))
        self.assertEqual(ocpi.total_cost.incl_vat, Decimal("4.90"))
        self.assertEqual(ocpi.total_cost.excl_vat, Decimal("4.1176"))
        self.assertEqual(ocpi.total_energy_cost, ocpi.total_cost)
        self.assertEqual((ocpi.currency, ocpi.meter_id, ocpi.auth_method), ("EUR", "METER-1", "WHITELIST"))

    def test_cdr_of_a_net_tariff_has_the_net_price(self) -> None:
        self.rule.tariff_id = self._make_tariff("NET", {"ENERGY": 0.40, "FLAT": 1}, mode="net")
        ocpi = self.exported(self.cdr())
        self.assertEqual((ocpi.total_cost.excl_vat, ocpi.total_cost.incl_vat), (Decimal(5), Decimal("5.95")))
        self.assertEqual(ocpi.total_fixed_cost.excl_vat, Decimal(1))
        [element] = ocpi.tariffs[0].elements
        prices = {component.type: (component.price, component.vat) for component in element.price_components}
        self.assertEqual(prices, {"ENERGY": (Decimal("0.4"), Decimal(19)), "FLAT": (Decimal(1), Decimal(19))})

    def test_token_location_and_connector_are_those_of_the_session(self) -> None:
        ocpi = self.exported(self.cdr())
        self.assertEqual(
            (ocpi.cdr_token.country_code, ocpi.cdr_token.party_id, ocpi.cdr_token.uid, ocpi.cdr_token.type),
            ("NL", "XYZ", "04A1B2C3", "RFID"),
        )
        location = ocpi.cdr_location
        self.assertEqual(
            (location.id, location.address, location.city),
            (self.location.code, "Marktplatz 1", "Musterstadt"),
        )
        self.assertEqual((location.country, location.coordinates.latitude), ("DEU", "52.520008"))
        self.assertEqual((location.evse_uid, location.evse_id), ("MARKET-1", "DE*ABC*EMARKET1"))
        self.assertEqual((location.connector_standard, location.connector_format), ("IEC_62196_T2", "SOCKET"))

    def test_periods_begin_where_the_price_changes_and_add_up(self) -> None:
        tariff = self._make_tariff("STEPS", {"ENERGY": 0.50})
        second = tariff.version_ids.element_ids.copy({"version_id": tariff.version_ids.id, "sequence": 20})
        tariff.version_ids.element_ids[0].write({"sequence": 10, "max_kwh": 4})
        second.component_ids.price = 0.60
        self.rule.tariff_id = tariff
        ocpi = self.exported(self.cdr())
        volumes = [
            {dimension.type: dimension.volume for dimension in period.dimensions}
            for period in ocpi.charging_periods
        ]
        self.assertEqual([volume["ENERGY"] for volume in volumes], [Decimal(4), Decimal(6)])
        self.assertEqual([volume["TIME"] for volume in volumes], [Decimal("0.4"), Decimal("0.6")])
        self.assertEqual({period.tariff_id for period in ocpi.charging_periods}, {ocpi.tariffs[0].id})
        self.assertEqual(ocpi.tariffs[0].elements[0].restrictions.max_kwh, Decimal(4))
        self.assertEqual(ocpi.total_cost.incl_vat, Decimal("5.60"))

    def test_f33_tariff_that_ocpi_cannot_express_is_left_out_and_said_so(self) -> None:
        tariff = self._make_tariff("GRACE", {"ENERGY": 0.50})
        tariff.version_ids.element_ids.copy(
            {"version_id": tariff.version_ids.id, "sequence": 5, "min_parking": 600}
        ).component_ids.write({"dimension": "PARKING_TIME", "price": 6})
        self.rule.tariff_id = tariff
        ocpi = self.exported(self.cdr())
        self.assertIsNone(ocpi.tariffs)
        self.assertIn("cannot express", ocpi.remark)

    def test_f44_credit_cdr_copies_all_and_negates_the_total_cost(self) -> None:
        cdr = self.cdr()
        first = json.loads(cdr._to_ocpi().to_json())
        cdr.action_credit()
        credit = json.loads(cdr.credit_cdr_ids._to_ocpi().to_json())
        self.assertEqual((credit["credit"], credit["credit_reference_id"]), (True, cdr.name))
        self.assertEqual(credit["total_cost"], {"excl_vat": -4.1176, "incl_vat": -4.9})
        for key in first.keys() - {"id", "total_cost", "last_updated"}:
            self.assertEqual(credit[key], first[key], key)

    def test_remote_start_is_authorised_by_command(self) -> None:
        self.assertEqual(self.exported(self.cdr(remote_ref="command-1")).auth_method, "COMMAND")

    def test_what_ocpi_requires_and_is_missing_is_said(self) -> None:
        cdr = self.cdr()
        self.evse.evse_id = False
        with self.assertRaisesRegex(UserError, "evse_id"):
            cdr.action_download_ocpi()
        self.location.write({"latitude": 0, "longitude": 0})
        with self.assertRaisesRegex(UserError, "has no coordinates"):
            cdr.action_download_ocpi()
        self.company.emobility_party_id = False
        with self.assertRaisesRegex(UserError, "no OCPI country code and party ID"):
            cdr.action_download_ocpi()

    def test_connector_that_ocpi_2_2_1_does_not_know_is_said(self) -> None:
        cdr = self.cdr()
        self.connector.standard = "MCS"
        with self.assertRaisesRegex(UserError, "connector_standard"):
            cdr._to_ocpi()

    def test_provider_of_the_token_is_the_roaming_partner_of_the_cdr(self) -> None:
        cdr = self.cdr()
        self.assertFalse(cdr.roaming_partner_id)
        partner = self.env["emobility.roaming.partner"].create(
            {
                "name": "Provider",
                "country_code": "NL",
                "party_id": "XYZ",
                "role": "EMSP",
                "company_id": self.company.id,
            }
        )
        cdr.invalidate_recordset(["roaming_partner_id"])
        self.assertEqual(cdr.roaming_partner_id, partner)
        self.assertEqual(self.env["emobility.cdr"].search(partner.action_open_cdrs()["domain"]), cdr)

    def test_connector_for_direct_current_has_a_cable(self) -> None:
        self.connector.power_type = "DC"
        self.assertEqual(self.connector.connector_format, "CABLE")


@tagged("post_install", "-at_install")
class TestOcpiDownload(OcpiCommon, HttpCase):
    def test_clerk_downloads_the_file_and_others_do_not(self) -> None:
        cdr = self.cdr()
        self._make_user("ocpi-clerk", "emobility_crm.group_user")
        self._make_user("ocpi-stranger", "base.group_user")
        url = cdr.action_download_ocpi()["url"]
        self.authenticate("ocpi-clerk", "ocpi-clerk")
        answer = self.url_open(url)
        self.assertEqual(answer.status_code, 200)
        self.assertIn(f"ocpi-2.2.1-cdr-{cdr.name}.json", answer.headers["Content-Disposition"])
        self.assertEqual(Cdr.model_validate_json(answer.content), cdr._to_ocpi())
        self.assertEqual(self.url_open("/emobility/ocpi/2.2.1/cdr/999999999").status_code, 404)
        self.authenticate("ocpi-stranger", "ocpi-stranger")
        self.assertEqual(self.url_open(url).status_code, 403)

    def test_driver_of_the_portal_cannot_export(self) -> None:
        cdr = self.cdr()
        user = self._make_user("ocpi-driver", "base.group_portal")
        user.partner_id = self.driver
        with self.assertRaises(AccessError):
            cdr.with_user(user)._to_ocpi()
