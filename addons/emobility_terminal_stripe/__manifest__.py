{
    "name": "E-Mobility Card Terminals: Stripe",
    "summary": "Readers of Stripe Terminal, driven from the server: hold, increase, capture, release",
    "version": "19.0.1.0.0",
    "category": "Services/E-Mobility",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "development_status": "Beta",
    "depends": ["emobility_payment_stripe", "emobility_terminal"],
    "auto_install": True,
    "data": ["data/queue_job_data.xml", "views/terminal_views.xml", "views/charging_templates.xml"],
}
