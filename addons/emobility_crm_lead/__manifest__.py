{
    "name": "E-Mobility CRM: Leads",
    "summary": "From a lead or a sign-up on the web to customer, charging contract and ordered cards",
    "version": "19.0.1.0.0",
    "development_status": "Beta",
    "category": "Services/E-Mobility",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "depends": ["crm", "emobility_crm", "portal"],
    "data": [
        "security/ir.model.access.csv",
        "wizard/lead_contract_views.xml",
        "views/crm_lead_views.xml",
        "views/join_templates.xml",
    ],
}
