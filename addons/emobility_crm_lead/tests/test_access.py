from typing import Any

from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import AccessCase, staff


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    MATRIX = {"crm.lead": staff(user="rwc", manager="rwc")}

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        return {
            "crm.lead": {
                scope: cls.env["crm.lead"].create(
                    {"name": scope, "company_id": company.id, "user_id": False, "team_id": False}
                )
                for scope, company in (("own", cls.company_a), ("other", cls.company_b))
            }
        }

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()
