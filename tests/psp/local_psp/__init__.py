"""Payment providers on loopback, for tests: they behave like Stripe's payment intents, Adyen's Checkout and Mollie."""

from .adyen import Adyen
from .mollie import Mollie
from .psp import Fault, Psp
from .rest import serving_rest
from .server import serving
