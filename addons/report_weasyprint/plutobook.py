"""Renders reports by PlutoBook, a layout engine in C++ that is some twenty times as fast as WeasyPrint.

It knows what print stylesheets of our own need and not all that the bundles of the web client contain, so a report
chooses it (``data-report-renderer="plutobook"`` on the article). Where there is no build of it, WeasyPrint renders the
same HTML with the same stylesheet.
"""

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import plutoprint
from PIL import ImageCms
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from .fetcher import ReportUrlFetcher

_logger = logging.getLogger(__name__)

_PRODUCER = f"PlutoBook {plutoprint.plutobook_version_string()}"
# PDF/A-3, level B: for archives, and for e-invoices inside a PDF (Factur-X).
_XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<rdf:Description rdf:about="" pdfaid:part="3" pdfaid:conformance="B"/>
<rdf:Description rdf:about="" pdf:Producer="{_PRODUCER}"/>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Source:
    """One document: its HTML with header and footer as running elements, its style, its language (such as de-DE)."""

    html: str
    css: str
    language: str


class _Resources(plutoprint.ResourceFetcher):
    """Reads what WeasyPrint would read, and nothing else."""

    def __init__(self, fetcher: ReportUrlFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        try:
            response = self._fetcher.fetch(url)
        except Exception as error:
            # As in WeasyPrint a report is printed without what cannot be read; no error can pass through the engine.
            _logger.warning("%s was left out of a report: %s", url[:200], error)
            return plutoprint.ResourceData(b"", "text/plain")
        return plutoprint.ResourceData(response.read(), response.content_type)


def render(sources: Sequence[Source], base_url: str, fetcher: ReportUrlFetcher) -> bytes:
    """Render all documents into one PDF/A-3.

    Page numbers start again with each. With more than one, the outline has one entry per document, which is how
    ``ir.actions.report`` finds the pages of each record again.
    """
    writer = PdfWriter()
    first_pages: list[int] = []
    for source in sources:
        first_pages.append(len(writer.pages))
        writer.append(_paginated(source, base_url, fetcher), import_outline=False)
    if len(sources) > 1:
        _add_outline(writer, first_pages)
    _make_pdf_a(writer, sources[0].language)
    result = io.BytesIO()
    writer.write(result)
    return result.getvalue()


def _paginated(source: Source, base_url: str, fetcher: ReportUrlFetcher) -> PdfReader:
    book = plutoprint.Book(plutoprint.PAGE_SIZE_A4)
    book.custom_resource_fetcher = _Resources(fetcher)
    book.load_html(source.html, user_style=source.css, base_url=base_url)
    stream = io.BytesIO()
    book.write_to_pdf_stream(stream)
    return PdfReader(stream)


def _add_outline(writer: PdfWriter, first_pages: Sequence[int]) -> None:
    """Named destinations with page numbers: the form that Odoo splits by."""
    outlines = DictionaryObject({NameObject("/Type"): NameObject("/Outlines")})
    parent = writer._add_object(outlines)
    entries = [
        DictionaryObject(
            {
                NameObject("/Title"): TextStringObject(str(number)),
                NameObject("/Parent"): parent,
                NameObject("/Dest"): NameObject(f"/document{number}"),
            }
        )
        for number, _page in enumerate(first_pages, start=1)
    ]
    references = [writer._add_object(entry) for entry in entries]
    for number in range(len(entries) - 1):
        entries[number][NameObject("/Next")] = references[number + 1]
        entries[number + 1][NameObject("/Prev")] = references[number]
    outlines[NameObject("/First")], outlines[NameObject("/Last")] = references[0], references[-1]
    outlines[NameObject("/Count")] = NumberObject(len(entries))
    destinations = DictionaryObject(
        {
            NameObject(f"/document{number}"): ArrayObject([NumberObject(page), NameObject("/Fit")])
            for number, page in enumerate(first_pages, start=1)
        }
    )
    root = writer.root_object
    root[NameObject("/Outlines")] = parent
    root[NameObject("/Dests")] = writer._add_object(destinations)


def _make_pdf_a(writer: PdfWriter, language: str) -> None:
    """What PDF/A wants beside embedded fonts: the colour space, what the file is, an identifier, no interpolation."""
    profile = DecodedStreamObject()
    profile.set_data(_srgb())
    profile[NameObject("/N")] = NumberObject(3)
    intent = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/OutputIntent"),
            NameObject("/S"): NameObject("/GTS_PDFA1"),
            NameObject("/OutputConditionIdentifier"): TextStringObject("sRGB"),
            NameObject("/Info"): TextStringObject("sRGB IEC61966-2.1"),
            NameObject("/DestOutputProfile"): writer._add_object(profile.flate_encode()),
        }
    )
    metadata = DecodedStreamObject()
    metadata.set_data(_XMP.encode())
    metadata |= {NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")}
    root = writer.root_object
    root[NameObject("/OutputIntents")] = ArrayObject([writer._add_object(intent)])
    root[NameObject("/Metadata")] = writer._add_object(metadata)
    root[NameObject("/Lang")] = TextStringObject(language)
    # They say the same as the metadata.
    writer.metadata = {"/Producer": _PRODUCER}
    writer.pdf_header = "%PDF-1.7"
    for thing in writer._objects:
        if isinstance(thing, DictionaryObject) and thing.get("/Subtype") == "/Image":
            thing[NameObject("/Interpolate")] = BooleanObject(False)
    writer.generate_file_identifiers()


@cache
def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
