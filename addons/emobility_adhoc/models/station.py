from __future__ import annotations

from datetime import datetime
from typing import Any

from odoo import fields, models

from .evse_display import EXTRA_LANGUAGES, LONGEST

# What a station reports of itself that can show texts: OCPP 2, and 1.6 with the cost messages of the OCA.
CAN_SHOW = ("DisplayMessageCtrlr.Available", "CustomDisplayCostAndPrice")
FORMATS = "DisplayMessageCtrlr.SupportedFormats"


class EmobilityStation(models.Model):
    """A station with a display tells walk-ups the price before they start."""

    _inherit = "emobility.station"

    shows_texts = fields.Selection(
        [("auto", "As the station reports"), ("yes", "Yes"), ("no", "No")],
        "Prices on the Display",
        required=True,
        default="auto",
        tracking=True,
        help="Send the price of charging without a contract to the display: when it changes, and when the station "
        "starts. A station reports that it has a display in DisplayMessageCtrlr.Available (OCPP 2) or "
        "CustomDisplayCostAndPrice (OCPP 1.6).",
    )

    def write(self, vals: dict[str, Any]) -> bool:
        result = super().write(vals)
        if "shows_texts" in vals:
            self.evse_ids._adhoc_show_prices()
        return result

    def _can_show_texts(self) -> bool:
        if self.shows_texts != "auto":
            return self.shows_texts == "yes"
        reported = self._reported(CAN_SHOW)
        return bool(reported) and "true" in {str(value).lower() for value in reported.values()}

    def _message_content(self, texts: dict[str, str]) -> dict[str, Any]:
        """Texts by language as payload of `display_message`; only OCPP 2.1 has several languages in one message."""
        (lang, first), *others = texts.items()
        if self.ocpp_version == "2.1":
            extra = [{"text": _fit(text, LONGEST["2.1"]), "language": one} for one, text in others]
            content: dict[str, Any] = {"text": _fit(first, LONGEST["2.1"]), "language": lang}
            return content | ({"extra": extra[:EXTRA_LANGUAGES]} if extra else {})
        text = _joined(list(texts.values()), LONGEST.get(self.ocpp_version or "", LONGEST["2.0.1"]))
        return {"text": text} | ({"language": lang} if text == first else {})

    def _adhoc_price_setting(self) -> tuple[str, dict[str, Any]]:
        """The command for a station of OCPP 1.6: one text for all of its EVSEs."""
        texts = [evse._adhoc_display_texts() for evse in self.evse_ids]
        if len({tuple(each.items()) for each in texts}) > 1:
            texts = [
                {lang: evse._adhoc_labelled(text) for lang, text in each.items()}
                for evse, each in zip(self.evse_ids, texts, strict=True)
            ]
        lines = dict.fromkeys(text for each in texts for text in each.values())
        return "display_message", {"text": _joined(list(lines), LONGEST["1.6"])}

    # What the bridge reports

    def _apply_boot(self, at: datetime, payload: dict[str, Any]) -> None:  # pylint: disable=missing-return
        super()._apply_boot(at, payload)
        self.evse_ids._adhoc_show_prices(again=True)
        self.evse_ids.filtered(lambda evse: evse.adhoc_code_kind == "dynamic")._adhoc_set_up_codes()
        self._ask_for_display()

    def _ask_for_display(self) -> None:
        """Ask a station of which nobody knows yet whether it has a display."""
        if self.shows_texts != "auto" or not self.evse_ids or self._reported(CAN_SHOW):
            return
        numbers = self.evse_ids.mapped("ocpp_evse_number")
        if self.ocpp_version == "1.6":
            keys = ["CustomDisplayCostAndPrice", *(f"WebPaymentsCtrlr.{number}.URLTemplate" for number in numbers)]
        else:
            own = [f"WebPaymentsCtrlr#{number}.URLTemplate" for number in numbers]
            keys = ["DisplayMessageCtrlr.Available", FORMATS, "WebPaymentsCtrlr.URLTemplate", *own]
        self.env["emobility.command"].sudo()._request(self, "get_configuration", {"keys": keys})

    def _apply_connection(self, at: datetime, payload: dict[str, Any], online: bool) -> None:  # pylint: disable=missing-return
        super()._apply_connection(at, payload, online)
        if online:
            self.evse_ids._adhoc_show_prices()

    def _apply_configuration(self, at: datetime, settings: list[dict[str, Any]]) -> None:  # pylint: disable=missing-return
        super()._apply_configuration(at, settings)
        if any(item.get("key") in CAN_SHOW for item in settings):
            self.evse_ids._adhoc_show_prices()


def _joined(texts: list[str], limit: int) -> str:
    """As many texts as fit, one below the other, each once."""
    lines = list(dict.fromkeys(texts))
    while len(lines) > 1 and len("\n".join(lines)) > limit:
        lines.pop()
    return _fit("\n".join(lines), limit)


def _fit(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
