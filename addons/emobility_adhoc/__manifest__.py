{
    "name": "E-Mobility Ad Hoc",
    "summary": "Charging without a contract: web page behind a QR code, holds and captures, published prices",
    "version": "19.0.1.0.0",
    "category": "Services/E-Mobility",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["bus", "emobility_billing", "emobility_ocpp", "payment", "portal", "report_weasyprint"],
    "data": [],
}
