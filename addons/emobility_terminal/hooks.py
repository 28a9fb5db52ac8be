from odoo.api import Environment

from odoo.addons.payment import reset_payment_provider, setup_provider

from .models.payment_provider import CODE


def post_init_hook(env: Environment) -> None:
    """The books get a payment method for card terminals."""
    setup_provider(env, CODE)


def uninstall_hook(env: Environment) -> None:
    """Without the addon its provider does nothing."""
    reset_payment_provider(env, CODE)
