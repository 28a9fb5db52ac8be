from __future__ import annotations

from fastapi import APIRouter

from odoo import models

from ..payments_router import payments_router


class FastapiEndpoint(models.Model):
    _inherit = "fastapi.endpoint"

    def _get_fastapi_routers(self) -> list[APIRouter]:
        routers = super()._get_fastapi_routers()
        return [*routers, payments_router()] if self.app == "ocpi" else routers
