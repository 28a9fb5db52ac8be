from odoo.api import Environment

ENERGY_DIGITS = 3


def post_init_hook(env: Environment) -> None:
    """Raise the precision of invoiced quantities to Wh.

    ``account.move.line.quantity`` is rounded to "Product Unit" (2 digits as delivered): 17.234 kWh would be
    invoiced as 17.23 kWh, which is not what the calibrated meter says.
    """
    precision = env.ref("uom.decimal_product_uom")
    if precision.digits < ENERGY_DIGITS:
        precision.digits = ENERGY_DIGITS
