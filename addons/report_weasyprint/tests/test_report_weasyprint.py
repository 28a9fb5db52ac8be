import base64
import io
from unittest.mock import patch

import pypdf
from PIL import Image

from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

from ..fetcher import BlockedUrlError, ReportUrlFetcher, Resource
from ..renderer import plutobook

_BASE = "http://report.test"


@tagged("post_install", "-at_install")
class TestReportWeasyprint(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env["ir.config_parameter"].set_param("report.url", _BASE)
        cls.partners = cls.env["res.partner"].create([{"name": "Anna Ampere"}, {"name": "Volker Volt"}])
        cls.env["ir.ui.view"].create(
            {
                "name": "report_weasyprint_test",
                "key": "report_weasyprint.test_document",
                "type": "qweb",
                "arch": """
<t t-name="report_weasyprint.test_document">
  <t t-call="web.html_container">
    <t t-foreach="docs" t-as="doc">
      <div class="header">Header of <t t-out="doc.name"/></div>
      <div class="article" data-oe-model="res.partner" t-att-data-oe-id="doc.id">
        <h1><t t-out="doc.name"/></h1>
        <p>First page</p>
        <p style="page-break-before: always">Second page</p>
        <t t-if="doc.name == 'Volker Volt'"><p style="page-break-before: always">Third page</p></t>
      </div>
      <div class="footer">
        Footer of <t t-out="doc.name"/>: <span class="page"/> of <span class="topage"/>
      </div>
    </t>
  </t>
</t>""",
            }
        )
        cls.report = cls.env["ir.actions.report"].create(
            {
                "name": "Test document",
                "model": "res.partner",
                "report_type": "qweb-pdf",
                "report_name": "report_weasyprint.test_document",
            }
        )

    def _pdf(self, partners) -> pypdf.PdfReader:
        report = self.report.with_context(force_report_rendering=True)
        content, kind = report._render_qweb_pdf(self.report, partners.ids)
        self.assertEqual(kind, "pdf")
        return pypdf.PdfReader(io.BytesIO(content))

    def test_each_page_of_a_document_has_header_and_footer_with_page_numbers(self) -> None:
        pages = self._pdf(self.partners[0]).pages
        self.assertEqual(len(pages), 2)
        for number, page in enumerate(pages, start=1):
            text = page.extract_text()
            self.assertIn("Header of Anna Ampere", text)
            self.assertIn(f"Footer of Anna Ampere: {number} of 2", text)

    def test_two_documents_in_one_call_keep_their_own_headers_and_page_numbers(self) -> None:
        texts = [page.extract_text() for page in self._pdf(self.partners).pages]
        self.assertEqual(len(texts), 5)
        owners = ["Anna Ampere"] * 2 + ["Volker Volt"] * 3
        footers = ["1 of 2", "2 of 2", "1 of 3", "2 of 3", "3 of 3"]
        for text, owner, footer in zip(texts, owners, footers, strict=True):
            self.assertIn(f"Header of {owner}", text)
            self.assertIn(f"Footer of {owner}: {footer}", text)

    def test_a_pdf_of_two_documents_is_split_into_one_stream_per_record(self) -> None:
        report = self.report.with_context(force_report_rendering=True)
        streams = report._render_qweb_pdf_prepare_streams(self.report, {}, self.partners.ids)
        page_counts = [len(pypdf.PdfReader(streams[partner.id]["stream"]).pages) for partner in self.partners]
        self.assertEqual(page_counts, [2, 3])

    def test_paper_format_gives_size_and_orientation(self) -> None:
        self.report.paperformat_id = self.env["report.paperformat"].create(
            {"name": "Half a sheet", "format": "A5", "orientation": "Landscape", "margin_top": 30}
        )
        box = self._pdf(self.partners[0]).pages[0].mediabox
        self.assertAlmostEqual(float(box.width) / 72 * 25.4, 210, delta=1)
        self.assertAlmostEqual(float(box.height) / 72 * 25.4, 148, delta=1)

    def test_stylesheets_are_parsed_once(self) -> None:
        self._pdf(self.partners[0])
        with patch("weasyprint.tinycss2.parse_stylesheet", return_value=[]) as parse:
            self._pdf(self.partners[0])
        # Only the page rule of the paper format is parsed anew; the bundles come from the cache.
        self.assertEqual(parse.call_count, 1)

    def test_wkhtmltopdf_is_reported_as_available(self) -> None:
        self.assertEqual(self.env["ir.actions.report"].get_wkhtmltopdf_state(), "ok")


@tagged("post_install", "-at_install")
class TestPlutobook(TestReportWeasyprint):
    """All that is true of WeasyPrint is true of the fast renderer, for reports that choose it."""

    allow_inherited_tests_method = True

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        view = cls.env["ir.ui.view"].search([("key", "=", "report_weasyprint.test_document")])
        view.arch = view.arch.replace(
            'class="article"',
            'class="article" data-oe-lang="en_US" data-report-renderer="plutobook"'
            ' data-report-stylesheets="/web/static/lib/none.css"',
        ).replace("<h1>", '<img src="/web/image/999999999"/><img src="https://tracker.example/pixel.png"/><h1>')

    def setUp(self) -> None:
        super().setUp()
        if plutobook is None:
            self.skipTest("no build of PlutoBook for this machine")
        read = ReportUrlFetcher.resource

        def resource(fetcher: ReportUrlFetcher, url: str) -> Resource:
            return Resource(b"h1 { color: red }", "text/css") if url.endswith("none.css") else read(fetcher, url)

        self.startPatcher(patch.object(ReportUrlFetcher, "resource", resource))

    def _pdf(self, partners) -> pypdf.PdfReader:
        with (
            patch("weasyprint.HTML.render", side_effect=AssertionError("WeasyPrint was used")),
            mute_logger("odoo.addons.report_weasyprint.fetcher", "odoo.addons.report_weasyprint.plutobook"),
        ):
            return super()._pdf(partners)

    def test_stylesheets_are_parsed_once(self) -> None:
        self.skipTest("its parser is a part of the engine")

    def test_it_is_pdf_a_3(self) -> None:
        reader = self._pdf(self.partners[0])
        root = reader.trailer["/Root"]
        self.assertEqual(root["/OutputIntents"][0]["/S"], "/GTS_PDFA1")
        self.assertIn(b'pdfaid:part="3" pdfaid:conformance="B"', root["/Metadata"].get_data())
        self.assertEqual(root["/Lang"], "en-US")
        self.assertIn("/ID", reader.trailer)
        self.assertEqual(set(reader.metadata), {"/Producer"})
        for page in reader.pages:
            for font in page["/Resources"]["/Font"].values():
                self.assertIn("/FontFile2", font["/FontDescriptor"])

    def test_where_there_is_no_build_of_it_weasyprint_renders(self) -> None:
        with (
            patch("odoo.addons.report_weasyprint.renderer.plutobook", None),
            mute_logger("odoo.addons.report_weasyprint.fetcher", "weasyprint"),
        ):
            report = self.report.with_context(force_report_rendering=True)
            content, _kind = report._render_qweb_pdf(self.report, self.partners[0].ids)
        self.assertIn("WeasyPrint", pypdf.PdfReader(io.BytesIO(content)).metadata["/Producer"])


@tagged("post_install", "-at_install")
class TestReportUrlFetcher(TransactionCase):
    def setUp(self) -> None:
        super().setUp()
        self.fetcher = ReportUrlFetcher(self.env, _BASE)

    def _png(self) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", (40, 20), "#00ff00").save(file, "PNG")
        return file.getvalue()

    def test_foreign_hosts_are_refused_with_a_warning_and_without_a_connection(self) -> None:
        with (
            patch("socket.socket.connect", side_effect=AssertionError("network was used")),
            self.assertLogs("odoo.addons.report_weasyprint.fetcher", "WARNING") as logs,
            self.assertRaises(BlockedUrlError),
        ):
            self.fetcher("https://tracker.example/pixel.png")
        self.assertIn("tracker.example", logs.output[0])

    def test_files_outside_the_static_folders_are_refused(self) -> None:
        for url in ("file:///etc/passwd", f"{_BASE}/etc/passwd", f"{_BASE}/base/models/res_users.py"):
            with (
                self.subTest(url=url),
                self.assertLogs("odoo.addons.report_weasyprint.fetcher", "WARNING"),
                self.assertRaises(BlockedUrlError),
            ):
                self.fetcher(url)

    def test_dots_do_not_leave_the_static_folder(self) -> None:
        for path in ("../../../../../../etc/passwd", "../__manifest__.py", "src/../../models/ir_http.py"):
            with (
                self.subTest(path=path),
                self.assertLogs("odoo.addons.report_weasyprint.fetcher", "WARNING"),
                self.assertRaises(BlockedUrlError),
            ):
                self.fetcher.resource(f"{_BASE}/web/static/{path}")

    def test_static_files_images_and_data_uris_are_read(self) -> None:
        png = self._png()
        attachment = self.env["ir.attachment"].create({"name": "a.png", "raw": png, "mimetype": "image/png"})
        partner = self.env["res.partner"].create({"name": "P", "image_1920": base64.b64encode(png)})
        data_uri = "data:image/png;base64," + base64.b64encode(png).decode()
        self.assertEqual(self.fetcher(f"{_BASE}/web/image/{attachment.id}").read(), png)
        self.assertEqual(self.fetcher(f"/web/content/{attachment.id}?unique=1").read(), png)
        self.assertEqual(self.fetcher(data_uri).read(), png)
        image = self.fetcher(f"/web/image/res.partner/{partner.id}/image_1920/10x10")
        self.assertEqual(image.content_type, "image/png")
        self.assertLessEqual(Image.open(io.BytesIO(image.read())).width, 10)
        self.assertTrue(self.fetcher("/web/static/img/logo.png").read())

    def test_images_are_read_with_the_rights_of_the_user(self) -> None:
        attachment = self.env["ir.attachment"].create({"name": "secret.png", "raw": self._png()})
        public = ReportUrlFetcher(self.env(user=self.env.ref("base.public_user")), _BASE)
        with self.assertRaises(Exception) as caught:
            public.resource(f"/web/image/{attachment.id}")
        self.assertEqual(type(caught.exception).__name__, "AccessError")

    def test_barcodes_are_drawn(self) -> None:
        resource = self.fetcher.resource("/report/barcode/?barcode_type=QR&value=hello&width=100&height=100")
        self.assertEqual(Image.open(io.BytesIO(resource.content)).format, "PNG")
