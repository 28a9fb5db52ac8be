from odoo.api import Environment


def post_init_hook(env: Environment) -> None:
    """Charging points that are there already get their short code."""
    env["emobility.evse"].with_context(active_test=False).search([("adhoc_code", "=", False)])._adhoc_ensure_codes()
