from __future__ import annotations

from typing import Any, NamedTuple

from odoo import api, models
from odoo.exceptions import UserError


class TaxDecision(NamedTuple):
    """Which taxes apply, by which fiscal position, and why: a sentence for the line of the invoice."""

    taxes: Any
    position: Any
    reason: str


class EmobilityInvoicing(models.AbstractModel):
    """The one place that decides on taxes.

    Charging is a supply of goods. Drivers and companies that charge are taxed where they charge (articles 38 and 39
    of the VAT directive), a partner that resells at its seat. The rates are those of fiscal positions: of a
    registration abroad, of the one-stop shop, or of a reverse charge.
    """

    _inherit = "emobility.invoicing"

    @api.model
    def _tax_decision(
        self, product: Any, rating: Any, country: Any, known: dict[Any, Any] | None = None
    ) -> TaxDecision:
        """Taxes of a product for what was charged in a country, and the reason.

        :param known: what was decided before, for the next calls of a batch
        :raises UserError: when nothing says which taxes apply: they are not guessed.
        """
        company = rating.company_id
        known = {} if known is None else known
        position, reason = self._known_position(rating, country, known)
        key = (company.id, product.id, rating.price_mode, position.id)
        if key not in known:
            taxes = product.taxes_id._filter_taxes_by_company(company) or company.account_sale_tax_id
            known[key] = position.map_tax(taxes)._emobility_variant(rating.price_mode == "gross")
        return TaxDecision(known[key], position, reason)

    def _taxes(self, product: Any, price_mode: str, rating: Any, country: Any) -> Any:
        """Taxes of a product alone; the price mode is that of the rating."""
        return self._tax_decision(product, rating, country).taxes

    def _known_position(self, rating: Any, country: Any, known: dict[Any, Any]) -> tuple[Any, str]:
        key = self._position_key(rating, country)
        if key not in known:
            known[key] = self._position(rating, country)
        return known[key]

    def _move_key(self, rating: Any, known: dict[Any, Any]) -> tuple[Any, ...]:
        """Under a registration abroad an invoice carries the VAT number of that country, and no other taxes."""
        contract, location = rating.contract_id, rating.location_id
        key = ("registration", contract.id, location.id, rating.partner_id.id, rating.relation)
        if key not in known:
            country = location.country_id or rating.company_id.country_id
            position, _reason = self._known_position(rating, country, known)
            known[key] = position.id if position.foreign_vat else 0
        return (*super()._move_key(rating, known), known[key])

    def _position_key(self, rating: Any, country: Any) -> tuple[Any, ...]:
        """All that the fiscal position depends on."""
        partner = rating.partner_id
        place = partner if self._is_resold(rating) else None
        return (
            rating.company_id.id,
            country.id,
            rating.contract_id.fiscal_position_id.id,
            self._manual_position(rating).id,
            partner.commercial_partner_id.vat,
            place and place.id,
        )

    def _position(self, rating: Any, country: Any) -> tuple[Any, str]:
        """The fiscal position (or none) and why it is that one."""
        if position := rating.contract_id.fiscal_position_id:
            return position, self.env._("%s: fiscal position of the contract.", position.name)
        if position := self._manual_position(rating):
            return position, self.env._("%s: fiscal position of the customer.", position.name)
        if self._is_resold(rating):
            return self._position_of_reseller(rating)
        return self._position_of_place(rating, country)

    def _is_resold(self, rating: Any) -> bool:
        """Whether the payer resells the charging to its own customers."""
        return rating.relation == "wholesale"

    def _manual_position(self, rating: Any) -> Any:
        return rating.partner_id.with_company(rating.company_id).property_account_position_id

    def _position_of_reseller(self, rating: Any) -> tuple[Any, str]:
        seat = rating.partner_id.commercial_partner_id
        if not seat.country_id:
            raise UserError(self.env._("%s resells charging and has no country: its taxes are not known.", seat.name))
        position = self._matching_position(rating.company_id, seat)
        values = {"country": seat.country_id.code, "position": position.name}
        if position:
            return position, self.env._("%(position)s: a reseller is taxed at its seat (%(country)s).", **values)
        self._check_country(rating.company_id, seat.country_id)
        return position, self.env._("A reseller is taxed at its seat (%(country)s).", **values)

    def _position_of_place(self, rating: Any, country: Any) -> tuple[Any, str]:
        """A customer that is registered for VAT where it charged may owe the tax itself; another registration of
        its does not matter there.
        """
        company, vat = rating.company_id, rating.partner_id.commercial_partner_id.vat or ""
        is_registered = vat[:2].upper() == country.code
        values = {"country": country.code, "vat": vat}
        place = self.env["res.partner"].new(
            {"name": rating.partner_id.name, "country_id": country.id, "vat": vat if is_registered else False}
        )
        position = self._matching_position(company, place)
        values["position"] = position.name
        if not position:
            self._check_country(company, country)
            return position, self.env._("Charged in %(country)s.", **values)
        if position.vat_required:
            return position, self.env._(
                "%(position)s: charged in %(country)s by a customer with the VAT ID %(vat)s.", **values
            )
        return position, self.env._("%(position)s: charged in %(country)s.", **values)

    def _matching_position(self, company: Any, partner: Any) -> Any:
        """The first automatic fiscal position of the company that fits a partner, as Odoo chooses it."""
        positions = self.env["account.fiscal.position"].with_company(company).sudo()
        automatic = positions.search([*positions._check_company_domain(company), ("auto_apply", "=", True)])
        return automatic._get_first_matching_fpos(partner.with_company(company))

    def _check_country(self, company: Any, country: Any) -> None:
        """Within the union the rates of one member state are never those of another."""
        own = company.account_fiscal_country_id
        union = self.env.ref("base.europe").country_ids
        if country != own and country in union and own in union:
            raise UserError(
                self.env._(
                    "No fiscal position says which taxes apply to charging in %(country)s: enter the registration "
                    "there, the one-stop shop, or the reverse charge.",
                    country=country.name,
                )
            )
