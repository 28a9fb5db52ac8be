"""What the pages of `/my/charging` have in common: whose records they show, and how they report mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from odoo.exceptions import UserError
from odoo.http import request


def own_contracts() -> Any:
    """Charging contracts that the user holds or pays; also for internal users, who could read others."""
    partner = request.env.user.partner_id
    return request.env["contract.contract"].search(
        [
            ("is_charging", "=", True),
            ("charging_state", "!=", "draft"),
            "|",
            ("partner_id", "=", partner.id),
            ("invoice_partner_id", "=", partner.id),
        ],
        order="activated_on desc, id desc",
    )


def own_contract(contract_id: int | str | None) -> Any:
    """One of the contracts of the user, with the rights of the system; empty when it is not theirs."""
    return own_contracts().filtered(lambda contract: str(contract.id) == str(contract_id)).sudo()


def own_tokens() -> Any:
    """Tokens that the user drives with or pays for."""
    partner = request.env.user.partner_id
    return request.env["emobility.token"].search(
        [
            "|",
            "|",
            ("partner_id", "=", partner.id),
            ("contract_id.partner_id", "=", partner.id),
            ("contract_id.invoice_partner_id", "=", partner.id),
        ],
        order="state, id desc",
    )


def driven_tokens(*, others_only: bool = True, limit: int | None = None) -> Any:
    """Tokens that the user pays for; those only that somebody else drives with, or all of them."""
    partner = request.env.user.partner_id
    domain: list[Any] = ["|", ("contract_id.partner_id", "=", partner.id),
                         ("contract_id.invoice_partner_id", "=", partner.id)]  # fmt: skip
    if others_only:
        domain.append(("partner_id", "!=", partner.id))
    return request.env["emobility.token"].search(domain, limit=limit)


def own_token(token_id: int | str | None) -> Any:
    """One of the tokens of the user, with the rights of the system; empty when it is not theirs."""
    return own_tokens().filtered(lambda token: str(token.id) == str(token_id)).sudo()


def attempt(step: Callable[[], Any]) -> str | None:
    """Do a step that a person asked for: all of it or nothing. Returns what was wrong with it, in words."""
    try:
        with request.env.cr.savepoint():
            step()
            request.env.flush_all()
    except UserError as error:
        request.env.invalidate_all()
        return str(error)
    return None
