import base64
import json
from collections.abc import Iterator
from typing import Any

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

ANONYMISED, DELETED, KEPT = "anonymised", "deleted", "kept"
# What identifies a person on the contact itself.
PERSONAL_FIELDS = (
    "email",
    "phone",
    "street",
    "street2",
    "zip",
    "city",
    "vat",
    "website",
    "function",
    "comment",
    "image_1920",
    "company_name",
)


class EmobilityPartnerPrivacy(models.TransientModel):
    """Exports the personal data of a contact, or erases it; a preview says what becomes of what.

    Other addons extend :meth:`_blockers`, :meth:`_sections` and :meth:`_erase_records`.
    """

    _name = "emobility.partner.privacy"
    _description = "Personal Data of a Contact"

    partner_id = fields.Many2one("res.partner", required=True, readonly=True)
    line_ids = fields.One2many(
        "emobility.partner.privacy.line", "privacy_id", compute="_compute_preview", store=True
    )
    blockers = fields.Text(
        compute="_compute_preview", store=True, help="What has to be done before the data can be erased."
    )
    confirm = fields.Boolean("I have read what becomes of the data, and want it erased")
    file = fields.Binary("Export", readonly=True, attachment=False)
    filename = fields.Char(readonly=True)

    @api.depends("partner_id")
    def _compute_preview(self) -> None:
        for wizard in self:
            wizard.blockers = "\n".join(wizard._blockers())
            wizard.line_ids = [
                fields.Command.clear(),
                *(
                    fields.Command.create(
                        {"name": name, "count": len(records), "fate": fate, "reason": reason}
                    )
                    for name, records, fate, reason in wizard._sections()
                    if records
                ),
            ]

    # --- What there is ---

    def _contracts(self) -> models.BaseModel:
        return self.env["contract.contract"].search([("partner_id", "=", self.partner_id.id)])

    def _tokens(self) -> models.BaseModel:
        return self.env["emobility.token"].search(
            ["|", ("partner_id", "=", self.partner_id.id), ("contract_id", "in", self._contracts().ids)]
        )

    def _blockers(self) -> Iterator[str]:
        """Sentences that say why the data cannot be erased yet."""
        running = self._contracts().filtered(
            lambda contract: contract.is_charging and contract.charging_state != "terminated"
        )
        for contract in running:
            yield self.env._(
                "The contract %(contract)s has not ended: terminate it first.", contract=contract.display_name
            )
        if self.partner_id.user_ids.filtered(lambda user: user._is_internal()):
            yield self.env._("The contact is a user of this system, not a customer.")
        if self.partner_id.child_ids:
            yield self.env._("The contact has contacts of its own: erase them first.")

    def _sections(self) -> Iterator[tuple[str, models.BaseModel, str, str]]:
        """(name, records, what becomes of them when the contact is erased, why)"""
        tokens = self._tokens()
        yield self.env._("Contact"), self.partner_id, ANONYMISED, self.env._("documents point to it")
        yield (
            self.env._("Portal users"),
            self.partner_id.user_ids,
            ANONYMISED,
            self.env._("they cannot sign in any more"),
        )
        yield self.env._("Contracts"), self._contracts(), ANONYMISED, self.env._("invoices point to them")
        yield self.env._("Tokens never used"), tokens.filtered(lambda t: not t.activated_on), DELETED, ""
        yield (
            self.env._("Tokens"),
            tokens.filtered("activated_on"),
            ANONYMISED,
            self.env._("sessions point to them"),
        )
        yield (
            self.env._("Messages about the contact"),
            self.env["mail.message"].search(self._message_domain()),
            DELETED,
            "",
        )

    def _message_domain(self) -> list[Any]:
        return [("model", "=", "res.partner"), ("res_id", "=", self.partner_id.id)]

    # --- Export ---

    def action_export(self) -> dict:
        """Make a file with all personal data, and offer it for download."""
        self.ensure_one()
        content = json.dumps(self._export_data(), indent=2, ensure_ascii=False, default=str)
        self.write(
            {
                "file": base64.b64encode(content.encode()),
                "filename": f"personal-data-{self.partner_id.id}.json",
            }
        )
        self.partner_id.message_post(body=self.env._("Personal data was exported."))
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file/{self.filename}?download=true",
            "target": "self",
        }

    def _export_data(self) -> dict[str, Any]:
        """Plain data, by what it is about."""
        partner = self.partner_id
        names = [name for name in PERSONAL_FIELDS if name != "image_1920"]
        return {
            "exported_at": fields.Datetime.now(),
            "contact": {
                name: partner[name] or None for name in ("name", "lang", "create_date", *names)
            }
            | {"country": partner.country_id.code},
            "contracts": [
                {
                    "name": contract.name,
                    "plan": contract.plan_id.name,
                    "emaid": contract.emaid or None,
                    "state": contract.charging_state,
                    "activated_on": contract.activated_on or None,
                    "ended_on": contract.terminates_on or None,
                    "plans": [
                        {"plan": phase.plan_id.name, "from": phase.date_start, "to": phase.date_end or None}
                        for phase in contract.phase_ids
                    ],
                }
                for contract in self._contracts()
            ],
            "tokens": [
                {
                    "uid": token.uid,
                    "type": token.token_type,
                    "number": token.visual_number or None,
                    "name": token.label or None,
                    "state": token.state,
                    "ordered_on": token.ordered_on or None,
                    "activated_on": token.activated_on or None,
                }
                for token in self._tokens()
            ],
        }

    # --- Erasure ---

    def action_erase(self) -> None:
        """Erase the personal data: all of it, or nothing. That cannot be undone."""
        self.ensure_one()
        if not self.env.user.has_group("emobility_crm.group_manager"):
            raise AccessError(self.env._("Only a manager may erase personal data."))
        blockers = list(self._blockers())
        if blockers:
            raise UserError("\n".join(blockers))
        if not self.confirm:
            raise UserError(self.env._("Confirm that the data shall be erased."))
        self._erase_records()
        self.partner_id.message_post(
            body=self.env._("Personal data was erased by %(user)s.", user=self.env.user.name)
        )

    def _erase_records(self) -> None:
        """Delete what nobody needs, and take the person out of what has to stay."""
        partner = self.partner_id
        number = partner.id
        tokens = self._tokens()
        unused = tokens.filtered(lambda token: not token.activated_on)
        for token in tokens - unused:
            if token.state in ("active", "shipped", "ordered"):
                token.action_block()
            token.sudo().with_context(tracking_disable=True).write(
                {
                    "uid": f"ERASED{token.id}",
                    "visual_number": False,
                    "label": False,
                    "tracking_ref": False,
                }
            )
            token.sudo().message_ids.unlink()
        unused.sudo().unlink()
        for contract in self._contracts():
            contract.with_context(tracking_disable=True).write(
                {"name": self.env._("Contract %(number)s", number=contract.id), "note": False}
            )
        for user in partner.sudo().user_ids:
            user.write({"login": f"erased-{user.id}", "active": False})
        self.env["mail.message"].sudo().search(self._message_domain()).unlink()
        partner.with_context(tracking_disable=True).write(
            {
                "name": self.env._("Erased contact %(number)s", number=number),
                **dict.fromkeys(PERSONAL_FIELDS, False),
            }
        )
