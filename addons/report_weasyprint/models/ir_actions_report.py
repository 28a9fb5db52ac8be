from collections.abc import Iterable

from odoo import api, models

from odoo.addons.base.models.report_paperformat import PAPER_SIZES

from ..fetcher import ReportUrlFetcher
from ..renderer import PageGeometry, render_pdf

_SIZES_MM = {size["key"]: (size.get("width"), size.get("height")) for size in PAPER_SIZES}


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    @api.model
    def get_wkhtmltopdf_state(self) -> str:
        """PDFs are always available: the renderer is part of this process."""
        return "ok"

    def _run_wkhtmltopdf(
        self,
        bodies: Iterable[str],
        report_ref: str | int | bool = False,
        header: str | None = None,
        footer: str | None = None,
        landscape: bool | None = False,
        specific_paperformat_args: dict[str, str] | None = None,
        set_viewport_size: bool = False,
    ) -> bytes:
        """Render by WeasyPrint. Same arguments and result as the method that this replaces."""
        report = self._get_report(report_ref) if report_ref else self
        overrides = specific_paperformat_args or {}
        geometry = self._weasyprint_geometry(report.get_paperformat(), bool(landscape), overrides)
        base_url = self._get_report_url()
        return render_pdf(
            [str(body) for body in bodies],
            header and str(header),
            footer and str(footer),
            geometry,
            base_url,
            ReportUrlFetcher(self.env, base_url),
        )

    @api.model
    def _weasyprint_geometry(
        self, paperformat: models.BaseModel, landscape: bool, overrides: dict[str, str]
    ) -> PageGeometry:
        """Sheet and margins of a paper format.

        :param landscape: forces landscape whatever the paper format says
        :param overrides: ``data-report-*`` attributes of the report's html tag, which win over the paper
        format
        """
        if paperformat.format == "custom":
            width, height = paperformat.page_width, paperformat.page_height
        else:
            width, height = _SIZES_MM.get(paperformat.format or "A4", (None, None))
        if not width or not height:
            width, height = _SIZES_MM["A4"]
        asks_landscape = landscape or bool(overrides.get("data-report-landscape"))
        if asks_landscape or paperformat.orientation == "Landscape":
            width, height = max(width, height), min(width, height)
        margin_top = float(overrides.get("data-report-margin-top", paperformat.margin_top))
        header_spacing = float(overrides.get("data-report-header-spacing", paperformat.header_spacing))
        return PageGeometry(
            width=width,
            height=height,
            margin_top=margin_top,
            margin_right=paperformat.margin_right,
            margin_bottom=float(overrides.get("data-report-margin-bottom", paperformat.margin_bottom)),
            margin_left=paperformat.margin_left,
            header_top=max(0.0, margin_top - header_spacing),
        )
