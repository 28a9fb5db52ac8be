{
    "name": "E-Mobility Roaming",
    "summary": "Roaming partners, charge detail records as OCPI 2.2.1",
    "version": "19.0.1.0.0",
    "category": "Sales/E-Mobility",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_billing", "fastapi"],
    "external_dependencies": {"python": ["cryptography", "pydantic", "requests"]},
    "data": [
        "security/ir.model.access.csv",
        "security/rules.xml",
        "views/emobility_roaming_partner_views.xml",
        "views/emobility_connector_views.xml",
        "views/emobility_cdr_views.xml",
    ],
}
