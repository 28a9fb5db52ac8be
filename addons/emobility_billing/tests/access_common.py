"""Records of every model of billing for the access tests."""

from __future__ import annotations

from typing import Any

from odoo import Command


class BillingRecords:
    """Mix into an access case: records of a customer, of another one, and of another company."""

    @classmethod
    def create_billing_records(cls, records: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Add records of billing to those of the CRM: model -> scope -> record."""
        for scope, contract in records["contract.contract"].items():
            for record in cls._create_billing_records(scope, contract, records["emobility.evse"][scope]):
                records.setdefault(record._name, {})[scope] = record
        return records

    @classmethod
    def _create_billing_records(cls, scope: str, contract: Any, evse: Any) -> list[Any]:
        company = contract.company_id
        env = cls.env["emobility.guarded"]._as_system().with_company(company).env
        tariff = env["emobility.tariff"].create(
            {
                "name": scope,
                "code": f"ACC-{scope}",
                "company_id": company.id,
                "version_ids": [
                    Command.create(
                        {
                            "valid_from": "2020-01-01",
                            "element_ids": [
                                Command.create(
                                    {"component_ids": [Command.create({"dimension": "ENERGY", "price": 0.5})]}
                                )
                            ],
                        }
                    )
                ],
            }
        )
        version = tariff.version_ids
        rule = env["emobility.price.rule"].create({"tariff_id": tariff.id, "company_id": company.id})
        session = env["emobility.session"].create(
            {
                "uid": f"ACC-{scope}",
                "source": "import",
                "state": "done",
                "company_id": company.id,
                "evse_id": evse.id,
                "contract_id": contract.id,
                "start_at": "2026-01-01 10:00:00",
                "event_ids": [
                    Command.create(
                        {
                            "source": "import",
                            "uid": f"ACC-{scope}",
                            "kind": "started",
                            "at": "2026-01-01 10:00:00",
                            "received_at": "2026-01-01 10:00:00",
                        }
                    )
                ],
                "hold_ids": [Command.create({"reason_code": "zero_energy", "severity": "1_warning"})],
            }
        )
        cdr = env["emobility.cdr"].create(
            {
                "name": f"ACC-{scope}",
                "session_id": session.id,
                "contract_id": contract.id,
                "partner_id": contract.partner_id.id,
                "evse_id": evse.id,
                "start_at": "2026-01-01 10:00:00",
                "end_at": "2026-01-01 11:00:00",
                "company_id": company.id,
            }
        )
        rating = env["emobility.rating"].create(
            {
                "cdr_id": cdr.id,
                "relation": "retail",
                "partner_id": contract.partner_id.id,
                "contract_id": contract.id,
                "tariff_version_id": version.id,
                "currency_id": tariff.currency_id.id,
                "price_mode": "gross",
                "line_ids": [
                    Command.create(
                        {
                            "dimension": "ENERGY",
                            "amount": 1,
                            "product_id": env.ref("emobility_billing.product_energy").id,
                        }
                    )
                ],
            }
        )
        series = env["emobility.spot.series"].create(
            {
                "name": scope,
                "company_id": company.id,
                "price_ids": [Command.create({"at": "2026-01-01 10:00:00", "price": 0.1})],
            }
        )
        replay = env["emobility.tariff.replay"].create({"version_id": version.id})
        result = env["emobility.tariff.replay.result"].create({"replay_id": replay.id, "rating_id": rating.id})
        run = env["emobility.billing.run"].create({"company_id": company.id})
        line = env["emobility.billing.run.line"].create(
            {"run_id": run.id, "contract_id": contract.id, "partner_id": contract.partner_id.id}
        )
        profile = env["emobility.import.profile"].create(
            {
                "name": scope,
                "code": f"ACC-{scope}",
                "company_id": company.id,
                "date_formats": "%Y-%m-%d",
                "time_zone": "Europe/Berlin",
                "column_station": "station",
                "column_start_date": "start",
                "column_end_date": "end",
                "column_energy": "energy",
                "power_rule_ids": [Command.create({"model_pattern": "X", "max_power_kw": 22})],
            }
        )
        upload = env["emobility.session.import"].create(
            {"profile_id": profile.id, "company_id": company.id, "file": b"c3RhdGlvbg=="}
        )
        discount = env["emobility.discount"].create({"name": scope, "value": 5, "company_id": company.id})
        return [
            env["emobility.brand"].create({"name": scope, "company_id": company.id}),
            discount,
            env["emobility.discount.use"].create({"discount_id": discount.id, "contract_id": contract.id}),
            env["emobility.allowance"].create({"contract_id": contract.id, "month": "2026-01-01"}),
            profile,
            profile.power_rule_ids,
            upload,
            tariff,
            version,
            version.element_ids,
            version.element_ids.component_ids,
            rule,
            series,
            series.price_ids,
            replay,
            result,
            session,
            session.event_ids,
            session.hold_ids,
            cdr,
            rating,
            rating.line_ids,
            run,
            line,
        ]
