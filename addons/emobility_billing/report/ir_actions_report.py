from __future__ import annotations

import io
from typing import Any

from PIL import Image
from reportlab.graphics.barcode.qr import QrCodeWidget

from odoo import api, models

# Modules of white around a code (ISO/IEC 18004), and pixels of a module.
QUIET_ZONE = 4
MODULE_PIXELS = 8


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    @api.model
    def barcode(self, barcode_type: str, value: str, **kwargs: Any) -> bytes:
        """The payment code of an invoice is made of pixels. Odoo has ReportLab draw each module as a rectangle, which
        takes longer than the layout of the pages.
        """
        is_plain = barcode_type == "QR" and not kwargs.get("mask")
        if is_plain and self.env.context.get("emobility_payment_code"):
            return qr_png(value, kwargs.get("barLevel") or "L")
        return super().barcode(barcode_type, value, **kwargs)


def qr_png(text: str, level: str) -> bytes:
    """A QR code as PNG, with its quiet zone. :param level: of error correction: L, M, Q or H"""
    code = QrCodeWidget(text, barLevel=level).qr
    code.make()
    side = len(code.modules)
    image = Image.new("L", (side + 2 * QUIET_ZONE,) * 2, "white")
    pixels = Image.frombytes("L", (side, side), bytes(0 if dark else 255 for row in code.modules for dark in row))
    image.paste(pixels, (QUIET_ZONE, QUIET_ZONE))
    result = io.BytesIO()
    image.resize((image.width * MODULE_PIXELS,) * 2, Image.Resampling.NEAREST).save(result, "PNG")
    return result.getvalue()
