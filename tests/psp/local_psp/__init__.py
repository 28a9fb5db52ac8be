"""A payment provider on loopback that behaves like Stripe's payment intents, for tests."""

from .psp import Fault, Psp
from .server import serving
