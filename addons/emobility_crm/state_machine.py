"""One way to guard the life of a record, for every model that has a state."""

from collections.abc import Mapping

from odoo import models
from odoo.exceptions import UserError


def ensure_transition(
    records: models.BaseModel, field: str, allowed: Mapping[str, frozenset[str]], target: str
) -> None:
    """Raise UserError unless each record may go from its present state to `target`.

    :param field: name of the selection field that holds the state
    :param allowed: for each state, the states that may follow it; staying in a state is always allowed
    """
    for record in records:
        present = record[field]
        if present == target or target in allowed.get(present, frozenset()):
            continue
        labels = dict(records._fields[field]._description_selection(records.env))
        raise UserError(
            records.env._(
                "%(record)s is %(present)s and cannot become %(target)s.",
                record=record.display_name,
                present=labels.get(present, present),
                target=labels.get(target, target),
            )
        )
