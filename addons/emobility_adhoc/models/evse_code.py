from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

from odoo import api, fields, models

from ..one_time_password import LENGTH, VALID_SECONDS, VERSION, is_valid
from .adhoc_code import ROTATE_MINUTES
from .station import FORMATS

# As long a station may keep others from starting while somebody types the number of a card.
CODE_MESSAGE = 1_100_000
TYPE_MESSAGE = 1_200_000
# A station that makes its codes itself has `WebPaymentsCtrlr#1.URLTemplate`, or `WebPaymentsCtrlr.1.URLTemplate`.
_OWN_CODES = re.compile(r"(webpaymentsctrlr(?:[#.](\d+))?)\.urltemplate", re.IGNORECASE)
TYPE_IT = {
    "de": "Laden ohne Vertrag: {host}/charge, Code {code}",
    "en": "Charge without a contract: {host}/charge, code {code}",
}


class EmobilityEvse(models.Model):
    """Codes that are good for one session, on the display of the station: nothing that can be pasted over.

    A station that has the component WebPaymentsCtrlr (OCPP 2.1; others carry it as an extension) makes them itself from
    a secret that we set. Any other station of OCPP 2 with a display is told a new one every few minutes and after
    each use. In OCPP 1.6 a text is a setting, which is no place for what changes all the time.
    """

    _inherit = "emobility.evse"

    adhoc_code_kind = fields.Selection(
        [("static", "Sticker"), ("dynamic", "New code for each session, on the display")],
        "Code without a Contract",
        required=True,
        default="static",
        help="Sticker: the code stays the same. New code for each session: the display of the station shows it, and "
        "nobody starts without it; the page shows the price to everybody.",
    )
    adhoc_code_problem = fields.Boolean("No Display for Codes", compute="_compute_adhoc_code_problem")

    @api.depends("adhoc_code_kind", "station_id.shows_texts", "station_id.setting_ids.key", "station_id.ocpp_version")
    def _compute_adhoc_code_problem(self) -> None:
        for evse in self:
            evse.adhoc_code_problem = evse.adhoc_code_kind == "dynamic" and not evse._adhoc_code_way()

    def write(self, vals: dict[str, Any]) -> bool:
        changed = self.filtered(lambda evse: evse.adhoc_code_kind != vals["adhoc_code_kind"]) \
            if "adhoc_code_kind" in vals else self.browse()  # fmt: skip
        result = super().write(vals)
        changed.sudo()._adhoc_set_up_codes()
        return result

    # How the code comes onto the display

    def _adhoc_code_way(self) -> str | None:
        """`own`: the station makes codes; `message`: we send them; None: there is no way."""
        self.ensure_one()
        if self._adhoc_own_codes():
            return "own"
        station = self.sudo().station_id
        return "message" if station.ocpp_version in ("2.0.1", "2.1") and station._can_show_texts() else None

    def _adhoc_own_codes(self) -> str | None:
        """What the settings begin with by which this EVSE makes codes, as the station writes it."""
        found: dict[str, str] = {}
        for setting in self.sudo().station_id.setting_ids:
            if match := _OWN_CODES.fullmatch(setting.key):
                found[match[2] or ""] = setting.key[: match.end(1)]
        return found.get(str(self.ocpp_evse_number)) or found.get("")

    def _adhoc_set_up_codes(self) -> None:
        """The kind of the code has changed, or the station starts anew."""
        for evse in self.filtered(lambda one: one.station_id.connection_state == "online"):
            way = evse._adhoc_code_way()
            if way == "own":
                evse._adhoc_configure_own_codes()
            elif way == "message" and evse.adhoc_code_kind == "dynamic":
                evse._adhoc_show_code()
            elif way == "message":
                for number in (CODE_MESSAGE, TYPE_MESSAGE):
                    evse._adhoc_command("clear_display", {"id": number + evse.ocpp_evse_number})

    def _adhoc_configure_own_codes(self) -> None:
        prefix = self._adhoc_own_codes()
        settings = {"Enabled": "false"}
        if self.adhoc_code_kind == "dynamic":
            path = "/charge/display/{chargingStationId}/{evse}/{totp}/{version}"
            settings = {
                "TOTPVersion": VERSION,
                "ValidityTime": str(VALID_SECONDS),
                "Length": str(LENGTH),
                "SharedSecret": self._adhoc_code_secret(),
                "URLTemplate": self._adhoc_host() + path,
                "Enabled": "true",
            }
        for name, value in settings.items():
            self._adhoc_command("set_configuration", {"key": f"{prefix}.{name}", "value": value})

    def _adhoc_code_secret(self) -> str:
        """What the station makes its codes from; never stored, and another one for each station."""
        return self.env["emobility.adhoc.code"]._digest(f"adhoc-station:{self.station_id.identity}")[:40]

    def _adhoc_show_code(self) -> None:
        """A new code on the display: as a picture or an address where the station can show one, and to be typed."""
        self.ensure_one()
        code = self.env["emobility.adhoc.code"]._issue(self)
        number = self.ocpp_evse_number
        host = self._adhoc_host().split("//")[-1]
        texts = {
            lang: self._adhoc_labelled(TYPE_IT.get(lang, TYPE_IT["en"]).format(host=host, code=code.code))
            for lang in self.location_id._display_languages()
        }
        terms = {"state": "Idle", "until": code.expires_at.isoformat() + "Z"}
        messages = [{"id": TYPE_MESSAGE + number, **self.station_id._message_content(texts), **terms}]
        if picture := self._adhoc_picture_format():
            url = f"{self._adhoc_host()}/charge/{code.code}?s={code._signature()}"
            messages.insert(0, {"id": CODE_MESSAGE + number, "text": url, "format": picture, **terms})
        for message in messages:
            code.command_ids |= self._adhoc_command("display_message", message)

    def _adhoc_picture_format(self) -> str | None:
        """How the station can show an address: as a QR code (OCPP 2.1), or in its own way."""
        formats = self.station_id._reported((FORMATS,)).get(FORMATS, "")
        return next((one for one in ("QRCODE", "URI") if one in formats.upper().split(",")), None)

    def _adhoc_command(self, action: str, payload: dict[str, Any]) -> Any:
        return self.env["emobility.command"].sudo()._request(self.station_id, action, payload, self)

    @api.model
    def _cron_rotate_codes(self) -> None:
        """Displays of free charging points get a new code every few minutes."""
        evses = self.sudo().search(
            [("adhoc_code_kind", "=", "dynamic"), ("station_id.connection_state", "=", "online")]
        )
        since = fields.Datetime.now() - timedelta(minutes=ROTATE_MINUTES)
        fresh = self.env["emobility.adhoc.code"].sudo().search(
            [("evse_id", "in", evses.ids), ("used_at", "=", False), ("create_date", ">", since)]
        )
        for evse in evses - fresh.evse_id:
            if evse._adhoc_code_way() == "message" and evse._adhoc_is_available() and not evse._adhoc_is_taken():
                evse._adhoc_show_code()

    # What the page asks

    def _adhoc_needs_code(self) -> bool:
        return self.sudo().adhoc_code_kind == "dynamic"

    def _adhoc_ticket(self, code: str) -> str:
        return self.env["emobility.adhoc.code"]._ticket(self, code)

    @api.model
    def _adhoc_find_shown(self, identity: str, number: int, password: str) -> tuple[EmobilityEvse, str | None]:
        """The EVSE whose station made this code, and a ticket when the code is good."""
        station = self.env["emobility.station"].sudo().search([("identity", "=", identity)])
        evse = station.evse_ids.filtered(lambda one: one.ocpp_evse_number == number)
        if not evse or not evse.location_id.is_public or not evse._adhoc_needs_code():
            return self.browse(), None
        good = is_valid(evse._adhoc_code_secret(), password, time.time())
        return evse, evse._adhoc_ticket(password) if good else None

    def _adhoc_may_start(self, ticket: str) -> bool:
        """Whether a ticket opens this EVSE, without using it."""
        return not self._adhoc_needs_code() or self.env["emobility.adhoc.code"]._read_ticket(self, ticket) is not None

    def _adhoc_use_ticket(self, ticket: str) -> bool:
        """Use the ticket; the display gets another code."""
        if not self._adhoc_needs_code():
            return True
        evse = self.sudo()
        if not self.env["emobility.adhoc.code"]._redeem(evse, ticket):
            return False
        if evse._adhoc_code_way() == "message":
            evse._adhoc_show_code()
        return True
