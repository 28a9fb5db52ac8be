from odoo import api, fields, models


class EmobilitySecretShow(models.AbstractModel):
    """Shows a secret once. It has no table, so that the secret is in no database and in no backup."""

    _name = "emobility.secret.show"
    _description = "Show a Secret Once"

    # The web client reads the defaults of a form through onchange, which answers with an id.
    id = fields.Id()
    login = fields.Char(readonly=True)
    secret = fields.Char(readonly=True)

    @api.model
    def _action_show(self, title: str, login: str, secret: str) -> dict:
        """Window that shows ``secret``, which belongs to ``login`` (a station identity or a user name)."""
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_login": login, "default_secret": secret},
        }
