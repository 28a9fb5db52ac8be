"""Payment providers on loopback, for tests: one that behaves like Stripe's payment intents, one like Adyen's Checkout."""

from .adyen import Adyen
from .psp import Fault, Psp
from .rest import serving_rest
from .server import serving
