from odoo.tests import tagged

from .common import ReportingCommon


@tagged("post_install", "-at_install")
class TestAccountCheck(ReportingCommon):
    def _check(self) -> dict:
        self.env.invalidate_all()
        action = self.env["emobility.account.check"].with_company(self.company).action_check()
        check = self.env["emobility.account.check"].browse(action["res_id"])
        return check, {line.product_id: line for line in check.line_ids}

    def test_each_product_has_an_account_and_says_who_chose_it(self) -> None:
        energy = self.env.ref("emobility_billing.product_energy").with_company(self.company)
        own = self.company_data["default_account_revenue"].copy()
        energy.property_account_income_id = own
        check, lines = self._check()
        self.assertEqual((lines[energy].account_id, lines[energy].source), (own, "product"))
        self.assertEqual(lines[energy].tax_ids, self.tax)
        self.assertIn(self.plan.product_variant_ids, lines, "fees of plans post too")
        self.assertEqual(check.problem_count, len(check.line_ids.filtered("problem")))

    def test_what_is_not_mapped_is_named(self) -> None:
        energy = self.env.ref("emobility_billing.product_energy").with_company(self.company)
        energy.property_account_income_id = False
        energy.categ_id = self.env["product.category"].create({"name": "Bare"})
        energy.categ_id.with_company(self.company).property_account_income_categ_id = False
        self.company.income_account_id = False
        check, lines = self._check()
        self.assertIn("No account", lines[energy].problem)
        self.assertGreaterEqual(check.problem_count, 1)
        energy.property_account_income_id = self.company_data["default_account_revenue"]
        energy.taxes_id = False
        self.company.account_sale_tax_id = False
        _check, lines = self._check()
        self.assertIn("No taxes", lines[energy].problem)
