{
    "name": "E-Mobility Card Terminals by OCPI",
    "summary": "Terminals of a payment terminal provider: OCPI 2.3.0 payments",
    "version": "19.0.1.0.0",
    "category": "Services/E-Mobility",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_roaming", "emobility_terminal"],
    "auto_install": True,
    "data": ["data/queue_job_data.xml", "views/terminal_views.xml"],
}
