from __future__ import annotations

from typing import Any

from odoo import api, fields, models


class EmobilityOcpiPublisher(models.AbstractModel):
    """Partners with an agreement are told its prices: those of the wholesale rules."""

    _inherit = "emobility.ocpi.publisher"

    @api.model
    def _agreements_of(self, connection: Any) -> Any:
        today = fields.Date.context_today(connection)
        agreements = connection.sudo().party_ids.agreement_ids
        return agreements.filtered(
            lambda one: one.direction == "sell" and one.date_from <= today and not (one.date_to and one.date_to < today)
        )

    @api.model
    def _tariffs_of(self, connection: Any) -> Any:
        tariffs = super()._tariffs_of(connection)
        agreements = self._agreements_of(connection)
        if not agreements:
            return tariffs
        entities = agreements.legal_entity_id | agreements.legal_entity_id.commercial_partner_id
        rules = (
            self.env["emobility.price.rule"]
            .sudo()
            .search(
                [
                    ("company_id", "=", connection.company_id.id),
                    ("relation", "=", "wholesale"),
                    ("partner_id", "in", [False, *entities.ids]),
                    ("tariff_id.roaming_partner_id", "=", False),
                ]
            )
        )
        return tariffs | rules.tariff_id

    @api.model
    def _price_at(self, connection: Any, connector: Any) -> Any:
        country = connector.evse_id.location_id.country_id
        agreement = self._agreements_of(connection).filtered(
            lambda one: not one.country_ids or country in one.country_ids
        )[:1]
        if not agreement:
            return super()._price_at(connection, connector)
        return self.env["emobility.price.rule"]._select_version(
            connection.company_id,
            self.env["contract.contract"],
            connector.evse_id,
            connector,
            fields.Datetime.now(),
            relation="wholesale",
            partner=agreement.legal_entity_id,
        )
