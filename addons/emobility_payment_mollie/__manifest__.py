{
    "name": "E-Mobility Payment: Mollie",
    "summary": "Store cards at Mollie and charge them off-session; what became of a charge whose answer got lost",
    "version": "19.0.1.0.0",
    "category": "Accounting/Payment Providers",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_billing", "payment_mollie"],
}
