from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.emobility_billing.derivation import Event
from odoo.addons.emobility_billing.jobs import LATER, SOON, enqueue

_STAFF = "emobility_crm.group_user,emobility_crm.group_auditor"


class EmobilitySession(models.Model):
    """Roaming between companies of this database, without a network between.

    The operator has the session that the station reports, on behalf of "a roaming customer": an agreement and the
    UID, neither name nor contract. The provider has a session of its own for the same charge, which gets every event
    that the operator's gets and runs through the provider's gate, prices and billing.
    """

    _inherit = "emobility.session"

    # The provider's session is at the operator's EVSE; _check_evse_company says when that is right.
    evse_id = fields.Many2one(check_company=False)
    origin_session_id = fields.Many2one(
        "emobility.session",
        "Session of the Operator",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        groups="emobility_crm.group_manager",
    )
    provider_session_ids = fields.One2many(
        "emobility.session", "origin_session_id", groups="emobility_crm.group_manager"
    )

    # What is left of the driver's price: of the provider's session alone. No currency: it is not known.
    internal_currency_id = fields.Many2one("res.currency", readonly=True, copy=False, groups=_STAFF)
    internal_retail_net = fields.Monetary(currency_field="internal_currency_id", readonly=True, groups=_STAFF)
    internal_wholesale_net = fields.Monetary(currency_field="internal_currency_id", readonly=True, groups=_STAFF)
    internal_fee = fields.Monetary(currency_field="internal_currency_id", readonly=True, groups=_STAFF)

    @api.constrains("evse_id", "company_id")
    def _check_evse_company(self) -> None:
        for session in self.sudo():
            owner = session.evse_id.company_id
            if owner and owner != session.company_id and session.source != "internal":
                raise ValidationError(
                    self.env._(
                        "The EVSE %(evse)s belongs to another company than the session %(session)s.",
                        evse=session.evse_id.display_name,
                        session=session.uid,
                    )
                )

    @api.model
    def _ingest_events(self, events: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        results = super()._ingest_events(events)
        keys = {
            (raw["source"], raw["session_uid"])
            for raw, result in zip(events, results, strict=True)
            if result["status"] == "ok"
        }
        if keys:
            self._hand_on(keys)
        return results

    def _hand_on(self, keys: Iterable[tuple[str, str]]) -> None:
        """Give the providers among our companies the events of their customers' sessions."""
        model = self.sudo()
        touched = model.search(
            [
                ("uid", "in", [uid for _source, uid in keys]),
                ("roaming_agreement_id.internal_company_id", "!=", False),
            ]
        )
        for session in touched.filtered(lambda one: (one.source, one.uid) in keys):
            provider = session.roaming_agreement_id.internal_company_id
            # What this company's office added is its own decision.
            reported = session.event_ids.filtered(lambda event, source=session.source: event.source == source)
            events = [event._handed_on() for event in reported]
            model.with_company(provider).with_context(emobility_internal=True)._ingest_events(events)
            mirror = model.search([("source", "=", "internal"), ("uid", "=", events[0]["session_uid"])])
            if not mirror.origin_session_id:
                mirror._as_system().write({"origin_session_id": session.id})

    def _companies_of(self, started: Iterable[Event]) -> dict[Any, int]:
        if self.env.context.get("emobility_internal"):
            return {}
        return super()._companies_of(started)

    def _company_at(self, evse: Any) -> Any:
        return self.company_id if self.source == "internal" else super()._company_at(evse)

    def _roaming_agreement(self, values: dict[str, Any], started: Event) -> Any:
        found = super()._roaming_agreement(values, started)
        if found or values.get("token_id") or not values.get("token_uid") or self.source == "internal":
            return found
        return self._internal_agreement(values, started)

    def _internal_agreement(self, values: dict[str, Any], started: Event) -> Any:
        """The agreement with the one company of this database that knows the token."""
        evse = self.env["emobility.evse"].browse(values.get("evse_id") or self.evse_id.id)
        agreements = self.env["emobility.roaming.agreement"]
        if not evse:
            return agreements
        partners = self.env["emobility.roaming.partner"].search(
            [("company_id", "=", evse.company_id.id), ("internal_company_id", "!=", False), ("role", "=", "EMSP")]
        )
        tokens = self.env["emobility.token"]
        knowing = partners.filtered(
            lambda partner: tokens._find_by_uid(values["token_uid"], partner.internal_company_id)._is_chargeable()
        )
        if len(knowing) != 1:
            return agreements
        zone = evse.location_id.time_zone
        day = fields.Datetime.context_timestamp(self.with_context(tz=zone), started.at.replace(tzinfo=None)).date()
        return agreements._find(knowing, "sell", day, evse.location_id.country_id)

    # A share of the driver's price

    def _rate_first(self, cdr: Any) -> Any:
        is_share = self.roaming_agreement_id.pricing == "percent"
        return cdr.rating_ids.browse() if is_share else super()._rate_first(cdr)

    def _rate_share(self) -> None:
        """The operator's share, as soon as both CDRs are there."""
        for session in self.sudo()._as_system():
            agreement, own = session.roaming_agreement_id, session._current_cdr()
            if agreement.pricing == "percent" and own and not _share(own):
                retail = _retail(session.provider_session_ids._current_cdr())
                if retail:
                    self.env["emobility.rating"]._create_share(own, agreement, retail, retail._net_amount())

    def _queue_share(self) -> None:
        """What the driver pays has changed. In a job: it is not known before all of the correction is done."""
        for session in self.sudo().filtered(lambda one: one.roaming_agreement_id.pricing == "percent"):
            enqueue(
                session,
                f"emobility.session.share:{session.id}",
                self.env._("Correct the share of the session %s", session.uid),
                priority=SOON,
            )._correct_share()

    def _correct_share(self) -> None:
        """Job: when the share is another than the one that was billed, take that back and bill it anew.

        Without a CDR the driver pays nothing, and the share of nothing is nothing; while the provider prices the
        session again, nobody knows.
        """
        session = self.sudo()._as_system()
        own, mirror = session._current_cdr(), session.provider_session_ids
        share = _share(own)
        if not share or mirror.state not in ("done", "void"):
            return
        agreement, retail = session.roaming_agreement_id, _retail(mirror._current_cdr())
        net = retail._net_amount() if retail else 0.0
        if share.currency_id.compare_amounts(share.amount_total, agreement._share_of(net, share.currency_id)) == 0:
            return
        credit = own._take_back("price", self.env._("The provider has changed what the driver pays."))
        again = own._issue_again(own.tariff_version_id)
        self.env["emobility.rating"]._create_share(again, agreement, retail or share, net)
        again._rate_others()
        credit._queue_credit_notes()

    # Margin of the provider

    def _queue_internal_margin(self) -> None:
        """One of the prices is known now, or has changed. In a job: a correction is done in several steps."""
        both = self.sudo()
        for session in (both | both.provider_session_ids).filtered("origin_session_id"):
            enqueue(
                session,
                f"emobility.session.margin:{session.id}",
                self.env._("Margin of the session %s", session.uid),
                priority=LATER,
            )._compute_internal_margin()

    def _compute_internal_margin(self) -> None:
        """Job: what the driver pays less what the operator gets less fees, in the currency of what it gets."""
        for session in self.sudo()._as_system():
            origin = session.origin_session_id
            retail, wholesale = _retail(session._current_cdr()), _share(origin._current_cdr())
            if not (retail and wholesale):
                session.internal_currency_id = False
                continue
            agreement, currency = origin.roaming_agreement_id, wholesale.currency_id
            passed_on = agreement.hub_fee_policy == "pass_on"
            session.write(
                {
                    "internal_currency_id": currency.id,
                    "internal_retail_net": retail.currency_id._convert(
                        retail._net_amount(), currency, session.company_id, session.end_at.date(), round=False
                    ),
                    "internal_wholesale_net": wholesale._net_amount(),
                    "internal_fee": float(agreement._hub_fee_of(wholesale)) if passed_on else 0.0,
                }
            )


def _share(cdr: Any) -> Any:
    return cdr.rating_ids.filtered(lambda rating: rating.relation == "wholesale")[:1]


def _retail(cdr: Any) -> Any:
    return cdr.rating_ids.filtered(lambda rating: rating.relation == "retail")[:1]
