from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.sql import escape_psql

from ..colors import DARK, LIGHT, readable_on

DEFAULT_COLOR = "#1f5f8b"
COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Look:
    """How documents and pages present themselves: of a brand, with what the company has where it says nothing."""

    name: str
    logo: bytes | bool
    primary_color: str
    secondary_color: str
    sender: Any
    phone: str
    email: str
    website: str
    intro: Any
    closing: Any
    footer: Any

    @property
    def on_primary(self) -> str:
        """What can be read on the first colour: the text of buttons."""
        return readable_on(self.primary_color)

    @property
    def text_color(self) -> str:
        """The first colour where it can be read on white, else black."""
        return self.primary_color if readable_on(self.primary_color) == LIGHT else DARK


class EmobilityBrand(models.Model):
    """The name under which a company sells charging: look, sender, texts, mails and numbers of its invoices.

    The company stays who invoices: its legal name, tax number and bank account are on the document of each brand.
    """

    _name = "emobility.brand"
    _description = "Charging Brand"
    _inherit = ["mail.thread"]
    _order = "sequence, name"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True, help="What customers know it as.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, index=True, default=lambda self: self.env.company)
    partner_id = fields.Many2one(
        "res.partner",
        "Sender",
        index="btree_not_null",
        check_company=True,
        help="Whose address is in the window of the letter, such as a public utility that sells under its own name. "
        "Empty: the company.",
    )
    logo = fields.Image(max_width=1024, max_height=512)
    primary_color = fields.Char(help="Of titles and lines, such as #1f5f8b. Empty: the colour of the company.")
    secondary_color = fields.Char(help="Of buttons and links on web pages. Empty: the colour of the company.")
    text_intro = fields.Html("Introduction", translate=True, help="Above the items of an invoice.")
    text_closing = fields.Html("Closing", translate=True, help="Below the items of an invoice.")
    footer = fields.Html(translate=True, help="At the foot of each page, beside the legal data of the company.")
    email_from = fields.Char("Mails From", help='Such as "Charge & Co" <invoices@example.com>.')
    mail_template_id = fields.Many2one(
        "mail.template",
        domain="[('model', '=', 'account.move')]",
        help="For mails with invoices. Empty: that of Odoo.",
    )
    journal_id = fields.Many2one(
        "account.journal",
        index="btree_not_null",
        check_company=True,
        domain="[('type', '=', 'sale')]",
        help="A journal of its own gives the invoices of the brand a number range of their own.",
    )
    website_domain = fields.Char("Web Domain", help="Host name of the brand's pages, such as charge.example.com.")
    legal_url = fields.Char("Terms and Conditions")
    imprint_url = fields.Char("Imprint")
    privacy_url = fields.Char("Privacy Policy")
    support_phone = fields.Char()
    support_email = fields.Char()

    _domain_unique = models.UniqueIndex(
        "(lower(website_domain)) WHERE website_domain IS NOT NULL", "Another brand has this web domain already."
    )

    @api.constrains("primary_color", "secondary_color")
    def _check_colors(self) -> None:
        """Colours end up in style attributes of documents and pages."""
        for brand in self:
            for color in filter(None, (brand.primary_color, brand.secondary_color)):
                if not COLOR.fullmatch(color):
                    raise ValidationError(self.env._("A colour is written like #1f5f8b, not '%s'.", color))

    @api.model
    def _brand_for(self, company: Any, contract: Any = None, location: Any = None) -> EmobilityBrand:
        """The brand of a contract, else of its plan, of the place, of the payer, of the company. May be none.

        The first location group that has a brand decides for the place.
        """
        company = company.sudo()
        contract = (contract or self.env["contract.contract"]).sudo().with_company(company)
        location = (location or self.env["emobility.location"]).sudo()
        payer = contract.invoice_partner_id or contract.partner_id
        brands = (
            contract.emobility_brand_id
            or contract.plan_id.emobility_brand_id
            or location.group_ids.emobility_brand_id[:1]
            or payer.emobility_brand_id
            or payer.commercial_partner_id.emobility_brand_id
            or company.emobility_brand_id
        )
        return brands.filtered(lambda brand: brand.company_id == company).with_env(self.env)

    @api.model
    def _of_user(self, user: Any) -> EmobilityBrand:
        """The brand that a customer sees in the portal, with the rights of the system: that of the newest contract."""
        if user._is_public() or user._is_internal():
            return self.sudo().browse()
        partner = user.partner_id
        contract = (
            self.env["contract.contract"]
            .sudo()
            .search(
                [
                    ("is_charging", "=", True),
                    ("charging_state", "in", ("active", "suspended")),
                    "|",
                    ("partner_id", "=", partner.id),
                    ("invoice_partner_id", "=", partner.id),
                ],
                order="activated_on desc, id desc",
                limit=1,
            )
        )
        return self._brand_for(contract.company_id, contract).sudo() if contract else self.sudo().browse()

    @api.model
    def _of_visitor(self, user: Any, host: str) -> EmobilityBrand:
        """The brand of a page: that of the customer; of whoever has none, or is not logged in, that of the domain.

        :param host: as in the request, with or without a port
        """
        if user._is_internal():
            return self.sudo().browse()
        domain = host.rpartition(":")[0] or host
        return self._of_user(user) or self.sudo().search([("website_domain", "=ilike", escape_psql(domain))], limit=1)

    def _look(self, company: Any) -> Look:
        """How this brand, or the company where there is none, presents itself."""
        company = company.sudo()
        brand = self.sudo()
        sender = brand.partner_id or company.partner_id
        logo = False if company.uses_default_logo else company.logo
        return Look(
            name=brand.name or company.name,
            logo=brand.logo or (False if brand else logo),
            primary_color=brand.primary_color or company.primary_color or DEFAULT_COLOR,
            secondary_color=brand.secondary_color or company.secondary_color or DEFAULT_COLOR,
            sender=sender,
            phone=brand.support_phone or sender.phone or "",
            email=brand.support_email or sender.email or "",
            website=brand.website_domain or sender.website or "",
            intro=brand.text_intro,
            closing=brand.text_closing,
            footer=brand.footer,
        )

    def action_view_invoices(self) -> dict[str, Any]:
        """Invoices of these brands."""
        return self.env["emobility.session"]._window(
            "account.move", [("emobility_brand_id", "in", self.ids)], self.env._("Invoices")
        )
