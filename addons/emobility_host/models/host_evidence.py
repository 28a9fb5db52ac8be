from __future__ import annotations

import base64
from typing import Any

from odoo import models

from odoo.addons.emobility_billing.report.annex_file import MIMETYPES, render


class EmobilityHostSettlement(models.Model):
    """The files that go with a settlement: the statement as PDF, and its sessions with the meter values as CSV."""

    _inherit = "emobility.host.settlement"

    def _make_files(self) -> Any:
        """The attachments of the settlement; made once, for they are the document that was sent."""
        self.ensure_one()
        settlement = self._in_language()
        attachments = self.env["ir.attachment"].sudo()
        files = (
            [(settlement._file_name("pdf"), "application/pdf", settlement._statement_pdf())]
            if self.move_id
            else []
        )
        if settlement._parts().rating_ids:
            content = render(settlement._parts()._evidence_table(), "csv")
            files.append((settlement._file_name("csv"), MIMETYPES["csv"], content))
        made = attachments.search([("res_model", "=", self._name), ("res_id", "=", self.id)])
        for name, mimetype, content in files:
            if name not in made.mapped("name"):
                made |= attachments.create(
                    {
                        "name": name,
                        "datas": base64.b64encode(content),
                        "mimetype": mimetype,
                        "res_model": self._name,
                        "res_id": self.id,
                    }
                )
        return made

    def _in_language(self) -> EmobilityHostSettlement:
        return self.with_context(lang=self.partner_id.lang or self.env.lang)

    def _file_name(self, kind: str) -> str:
        number = (self.move_id.name or self.name).replace("/", "_")
        return f"{number}.{kind}"

    def _statement_pdf(self) -> bytes:
        report = self.env["ir.actions.report"].sudo()
        content, _kind = report._render_qweb_pdf("emobility_host.report_settlement", self.ids)
        return content

    def _evidence_table(self) -> list[list[Any]]:
        """Headings and a row per session, as the tax office asks for charging at home."""
        headings = [
            self.env._("No."),
            self.env._("Session"),
            self.env._("Start"),
            self.env._("End"),
            self.env._("Place"),
            self.env._("Charging point"),
            self.env._("Meter"),
            self.env._("Register at start (kWh)"),
            self.env._("Register at end (kWh)"),
            self.env._("Energy (kWh)"),
            self.env._("Price basis"),
            self.env._("Price"),
            self.env._("Amount (%s)", self[:1].currency_id.name),
        ]
        return [headings] + [
            [
                row.number,
                row.session,
                row.start.isoformat(timespec="seconds"),
                row.end.isoformat(timespec="seconds"),
                row.place,
                row.charge_point,
                row.meter,
                "" if row.meter_start_kwh is None else f"{row.meter_start_kwh:.3f}",
                "" if row.meter_end_kwh is None else f"{row.meter_end_kwh:.3f}",
                row.energy_kwh,
                row.price_basis,
                " ".join(row.sentences),
                row.amount,
            ]
            for row in self._statement_rows()
        ]
