{
    "name": "E-Mobility Ad Hoc at Roaming Partners",
    "summary": "Charging without a contract at the stations of roaming partners",
    "version": "19.0.1.0.0",
    "category": "Services/E-Mobility",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_adhoc", "emobility_roaming"],
    "auto_install": True,
    "data": [
        "data/queue_job_data.xml",
        "views/roaming_partner_views.xml",
        "views/adhoc_session_views.xml",
        "views/charging_templates.xml",
    ],
}
