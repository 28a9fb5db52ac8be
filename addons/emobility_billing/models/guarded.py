from __future__ import annotations

from typing import Any, ClassVar

from odoo import api, models
from odoo.exceptions import UserError

# An object has an identity that no RPC client can send: only code in this process can hold it.
SYSTEM = object()
# Followers, messages and activities are talk about a record, not the record.
TALK = ("message_", "activity_")


class EmobilityGuarded(models.AbstractModel):
    """Records that only the product itself may make or change, whatever rights a caller has.

    Access rights say *who*; this says *through what*: a session, a hold or a CDR is changed by its own
    methods, which check and log, never by ``write`` from outside.
    """

    _name = "emobility.guarded"
    _description = "Record changed by its own methods only"

    # Fields that a person may edit in a form.
    _guard_editable: ClassVar[frozenset[str]] = frozenset()

    def _as_system(self) -> EmobilityGuarded:
        """The same records, writable."""
        return self.with_context(emobility_guard=SYSTEM)

    def _is_system(self) -> bool:
        return self.env.context.get("emobility_guard") is SYSTEM

    @api.model_create_multi
    def create(self, vals_list: list[dict[str, Any]]) -> EmobilityGuarded:
        if not self._is_system():
            raise UserError(
                self.env._("%(model)s records are made by the system only.", model=self._description)
            )
        return super().create(vals_list)

    def write(self, vals: dict[str, Any]) -> bool:
        if not self._is_system():
            closed = sorted(
                name for name in vals if name not in self._guard_editable and not name.startswith(TALK)
            )
            if closed:
                raise UserError(
                    self.env._(
                        "%(model)s records cannot be changed (%(fields)s).",
                        model=self._description,
                        fields=", ".join(closed),
                    )
                )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self) -> None:
        if not self._is_system():
            raise UserError(self.env._("%(model)s records cannot be deleted.", model=self._description))
