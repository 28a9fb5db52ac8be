from collections import defaultdict
from datetime import datetime
from typing import Any, Self

from odoo import api, models
from odoo.fields import Domain

from odoo.addons.emobility_crm.identifiers import reversed_bytes

UNKNOWN = "*"
"""The uid that stands for all tokens that the bridge does not know."""


class EmobilityToken(models.Model):
    _inherit = "emobility.token"

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> Self:
        tokens = super().create(vals_list)
        tokens._record_ocpp_change()
        return tokens

    def write(self, vals: dict[str, Any]) -> bool:
        # Before and after: a token that gets another uid or company is gone under the old one.
        self._record_ocpp_change()
        result = super().write(vals)
        if vals.keys() & {"uid", "company_id"}:
            self._record_ocpp_change()
        return result

    def unlink(self) -> bool:
        self._record_ocpp_change()
        return super().unlink()

    def _record_ocpp_change(self) -> None:
        self.env["emobility.ocpp.change"].sudo()._record(
            "token",
            [
                (company.id, token.uid)
                for tokens in self.sudo().grouped("company_id").values()
                for company in tokens._accepting_companies()
                for token in tokens
            ],
        )

    def _acceptance_changed(self) -> None:
        self._record_ocpp_change()
        return super()._acceptance_changed()

    @api.model
    def _asks_about_unknown_changed(self, company: models.Model) -> None:
        self.env["emobility.ocpp.change"].sudo()._record("token", [(company.id, UNKNOWN)])
        return super()._asks_about_unknown_changed(company)

    def _record_ocpp_reversed(self) -> None:
        """The uids of these tokens with their bytes in the other order begin or cease to mean them."""
        self.env["emobility.ocpp.change"].sudo()._record(
            "token", [(token.company_id.id, reversed_bytes(token.uid)) for token in self.sudo()]
        )

    @api.model
    def _ocpp_list(self, company: models.Model, uids: list[str] | None) -> list[dict[str, Any]]:
        """Tokens as the bridge wants them: all of the company, or those with ``uids``, gone ones as ``Invalid``.

        The bridge looks for exactly what a reader sends. Where readers may send the bytes of a card in the other
        order it gets that spelling too, unless it is the uid of another token: as ``_find_by_uid`` would find.
        """
        domain = self._accepted_in(company)
        if uids is not None and company.emobility_match_reversed_uid:
            uids = sorted({*uids, *map(reversed_bytes, uids)})
        if uids is not None:
            domain &= Domain("uid", "in", uids)
        by_uid: dict[str, Self] = defaultdict(self.browse)
        for token in self.search(domain):
            by_uid[token.uid] |= token
        by_uid = {
            uid: tokens.filtered(lambda token: token.company_id == company) or tokens
            for uid, tokens in by_uid.items()
        }
        if company.emobility_match_reversed_uid:
            by_uid = {reversed_bytes(uid): tokens for uid, tokens in by_uid.items()} | by_uid
        known = [tokens._ocpp_values(uid) for uid, tokens in by_uid.items()]
        if self._asks_about_unknown(company) and (uids is None or UNKNOWN in uids):
            known.append(_unknown(UNKNOWN) | {"status": "Ask"})
        told = {token["uid"] for token in known}
        gone = [] if uids is None else [uid for uid in uids if uid not in told]
        return known + [_unknown(uid) for uid in gone]

    def _ocpp_values(self, uid: str) -> dict[str, Any]:
        """Of tokens of several providers that share a uid, the one that ``_find_by_uid`` would find.

        :param uid: how the bridge spells it

        ``group`` says which tokens may stop each other's sessions: those of the same driver. ``price_group`` says which
        of the tariffs of a station is theirs.
        """
        best = max((token._is_own(), token.state == "active") for token in self)
        tokens = self.filtered(lambda token: (token._is_own(), token.state == "active") == best)
        if len(tokens) > 1:
            return _unknown(uid)
        return {
            "uid": uid,
            "type": tokens.token_type,
            "status": tokens._station_status(),
            "valid_until": _instant_text(tokens.valid_until),
            "group": f"driver-{tokens.partner_id.id}" if tokens.partner_id else False,
            "price_group": tokens.contract_id.company_id == self.env.company and tokens.contract_id.ocpp_price_group,
        }


def _unknown(uid: str) -> dict[str, Any]:
    """A token that nobody knows, or of which nobody knows whose it is."""
    return {
        "uid": uid,
        "type": "OTHER",
        "status": "Invalid",
        "valid_until": False,
        "group": False,
        "price_group": False,
    }


def _instant_text(value: datetime | bool) -> str | bool:
    """ISO 8601 with Z of naive UTC. False stays False (XML-RPC knows no null)."""
    return value.replace(microsecond=0).isoformat() + "Z" if isinstance(value, datetime) else False
