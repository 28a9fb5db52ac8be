from __future__ import annotations

from typing import Any

from odoo.tests import tagged

from odoo.addons.emobility_crm.tests.common import (
    AccessCase,
    AccessHttpCase,
    AccessMixin,
    RpcTableChecks,
    in_company,
    staff,
)

MATRIX = {
    "emobility.roaming.partner": {**staff(user="r", manager="rwcd"), "roaming": in_company("rwcd")},
}


class RoamingRecords(AccessMixin):
    """A record of every model, of the company and of another one. No customer owns one, so there is no foreign one."""

    ROLES = {**AccessMixin.ROLES, "roaming": "emobility_crm.group_roaming_manager"}

    @classmethod
    def create_records(cls) -> dict[str, dict[str, Any]]:
        partner = {"name": "Provider", "country_code": "NL", "party_id": "XYZ", "role": "EMSP"}
        scopes = (("own", cls.company_a), ("other", cls.company_b))
        partners = cls.env["emobility.roaming.partner"]
        return {
            "emobility.roaming.partner": {
                scope: partners.create({**partner, "company_id": company.id}) for scope, company in scopes
            }
        }


@tagged("post_install", "-at_install")
class TestAccess(RoamingRecords, AccessCase):
    MATRIX = MATRIX

    def test_every_role_has_exactly_the_rights_of_the_table(self) -> None:
        self.check_matrix()

    def test_every_model_is_in_the_table(self) -> None:
        self.check_matrix_is_complete("emobility_roaming")


@tagged("post_install", "-at_install")
class TestAccessOverRpc(RoamingRecords, RpcTableChecks, AccessHttpCase):
    MATRIX = MATRIX

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.records = cls.create_records()
