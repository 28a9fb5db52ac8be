from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.emobility_billing.tests.common import ChargingCommon
from odoo.addons.emobility_roaming.ocpi import v221, v230

from ..datex.write import NAMESPACES
from ..models import nap_feed, nap_fetch

# A folder with Table/ and Status/ of the schema of DATEX II 3.5, which is not part of this project.
SCHEMAS = os.environ.get("DATEX_SCHEMAS")
BASE = "/nap/DENAP/de/"


@tagged("post_install", "-at_install")
class TestFeed(ChargingCommon, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.write(
            {"emobility_country_code": "DE", "emobility_party_id": "NAP", "nap_access": "open", "name": "Muster GmbH"}
        )
        person = cls.env["res.partner"].create({"name": "Paula Private", "email": "paula@example.com"})
        cls.location.write(
            {"is_public": True, "is_published": True, "latitude": 52.5, "longitude": 13.4, "zip": "12345",
             "street": "Hauptstraße 1", "operator_id": person.id, "host_id": person.id,
             "default_contract_id": cls.contract.id}
        )  # fmt: skip
        cls.evse.write({"evse_id": "DE*ABC*E1", "nap_station_id": "BN-77", "physical_reference": "Bay 1"})
        cls.walkup = cls._make_tariff("WALKUP", {"ENERGY": 0.59, "FLAT": 0.35})
        cls.walkup_rule = cls._make_rule(cls.walkup, relation="adhoc")
        cls.hidden = cls.location.copy({"name": "Depot", "is_public": True, "is_published": False})
        cls.env["emobility.evse"].create({"uid": "DEPOT-1", "location_id": cls.hidden.id})
        cls.publication = cls.env["emobility.nap.publication"].create(
            {"company_id": cls.company.id, "country_id": cls.env.ref("base.de").id,
             "lang_id": cls.env.ref("base.lang_en").id, "national_identifier": "DE-NAP-ABC"}
        )  # fmt: skip

    def fetch(self, kind: str, *, headers: dict[str, str] | None = None, since: str = "") -> Any:
        answer = self.url_open(BASE + kind + (f"?since={since}" if since else ""), headers=headers)
        self.env.invalidate_all()
        return answer

    def xml(self, kind: str, **options: Any) -> Any:
        answer = self.fetch(kind, **options)
        self.assertEqual(answer.status_code, 200, answer.text)
        root = etree.fromstring(answer.content)
        if SCHEMAS:
            folder = "Table" if kind.endswith("table") else "Status"
            etree.XMLSchema(file=str(Path(SCHEMAS) / folder / "DATEXII_3_D2Payload.xsd")).assertValid(root)
        return root

    def data(self, kind: str, **options: Any) -> Any:
        answer = self.fetch(kind, **options)
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(answer.json()["status_code"], 1000)
        return answer.json()["data"]

    def texts(self, root: Any, path: str) -> list[str]:
        return ["".join(node.itertext()) for node in root.iterfind(path, NAMESPACES)]

    def pass_time(self, seconds: int = 60) -> None:
        """Everything that was noted is older by so much: what changes now is looked for, and is newer."""
        past = timedelta(seconds=seconds)
        publication = self.publication.sudo()
        publication.checked_at -= past
        for point in publication.point_ids:
            point.write({"static_at": point.static_at - past, "dynamic_at": point.dynamic_at - past})

    def shown_price(self) -> list[str]:
        sheet = self.evse._adhoc_sheet()
        return [f"{line.price:.2f}" for line in sheet.lines]

    # What is published

    def test_f67_the_table_has_public_and_published_places_with_the_price_of_all_channels(self) -> None:
        root = self.xml("datex2/table")
        self.assertEqual(self.texts(root, ".//egi:energyInfrastructureSite/fac:name"), ["Market square"])
        self.assertEqual(self.texts(root, ".//egi:evseId"), ["DE*ABC*E1"])
        self.assertEqual(self.texts(root, ".//egi:stationIdBNetzA"), ["BN-77"])
        self.assertEqual(self.texts(root, ".//egi:maxPowerAtSocket"), ["22000"])
        self.assertEqual(self.texts(root, ".//com:nationalIdentifier"), ["DE-NAP-ABC"])
        self.assertEqual(self.texts(root, ".//egi:energyPrice/egi:value"), self.shown_price())
        self.assertEqual(self.shown_price(), ["0.59", "0.35"])
        self.assertEqual(self.texts(root, ".//fac:paymentMeans"), ["qrCode", "website"])

    def test_the_status_has_state_and_price_and_refers_to_the_table(self) -> None:
        table, root = self.xml("datex2/table"), self.xml("datex2/status")
        self.assertEqual(self.texts(root, ".//egi:refillPointStatus/egi:status"), ["unknown"])
        self.assertEqual(self.texts(root, ".//egi:energyPrice/egi:value"), self.shown_price())
        known = {(node.get("id"), node.get("version")) for node in table.iter() if node.get("version")}
        for name in ("egi:tableReference", "fac:reference"):
            for node in root.iterfind(f".//{name}", NAMESPACES):
                self.assertIn((node.get("id"), node.get("version")), known)

    def test_the_state_is_that_of_the_station(self) -> None:
        self.xml("datex2/status")
        station = self.env["emobility.station"].create(
            {"identity": "NAP-1", "location_id": self.location.id, "accepted": True, "company_id": self.company.id}
        )
        self.evse.write({"station_id": station.id, "ocpp_evse_number": 1})
        station._apply_connection(fields.Datetime.now(), {"ocpp": "1.6", "remote_address": "::1"}, True)
        for state, datex, ocpi in (("Available", "available", "AVAILABLE"), ("Charging", "occupied", "CHARGING"),
                                   ("Faulted", "unavailable", "OUTOFORDER")):  # fmt: skip
            self.pass_time()
            self.connector.ocpp_status = state
            self.env.flush_all()
            self.assertEqual(self.texts(self.xml("datex2/status"), ".//egi:refillPointStatus/egi:status"), [datex])
            self.assertEqual(self.data("ocpi/2.2.1/locations")[0]["evses"][0]["status"], ocpi)

    def test_ocpi_has_the_same_places_and_prices(self) -> None:
        for version, tariff in (("2.2.1", v221.Tariff), ("2.3.0", v230.Tariff)):
            with self.subTest(version=version):
                location, = self.data(f"ocpi/{version}/locations")
                v221.Location.model_validate(location)
                self.assertEqual(location["name"], "Market square")
                found, = self.data(f"ocpi/{version}/tariffs")
                tariff.model_validate(found)
                self.assertEqual(found["type"], "AD_HOC_PAYMENT")
                self.assertEqual(location["evses"][0]["connectors"][0]["tariff_ids"], [found["id"]])
                components = [one for element in found["elements"] for one in element["price_components"]]
                gross = [one["price"] * (1.19 if version == "2.2.1" else 1) for one in components]
                self.assertEqual([f"{price:.2f}" for price in gross], self.shown_price())

    def test_f67_page_sticker_sheet_display_ocpi_and_public_data_agree(self) -> None:
        """Whatever the tariff is, and after it has changed: all channels show one price, and none shows another."""
        station = self.env["emobility.station"].create(
            {"identity": "NAP-2", "location_id": self.location.id, "company_id": self.company.id, "shows_texts": "yes"}
        )
        self.evse.write({"station_id": station.id, "ocpp_evse_number": 1})
        station._apply_connection(fields.Datetime.now(), {"ocpp": "2.0.1"}, True)
        first = self.prices_by_channel()
        self.assertEqual(set(map(tuple, first.values())), {("0.59", "0.35")}, first)
        self.pass_time()
        version = self.walkup.version_ids.copy({"valid_from": fields.Datetime.now()})
        energy, start = version.element_ids.component_ids.sorted("dimension")
        energy.price, start.price = 0.64, 0.40
        self.env["emobility.price.publication"]._publish(self.evse)
        second = self.prices_by_channel()
        self.assertEqual(set(map(tuple, second.values())), {("0.64", "0.40")}, second)

    def prices_by_channel(self) -> dict[str, list[str]]:
        """Energy and start fee as each channel tells them."""
        reports = self.env["ir.actions.report"]
        texts = {
            "page": self.url_open(f"/charge/{self.evse.adhoc_code}").text,
            "sticker": reports._render_qweb_html("emobility_adhoc.price_sheet_sticker", self.evse.ids)[0].decode(),
            "price sheet": reports._render_qweb_html("emobility_adhoc.price_sheet_evse", self.evse.ids)[0].decode(),
            "display": self.evse.sudo().adhoc_display_id.payload["text"],
            "log": self.env["emobility.price.publication"].search([("evse_id", "=", self.evse.id)], limit=1).text
            or self.evse._adhoc_sheet().short_text(),
        }
        found = {
            name: re.findall(r"(\d+\.\d+) EUR/kWh", text) + re.findall(r"(\d+\.\d+) EUR/session", text)
            for name, text in texts.items()
        }
        tariff, = self.data("ocpi/2.3.0/tariffs")
        components = [one for element in tariff["elements"] for one in element["price_components"]]
        by_type = {one["type"]: f"{one['price']:.2f}" for one in components}
        return found | {
            "OCPI": [by_type["ENERGY"], by_type["FLAT"]],
            "table": self.texts(self.xml("datex2/table"), ".//egi:energyPrice/egi:value"),
            "status": self.texts(self.xml("datex2/status"), ".//egi:energyPrice/egi:value"),
        }

    def test_no_document_has_personal_data(self) -> None:
        for kind in ("datex2/table", "datex2/status", "ocpi/2.2.1/locations", "ocpi/2.3.0/tariffs"):
            text = self.fetch(kind).text
            for secret in ("Paula", "paula@", self.driver.name, self.contract.name, "04A1B2C3", "Depot", "DEPOT-1"):
                self.assertNotIn(secret, text, kind)

    def test_a_tariff_that_ocpi_cannot_express_is_told_in_datex_only(self) -> None:
        self.walkup.version_ids.write({"idle_price": 6.0, "idle_grace": 30})
        self.assertEqual(self.data("ocpi/2.3.0/tariffs"), [])
        self.assertNotIn("tariff_ids", self.data("ocpi/2.3.0/locations")[0]["evses"][0]["connectors"][0])
        self.assertIn("0.10", self.texts(self.xml("datex2/table"), ".//egi:energyPrice/egi:value"))

    # What has changed

    def test_a_snapshot_is_kept_until_something_changes(self) -> None:
        first = self.fetch("datex2/table")
        same = self.fetch("datex2/table", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((same.status_code, same.content), (304, b""))
        later = self.fetch("datex2/table", headers={"If-Modified-Since": first.headers["Last-Modified"]})
        self.assertEqual(later.status_code, 304)
        self.pass_time()
        self.location.street = "Hauptstraße 2"
        changed = self.fetch("datex2/table", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual(changed.status_code, 200)
        self.assertIn("Hauptstraße 2", changed.content.decode())
        self.publication.is_test = True
        self.assertIn(">test<", self.fetch("datex2/table").text)

    def test_what_changes_is_told_within_a_minute(self) -> None:
        """The law gives a day for what is static."""
        self.xml("datex2/table"), self.xml("datex2/status")
        station = self.env["emobility.station"].create(
            {"identity": "NAP-3", "location_id": self.location.id, "accepted": True, "company_id": self.company.id}
        )
        self.evse.write({"station_id": station.id, "ocpp_evse_number": 1})
        station._apply_connection(fields.Datetime.now(), {"ocpp": "1.6", "remote_address": "::1"}, True)
        self.connector.ocpp_status = "Charging"
        self.location.street = "Hauptstraße 3"
        self.env.flush_all()
        self.assertLess(nap_feed.CHECK_SECONDS, 60)
        self.pass_time(nap_feed.CHECK_SECONDS + 1)
        self.assertIn("Hauptstraße 3", self.texts(self.xml("datex2/table"), ".//locx:text"))
        self.assertEqual(self.texts(self.xml("datex2/status"), ".//egi:refillPointStatus/egi:status"), ["occupied"])

    def test_the_delta_has_what_changed_since_then_only(self) -> None:
        other = self.location.copy({"name": "Station road", "is_published": True})
        second = self.env["emobility.evse"].create({"uid": "ROAD-1", "location_id": other.id})
        self.assertEqual(len(self.data("ocpi/2.2.1/locations")), 2)
        self.pass_time()
        since = (fields.Datetime.now() - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(self.fetch("datex2/table", since=since).status_code, 204)
        self.assertEqual(self.data("ocpi/2.2.1/locations", since=since), [])
        self.assertEqual(self.texts(self.xml("datex2/status", since=since), ".//egi:status"), [])
        self.pass_time()
        self._make_rule(self._make_tariff("DEAR", {"ENERGY": 0.99}), relation="adhoc", sequence=-1)
        self.walkup_rule.unlink()
        other.is_published = False
        self.assertEqual([one["name"] for one in self.data("ocpi/2.2.1/locations", since=since)], ["Market square"])
        status = self.xml("datex2/status", since=since)
        self.assertEqual(self.texts(status, ".//egi:refillPointStatus/egi:status"), ["unknown", "removed"])
        self.assertEqual(self.texts(status, ".//egi:value"), ["0.99"])
        self.assertNotIn("Station road", etree.tostring(status).decode())
        self.assertNotIn(second.uid, self.fetch("datex2/status").text, "the snapshot has only what is there")

    # Who may

    def test_token_is_asked_for_and_only_the_newest_one_opens(self) -> None:
        self.company.nap_access = "token"
        self.assertEqual(self.fetch("datex2/table").status_code, 401, "there is no token yet")
        self.assertEqual(self.fetch("datex2/table", headers={"Authorization": "Bearer "}).status_code, 401)
        old, new = self.company._nap_new_token(), self.company._nap_new_token()
        self.assertNotIn(new, self.company.sudo().nap_token_hash)
        for token, status in ((old, 401), (new, 200)):
            answer = self.fetch("datex2/table", headers={"Authorization": f"Bearer {token}"})
            self.assertEqual(answer.status_code, status)
        self.assertEqual(answer.headers["Cache-Control"], "private, no-cache")
        statuses = self.env["emobility.nap.fetch"].search([("publication_id", "=", self.publication.id)], order="id")
        self.assertEqual(statuses.mapped("status"), [401, 401, 401, 200])

    def test_what_is_not_there_is_not_found(self) -> None:
        for path in ("/nap/DENAP/fr/datex2/table", "/nap/DE/de/datex2/table", f"{BASE}datex2/other"):
            self.assertEqual(self.url_open(path).status_code, 404, path)
        self.publication.active = False
        self.assertEqual(self.fetch("datex2/table").status_code, 404)

    def test_a_time_that_cannot_be_read_is_refused(self) -> None:
        for since in ("yesterday", "0001-01-01T00:00:00%2B14:00"):
            self.assertEqual(self.fetch("datex2/table", since=since).status_code, 400, since)

    def test_while_another_request_makes_the_data_the_kept_ones_are_sent(self) -> None:
        feed = self.env["emobility.nap.feed"]
        for model in ("emobility.nap.publication", "emobility.nap.document"):
            with self.subTest(first=model), self.locked_elsewhere(model):
                self.assertEqual(self.fetch("datex2/table").status_code, 503)
        kept = feed._document(self.publication, "datex2/table")
        for model in ("emobility.nap.publication", "emobility.nap.document"):
            self.pass_time()
            self.location.name = f"Square {model}"
            with self.subTest(next=model), self.locked_elsewhere(model):
                self.assertEqual(feed._document(self.publication, "datex2/table"), kept)
        self.assertIn(b"Square", feed._document(self.publication, "datex2/table").body)

    @contextmanager
    def locked_elsewhere(self, model: str) -> Iterator[None]:
        nothing = self.env[model]
        with patch.object(type(nothing), "try_lock_for_update", lambda records, **_options: nothing):
            yield

    def test_who_asks_too_often_waits(self) -> None:
        with patch.object(nap_fetch, "PER_MINUTE", 2):
            statuses = [self.fetch("datex2/status").status_code for _attempt in range(3)]
        self.assertEqual(statuses, [200, 200, 429])

    def test_settings_show_the_token_once(self) -> None:
        self.env.user.group_ids |= self.env.ref("base.group_system")
        settings = self.env["res.config.settings"].with_company(self.company).create({})
        shown = settings.action_nap_new_token()["params"]["message"]
        self.company.nap_access = "token"
        self.assertTrue(self.company._nap_admits(shown))
        self.assertNotIn(shown, json.dumps(self.company.sudo().read(["nap_token_hash"])))
