from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import Response, request


class OcpiDownload(http.Controller):
    @http.route("/emobility/ocpi/2.2.1/cdr/<int:cdr_id>", type="http", auth="user", methods=["GET"])
    def download_cdr(self, cdr_id: int) -> Response:
        """The CDR as OCPI 2.2.1 JSON, as a file. Whoever may not read the CDR gets 403."""
        cdr = request.env["emobility.cdr"].browse(cdr_id).exists()
        if not cdr:
            raise NotFound
        content = cdr._to_ocpi().to_json(indent=2)
        return request.make_response(
            content,
            headers=[
                ("Content-Type", "application/json; charset=utf-8"),
                ("Content-Disposition", http.content_disposition(f"ocpi-2.2.1-cdr-{cdr.name}.json")),
            ],
        )
