from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError as OcpiError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.emobility_billing.jobs import LATER, enqueue
from odoo.addons.emobility_crm.timezones import time_zone_of
from odoo.addons.emobility_roaming.ocpi.countries import ALPHA_3
from odoo.addons.emobility_roaming.ocpi.internal import Cdr, Party
from odoo.addons.emobility_roaming.ocpi.versions import read_cdr

from ..comparison import differs, reprice

ALPHA_2 = {alpha_3: alpha_2 for alpha_2, alpha_3 in ALPHA_3.items()}


class EmobilityRoamingCdr(models.Model):
    """What a received CDR may cost us: priced again, compared, accepted or disputed. Never paid unseen."""

    _inherit = "emobility.roaming.cdr"

    agreement_id = fields.Many2one(
        "emobility.roaming.agreement", readonly=True, index=True, ondelete="restrict", check_company=True
    )
    check_state = fields.Selection(
        [
            ("new", "Not checked"),
            ("to_check", "To be checked"),
            ("accepted", "Accepted"),
            ("disputed", "Disputed"),
            ("refused", "Not paid"),
            ("credited", "Taken back"),
        ],
        "Payment",
        readonly=True,
        index=True,
        tracking=True,
    )
    findings = fields.Text(readonly=True, help="Why it was not accepted by itself.")
    repriced_net = fields.Monetary("By Our Engine", readonly=True, help="Without taxes, by the tariff that it names.")
    is_repriced = fields.Boolean(readonly=True)
    repriced_trace = fields.Json(readonly=True)
    difference = fields.Monetary(readonly=True, help="Theirs less ours.")
    hub_fee = fields.Monetary(readonly=True)
    retail_net = fields.Monetary("Driver Pays", readonly=True, help="Without taxes.")
    margin = fields.Monetary(readonly=True, help="What the driver pays without taxes, less this CDR and the hub's fee.")
    has_margin = fields.Boolean(readonly=True)
    location_name = fields.Char("Place", readonly=True)
    dispute_ids = fields.One2many("emobility.roaming.dispute", "roaming_cdr_id", "Disputes")
    settlement_id = fields.Many2one(
        "emobility.roaming.settlement", readonly=True, index=True, ondelete="set null", check_company=True
    )
    settlement_line_ids = fields.One2many("emobility.settlement.line", "roaming_cdr_id", "Lines of Their Invoices")

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityRoamingCdr:
        received = [vals | {"check_state": "new"} if vals.get("direction") == "in" else vals for vals in vals_list]
        cdrs = super().create(received)
        cdrs.filtered(lambda one: one.direction == "in")._queue_check()
        return cdrs

    def _wait_for_check(self) -> None:
        """CDRs that came by OCPI, which are kept without ``create``."""
        self.with_context(tracking_disable=True).write({"check_state": "new"})
        self._queue_check()

    def _queue_check(self) -> None:
        if self:
            enqueue(
                self,
                f"emobility.roaming.cdr.check:{self[:1].id}-{self[-1:].id}",
                self.env._("Check %s CDRs of a partner", len(self)),
            )._check()

    def _queue_margin(self) -> None:
        """What the driver pays is known now, or has changed. In a job: a correction is done in several steps."""
        for cdr in self.sudo().filtered(lambda one: one.direction == "in" and not one.credit):
            enqueue(
                cdr,
                f"emobility.roaming.cdr.margin:{cdr.id}",
                self.env._("Margin of the CDR %s", cdr.name),
                priority=LATER,
            )._compute_margin()

    # Checking

    def _check(self) -> None:
        """Job: find the terms, price it again, and accept it or say why not. A person's decision stays."""
        for cdr in self.sudo()._as_system():
            if cdr.direction == "in" and cdr.check_state in ("new", "to_check"):
                cdr._check_one()

    def _check_one(self) -> None:
        try:
            message = self._message()
        except OcpiError as error:
            self.write({"check_state": "to_check", "findings": str(error)})
            return
        self.write(self._terms(message))
        if self.credit:
            self._check_credit()
            return
        findings = [*self._findings_on_terms(), *self._findings_on_price(message)]
        self.write({"findings": "\n".join(findings) or False, "check_state": "to_check" if findings else "accepted"})
        self._compute_margin()

    def _message(self) -> Cdr:
        return read_cdr(self.version, self.data, Party.of(self.country_code, self.party_id))

    def _terms(self, message: Cdr) -> dict[str, Any]:
        country = self.env["res.country"].search([("code", "=", ALPHA_2.get(message.location.country, ""))], limit=1)
        zone = ZoneInfo(self._time_zone(message))
        day = message.start.astimezone(zone).date()
        agreements = self.env["emobility.roaming.agreement"]
        agreement = agreements._find(self.roaming_partner_id, "buy", day, country)
        fee = agreement._hub_fee(message.total.net, message.energy) if agreement else Decimal(0)
        return {
            "agreement_id": agreement.id,
            "location_name": message.location.name or message.location.address,
            "hub_fee": float(round(fee, 4)),
        }

    def _time_zone(self, message: Cdr) -> str:
        """A CDR has no time zone (OCPI issue 517): that of the location as published, or of its coordinates."""
        place = message.location
        known = self.session_id.location_id.time_zone or place.time_zone
        return known or time_zone_of(float(place.latitude), float(place.longitude)) or "UTC"

    def _findings_on_terms(self) -> list[str]:
        findings = []
        agreement = self.agreement_id
        if not agreement:
            findings.append(self.env._("There is no agreement to buy from this partner on that day."))
        elif agreement.currency_id.name != self.currency_code:
            findings.append(
                self.env._(
                    "The CDR is in %(theirs)s, agreed is %(agreed)s.",
                    theirs=self.currency_code,
                    agreed=agreement.currency_id.name,
                )
            )
        received = self.exchanged_at or fields.Datetime.now()
        if agreement.age_limit_days and received - self.end_at > timedelta(days=agreement.age_limit_days):
            findings.append(
                self.env._(
                    "The CDR came %(days)s days after the session; the limit is %(limit)s.",
                    days=(received - self.end_at).days,
                    limit=agreement.age_limit_days,
                )
            )
        findings += agreement._broken_rules(self.energy_kwh, self.total_net) if agreement else []
        twin = self._twin()
        if twin:
            findings.append(self.env._("The session is in the CDR %s already.", twin.name))
        return findings

    def _twin(self) -> EmobilityRoamingCdr:
        """Another CDR about the same session that is not taken back."""
        if not self.session_ref:
            return self.browse()
        return self.search(
            [
                ("id", "!=", self.id),
                ("direction", "=", "in"),
                ("roaming_partner_id", "=", self.roaming_partner_id.id),
                ("session_ref", "=", self.session_ref),
                ("credit", "=", False),
                ("check_state", "!=", "credited"),
            ],
            limit=1,
        )

    def _findings_on_price(self, message: Cdr) -> list[str]:
        repriced = reprice(message, self.data, self.version, self._known_tariffs(), self._time_zone(message))
        amount = repriced.amount
        self.write(
            {
                "repriced_trace": repriced.trace or False,
                "is_repriced": amount is not None,
                "repriced_net": float(round(amount, 4)) if amount is not None else 0.0,
                "difference": float(round(message.total.net - amount, 4)) if amount is not None else 0.0,
            }
        )
        if amount is None:
            return [self.env._("The price cannot be checked: %s", repriced.problem)]
        agreement = self.agreement_id
        if differs(
            message.total.net,
            amount,
            absolute=Decimal(str(agreement.tolerance_amount)),
            percent=Decimal(str(agreement.tolerance_percent)),
        ):
            return [
                self.env._(
                    "The CDR says %(theirs)s without taxes, by its tariff it is %(ours)s.",
                    theirs=message.total.net,
                    ours=round(amount, 4),
                )
            ]
        return []

    def _known_tariffs(self) -> dict[str, dict[str, Any]]:
        """What the partner has published, for CDRs that only name their tariff."""
        published = self.env["emobility.ocpi.object"].search(
            [
                ("connection_id", "=", self.connection_id.id),
                ("module", "=", "tariffs"),
                ("country_code", "=", self.country_code),
                ("party_id", "=", self.party_id),
            ]
        )
        return {tariff.uid: tariff.data for tariff in published}

    def _check_credit(self) -> None:
        """Pair a credit CDR with what it takes back; the amounts have to be the same, whatever their signs."""
        original = self.credited_id or self.search(
            [
                ("direction", "=", "in"),
                ("roaming_partner_id", "=", self.roaming_partner_id.id),
                ("name", "=ilike", self.credit_reference or ""),
                ("credit", "=", False),
            ],
            limit=1,
        )
        if not original:
            finding = self.env._("It takes back %s, which never came.", self.credit_reference or "?")
        elif original.currency_id.compare_amounts(abs(original.total_net), abs(self.total_net)):
            finding = self.env._("It takes back another amount than %s had.", original.name)
        else:
            self.write({"check_state": "accepted", "findings": False, "credited_id": original.id})
            if not original.settlement_id:
                # Nothing was paid, so the two cancel each other and neither is settled.
                (original | self).write({"check_state": "credited"})
            original.dispute_ids._credited_by(self)
            return
        self.write({"check_state": "to_check", "findings": finding})

    # Margin

    def _compute_margin(self) -> None:
        """Retail less wholesale less fees, in the currency of the CDR, as soon as the driver's price is known."""
        for cdr in self.sudo()._as_system():
            rating = cdr.session_id.cdr_ids.filtered(
                lambda own: not own.credit and not own.credit_cdr_ids
            ).rating_ids.filtered(lambda one: one.relation in ("retail", "adhoc"))[:1]
            if not rating or not cdr.currency_id:
                cdr.has_margin = False
                continue
            net = rating.currency_id._convert(
                rating._net_amount(), cdr.currency_id, cdr.company_id, cdr.end_at.date(), round=False
            )
            cdr.write(
                {
                    "retail_net": net,
                    "margin": net - cdr.total_net - cdr.hub_fee,
                    "has_margin": True,
                }
            )

    # Decisions

    def _evidence(self) -> dict[str, Any]:
        """What a dispute shows to the other side."""
        return {
            "CDR": self.name,
            "session": self.session_ref or "",
            "token": self.token_uid or "",
            "start": f"{self.start_at}Z",
            "end": f"{self.end_at}Z",
            "energy_kwh": self.energy_kwh,
            "total_net": self.total_net,
            "by_the_tariff": self.repriced_net if self.is_repriced else None,
            "currency": self.currency_code,
        }

    def _check_may_decide(self) -> None:
        """Nobody may write what was exchanged; who answers for the partners may decide what it is worth."""
        self.check_access("read")
        deciders = ("emobility_crm.group_roaming_manager", "emobility_crm.group_manager")
        if not self.env.su and not any(self.env.user.has_group(group) for group in deciders):
            raise AccessError(self.env._("Only a roaming manager may decide on the CDRs of partners."))

    def _decide(self, state: str) -> None:
        for cdr in self:
            if cdr.direction != "in" or cdr.check_state not in ("to_check", "disputed", "accepted", "refused"):
                raise UserError(self.env._("%s is not waiting for a decision.", cdr.name))
            if cdr.settlement_id:
                raise UserError(
                    self.env._("%(cdr)s is settled by %(settlement)s.", cdr=cdr.name, settlement=cdr.settlement_id.name)
                )
        self.sudo()._as_system().write({"check_state": state})

    def action_check(self) -> None:
        """Check again, for example after the agreement was entered."""
        self._check_may_decide()
        self._check()

    def action_accept(self) -> None:
        """Pay it in spite of what was found."""
        self._check_may_decide()
        self._decide("accepted")

    def action_refuse(self) -> None:
        """Do not pay it, and leave it at that."""
        self._check_may_decide()
        self._decide("refused")

    def action_dispute(self) -> dict[str, Any]:
        """Tell the partner what is wrong with it."""
        self.ensure_one()
        self._check_may_decide()
        dispute = self.env["emobility.roaming.dispute"]._about_theirs(self)
        return {
            "type": "ir.actions.act_window",
            "res_model": "emobility.roaming.dispute",
            "res_id": dispute.id,
            "view_mode": "form",
        }
