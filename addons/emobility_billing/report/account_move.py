"""What the charging invoice prints, prepared so that the template only lays it out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.tools import float_is_zero, format_date, format_datetime, format_time, formatLang

from .annex_file import MIMETYPES, render

ANNEX_KINDS = {"none": (), "csv": ("csv",), "xlsx": ("xlsx",), "both": ("csv", "xlsx")}
ANNEX_MARK = "emobility.annex"
TEMPLATE = "emobility_billing.charging_invoice_document"


@dataclass(frozen=True)
class SessionRow:
    """One charging session in the annex; amounts in the currency of the invoice."""

    number: int
    start: str
    end: str
    local_start: datetime
    local_end: datetime
    place: str
    charge_point: str
    medium: str
    cost_centre: str
    driver: str
    energy_kwh: float
    sentences: tuple[str, ...]
    amount: float


@dataclass(frozen=True)
class Section:
    """Sessions of one cost centre or driver; a list that is not divided is one section without a title."""

    title: str
    rows: tuple[SessionRow, ...]
    energy_kwh: float
    amount: float


@dataclass(frozen=True)
class Annex:
    """The listed sessions and how they add up to the invoice.

    ``sessions_amount + other_amount + difference == invoice_amount``; the invoice amount is the total when
    the prices include tax (``tax_included``) and the untaxed total when they do not.
    """

    sections: tuple[Section, ...]
    tax_included: bool
    energy_kwh: float
    sessions_amount: float
    other_amount: float
    difference: float
    invoice_amount: float

    @property
    def rows(self) -> tuple[SessionRow, ...]:
        """All sessions in the order of the list."""
        return tuple(row for section in self.sections for row in section.rows)


class AccountMove(models.Model):
    # The document is a part of its own, beside the life of the invoice in models/.
    _inherit = "account.move"

    def _get_name_invoice_report(self) -> str:
        """Invoices and credit notes of charging, sessions or only fees, have a document of their own, however they
        are printed.
        """
        self.ensure_one()
        if (self.rating_ids or self.emobility_contract_id or self.emobility_brand_id) and self.is_sale_document():
            return TEMPLATE
        return super()._get_name_invoice_report()

    def _emobility_is_tax_included(self) -> bool:
        """Whether the prices on this invoice are gross. A contract has one price mode; it is that of its
        ratings, and without any that of the taxes of its fees.
        """
        if self.rating_ids:
            return self.rating_ids[:1].price_mode == "gross"
        taxes = self.invoice_line_ids.tax_ids
        return bool(taxes) and all(taxes.mapped("price_include"))

    def _emobility_annex(self) -> Annex:
        """The sessions of this invoice in the order in which they took place, in the sections of the customer."""
        self.ensure_one()
        sign = -1 if self.move_type == "out_refund" else 1
        tax_included = self._emobility_is_tax_included()
        rows = [
            self._emobility_row(rating, number, sign)
            for number, rating in enumerate(self._emobility_listed_ratings(), start=1)
        ]
        field = "price_total" if tax_included else "price_subtotal"
        others = self._emobility_other_lines()
        invoice_amount = self.amount_total if tax_included else self.amount_untaxed
        sessions_amount = self.currency_id.round(sum(row.amount for row in rows))
        other_amount = self.currency_id.round(sum(others.mapped(field)))
        return Annex(
            sections=self._emobility_sections(rows),
            tax_included=tax_included,
            energy_kwh=round(sum(row.energy_kwh for row in rows), 3),
            sessions_amount=sessions_amount,
            other_amount=other_amount,
            difference=self.currency_id.round(invoice_amount - sessions_amount - other_amount),
            invoice_amount=invoice_amount,
        )

    def _emobility_listed_ratings(self) -> models.BaseModel:
        """Ratings in the order of the list: by section, and by time within it."""
        ratings = self.rating_ids
        ratings.cdr_id.mapped("location_id.time_zone")  # prefetch what all rows read
        return ratings.sorted(
            lambda rating: (*self._emobility_section_key(rating), rating.cdr_id.start_at, rating.id)
        )

    def _emobility_section_key(self, rating: models.BaseModel) -> tuple[str, ...]:
        """Cost centre and driver, as far as the customer wants them apart."""
        wanted = self.partner_id.emobility_sections
        if not wanted:
            return ()
        token = rating.session_id.token_id
        cost_centre = token.cost_centre or ""
        driver = token.partner_id.name or ""
        return {"cost_centre": (cost_centre,), "driver": (driver,), "both": (cost_centre, driver)}[wanted]

    def _emobility_sections(self, rows: list[SessionRow]) -> tuple[Section, ...]:
        wanted = self.partner_id.emobility_sections
        groups: dict[str, list[SessionRow]] = {}
        for row in rows:
            parts = {"cost_centre": (row.cost_centre,), "driver": (row.driver,), "both": (row.cost_centre, row.driver)}
            names = [part for part in parts.get(wanted, ()) if part]
            title = " · ".join(names) or (self.env._("Without cost centre or driver") if wanted else "")
            groups.setdefault(title, []).append(row)
        return tuple(
            Section(
                title,
                tuple(group),
                round(sum(row.energy_kwh for row in group), 3),
                self.currency_id.round(sum(row.amount for row in group)),
            )
            for title, group in groups.items()
        )

    def _emobility_annex_file(self, kind: str) -> tuple[str, bytes]:
        """Name and content of the annex as ``csv`` or ``xlsx``, in the language of the payer."""
        self.ensure_one()
        move = self.with_context(lang=self.partner_id.lang or self.env.lang)
        title = move.env._("Charging sessions")
        return f"{title} {self.name.replace('/', '_')}.{kind}", render(move._emobility_annex_table(), kind)

    def _emobility_annex_table(self) -> list[list[Any]]:
        """Headings, sessions, and what they add up to: the amounts of all rows but the last are the last."""
        annex = self._emobility_annex()
        translate = self.env._
        currency = self.currency_id.name
        taxes = translate("incl. tax") if annex.tax_included else translate("excl. tax")
        divided = bool(self.partner_id.emobility_sections)
        headings = [
            translate("No."),
            translate("Start"),
            translate("End"),
            translate("Place"),
            translate("Charging point"),
            translate("Card"),
            *([translate("Cost centre"), translate("Driver")] if divided else []),
            translate("Energy (kWh)"),
            translate("Price"),
            translate("Amount (%(currency)s, %(taxes)s)", currency=currency, taxes=taxes),
        ]
        rows = [
            [
                row.number,
                row.local_start.isoformat(timespec="seconds"),
                row.local_end.isoformat(timespec="seconds"),
                row.place,
                row.charge_point,
                row.medium,
                *([row.cost_centre, row.driver] if divided else []),
                row.energy_kwh,
                " ".join(row.sentences),
                row.amount,
            ]
            for row in annex.rows
        ]
        sums = (
            (translate("Other items of this document"), "", annex.other_amount),
            (translate("Rounding"), "", annex.difference),
            (translate("Total"), annex.energy_kwh, annex.invoice_amount),
        )
        rows += [
            ["", "", "", label, "", "", *(["", ""] if divided else []), energy, "", amount]
            for label, energy, amount in sums
            if amount or energy != ""
        ]
        return [headings, *rows]

    def _emobility_make_annex_files(self) -> models.BaseModel:
        """The files that the company sends beside the PDF. They are made once: an invoice never changes."""
        self.ensure_one()
        attachments = self._emobility_annex_attachments()
        files = [
            (*self._emobility_annex_file(kind), MIMETYPES[kind])
            for kind in ANNEX_KINDS[self.company_id.emobility_annex_files]
        ]
        if signed := self._emobility_signed_file():
            files.append((*signed, "application/xml"))
        for name, content, mimetype in files:
            if name not in attachments.mapped("name"):
                attachments |= attachments.create(
                    {
                        "name": name,
                        "raw": content,
                        "mimetype": mimetype,
                        "res_model": self._name,
                        "res_id": self.id,
                        "description": ANNEX_MARK,
                    }
                )
        return attachments

    def _emobility_annex_attachments(self) -> models.BaseModel:
        return (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("description", "=", ANNEX_MARK),
                ]
            )
        )

    def _emobility_shows_payment_code(self) -> bool:
        """A payment code is for who has to pay: not when the money is collected (nobody pays twice)."""
        return bool(
            self.move_type == "out_invoice"
            and self.state == "posted"
            and self.amount_residual
            and self.display_qr_code
            and not self.emobility_contract_id.sudo().payment_token_id
        )

    @api.depends("partner_bank_id", "emobility_contract_id")
    def _compute_display_qr_code(self) -> Any:
        """Charging invoices show it whenever there is an account to pay to."""
        result = super()._compute_display_qr_code()
        for move in self:
            if move.move_type == "out_invoice" and move.emobility_contract_id and move.partner_bank_id:
                move.display_qr_code = True
        return result

    def _generate_qr_code(self, silent_errors: bool = False) -> str | None:
        """Odoo notes on the invoice which kind of code it has drawn. No line changes: none is computed again."""
        move = self.with_context(skip_invoice_sync=True, emobility_payment_code=True)
        return super(AccountMove, move)._generate_qr_code(silent_errors=silent_errors)

    def action_download_sessions_csv(self) -> dict[str, Any]:
        """The sessions of this invoice as CSV."""
        return self._emobility_download("csv")

    def action_download_sessions_xlsx(self) -> dict[str, Any]:
        """The sessions of this invoice as a spreadsheet."""
        return self._emobility_download("xlsx")

    def _emobility_download(self, kind: str) -> dict[str, Any]:
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/my/invoices/{self.id}/sessions/{kind}",
            "target": "download",
        }

    def _emobility_other_lines(self) -> models.BaseModel:
        """Invoice lines that bill something else than sessions, such as the fee of the plan."""
        products = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        return products - self.rating_ids.line_ids.move_line_id

    def _emobility_row(self, rating: models.BaseModel, number: int, sign: int) -> SessionRow:
        cdr = rating.cdr_id
        zone = cdr.location_id.time_zone
        location = cdr.location_id
        divided = bool(self.partner_id.emobility_sections)
        return SessionRow(
            number=number,
            start=format_datetime(self.env, cdr.start_at, tz=zone, dt_format="short"),
            end=self._emobility_end_text(cdr.start_at, cdr.end_at, zone),
            local_start=_local(cdr.start_at, zone),
            local_end=_local(cdr.end_at, zone),
            place=", ".join(self._emobility_filled((location.name, location.city))),
            charge_point=cdr.evse_id.evse_id or cdr.evse_id.uid,
            medium=cdr.session_id.token_id.visual_number or "",
            cost_centre=divided and cdr.session_id.token_id.cost_centre or "",
            driver=divided and cdr.session_id.token_id.partner_id.name or "",
            energy_kwh=cdr.energy_kwh,
            sentences=tuple(self._emobility_filled(rating.line_ids.mapped("description"))),
            amount=sign * rating.amount_total,
        )

    def _emobility_end_text(self, start: datetime, end: datetime, zone: str) -> str:
        """End on the clock of the place; without the date when that is the date of the start."""
        if _local_day(start, zone) == _local_day(end, zone):
            return format_time(self.env, end, tz=zone, time_format="short")
        return format_datetime(self.env, end, tz=zone, dt_format="short")

    @staticmethod
    def _emobility_filled(values: Iterable[str | bool]) -> list[str]:
        return [value for value in values if value]

    def _emobility_document_title(self) -> str:
        """The legal name of the document in the language of the context."""
        self.ensure_one()
        titles = {
            ("out_invoice", "draft"): self.env._("Draft invoice"),
            ("out_invoice", "posted"): self.env._("Invoice"),
            ("out_invoice", "cancel"): self.env._("Cancelled invoice"),
            ("out_refund", "draft"): self.env._("Draft credit note"),
            ("out_refund", "posted"): self.env._("Credit note"),
            ("out_refund", "cancel"): self.env._("Cancelled credit note"),
        }
        return titles.get((self.move_type, self.state)) or self.env._("Receipt")

    def _emobility_service_period(self) -> str:
        """First and last local day of the listed sessions; without any, of the periods of the fees; "" for neither."""
        cdrs = self.rating_ids.cdr_id
        if not cdrs:
            days = self.invoice_line_ids.filtered("emobility_period_to")
            if not days:
                return ""
            first_day, last_day = min(days.mapped("emobility_period_from")), max(days.mapped("emobility_period_to"))
            return f"{format_date(self.env, first_day)} – {format_date(self.env, last_day)}"
        first = min(cdrs, key=lambda cdr: cdr.start_at)
        last = max(cdrs, key=lambda cdr: cdr.end_at)
        start = format_date(self.env, _local_day(first.start_at, first.location_id.time_zone))
        end = format_date(self.env, _local_day(last.end_at, last.location_id.time_zone))
        return start if start == end else f"{start} – {end}"

    @api.model
    def _emobility_unit_price(self, line: models.BaseModel) -> str:
        """The price of the tariff, with all its digits; several prices on one line get their average.

        The line's own price may differ from the tariff's in far digits, so that quantity times price is the
        exact sum of the sessions.
        """
        rated = self.rating_ids.line_ids.filtered(lambda one: one.move_line_id == line)
        prices = {one.unit_price for one in rated}
        price = prices.pop() if len(prices) == 1 else line.price_unit
        digits = 2 if float_is_zero(price - round(price, 2), precision_digits=6) else 4
        return formatLang(self.env, price, digits=digits)

    @api.model
    def _emobility_quantity(self, line: models.BaseModel) -> str:
        """Quantity and unit of an invoice line: energy to the watt-hour, whole numbers without decimals."""
        is_energy = line.product_uom_id == self.env.ref("uom.product_uom_kwh")
        digits = 0 if line.quantity == int(line.quantity) and not is_energy else 3
        # The unit of measure is called KWH; on paper it is written as in physics.
        unit = "kWh" if is_energy else line.product_uom_id.name or ""
        return f"{formatLang(self.env, line.quantity, digits=digits)} {unit}".strip()


def _local(moment: datetime, zone: str) -> datetime:
    """A naive UTC instant on the clock of a place."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))


def _local_day(moment: datetime, zone: str) -> date:
    """Day of a naive UTC instant on the clock of a place."""
    return _local(moment, zone).date()
