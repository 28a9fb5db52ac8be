"""Turns the HTML parts of a QWeb report into one PDF.

The ORM hands over what it always prepared for wkhtmltopdf: one HTML page per record, and one page each that
holds all headers and all footers in the same order. Here header and footer become running elements of the
body they belong to, so that each page of each document shows its own.
"""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

import lxml.html
import pydyf
from weasyprint import CSS, HTML
from weasyprint.document import Document, Page
from weasyprint.text.fonts import FontConfiguration

from .fetcher import ReportUrlFetcher

try:
    from . import plutobook
except ImportError:  # there is no build of it for this machine
    plutobook = None

# WeasyPrint warns about each property of bootstrap that does not exist in print; what could not be loaded is
# an error.
for _name in ("weasyprint", "weasyprint.progress", "fontTools"):
    logging.getLogger(_name).setLevel(logging.ERROR)

_MAX_STYLESHEETS = 64
# For archives, and for e-invoices inside a PDF (Factur-X). Odoo takes every PDF of WeasyPrint for PDF/A, by the second
# line of the file, and would not make it one.
_PDF_VARIANT = "pdf/a-3b"

# The web client's layout clips the page (height 0, hidden overflow) for wkhtmltopdf's sake; that would
# swallow page breaks.
_LAYOUT_CSS = """
html { height: auto !important; }
body { overflow: visible !important; }
.report-running-header { position: running(report-header); width: 100%; }
.report-running-footer { position: running(report-footer); width: 100%; }
.o_css_margins > .report-running-header, .o_css_margins > .report-running-footer {
  box-sizing: border-box; padding-left: inherit; padding-right: inherit;
}
.report-running-header .page::before, .report-running-footer .page::before { content: counter(page); }
.report-running-header .topage::before, .report-running-footer .topage::before { content: counter(pages); }
"""


@dataclass(frozen=True)
class PageGeometry:
    """Sheet and margins in millimetres; the header starts ``header_top`` below the upper edge."""

    width: float
    height: float
    margin_top: float
    margin_right: float
    margin_bottom: float
    margin_left: float
    header_top: float

    def css(self) -> str:
        """The page rule, with the running elements in the margin boxes."""
        return f"""
@page {{
  size: {self.width}mm {self.height}mm;
  margin: {self.margin_top}mm {self.margin_right}mm {self.margin_bottom}mm {self.margin_left}mm;
  @top-center {{
    content: element(report-header); width: 100%; vertical-align: top; padding-top: {self.header_top}mm;
  }}
  @bottom-center {{ content: element(report-footer); width: 100%; vertical-align: top; }}
}}"""


@dataclass(frozen=True)
class _Source:
    """A document before its layout: header and footer are running elements of its HTML."""

    html: str
    stylesheet_urls: list[str]
    renderer: str
    language: str


class StylesheetCache:
    """Parsed stylesheets by URL and content, so that a change of the content is never missed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parsed: OrderedDict[tuple[str, str], CSS] = OrderedDict()

    def get(self, url: str, fetcher: ReportUrlFetcher, font_config: FontConfiguration) -> CSS:
        """The parsed stylesheet behind ``url``; raises BlockedUrlError or FileNotFoundError when it cannot
        be read.
        """
        content = fetcher.resource(url).content
        key = (url, hashlib.sha256(content).hexdigest())
        if key not in self._parsed:
            self._parsed[key] = CSS(
                string=content.decode(), base_url=url, url_fetcher=fetcher, font_config=font_config
            )
            if len(self._parsed) > self._size:
                self._parsed.popitem(last=False)
        self._parsed.move_to_end(key)
        return self._parsed[key]


# Pango and fontconfig keep global state: one configuration, one rendering at a time in a process.
_lock = threading.RLock()
_font_config = FontConfiguration()
_stylesheets = StylesheetCache(_MAX_STYLESHEETS)


def render_pdf(
    bodies: Sequence[str],
    header: str | None,
    footer: str | None,
    geometry: PageGeometry,
    base_url: str,
    fetcher: ReportUrlFetcher,
) -> bytes:
    """Render all bodies into one PDF.

    Page numbers start again with each body. With more than one body the outline has exactly one entry per
    body, which is how ``ir.actions.report`` finds the pages of each record again.

    :param header: page whose ``#minimal_layout_report_headers`` holds one header per body (or one for all)
    :param footer: the same with ``#minimal_layout_report_footers``
    """
    headers = _layout_parts(header, "minimal_layout_report_headers")
    footers = _layout_parts(footer, "minimal_layout_report_footers")
    sources = [
        _assemble(body, _part(headers, index), _part(footers, index), base_url) for index, body in enumerate(bodies)
    ]
    with _lock:
        if plutobook and all(source.renderer == "plutobook" for source in sources):
            return plutobook.render(
                [_plutobook_source(source, geometry, fetcher) for source in sources], base_url, fetcher
            )
        documents = [_layout(source, geometry, base_url, fetcher) for source in sources]
        if len(documents) == 1:
            return documents[0].write_pdf(pdf_variant=_PDF_VARIANT)
        return _write_together(documents)


def _layout_parts(page: str | None, element_id: str) -> list[lxml.html.HtmlElement]:
    if not page:
        return []
    parents = _parse(page).xpath("//div[@id=$element_id]", element_id=element_id)
    return list(parents[0]) if parents else []


def _part(parts: list[lxml.html.HtmlElement], index: int) -> lxml.html.HtmlElement | None:
    """The part of document ``index``; a report with one header or footer for all documents repeats it."""
    if len(parts) == 1:
        return parts[0]
    return parts[index] if index < len(parts) else None


def _parse(page: str) -> lxml.html.HtmlElement:
    return lxml.html.fromstring(page, parser=lxml.html.HTMLParser(encoding="utf-8"))


def _assemble(
    body: str, header: lxml.html.HtmlElement | None, footer: lxml.html.HtmlElement | None, base_url: str
) -> _Source:
    root = lxml.html.document_fromstring(body, parser=lxml.html.HTMLParser(encoding="utf-8"))
    urls = _take_stylesheet_urls(root, base_url)
    renderer = root.xpath("//*[@data-report-renderer]/@data-report-renderer")
    language = root.xpath("//*[@data-oe-lang]/@data-oe-lang")
    _insert_running_elements(root.body, header, footer)
    html = lxml.html.tostring(root, encoding="unicode", doctype="<!DOCTYPE html>")
    return _Source(html, urls, renderer[0] if renderer else "", language[0] if language else "")


def _layout(source: _Source, geometry: PageGeometry, base_url: str, fetcher: ReportUrlFetcher) -> Document:
    stylesheets = [_stylesheets.get(url, fetcher, _font_config) for url in source.stylesheet_urls]
    page_css = CSS(string=geometry.css() + _LAYOUT_CSS, font_config=_font_config, url_fetcher=fetcher)
    html = HTML(string=source.html, base_url=base_url, url_fetcher=fetcher)
    # The page rule goes first: a report's own stylesheet may choose other margins.
    return html.render(font_config=_font_config, stylesheets=[page_css, *stylesheets])


def _plutobook_source(source: _Source, geometry: PageGeometry, fetcher: ReportUrlFetcher) -> "plutobook.Source":
    stylesheets = [fetcher.resource(url).content.decode() for url in source.stylesheet_urls]
    css = "\n".join([geometry.css(), _LAYOUT_CSS, *stylesheets])
    return plutobook.Source(source.html, css, source.language.replace("_", "-"))


def _take_stylesheet_urls(root: lxml.html.HtmlElement, base_url: str) -> list[str]:
    """Remove the linked stylesheets and return their URLs.

    An article with ``data-report-stylesheets`` (URLs separated by blanks) brings its own print stylesheets:
    they replace the web client's bundles, which are large and made for screens.
    """
    links = root.xpath("//link[@rel='stylesheet'][@href]")
    hrefs = [link.get("href") for link in links]
    for link in links:
        link.drop_tree()
    own = root.xpath("//*[@data-report-stylesheets]/@data-report-stylesheets")
    return [urljoin(base_url, href) for href in (own[0].split() if own else hrefs)]


def _insert_running_elements(
    body: lxml.html.HtmlElement, header: lxml.html.HtmlElement | None, footer: lxml.html.HtmlElement | None
) -> None:
    """Put both before the content: a running element shows from the page on which it stands."""
    for part, css_class in ((footer, "report-running-footer"), (header, "report-running-header")):
        if part is not None:
            wrapper = lxml.html.Element("div", {"class": css_class})
            wrapper.append(lxml.html.fromstring(lxml.html.tostring(part, encoding="unicode")))
            body.insert(0, wrapper)


def _write_together(documents: Sequence[Document]) -> bytes:
    pages: list[Page] = []
    first_pages: list[int] = []
    for document in documents:
        first_pages.append(len(pages))
        pages.extend(document.pages)
    for page in pages:
        page.bookmarks.clear()

    def add_outline(_document: Document, pdf: pydyf.PDF) -> None:
        _add_outline(pdf, first_pages)

    return documents[0].copy(pages).write_pdf(finisher=add_outline, pdf_variant=_PDF_VARIANT)


def _add_outline(pdf: pydyf.PDF, first_pages: Sequence[int]) -> None:
    """One outline entry per document, as named destinations with page numbers: the form that Odoo splits
    by.
    """
    outlines = pydyf.Dictionary({"Type": "/Outlines", "Count": len(first_pages)})
    pdf.add_object(outlines)
    entries = []
    for number, _page in enumerate(first_pages, start=1):
        entry = pydyf.Dictionary(
            {"Title": pydyf.String(str(number)), "Parent": outlines.reference, "Dest": f"/document{number}"}
        )
        pdf.add_object(entry)
        entries.append(entry)
    for before, after in zip(entries, entries[1:], strict=False):
        before["Next"] = after.reference
        after["Prev"] = before.reference
    outlines["First"] = entries[0].reference
    outlines["Last"] = entries[-1].reference
    destinations = pydyf.Dictionary(
        {f"document{number}": pydyf.Array([page, "/Fit"]) for number, page in enumerate(first_pages, start=1)}
    )
    pdf.add_object(destinations)
    pdf.catalog["Outlines"] = outlines.reference
    pdf.catalog["Dests"] = destinations.reference
