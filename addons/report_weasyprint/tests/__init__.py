from . import test_report_weasyprint
