from __future__ import annotations

from typing import Any

from markupsafe import Markup
from pydantic import ValidationError as OcpiValidationError

from odoo import fields, models
from odoo.exceptions import UserError

from ..ocpi.internal import Party
from ..ocpi.transport import Page
from ..ocpi.versions import modules_of, read_cdr, read_location, read_session, read_tariff, read_token

_READERS = {
    "locations": read_location,
    "sessions": read_session,
    "cdrs": read_cdr,
    "tariffs": read_tariff,
    "tokens": read_token,
}


class EmobilityOcpiSelfTest(models.TransientModel):
    """Walks a partner through all modules, changes nothing there, and says what works."""

    _name = "emobility.ocpi.self.test"
    _description = "Test of an OCPI Connection"

    connection_id = fields.Many2one("emobility.ocpi.connection", required=True, readonly=True, ondelete="cascade")
    line_ids = fields.One2many("emobility.ocpi.self.test.line", "test_id", readonly=True)
    verdict = fields.Selection(
        [("good", "All modules work"), ("warning", "Works, with remarks"), ("bad", "Something does not work")],
        readonly=True,
    )
    report = fields.Html(readonly=True, sanitize=False)

    def _run(self) -> None:
        self.ensure_one()
        connection = self.connection_id.sudo()
        self._versions(connection)
        self._credentials(connection)
        for module in modules_of(connection.version or "2.2.1"):
            self._test_module(connection, module)
        self._clock(connection)
        results = set(self.line_ids.mapped("result"))
        self.verdict = "bad" if "bad" in results else "warning" if "warning" in results else "good"
        self.report = self._html()

    def _add(self, step: str, result: str, detail: str, milliseconds: float = 0) -> None:
        self.env["emobility.ocpi.self.test.line"].create(
            {
                "test_id": self.id,
                "step": step,
                "result": result,
                "detail": detail[:500],
                "milliseconds": round(milliseconds),
            }
        )

    def _versions(self, connection: Any) -> None:
        answer = connection._call("GET", connection.versions_url, module="versions")
        if not answer.ok or not isinstance(answer.data, list):
            self._add("versions", "bad", answer.error or self.env._("no list"), answer.seconds * 1000)
            return
        offered = sorted(str(each.get("version")) for each in answer.data if isinstance(each, dict))
        result = "good" if connection.version in offered else "bad"
        self._add("versions", result, ", ".join(offered), answer.seconds * 1000)

    def _credentials(self, connection: Any) -> None:
        module = self.env["emobility.ocpi.module"]._of(connection, "credentials", "RECEIVER")
        if not module:
            self._add("credentials", "bad", self.env._("the partner does not offer it"))
            return
        answer = connection._call("GET", module.url, module="credentials")
        detail = ", ".join(str(party.display_name) for party in connection.party_ids)
        self._add("credentials", "good" if answer.ok else "bad", answer.error or detail, answer.seconds * 1000)

    def _test_module(self, connection: Any, module: str) -> None:
        """Read one page of what the partner sends; of a receiver only whether it is there can be told."""
        rows = connection.module_ids.filtered(lambda row: row.module == module and row.url)
        if not rows:
            self._add(module, "skipped", self.env._("the partner does not offer it"))
            return
        sender = rows.filtered(lambda row: row.interface == "SENDER")
        if not sender or module in ("commands", "chargingprofiles"):
            self._add(module, "good", self.env._("receives at %s", rows[:1].url))
            return
        page = Page(limit=min(connection.page_size, 10))
        answer = next(connection._client().pages(sender.url, page, connection._routing(module).headers()))
        connection._log_call("GET", sender.url, module, None, answer)
        if not answer.ok or not isinstance(answer.data, list):
            self._add(module, "bad", answer.error or self.env._("no list"), answer.seconds * 1000)
            return
        self._judge(connection, module, answer)

    def _judge(self, connection: Any, module: str, answer: Any) -> None:
        remarks = []
        names = {name.lower() for name in answer.headers}
        if "x-total-count" not in names:
            remarks.append(self.env._("X-Total-Count is missing"))
        if len(answer.data) > 10:
            remarks.append(self.env._("more objects than were asked for"))
        for item in answer.data:
            problem = self._problem(connection, module, item)
            if problem:
                remarks.append(problem)
                break
        count = answer.headers.get("X-Total-Count") or len(answer.data)
        text = self.env._("%(count)s objects", count=count)
        detail = "; ".join([text, *remarks])
        self._add(module, "warning" if remarks else "good", detail, answer.seconds * 1000)

    def _problem(self, connection: Any, module: str, item: Any) -> str | None:
        reader = _READERS.get(module)
        first = connection.party_ids[:1]
        try:
            if reader:
                owner = reader(connection.version, item, Party.of(first.country_code, first.party_id)).party
                if not connection._owns(owner):
                    return self.env._("an object of the foreign party %s", owner)
        except (OcpiValidationError, UserError, TypeError) as error:
            return " ".join(str(error).split())[:200]
        return None

    def _clock(self, connection: Any) -> None:
        seconds = round(connection.clock_difference)
        result = "good" if abs(seconds) <= 10 else "warning"
        self._add("clock", result, self.env._("the partner's clock is %s seconds ahead", seconds))

    def _html(self) -> Markup:
        colours = {"good": "success", "warning": "warning", "bad": "danger", "skipped": "secondary"}
        labels = dict(self.line_ids._fields["result"]._description_selection(self.env))
        rows = Markup().join(
            Markup(
                "<tr><td>%s</td><td><span class='badge text-bg-%s'>%s</span></td><td>%s</td><td>%s ms</td></tr>"
            )
            % (line.step, colours[line.result], labels[line.result], line.detail or "", line.milliseconds)
            for line in self.line_ids
        )
        return Markup("<table class='table table-sm'><tbody>%s</tbody></table>") % rows
