import base64
from typing import Any

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.base.tests.common import BaseCommon

from .common import new_charging_contract


@tagged("post_install", "-at_install")
class TestTokenImport(BaseCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.contract = new_charging_contract(cls.env, cls.partner, code="C-1")
        cls.contract.action_activate()
        cls.driver = cls.env["res.partner"].create({"name": "Driver", "email": "Dana.Import@Example.com"})
        cls.token = cls.env["emobility.token"].create(
            {"uid": "04A2B3C4", "contract_id": cls.contract.id, "state": "active"}
        )

    def _wizard(self, text: str | bytes, **values: Any):
        content = text if isinstance(text, bytes) else text.encode()
        return self.env["emobility.token.import"].create(
            {"file": base64.b64encode(content), "filename": "cards.csv", **values}
        )

    def _created(self, *uids: str):
        return self.env["emobility.token"].search([("uid", "in", uids)], order="uid")

    def test_rows_become_tokens_of_their_contract_and_driver(self) -> None:
        wizard = self._wizard(
            "\ufeffUID;Visual number;Contract;Driver;Cost_centre;Valid_until;State\n"
            "04:11:22:33;CARD-1;C-1;dana.import@example.com;KST 7;2027-12-31;active\n"
            "\n"
            "04-aa-bb-cc;CARD-2;C-1;;;;\n"
        )
        wizard.action_preview()
        self.assertEqual((wizard.row_count, wizard.problem_count), (2, 0))
        action = wizard.action_apply()
        first, second = self.env["emobility.token"].search(action["domain"], order="uid")
        self.assertEqual((first.uid, first.visual_number, first.state), ("04112233", "CARD-1", "active"))
        self.assertEqual((first.partner_id, first.cost_centre), (self.driver, "KST 7"))
        self.assertEqual(str(first.valid_until), "2027-12-31 23:59:59")
        self.assertEqual((second.uid, second.partner_id, second.state), ("04AABBCC", self.partner, "ordered"))

    def test_every_problem_is_named_with_its_row_and_nothing_is_saved(self) -> None:
        wizard = self._wizard(
            "uid,contract,driver,valid_until,state,token_type\n"
            "0401,C-1,,,,\n"
            "04A2B3C4,C-1,,,,\n"
            "0403,C-9,,,,\n"
            "0404,C-1,nobody@example.com,,,\n"
            "0405,C-1,,31.12.2027,,\n"
            "0406,C-1,,,lost,\n"
            "0407,C-1,,,,CHIP\n"
            "04:01,C-1,,,,\n"
            ",C-1,,,,\n"
            "0409,,,,,\n"
        )
        wizard.action_preview()
        problems = {line.number: line.problem for line in wizard.line_ids if line.problem}
        for number, text in {
            3: "belongs to a token of Charging contract of",
            4: "no charging contract with reference, EMAID or name 'C-9'",
            5: "no contact with the e-mail 'nobody@example.com'",
            6: "'31.12.2027' is not a date",
            7: "the state has to be one of ordered, shipped, active",
            8: "'CHIP' is not a type of token",
            9: "the UID is in row 2 too",
            10: "the UID has to have 1 to 36 characters",
            11: "it names no contract",
        }.items():
            with self.subTest(row=number):
                self.assertIn(text, problems.pop(number))
        self.assertEqual(problems, {})
        self.assertEqual(wizard.line_ids[-1].number, 2, "rows without problem come last")
        with self.assertRaisesRegex(UserError, "Nothing was saved: 9 rows have problems, the first one is row 3"):
            wizard.action_apply()
        self.assertFalse(self._created("0401"))

    def test_file_in_another_encoding_says_which_line(self) -> None:
        content = "uid,label\n0401,Auto\n0402,Müller\n".encode("cp1252")
        with self.assertRaisesRegex(UserError, "Line 3 of the file is not in UTF-8"):
            self._wizard(content, contract_id=self.contract.id).action_preview()
        self._wizard(content, contract_id=self.contract.id, encoding="cp1252").action_apply()
        self.assertEqual(self._created("0402").label, "Müller")

    def test_file_that_is_no_table_is_refused(self) -> None:
        for content, problem in (
            (" ", "one of them is 'uid'"),
            ("number,name\n1,2\n", "one of them is 'uid'"),
            ("uid,colour\n1,2\n", "not known or there twice: 'colour'"),
            ("uid,uid\n1,2\n", "not known or there twice: 'uid'"),
            ("uid\n", "no rows below its header"),
            (b"\x50\x4b\x03\x04\x00\x00", "zero bytes|not in UTF-8"),
        ):
            with self.subTest(content=content), self.assertRaisesRegex(UserError, problem):
                self._wizard(content, contract_id=self.contract.id).action_preview()

    def test_bytes_are_reversed_on_demand(self) -> None:
        self._wizard("uid\nC4:B3:A2:99\n", contract_id=self.contract.id, reverse_bytes=True).action_apply()
        self.assertTrue(self._created("99A2B3C4"))

    def test_list_blocks_tokens_at_once(self) -> None:
        wizard = self._wizard("uid\n04:a2:b3:c4\n", kind="block")
        wizard.action_preview()
        wizard.action_apply()
        self.assertEqual((self.token.state, self.token.block_reason), ("blocked", "list"))
        self.assertEqual(self.token._authorization_status(), "Blocked")

    def test_list_with_an_unknown_token_blocks_none(self) -> None:
        wizard = self._wizard("uid\n04A2B3C4\n77\n", kind="block")
        with self.assertRaisesRegex(UserError, "row 3: no token with this UID"):
            wizard.action_apply()
        self.assertEqual(self.token.state, "active")

    def test_only_staff_imports(self) -> None:
        employee = new_test_user(self.env, "import-nobody", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.env["emobility.token.import"].with_user(employee).create({"file": base64.b64encode(b"uid")})

    def test_queries_do_not_grow_with_the_rows(self) -> None:
        def queries(count: int) -> int:
            rows = "\n".join(f"{number:08X},C-1,dana.import@example.com" for number in range(count))
            wizard = self._wizard(f"uid,contract,driver\n{rows}\n")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            wizard._problems(wizard._rows())
            return self.env.cr.sql_log_count - before

        queries(2)
        self.assertEqual(queries(5), queries(300))
