{
    "name": "Local payment provider (tests only)",
    "summary": "Sends requests for Stripe to the payment provider of the tests. Not for production",
    "version": "19.0.1.0.0",
    "author": "E-Mobility Community",
    "license": "AGPL-3",
    "depends": ["payment_stripe"],
}
