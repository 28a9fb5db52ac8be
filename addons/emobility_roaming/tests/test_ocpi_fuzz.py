"""Whatever a partner sends, our server answers, and never with an error of its own (schemathesis)."""

from __future__ import annotations

import unittest
from collections import Counter, defaultdict

from odoo.tests import tagged

from odoo.addons.fastapi.context import odoo_env_ctx

from ..ocpi.transport import authorization
from ..ocpi.versions import VERSIONS
from .ocpi_common import OcpiCommon

try:
    import hypothesis
    import schemathesis
    from fastapi.testclient import TestClient
except ImportError:
    schemathesis = None

EXAMPLES = 2


@tagged("post_install", "-at_install")
@unittest.skipUnless(schemathesis, "schemathesis is not installed")
class TestOcpiFuzz(OcpiCommon):
    def test_no_message_makes_the_server_fail(self) -> None:
        endpoint = self.env.ref("emobility_roaming.fastapi_endpoint_ocpi")
        app = endpoint._get_app()
        operations = [found.ok() for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()]
        tokens = {}
        for version, party in (("2.1.1", "NLONE"), ("2.2.1", "NLTWO"), ("2.3.0", "NLTRE")):
            # 2.1.1 has one role for each connection.
            for role in ("CPO", "EMSP") if version == "2.1.1" else ("BOTH",):
                code = f"{party[:4]}{role[0]}" if version == "2.1.1" else party
                _connection, token = self._connect(code, version=version, our_roles=role, rate_limit=10_000_000)
                tokens[version, role] = code, token
        env = self.env(user=endpoint.user_id.id, su=False)
        context = odoo_env_ctx.set(env)
        seen: dict[str, Counter[int]] = defaultdict(Counter)
        try:
            with TestClient(app, base_url="http://testserver", raise_server_exceptions=True) as client:
                for operation in operations:
                    _empty, version, *rest = [*operation.path.split("/"), ""]
                    version = version if version in VERSIONS else "2.2.1"
                    role = "BOTH" if version != "2.1.1" else "EMSP" if rest[0] == "emsp" else "CPO"
                    self._try(client, operation, *tokens[version, role], seen[version])
        finally:
            odoo_env_ctx.reset(context)
        for version in VERSIONS:
            with self.subTest(version=version):
                self.assertFalse([status for status in seen[version] if status >= 500], seen)
                self.assertGreater(sum(seen[version].values()), 40, seen)
                self.assertGreater(seen[version][200], 20, seen)

    def _try(self, client, operation, party: str, token: str, seen: Counter[int]) -> None:
        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        def run(case) -> None:
            case.path_parameters = {
                **(case.path_parameters or {}),
                **({"country_code": party[:2], "party_id": party[2:]} if "{country_code}" in case.path else {}),
            }
            with self.env.cr.savepoint() as savepoint:
                values = case.as_transport_kwargs(
                    base_url="http://testserver", headers={"Authorization": authorization(token, raw=False)}
                )
                values.pop("cookies", None)
                answer = client.request(**values)
                savepoint.rollback()
            self.env.invalidate_all()
            seen[answer.status_code] += 1

        run()
