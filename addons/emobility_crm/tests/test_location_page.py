from lxml import html

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon


@tagged("post_install", "-at_install")
class TestLocationPage(HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.location = cls.env["emobility.location"].create(
            {
                "name": "Yard <1>",
                "code": "PAGE/1",
                "street": "Weg 1",
                "zip": "10115",
                "city": "Berlin",
                "latitude": 52.5,
                "longitude": 13.4,
                "time_zone": "Europe/Berlin",
                "is_published": True,
                "open_always": False,
                "opening_hour_ids": [Command.create({"weekday": "2", "hour_from": 8, "hour_to": 18.5})],
                "evse_ids": [
                    Command.create(
                        {
                            "evse_id": "DE*ABC*E77",
                            "connector_ids": [
                                Command.create(
                                    {"standard": "IEC_62196_T2_COMBO", "power_type": "DC", "max_power_kw": 150}
                                )
                            ],
                        }
                    )
                ],
            }
        )

    def test_anybody_reads_address_hours_and_charging_points_of_a_published_place(self) -> None:
        response = self.url_open(self.location.public_url)
        self.assertEqual(response.status_code, 200)
        page = html.fromstring(response.text)
        text = page.xpath("//*[@id='wrap']")[0].text_content()
        for word in ("Yard <1>", "Weg 1", "10115", "Tuesday 08:00 - 18:30", "DE*ABC*E77", "CCS (Combo 2)", "150 kW"):
            with self.subTest(word=word):
                self.assertIn(word, text)
        self.assertIn("52.500000%2C13.400000", page.xpath("//a[@id='location_route']/@href")[0])
        self.assertEqual(len(page.xpath("//h1")), 1)

    @mute_logger("odoo.http")
    def test_place_that_is_not_published_does_not_exist(self) -> None:
        url = self.location.public_url
        for values in ({"is_published": False}, {"is_published": True, "active": False}):
            self.location.write(values)
            with self.subTest(values=values):
                response = self.url_open(url)
                self.assertEqual(response.status_code, 404)
                self.assertNotIn("Weg 1", response.text)
        self.assertEqual(self.url_open("/charging/location/NOWHERE").status_code, 404)

    def test_place_is_not_published_by_itself_and_a_copy_is_not_either(self) -> None:
        self.assertFalse(self.env["emobility.location"].create({"name": "New", "time_zone": "UTC"}).is_published)
        self.assertFalse(self.location.copy({"code": "PAGE-2"}).is_published)


@tagged("post_install", "-at_install")
class TestLocationMap(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.group = cls.env["emobility.location.group"].create({"name": "Mapped", "code": "MAPPED"})
        cls.berlin, cls.munich, cls.nowhere = cls.env["emobility.location"].create(
            [
                {
                    "name": f"Place {city} <b>",
                    "city": city,
                    "latitude": latitude,
                    "longitude": longitude,
                    "time_zone": "Europe/Berlin",
                    "group_ids": [Command.set(cls.group.ids)],
                }
                for city, latitude, longitude in (("Berlin", 52.5, 13.4), ("Munich", 48.1, 11.6), ("Nowhere", 0.0, 0.0))
            ]
        )

    def _map(self, **values: object) -> tuple[html.HtmlElement, str]:
        plan = self.env["emobility.location.map"].create({"group_id": self.group.id, **values})
        return html.fromstring(f"<div>{plan.picture}</div>"), plan.note

    def _dot(self, picture: html.HtmlElement, location: object) -> tuple[float, float]:
        [circle] = picture.xpath(f"//a[contains(@href, 'action_emobility_location/{location.id}')]/circle")
        return float(circle.get("cx")), float(circle.get("cy"))

    def test_map_has_north_on_top_and_east_on_the_right(self) -> None:
        picture, note = self._map()
        berlin, munich = self._dot(picture, self.berlin), self._dot(picture, self.munich)
        self.assertGreater(berlin[0], munich[0])
        self.assertLess(berlin[1], munich[1])
        self.assertEqual(len(picture.xpath("//circle")), 2)
        self.assertIn("not shown: 1.", note)

    def test_dots_name_place_and_state_and_escape_what_people_typed(self) -> None:
        picture, _note = self._map()
        titles = picture.xpath("//circle/title/text()")
        self.assertIn("Place Berlin <b>, Berlin, not known", titles)

    def test_lines_of_a_map_of_one_place_have_texts_of_their_own(self) -> None:
        picture, _note = self._map(text="munich")
        texts = [each for each in picture.xpath("//text()") if each.endswith("\N{DEGREE SIGN}")]
        self.assertEqual(len(texts), len(set(texts)), texts)

    def test_map_shows_only_what_is_searched_for(self) -> None:
        picture, _note = self._map(text="munich")
        self.assertEqual(len(picture.xpath("//circle")), 1)
        self.assertEqual(self._dot(picture, self.munich), (500.0, 310.0))
        picture, _note = self._map(text="no such place")
        self.assertIn("No place", picture.text_content())

    def test_technician_clerk_and_auditor_open_the_map(self) -> None:
        for role in ("technician", "user", "auditor"):
            user = new_test_user(self.env, f"map-{role}", groups=f"emobility_crm.group_{role}")
            with self.subTest(role=role):
                plan = self.env["emobility.location.map"].with_user(user).create({"group_id": self.group.id})
                self.assertIn("<svg", plan.picture)

    def test_map_of_many_places_asks_no_more_queries_than_of_few(self) -> None:
        self.env["emobility.location"].create(
            [
                {"name": f"Many {n}", "latitude": 50 + n / 100, "longitude": 10.0, "time_zone": "Europe/Berlin",
                 "group_ids": [Command.set(self.group.ids)], "evse_ids": [Command.create({})]}
                for n in range(60)
            ]
        )  # fmt: skip
        plan = self.env["emobility.location.map"].create({"group_id": self.group.id})
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(12):
            self.assertEqual(plan.picture.count("<circle"), 62)
