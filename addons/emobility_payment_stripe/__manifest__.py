{
    "name": "E-Mobility Payment: Stripe",
    "summary": "Hold an amount at Stripe, capture what was used of it, increase the hold while charging",
    "version": "19.0.1.0.0",
    "category": "Accounting/Payment Providers",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_billing", "payment_stripe"],
    "data": ["views/payment_provider_views.xml"],
}
