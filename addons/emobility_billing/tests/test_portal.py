from datetime import UTC, datetime

from lxml import html

from odoo.tests import HttpCase, new_test_user, tagged

from .charging_common import ChargedCommon


@tagged("post_install", "-at_install")
class TestChargingPortal(ChargedCommon, HttpCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.user = new_test_user(cls.env, "anna", groups="base.group_portal", tz="Europe/Berlin")
        cls.user.partner_id.name = "Anna Ampere"
        cls.other = new_test_user(cls.env, "volker", groups="base.group_portal")
        cls.contract = cls._make_contract(cls.user.partner_id, "04AAAA01")
        cls.foreign_contract = cls._make_contract(cls.other.partner_id, "04AAAA02")

    def setUp(self) -> None:
        super().setUp()
        self.january = self._charge("jan", self.contract, datetime(2026, 1, 10, 9, tzinfo=UTC), 40, "12.5")
        self.february = self._charge("feb", self.contract, datetime(2026, 2, 11, 9, tzinfo=UTC), 60, "30")
        # 31 March 22:30 UTC is 1 April in Berlin.
        self.april = self._charge("apr", self.contract, datetime(2026, 3, 31, 22, 30, tzinfo=UTC), 30, "20")
        start = datetime(2026, 1, 20, 9, tzinfo=UTC)
        self.foreign = self._charge("foreign", self.foreign_contract, start, 40, "11")

    def _get(self, path: str, login: str | None = "anna") -> html.HtmlElement:
        self.authenticate(login, login)
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        self.last_url = response.url
        return html.fromstring(response.text)

    def _listed(self, page: html.HtmlElement) -> list[int]:
        links = page.xpath("//*[@id='charging_cards']//a/@href")
        return [int(link.rsplit("/", 1)[1]) for link in links]

    def test_list_shows_own_sessions_newest_first_with_sums(self) -> None:
        page = self._get("/my/charging")
        self.assertEqual(self._listed(page), [self.april.id, self.february.id, self.january.id])
        self.assertEqual(page.xpath("//*[@id='charging_total_count']")[0].text_content().strip(), "3")
        self.assertEqual(page.xpath("//*[@id='charging_total_energy']")[0].text_content().strip(), "62.5")
        expected = sum((self.january | self.february | self.april).cdr_ids.mapped("retail_amount"))
        amount = page.xpath("//*[@id='charging_total_amount']")[0].text_content()
        self.assertIn(f"{expected:.2f}", amount)

    def test_month_filter_follows_the_clock_of_the_user(self) -> None:
        self.assertEqual(self._listed(self._get("/my/charging?filterby=2026-04")), [self.april.id])
        self.assertEqual(self._listed(self._get("/my/charging?filterby=2026-02")), [self.february.id])
        self.assertIn("no charging sessions", self._get("/my/charging?filterby=2026-03").text_content())

    def test_sort_by_energy_and_nonsense_arguments(self) -> None:
        by_energy = [self.february.id, self.april.id, self.january.id]
        self.assertEqual(self._listed(self._get("/my/charging?sortby=energy")), by_energy)
        self.assertEqual(len(self._listed(self._get("/my/charging?sortby=x&filterby=y&page=1"))), 3)

    def test_pager_splits_long_lists(self) -> None:
        contract = self.contract
        for day in range(1, 21):
            self._charge(f"may{day}", contract, datetime(2026, 5, day, 9, tzinfo=UTC), 40, "5")
        self.assertEqual(len(self._listed(self._get("/my/charging"))), 20)
        self.assertEqual(len(self._listed(self._get("/my/charging/page/2"))), 3)

    def test_detail_shows_place_local_time_and_price_sentences(self) -> None:
        page = self._get(f"/my/charging/{self.january.id}")
        text = page.xpath("//*[@id='charging_session']")[0].text_content()
        self.assertIn("Marktplatz", text)
        self.assertIn("DE*ABC*E1", text)
        self.assertIn("10:00", text, "9:00 UTC is 10:00 in Berlin")
        rating = self.january.cdr_ids.rating_ids
        for line in rating.line_ids:
            self.assertIn(line.description, text)
        self.assertIn(f"{rating.amount_total:.2f}", text)

    def test_detail_links_the_invoice_once_it_is_posted(self) -> None:
        self.assertFalse(
            self._get(f"/my/charging/{self.january.id}").xpath("//a[contains(@href, '/my/invoices/')]")
        )
        move = self._invoice(self.january)
        links = self._get(f"/my/charging/{self.january.id}").xpath(
            "//a[contains(@href, '/my/invoices/')]/@href"
        )
        self.assertEqual(links, [f"/my/invoices/{move.id}"])

    def test_link_of_the_session_record_opens_its_page(self) -> None:
        page = self._get(self.january.access_url)
        self.assertTrue(page.xpath("//*[@id='charging_session']"))

    def test_f52_sessions_of_others_are_not_shown_by_walking_ids(self) -> None:
        for path in (
            f"/my/charging/{self.foreign.id}",
            f"/my/charging/sessions/{self.foreign.id}",
            "/my/charging/999999",
        ):
            with self.subTest(path=path):
                page = self._get(path)
                self.assertFalse(page.xpath("//*[@id='charging_session']"))
                self.assertTrue(self.last_url.rstrip("/").endswith(("/my", "/my/home")))

    def test_without_login_nothing_is_shown(self) -> None:
        self.authenticate(None, None)
        for path in ("/my/charging", f"/my/charging/{self.january.id}"):
            response = self.url_open(path)
            self.assertIn("/web/login", response.url)
            self.assertNotIn("Marktplatz", response.text)

    def test_home_counts_the_sessions_of_the_user_only(self) -> None:
        self.authenticate("anna", "anna")
        result = self.make_jsonrpc_request("/my/counters", {"counters": ["charging_session_count"]})
        self.assertEqual(result["charging_session_count"], 3)
        self.assertTrue(self._get("/my/home").xpath("//a[@href='/my/charging']"))

    def test_held_session_says_so_without_a_price(self) -> None:
        contract = self.contract
        held = self._charge("held", contract, datetime(2026, 6, 1, 9, tzinfo=UTC), 10, "45")
        self.assertEqual(held.state, "held")
        text = self._get(f"/my/charging/{held.id}").text_content()
        self.assertIn("We check this session before we bill it", text)
