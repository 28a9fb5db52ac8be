{
    "name": "PDF reports by WeasyPrint",
    "summary": "Renders QWeb PDF reports in-process, without wkhtmltopdf and without network access",
    "version": "19.0.1.0.0",
    "development_status": "Beta",
    "category": "Technical",
    "author": "E-Mobility Community",
    "website": "https://github.com/emobility-community/emobility",
    "license": "AGPL-3",
    "depends": ["base", "web"],
    "external_dependencies": {"python": ["weasyprint", "pypdf"]},  # and plutoprint, where there is a build of it
}
