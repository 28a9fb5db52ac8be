"""Whatever a partner sends, our server answers, and never with an error of its own (schemathesis)."""

from __future__ import annotations

import unittest

from odoo.tests import tagged

from odoo.addons.fastapi.context import odoo_env_ctx

from ..ocpi.transport import authorization
from .ocpi_common import OcpiCommon

try:
    import hypothesis
    import schemathesis
    from fastapi.testclient import TestClient
except ImportError:
    schemathesis = None

EXAMPLES = 4


@tagged("post_install", "-at_install")
@unittest.skipUnless(schemathesis, "schemathesis is not installed")
class TestOcpiFuzz(OcpiCommon):
    def test_no_message_makes_the_server_fail(self) -> None:
        _connection, token = self._connect(rate_limit=10_000_000)
        endpoint = self.env.ref("emobility_roaming.fastapi_endpoint_ocpi")
        app = endpoint._get_app()
        schema = schemathesis.openapi.from_dict(app.openapi())
        env = self.env(user=endpoint.user_id.id, su=False)
        context = odoo_env_ctx.set(env)
        seen: dict[int, int] = {}
        try:
            with TestClient(app, base_url="http://testserver", raise_server_exceptions=True) as client:
                for result in schema.get_all_operations():
                    operation = result.ok()
                    if "/2.2.1" in operation.path or operation.path == "/versions":
                        self._try(client, operation, token, seen)
        finally:
            odoo_env_ctx.reset(context)
        self.assertFalse([status for status in seen if status >= 500], seen)
        self.assertGreater(seen[200], 50, seen)

    def _try(self, client, operation, token: str, seen: dict[int, int]) -> None:
        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        def run(case) -> None:
            case.path_parameters = {
                **(case.path_parameters or {}),
                **({"country_code": "NL", "party_id": "XYZ"} if "{country_code}" in case.path else {}),
            }
            with self.env.cr.savepoint() as savepoint:
                values = case.as_transport_kwargs(
                    base_url="http://testserver", headers={"Authorization": authorization(token, raw=False)}
                )
                values.pop("cookies", None)
                answer = client.request(**values)
                savepoint.rollback()
            self.env.invalidate_all()
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

        run()
