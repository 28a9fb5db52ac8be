from __future__ import annotations

from typing import Any

from odoo import fields, models

# What we put on a display has numbers of its own, far from those of commands that a person sends.
PRICE_MESSAGE = 1_000_000
# So much fits into MessageContent of OCPP 2.0.1 and 2.1, and into a setting of OCPP 1.6 beside its JSON.
LONGEST = {"1.6": 470, "2.0.1": 512, "2.1": 1024}
EXTRA_LANGUAGES = 4
UNDER_WAY_OR_SHOWN = ("new", "sent", "accepted")


class EmobilityEvse(models.Model):
    """The price for walk-ups on the display of the station, in the languages of the place.

    Each EVSE has one message, which is replaced (SetDisplayMessage with the same id). OCPP 1.6 has one text for the
    whole station: the setting DefaultPrice of the cost messages of the Open Charge Alliance.
    """

    _inherit = "emobility.evse"

    adhoc_display_id = fields.Many2one(
        "emobility.command", "Price on the Display", readonly=True, copy=False, ondelete="set null",
        help="The command that told the display of the station the price."
    )  # fmt: skip
    adhoc_display_state = fields.Selection(related="adhoc_display_id.state", string="Display")

    def _adhoc_price_changed(self) -> None:  # pylint: disable=missing-return
        super()._adhoc_price_changed()
        self._adhoc_show_prices()

    def _adhoc_show_prices(self, *, again: bool = False) -> None:
        """Tell the displays what charging costs, where that is not what they were told last.

        :param again: also what they were told already: a station that starts may have forgotten it
        """
        for station, evses in self.sudo().grouped("station_id").items():
            if not station._can_show_texts() or station.connection_state != "online":
                continue
            if station.ocpp_version == "1.6":
                station.evse_ids._adhoc_tell_display(*station._adhoc_price_setting(), again=again)
                continue
            for evse in evses:
                evse._adhoc_tell_display(*evse._adhoc_price_message(), again=again)

    def _adhoc_tell_display(self, action: str, payload: dict[str, Any], *, again: bool) -> None:
        last = self.adhoc_display_id
        known = last.state in UNDER_WAY_OR_SHOWN if len(last) == 1 else False
        if known and not again and (last.action, last.payload) == (action, payload):
            return
        if not last and not payload.get("text"):
            return  # there is no price, and none was ever shown
        evse = self if len(self) == 1 else None
        self.adhoc_display_id = self.env["emobility.command"]._request(self.station_id, action, payload, evse)

    def _adhoc_price_message(self) -> tuple[str, dict[str, Any]]:
        """The command for a station of OCPP 2; without a price the message is taken away."""
        self.ensure_one()
        number = {"id": PRICE_MESSAGE + self.ocpp_evse_number}
        texts = {lang: self._adhoc_labelled(text) for lang, text in self._adhoc_display_texts().items()}
        if not texts:
            return "clear_display", number
        return "display_message", number | self.station_id._message_content(texts)

    def _adhoc_display_texts(self) -> dict[str, str]:
        """What the display says of the price, by language; nothing without a price."""
        texts = {lang: self._adhoc_display_text(lang) for lang in self.location_id._display_languages()}
        return {lang: text for lang, text in texts.items() if text}

    def _adhoc_labelled(self, text: str) -> str:
        """A station with several EVSEs has to say which one it speaks of."""
        if len(self.station_id.evse_ids) < 2:
            return text
        return f"{self.physical_reference or self.ocpp_evse_number}: {text}"
