{
    "name": "E-Mobility Payment: Adyen",
    "summary": "Stored cards charged through Adyen: what became of a charge whose answer got lost, why one was refused",
    "version": "19.0.1.0.0",
    "category": "Accounting/Payment Providers",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_billing", "payment_adyen"],
}
