from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError as OcpiError

from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from odoo.addons.emobility_billing.rating import Period, SessionFacts, build_periods

from .. import ocpi_export
from ..ocpi import v221
from ..ocpi.countries import ALPHA_3

# Token types of this product that OCPI 2.2.1 does not have yet.
_TOKEN_TYPES = {"EMAID": "OTHER"}
_ID_LENGTH = 36


class EmobilityCdr(models.Model):
    _inherit = "emobility.cdr"

    roaming_partner_id = fields.Many2one(
        related="session_id.roaming_partner_id",
        store=True,
        index=True,
        help="The roaming partner on the other side: the provider of the driver, or the operator of the station.",
    )
    exchange_ids = fields.One2many("emobility.roaming.cdr", "cdr_id", "Exchanged With Partners")

    def _after_rating(self) -> None:
        result = super()._after_rating()
        self._ocpi_changed()
        return result

    def _take_back(self, reason: str = "other", note: str | None = None) -> Any:
        credits = super()._take_back(reason, note)
        credits._ocpi_changed()
        return credits

    def _ocpi_changed(self) -> None:
        """Send the CDRs of a provider's drivers; a CDR of a partner is theirs."""
        ours = self.sudo().filtered(lambda cdr: cdr.roaming_partner_id and cdr.session_id.source != "ocpi")
        self.env["emobility.ocpi.connection"]._queue_push("cdrs", ours, "CPO")

    def action_download_ocpi(self) -> dict[str, Any]:
        """Download the CDR as OCPI 2.2.1 JSON; what OCPI needs and the CDR lacks is said before."""
        self.ensure_one()
        self._to_ocpi()
        return {
            "type": "ir.actions.act_url",
            "url": f"/emobility/ocpi/2.2.1/cdr/{self.id}",
            "target": "download",
        }

    def _to_ocpi(self) -> v221.Cdr:
        """The CDR as OCPI 2.2.1, chapter mod_cdrs; for a credit CDR with the negated cost of the original.

        Location, token and tariff are those that the CDR names. Costs are those of the wholesale rating when there
        is one, else of the retail rating.

        :raises AccessError: when the user may not read the CDR, or is no employee
        :raises UserError: when something is missing that OCPI requires, or does not fit into it
        """
        self.ensure_one()
        self.check_access("read")
        if not self.env.user._is_internal():
            raise AccessError(self.env._("Only employees may export CDRs."))
        try:
            return self.sudo()._ocpi_cdr()
        except OcpiError as error:
            problems = "\n".join(
                f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
                for problem in error.errors()
            )
            raise UserError(
                self.env._(
                    "The CDR %(cdr)s cannot be written as OCPI 2.2.1:\n%(problems)s",
                    cdr=self.name,
                    problems=problems,
                )
            ) from error

    def _ocpi_cdr(self) -> v221.Cdr:
        original = self.credited_cdr_id or self
        rating = original._ocpi_rating()
        facts = original._facts()
        tariff = rating.tariff_version_id._engine_tariff()
        periods = build_periods(facts, tariff)
        vat_of = original._ocpi_vat_of(rating)
        tariff_id = f"{rating.tariff_version_id.tariff_id.code}-{rating.tariff_version_id.number}"
        costs = original._ocpi_costs(rating)
        return v221.Cdr(
            **self._ocpi_identity(rating),
            **original._ocpi_measures(facts, periods),
            cdr_token=original._ocpi_token(),
            cdr_location=original._ocpi_location(),
            charging_periods=ocpi_export.charging_periods(periods, tariff_id),
            tariffs=original._ocpi_tariffs(rating, vat_of, tariff_id),
            total_cost=-costs["total"] if self.credit else costs["total"],
            total_fixed_cost=costs.get("FLAT"),
            total_energy_cost=costs.get("ENERGY"),
            total_time_cost=costs.get("TIME"),
            total_parking_cost=costs.get("PARKING_TIME"),
            remark=None
            if ocpi_export.can_express(tariff)
            else "The tariff has rules on parking time that OCPI cannot express, so it is not included.",
        )

    def _ocpi_rating(self) -> models.Model:
        ratings = self.rating_ids
        rating = ratings.filtered(lambda one: one.relation == "wholesale") or ratings.filtered(
            lambda one: one.relation == "retail"
        )
        if not rating:
            raise UserError(self.env._("The CDR %(cdr)s has not been rated yet.", cdr=self.name))
        return rating[0]

    def _ocpi_identity(self, rating: models.Model) -> dict[str, Any]:
        """Who sends what: ids, parties, how it was authorised, what it refers to."""
        company, session = self.company_id, self.session_id
        if not (company.emobility_country_code and company.emobility_party_id):
            raise UserError(
                self.env._(
                    "The company %(company)s has no OCPI country code and party ID.", company=company.name
                )
            )
        move = rating.move_id
        return {
            "country_code": company.emobility_country_code,
            "party_id": company.emobility_party_id,
            "id": self.name,
            "session_id": session.uid if len(session.uid) <= _ID_LENGTH else None,
            "auth_method": session._auth_method(),
            "authorization_reference": session.authorization_reference or None,
            "currency": rating.currency_id.name,
            "meter_id": self.evse_id.meter_serial or None,
            "invoice_reference_id": move.name if move.state == "posted" else None,
            "credit": self.credit or None,
            "credit_reference_id": self.credited_cdr_id.name or None,
            "last_updated": _aware(self.create_date),
        }

    def _ocpi_measures(self, facts: SessionFacts, periods: tuple[Period, ...]) -> dict[str, Any]:
        """When and how much. The session ends when the cable is out, which may be later than charging."""
        end = facts.unplugged or facts.end
        return {
            "start_date_time": facts.start,
            "end_date_time": end,
            "total_energy": facts.energy_kwh,
            "total_time": ocpi_export.hours(facts.start, end),
            "total_parking_time": ocpi_export.parking_hours(periods),
        }

    def _ocpi_token(self) -> v221.CdrToken:
        token = self.session_id.token_id
        if not token:
            raise UserError(
                self.env._(
                    "The CDR %(cdr)s has no known token, which OCPI requires: who is to pay?", cdr=self.name
                )
            )
        return v221.CdrToken(
            country_code=token.country_code or "",
            party_id=token.party_id or "",
            uid=token.uid,
            type=_TOKEN_TYPES.get(token.token_type, token.token_type),
            contract_id=token.contract_ref or token.contract_id.emaid or token.uid,
        )

    def _ocpi_location(self) -> v221.CdrLocation:
        location, evse, connector = self.location_id, self.evse_id, self.connector_id
        if not (location.latitude or location.longitude):
            raise UserError(
                self.env._("The location %(location)s has no coordinates.", location=location.display_name)
            )
        return v221.CdrLocation(
            id=location.code,
            name=location.name,
            # OCPI 2.2.1 has no room for longer ones.
            address=(location.street or location.name)[:45],
            city=(location.city or "")[:45],
            postal_code=location.zip or None,
            country=ALPHA_3.get(location.country_id.code or "", ""),
            coordinates=v221.GeoLocation.of_degrees(location.latitude, location.longitude),
            evse_uid=evse.uid,
            evse_id=evse.evse_id or "",
            connector_id=connector.code or "",
            connector_standard=connector.standard,
            connector_format=connector.connector_format,
            connector_power_type=connector.power_type,
        )

    def _ocpi_tariffs(
        self, rating: models.Model, vat_of: ocpi_export.VatOf, tariff_id: str
    ) -> tuple[v221.Tariff, ...] | None:
        """The tariff of the rating; none when OCPI would say something else than what was charged."""
        version = rating.tariff_version_id
        tariff = version._engine_tariff()
        if not ocpi_export.can_express(tariff):
            return None
        return (
            ocpi_export.ocpi_tariff(
                tariff,
                vat_of,
                country_code=self.company_id.emobility_country_code,
                party_id=self.company_id.emobility_party_id,
                tariff_id=tariff_id,
                valid_from=_aware(version.valid_from),
                valid_to=version.valid_to and _aware(version.valid_to) or None,
                last_updated=_aware(version.write_date),
            ),
        )

    def _ocpi_costs(self, rating: models.Model) -> dict[str, v221.Price]:
        """Sums of the rated lines by dimension, and of all of them as ``total``."""
        costs: dict[str, v221.Price] = {}
        zero = v221.Price(excl_vat=Decimal(0))
        digits = rating.currency_id.decimal_places
        for line in rating.line_ids:
            cost = ocpi_export.price(
                Decimal(f"{line.amount:.{digits}f}"),
                self._ocpi_vat(rating, line.product_id),
                tax_included=rating.price_mode == "gross",
            )
            for key in (line.dimension, "total"):
                costs[key] = costs.get(key, zero) + cost
        return {"total": zero} | costs

    def _ocpi_vat_of(self, rating: models.Model) -> ocpi_export.VatOf:
        products = self.env["emobility.rating.line"]._products(rating.tariff_version_id)

        def vat_of(dimension: str, element: int) -> Decimal | None:
            return self._ocpi_vat(rating, products(dimension, element))

        return vat_of

    def _ocpi_vat(self, rating: models.Model, product: models.Model) -> Decimal | None:
        """VAT in percent on a product in this rating, as the invoice has it; None when there is none."""
        country = rating.location_id.country_id or rating.company_id.country_id
        taxes = self.env["emobility.invoicing"]._taxes(product, rating.price_mode, rating, country)
        if not taxes:
            return None
        if set(taxes.mapped("amount_type")) != {"percent"}:
            raise UserError(
                self.env._(
                    "OCPI knows only taxes in percent: %(taxes)s.", taxes=", ".join(taxes.mapped("name"))
                )
            )
        return sum((Decimal(str(tax.amount)) for tax in taxes), Decimal(0))


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
