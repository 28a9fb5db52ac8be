"""Helpers for the tests of all e-mobility addons: master data, access tables, list of public methods."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from unittest.mock import patch
from xmlrpc.client import Fault

from odoo import Command, models, sql_db
from odoo.api import Environment
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user
from odoo.tools import mute_logger

from odoo.addons.base.tests.common import BaseCommon

OPERATIONS = {"r": "read", "w": "write", "c": "create", "d": "unlink"}


class Rights(NamedTuple):
    """What a role may do with a record: letters of OPERATIONS for each scope.

    own: a record of the portal user's own customer; foreign: of another customer of the same company; other:
    of another company.
    """

    own: str = ""
    foreign: str = ""
    other: str = ""


NONE = Rights()


def in_company(operations: str) -> Rights:
    """The rights of people who work for the company: the same for all of its customers, none beyond it."""
    return Rights(operations, operations, "")


def staff(*, user: str, manager: str, auditor: str = "r", portal: Rights = NONE) -> dict[str, Rights]:
    """One row of an access table for a model that only staff, and perhaps the portal, can touch."""
    return {
        "user": in_company(user),
        "manager": in_company(manager),
        "auditor": in_company(auditor),
        "portal": portal,
        "employee": NONE,
        "public": NONE,
    }


class AccessMixin:
    """Two companies, a user for each role, and the checks on them. Mix into a TransactionCase or HttpCase."""

    #: role -> XML IDs of its groups. Addons with more technical users extend it.
    ROLES: ClassVar[Mapping[str, str]] = {
        "user": "emobility_crm.group_user",
        "manager": "emobility_crm.group_manager",
        "auditor": "emobility_crm.group_auditor",
        "portal": "base.group_portal",
        "employee": "base.group_user",
        "public": "base.group_public",
    }

    @classmethod
    def setup_access(cls) -> None:
        """Create companies, users and partners. Call it in setUpClass, after super()."""
        cls.company_a = cls.env["res.company"].create({"name": "Access Test A"})
        cls.company_b = cls.env["res.company"].create({"name": "Access Test B"})
        cls.users = {
            role: new_test_user(
                cls.env,
                login=f"access-{role}",
                groups=groups,
                company_id=cls.company_a.id,
                company_ids=[(6, 0, cls.company_a.ids)],
            )
            for role, groups in cls.ROLES.items()
        }
        cls.own_partner = cls.users["portal"].partner_id
        cls.foreign_partner = cls.env["res.partner"].create({"name": "Another Customer"})

    @classmethod
    def create_crm_records(cls) -> dict[str, dict[str, models.BaseModel]]:
        """Return records of every model of emobility_crm (and of contract): model -> scope -> record."""
        owners = {
            "own": (cls.own_partner, cls.company_a),
            "foreign": (cls.foreign_partner, cls.company_a),
            "other": (cls.own_partner, cls.company_b),
        }
        result: dict[str, dict[str, models.BaseModel]] = {}
        for scope, (partner, company) in owners.items():
            for record in cls._create_crm_records_of(scope, partner, company):
                result.setdefault(record._name, {})[scope] = record
        return result

    @classmethod
    def _create_crm_records_of(
        cls, scope: str, partner: models.BaseModel, company: models.BaseModel
    ) -> list[models.BaseModel]:
        env = cls.env["base"].with_company(company).env
        contract = env["contract.contract"].create(
            {
                "name": f"Contract {scope}",
                "partner_id": partner.id,
                "company_id": company.id,
                "is_charging": True,
            }
        )
        line = env["contract.line"].create(
            {
                "contract_id": contract.id,
                "name": "Base fee",
                "price_unit": 5.0,
                "quantity": 1.0,
                "date_start": "2026-01-01",
                "recurring_next_date": "2026-01-01",
            }
        )
        location = env["emobility.location"].create(
            {"name": f"Location {scope}", "time_zone": "Europe/Berlin", "company_id": company.id}
        )
        evse = env["emobility.evse"].create({"location_id": location.id})
        plan = env["product.template"].create(
            {
                "name": f"Plan {scope}",
                "type": "service",
                "is_charging_plan": True,
                "company_id": company.id,
                "plan_price_ids": [Command.create({"date_from": "2027-01-01", "base_fee": 9.0})],
            }
        )
        contract.plan_id = plan
        phase = env["emobility.contract.phase"].create(
            {"contract_id": contract.id, "plan_id": plan.id, "date_start": "2026-01-01"}
        )
        return [
            env["emobility.opening.hours"].create({"location_id": location.id}),
            contract,
            line,
            phase,
            plan.plan_price_ids,
            contract.modification_ids[0],
            env["emobility.token"].create(
                {"uid": f"ACC{scope}", "contract_id": contract.id, "company_id": company.id}
            ),
            env["emobility.customer.group"].create(
                {"name": scope, "code": f"ACC-{scope}", "company_id": company.id}
            ),
            env["emobility.location.group"].create(
                {"name": scope, "code": f"ACC-{scope}", "company_id": company.id}
            ),
            location,
            evse,
            env["emobility.connector"].create({"evse_id": evse.id}),
        ]

    def as_role(self, role: str, record: models.BaseModel) -> models.BaseModel:
        """Return `record` as the user of `role` sees it: its own companies only, nothing in the cache."""
        user = self.users[role]
        return record.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    def allowed_operations(self, role: str, record: models.BaseModel) -> str:
        """Return the letters of OPERATIONS that the ORM grants `role` on `record`."""
        seen = self.as_role(role, record)
        return "".join(letter for letter, name in OPERATIONS.items() if seen.has_access(name))

    def is_found(self, role: str, record: models.BaseModel) -> bool:
        """Whether a search as `role` returns `record`."""
        try:
            model = self.as_role(role, record).with_context(active_test=False)
            return bool(model.search([("id", "=", record.id)]))
        except AccessError:
            return False


class AccessCase(AccessMixin, BaseCommon):
    """A table of rights, checked for role x model x operation x scope.

    A subclass sets `MATRIX` (model -> role -> Rights; every role must be there) and returns the records to
    check from `create_records`; then it calls `check_matrix` and `check_matrix_is_complete` in a test each.
    """

    MATRIX: ClassVar[Mapping[str, Mapping[str, Rights]]] = {}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_access()
        cls.records = cls.create_records()

    @classmethod
    def create_records(cls) -> dict[str, dict[str, models.BaseModel]]:
        """Return the records to check: model -> scope -> record. A scope without meaning may be missing."""
        return cls.create_crm_records()

    def matrix_mismatches(self) -> list[str]:
        """Return a sentence for each right that is not as in the table.

        Beside what the ORM grants, a search must find exactly what may be read.
        """
        mismatches = []
        for model_name, roles in self.MATRIX.items():
            for role, rights in roles.items():
                for scope, record in self.records[model_name].items():
                    expected = getattr(rights, scope)
                    allowed = self.allowed_operations(role, record)
                    found = self.is_found(role, record)
                    if set(allowed) != set(expected) or found != ("r" in expected):
                        mismatches.append(
                            f"{role} on {scope} {model_name}: may {allowed or '-'}, "
                            f"should {expected or '-'}; finds it: {found}"
                        )
        return mismatches

    def check_matrix(self) -> None:
        """Fail when a role is missing in a row, or when a right is not as in the table."""
        for model_name, roles in self.MATRIX.items():
            self.assertEqual(set(roles), set(self.ROLES), f"{model_name}: every role needs an entry")
            self.assertIn(model_name, self.records, "a record of every model in the table is needed")
        self.assertEqual(self.matrix_mismatches(), [])

    def check_matrix_is_complete(self, module: str) -> None:
        """Fail when `module` defines a model with a table that has no row in MATRIX."""
        defined = {
            name
            for name, model in self.env.registry.items()
            if model._original_module == module and model._auto and not model._transient
        }
        self.assertFalse(defined - set(self.MATRIX), "models without a row in the access table")


class AccessHttpCase(AccessMixin, HttpCase):
    """The same companies and users, reached over RPC (JSON-2 with an API key for each role)."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.setup_access()
        expires = datetime.now() + timedelta(days=1)
        cls.api_keys = {
            role: cls.env["res.users.apikeys"].with_user(user).sudo()._generate("rpc", "access test", expires)
            for role, user in cls.users.items()
            if role != "public"
        }

    def call(self, role: str, model: str, method: str, **params: Any) -> tuple[int, Any]:
        """Call a method over JSON-2 as `role`. Return the HTTP status and the decoded answer."""
        response = self.url_open(
            f"/json/2/{model}/{method}",
            data=json.dumps(params),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"bearer {self.api_keys[role]}",
            },
        )
        return response.status_code, response.json()

    def _outcome_of_json(self, role: str, model: str, method: str, params: dict[str, Any]) -> str:
        status, answer = self.call(role, model, method, **params)
        return {200: "done", 403: "refused", 422: "refused"}.get(status, f"{status} {answer}")

    def _outcome_of_xmlrpc(self, role: str, model: str, method: str, params: dict[str, Any]) -> str:
        key = self.api_keys[role]
        try:
            self.xmlrpc_object.execute_kw(
                self.env.cr.dbname, self.users[role].id, key, model, method, list(params.values())
            )
        except Fault as fault:
            # 2 is a UserError, 4 an AccessError.
            return "refused" if fault.faultCode in (2, 4) else str(fault)
        return "done"


class RpcTableChecks:
    """The table of rights, asked over both interfaces. Mix into an AccessHttpCase with `MATRIX` and `records`.

    What may be read is read. Everything that a role may not do is tried: on own records, and on those of others.
    """

    # Odoo runs only the tests of the class itself, unless it says this.
    allow_inherited_tests_method = True
    MATRIX: ClassVar[Mapping[str, Mapping[str, Rights]]] = {}

    @mute_logger(
        "odoo.http", "odoo.sql_db", "odoo.addons.rpc.controllers", "odoo.addons.base.models.ir_rule",
        "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_access",
    )  # fmt: skip
    def test_f52_rpc_opens_nothing_that_the_table_does_not_grant(self) -> None:
        for model, roles in self.MATRIX.items():
            for scope, record in self.records[model].items():
                for role in self.api_keys:
                    granted = getattr(roles[role], scope)
                    for via, call in (("JSON-2", self._outcome_of_json), ("XML-RPC", self._outcome_of_xmlrpc)):
                        with self.subTest(model=model, scope=scope, role=role, via=via):
                            self._check_rights(call, role, record, granted)

    def _check_rights(self, call: Callable[..., str], role: str, record: models.BaseModel, granted: str) -> None:
        attempts = [
            ("r", "read", [record.ids, ["display_name"]], "ids fields"),
            ("w", "write", [record.ids, {"display_name": "Mine"}], "ids vals"),
            ("d", "unlink", [record.ids], "ids"),
        ]
        for letter, method, values, names in attempts:
            if letter == "r" or letter not in granted:
                outcome = call(role, record._name, method, dict(zip(names.split(), values, strict=True)))
                self.assertEqual(outcome, "done" if letter in granted else "refused", method)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_access", "odoo.addons.base.models.ir_model")
    def test_f52_rpc_creates_nothing_for_who_may_not(self) -> None:
        for model, roles in self.MATRIX.items():
            for role in self.api_keys:
                if "c" not in roles[role].own:
                    with self.subTest(model=model, role=role):
                        status, may = self.call(role, model, "has_access", ids=[], operation="create")
                        self.assertEqual((status, may), (200, False))
                        outcome = self._outcome_of_json(role, model, "create", {"vals_list": [{}]})
                        self.assertEqual(outcome, "refused")


class WizardChecks:
    """The dialogues (transient models) of an addon and who may use them, asked of the ORM and over both interfaces.

    Mix into an AccessHttpCase, with `MODULE` and `WIZARDS` (model -> roles). All other roles may do nothing.
    """

    allow_inherited_tests_method = True
    MODULE: ClassVar[str]
    WIZARDS: ClassVar[Mapping[str, frozenset[str]]]
    ROLES: ClassVar[Mapping[str, str]] = {
        **AccessMixin.ROLES,
        "technician": "emobility_crm.group_technician",
        "roaming": "emobility_crm.group_roaming_manager",
    }

    def test_every_dialogue_is_in_the_table(self) -> None:
        defined = {
            name
            for name, model in self.env.registry.items()
            if model._original_module == self.MODULE and model._transient
        }
        self.assertEqual(defined, set(self.WIZARDS))

    def test_f52_only_these_roles_use_a_dialogue_and_each_user_only_their_own(self) -> None:
        for model, roles in self.WIZARDS.items():
            for role in self.ROLES:
                wizard = self.as_role(role, self.env[model])
                for operation in OPERATIONS.values():
                    with self.subTest(model=model, role=role, operation=operation):
                        own = wizard.env["ir.rule"]._compute_domain(model, operation)
                        self.assertIn(f"('create_uid', '=', {wizard.env.uid})", str(own))
                        # Odoo deletes them itself after a while.
                        if role not in roles or operation != "unlink":
                            self.assertEqual(wizard.has_access(operation), role in roles)

    @mute_logger("odoo.http", "odoo.sql_db", "odoo.addons.rpc.controllers")
    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_access")
    def test_f52_rpc_opens_a_dialogue_to_nobody_else(self) -> None:
        for model, roles in self.WIZARDS.items():
            for role in self.api_keys:
                expected = "done" if role in roles else "refused"
                for via, call in (("JSON-2", self._outcome_of_json), ("XML-RPC", self._outcome_of_xmlrpc)):
                    with self.subTest(model=model, role=role, via=via):
                        self.assertEqual(call(role, model, "search", {"domain": []}), expected)
                        if role not in roles:
                            self.assertEqual(call(role, model, "create", {"vals_list": [{}]}), "refused")


def public_methods(env: Environment, module: str) -> set[str]:
    """Return "model.method" for each method that `module` defines and that can be called over RPC.

    Overrides of methods of the ORM itself are not listed: they do not widen what can be called.
    """
    prefix = f"odoo.addons.{module}."
    return {
        f"{model_name}.{name}"
        for model_name, model in env.registry.items()
        for cls in model.mro()
        if cls.__module__.startswith(prefix)
        for name, attribute in vars(cls).items()
        if inspect.isfunction(attribute)
        and not name.startswith("_")
        and not hasattr(models.BaseModel, name)
        and not any(getattr(getattr(base, name, None), "_api_private", False) for base in model.mro())
    }


def new_charging_contract(env: Environment, partner: models.BaseModel, **values: Any) -> models.BaseModel:
    """Return a draft charging contract of `partner` in the company of `env`."""
    return env["contract.contract"].create(
        {
            "name": f"Charging contract of {partner.name}",
            "partner_id": partner.id,
            "company_id": env.company.id,
            "is_charging": True,
            **values,
        }
    )


def give_prices(env: Environment) -> None:
    """Where billing is installed, plans need a price: else no contract is activated with them, and none is offered."""
    if "emobility.price.rule" in env:
        tariff = env["emobility.tariff"].create({"name": "Any", "code": "ANY", "company_id": env.company.id})
        env["emobility.price.rule"].create({"tariff_id": tariff.id, "company_id": env.company.id})


@contextmanager
def crons_without_commit(env: Environment) -> Iterator[None]:
    """Let scheduled actions that commit after each record run in a test, which cannot commit."""
    with patch.object(env.registry["ir.cron"], "_commit_progress", lambda *_args, **_kwargs: 3600.0):
        yield


class TwoTransactions:
    """`one` and `two`: transactions of their own beside that of the test, for what happens at the same time.

    Mix into a test case. What they commit stays: the test removes it.
    """

    def setUp(self) -> None:
        super().setUp()
        connect = sql_db.db_connect(self.env.cr.dbname)
        self.one, self.two = connect.cursor(), connect.cursor()
        for cursor in (self.one, self.two):
            self.addCleanup(cursor.close)
