from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError

# Variables of the device model, as they are reported (OCPP 2.1 part 2, appendix, TariffCostCtrlr).
_AVAILABLE = "TariffCostCtrlr.Available[Tariff]"
_CONDITIONS = "TariffCostCtrlr.ConditionsSupported[Tariff]"
_MOST_PRICES = "TariffCostCtrlr.MaxElements[Tariff]"
_CURRENCY = "TariffCostCtrlr.Currency"


class EmobilityStation(models.Model):
    """What a station of OCPP 2.1 knows of prices: those of its EVSEs, and those of drivers with a contract.

    The first it is sent. The others the bridge holds, and adds them when it lets a driver charge.
    """

    _inherit = "emobility.station"

    tariff_policy = fields.Selection(
        [
            ("none", "No"),
            ("exact", "When it can carry all of it"),
            ("always", "Also when something is missing"),
        ],
        "Tariff on the Station",
        required=True,
        default="none",
        tracking=True,
        help="OCPP 2.1: the station gets the prices without contract of its EVSEs, and those of sessions that have "
        "others, shows them and computes what a session costs so far. They are sent whenever prices change. "
        "What is billed is computed here in any case.",
    )
    driver_tariffs = fields.Json(
        "Tariffs of Drivers",
        readonly=True,
        copy=False,
        help="What drivers with a contract pay here, by their price group: TariffType of OCPP 2.1, and until when.",
    )

    driver_tariffs_text = fields.Text(
        "Drivers with Contract",
        compute="_compute_driver_tariffs_text",
        help="The prices that a station is told with the permission to charge. They hold until the day ends.",
    )

    @api.depends("driver_tariffs", "tariff_policy", "ocpp_version")
    def _compute_driver_tariffs_text(self) -> None:
        for station in self:
            told = (station.driver_tariffs or {}).values() if station._computes_costs() else ()
            texts = [text["content"] for each in told for text in each["tariff"].get("description", ())]
            station.driver_tariffs_text = "\n\n".join(dict.fromkeys(texts)) or False

    def _computes_costs(self) -> bool:
        """Whether the station shall have tariffs, and can."""
        return self.tariff_policy != "none" and self.ocpp_version == "2.1"

    def _takes_tariff(self, lost: list[str]) -> bool:
        """Whether the station shall have a tariff that lacks these of our terms."""
        return not lost or self.tariff_policy == "always"

    def _tariff_obstacles(self, tariff: dict[str, Any]) -> list[str]:
        """Why the station cannot have a tariff, by what it said of itself. What it did not report is no obstacle."""
        reported = self._reported((_AVAILABLE, _CONDITIONS, _MOST_PRICES, _CURRENCY))
        prices = [block["prices"] for block in tariff.values() if isinstance(block, dict) and "prices" in block]
        obstacles = []
        if reported.get(_AVAILABLE, "").lower() == "false":
            obstacles.append(self.env._("The station says that it knows no tariffs."))
        if reported.get(_CONDITIONS, "").lower() == "false" and any("conditions" in p for each in prices for p in each):
            obstacles.append(self.env._("The station says that it knows no prices with conditions."))
        most = reported.get(_MOST_PRICES, "")
        if most.isdecimal() and any(len(each) > int(most) for each in prices):
            obstacles.append(self.env._("The station takes at most %(most)s prices of a kind.", most=most))
        if reported.get(_CURRENCY, "").upper() not in ("", tariff["currency"]):
            obstacles.append(self.env._("The station counts in %(currency)s.", currency=reported[_CURRENCY]))
        return obstacles

    @api.model
    def _cron_send_tariffs(self) -> None:
        """Send what has changed: prices, price rules, the begin of a new version."""
        stations = self.search([("tariff_policy", "!=", "none"), ("ocpp_version", "=", "2.1")])
        stations.filtered(lambda station: station.connection_state == "online").evse_ids._send_tariff()
        for company, own in stations.grouped("company_id").items():
            own._refresh_driver_tariffs(company)

    def _refresh_driver_tariffs(self, company: models.Model) -> None:
        """Find out what drivers with a contract pay today at these stations of a company."""
        rules = self.env["emobility.price.rule"]
        day = rules._local_day(self.evse_ids[:1], fields.Datetime.now())
        groups = self.env["contract.contract"]._refresh_price_groups(company, day)
        known: dict[Any, Any] = {}
        for station in self:
            found = {}
            for group, contract in groups.items():
                tariffs = [station._driver_tariff(contract, day, evse, known) for evse in station.evse_ids]
                # The station asks before it knows where the cable goes, so the price has to be the same everywhere.
                if tariffs and tariffs[0] is not None and all(each == tariffs[0] for each in tariffs):
                    found[group] = tariffs[0]
            if found != (station.driver_tariffs or {}):
                station.driver_tariffs = found

    def _driver_tariff(
        self, contract: models.Model, day: date, evse: models.Model, known: dict[Any, Any]
    ) -> dict[str, Any] | None:
        """What a contract pays at an EVSE, and until when that is sure; None when OCPP cannot say it.

        It is sure until the day ends there, for plans and rules change with the day, or until a version of the tariff
        begins or ends. Where it is not the day for which the contracts are sorted into groups nothing is sure.
        """
        now, rules = fields.Datetime.now(), self.env["emobility.price.rule"]
        connector = self.env["emobility.connector"]
        situation = rules._situation(self.company_id, contract, rules._payer(contract, None), evse, connector, now)
        if situation.day != day:
            return None
        if situation not in known:
            version = rules._select_version(self.company_id, contract, evse, connector, now)
            known[situation] = version, version._ocpp_tariff() if version else (None, [])
        version, (tariff, lost) = known[situation]
        if tariff is None or not self._takes_tariff(lost) or self._tariff_obstacles(tariff):
            return None
        versions = version.sudo().tariff_id.version_ids
        turns = [at for at in (version.sudo().valid_to, *versions.mapped("valid_from")) if at and at > now]
        zone = ZoneInfo(evse.location_id.time_zone or "UTC")
        return {"tariff": tariff, "until": min(turns + [_next_midnight(now, zone)]).isoformat() + "Z"}

    def action_send_tariffs(self) -> dict[str, Any]:
        """Send the tariffs of all EVSEs now, whether or not they have changed, and find out those of contracts anew."""
        self._check_technician()
        stations = self.filtered(lambda station: station._computes_costs())
        if not stations:
            raise UserError(self.env._("Only stations of OCPP 2.1 that shall have tariffs can be sent one."))
        for company, own in stations.sudo().grouped("company_id").items():
            own._refresh_driver_tariffs(company)
        commands = stations.sudo().evse_ids._send_tariff(again=True)
        action = self.env["ir.actions.act_window"]._for_xml_id("emobility_ocpp.emobility_command_action")
        return action | {"domain": [("id", "in", commands.ids)], "context": {}}


def _next_midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """The end of the local day; naive UTC, as the argument."""
    day = at.replace(tzinfo=UTC).astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
