from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.middleware import Middleware

from odoo import fields, models

from ..server import Addresses, ocpi_routers

_DESCRIPTION = (
    "OCPI 2.1.1, 2.2.1 and 2.3.0, as operator (`cpo`) and as provider (`emsp`). Errors of the business are answered "
    "with HTTP 200 and a `status_code` of 2000 or more."
)


class FastapiEndpoint(models.Model):
    _inherit = "fastapi.endpoint"

    app: str = fields.Selection(selection_add=[("ocpi", "OCPI")], ondelete={"ocpi": "cascade"})

    def _get_fastapi_routers(self) -> list[APIRouter]:
        if self.app == "ocpi":
            return ocpi_routers()
        return super()._get_fastapi_routers()

    def _prepare_fastapi_app_params(self) -> dict[str, Any]:
        params = super()._prepare_fastapi_app_params()
        if self.app == "ocpi":
            # No other dependencies: the header Accept-Language means nothing in OCPI.
            params |= {
                "description": _DESCRIPTION,
                "version": "2.3.0",
                "dependencies": [],
                "redirect_slashes": False,
                "middleware": [Middleware(Addresses)],
            }
        return params
