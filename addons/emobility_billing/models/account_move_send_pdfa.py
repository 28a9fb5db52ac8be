from __future__ import annotations

import io
from typing import Any

from odoo import fields, models
from odoo.tools.pdf import OdooPdfFileReader, OdooPdfFileWriter


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _hook_invoice_document_after_pdf_report_render(self, invoice: Any, invoice_data: dict[str, Any]) -> None:
        """Our renderer makes PDF/A-3 itself. Odoo sees that, embeds the e-invoice, and leaves out the metadata that say
        which file in the PDF it is; Factur-X wants them.
        """
        result = super()._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        if invoice_data.get("ubl_cii_xml_options", {}).get("ubl_cii_format") == "facturx":
            document = (
                invoice.invoice_pdf_report_id
                or invoice_data.get("pdf_attachment_values")
                or invoice_data["proforma_pdf_attachment_values"]
            )
            document["raw"] = self._with_facturx_metadata(document["raw"], invoice)
        return result

    def _with_facturx_metadata(self, pdf: bytes, invoice: Any) -> bytes:
        """The same PDF; :param pdf: one without an embedded e-invoice stays as it is."""
        reader = OdooPdfFileReader(io.BytesIO(pdf), strict=False)
        if "/AF" not in reader.trailer["/Root"]:
            return pdf
        writer = OdooPdfFileWriter()
        writer.cloneReaderDocumentRoot(reader)
        metadata = self.env["ir.qweb"]._render(
            "account_edi_ubl_cii.account_invoice_pdfa_3_facturx_metadata",
            {"title": invoice.name, "date": fields.Date.context_today(self)},
        )
        # Level A promises a tagged document; ours is level B.
        level_a, level_b = (f"<pdfaid:conformance>{level}</pdfaid:conformance>" for level in "AB")
        writer.add_file_metadata(str(metadata).replace(level_a, level_b).encode())
        buffer = io.BytesIO()
        writer.write(buffer)
        return buffer.getvalue()
