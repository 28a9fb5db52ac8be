"""Data for the tests of billing: a company with a chart of accounts, a customer and a station."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.queue_job.tests.common import trap_jobs

COMPANY = "emobility_test.company"


def prepare_company(env: Any) -> None:
    """Make the company of the tests beforehand: its chart of accounts takes a second, which each class spends else."""
    company = env["res.company"].create({"name": "company_1_data"})
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    module, name = COMPANY.split(".")
    env["ir.model.data"].create({"module": module, "name": name, "model": company._name, "res_id": company.id})


class ChargingCommon(AccountTestInvoicingCommon):
    """Everything that a session needs to become an invoice, and short ways to make more of it."""

    @classmethod
    def setup_independent_company(cls, **kwargs: Any) -> Any:
        prepared = cls.env.ref(COMPANY, raise_if_not_found=False)
        if not prepared:
            return super().setup_independent_company(**kwargs)
        cls.env.user.company_ids |= prepared
        return prepared

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})
        cls.company = cls.company_data["company"]
        cls.env.user.group_ids |= cls.env.ref("emobility_crm.group_manager")
        cls.euro = cls.env.ref("base.EUR")
        cls.euro.active = True
        cls.tax = cls.env["account.tax"].create(
            {
                "name": "19% usage",
                "amount": 19,
                "type_tax_use": "sale",
                "company_id": cls.company.id,
                "tax_group_id": cls.company_data["default_tax_sale"].tax_group_id.id,
                "price_include_override": "tax_excluded",
            }
        )
        for name in ("energy", "time", "parking_time", "flat"):
            cls.env.ref(f"emobility_billing.product_{name}").taxes_id = [Command.set(cls.tax.ids)]
        cls.env.ref("uom.decimal_product_uom").digits = 3
        cls._uids = count(1)
        cls.driver = cls.env["res.partner"].create(
            {"name": "Dana Driver", "email": "dana@example.com", "country_id": cls.env.ref("base.de").id}
        )
        cls.location = cls.env["emobility.location"].create(
            {
                "name": "Market square",
                "city": "Musterstadt",
                "time_zone": "Europe/Berlin",
                "country_id": cls.env.ref("base.de").id,
                "company_id": cls.company.id,
            }
        )
        cls.evse = cls.env["emobility.evse"].create({"uid": "MARKET-1", "location_id": cls.location.id})
        cls.connector = cls.env["emobility.connector"].create(
            {"evse_id": cls.evse.id, "code": "1", "power_type": "AC_3_PHASE", "max_power_kw": 22}
        )
        cls.plan = cls.env["product.template"].create(
            {"name": "Home plan", "type": "service", "is_charging_plan": True}
        )
        cls.tariff = cls._make_tariff("STANDARD", {"ENERGY": 0.49})
        cls.rule = cls._make_rule(cls.tariff)
        cls.contract = cls._make_contract(cls.driver, "04A1B2C3")
        cls.token = cls.contract.token_ids

    @classmethod
    def _make_contract(cls, partner: Any, token_uid: str, **values: Any) -> Any:
        contract = cls.env["contract.contract"].create(
            {
                "name": f"Charging {partner.name} {token_uid}",
                "partner_id": partner.id,
                "is_charging": True,
                "plan_id": cls.plan.id,
                "billing_trigger": "monthly",
                "company_id": cls.company.id,
                **values,
            }
        )
        contract.action_activate()
        cls.env["emobility.token"].create(
            {
                "uid": token_uid,
                "token_type": "RFID",
                "contract_id": contract.id,
                "partner_id": partner.id,
                "state": "active",
                "company_id": cls.company.id,
            }
        )
        return contract

    @classmethod
    def _make_tariff(cls, code: str, prices: dict[str, float], *, mode: str = "gross", **version: Any) -> Any:
        """A tariff with one element. ``prices``: price by dimension."""
        return cls.env["emobility.tariff"].create(
            {
                "name": code.title(),
                "code": code,
                "currency_id": cls.euro.id,
                "price_mode": mode,
                "company_id": cls.company.id,
                "version_ids": [
                    Command.create(
                        {
                            "valid_from": "2020-01-01 00:00:00",
                            "element_ids": [
                                Command.create(
                                    {
                                        "component_ids": [
                                            Command.create({"dimension": dimension, "price": price})
                                            for dimension, price in prices.items()
                                        ]
                                    }
                                )
                            ],
                            **version,
                        }
                    )
                ],
            }
        )

    @classmethod
    def _make_rule(cls, tariff: Any, **values: Any) -> Any:
        return cls.env["emobility.price.rule"].create(
            {"tariff_id": tariff.id, "relation": "retail", "company_id": cls.company.id, **values}
        )

    @classmethod
    def _make_payment_token(cls, contract: Any, simulated_state: str = "done") -> Any:
        """A stored payment method at the demo provider, which answers every charge with the simulated state.

        The module payment_demo must be installed: it is not for production, so no dependency.
        """
        provider = cls.env["payment.provider"].search(
            [("code", "=", "demo"), ("company_id", "=", cls.company.id)], limit=1
        ) or cls.env.ref("payment.payment_provider_demo").copy({"company_id": cls.company.id})
        provider.write({"state": "test", "journal_id": cls.company_data["default_journal_bank"].id})
        token = cls.env["payment.token"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": cls.env.ref("payment_demo.payment_method_demo").id,
                "payment_details": "4242",
                "partner_id": contract.partner_id.id,
                "provider_ref": f"demo-{contract.id}",
                "demo_simulated_state": simulated_state,
            }
        )
        contract.payment_token_id = token
        return token

    @classmethod
    def _make_user(cls, login: str, *groups: str, **values: Any) -> Any:
        return new_test_user(
            cls.env,
            login,
            groups=",".join(groups),
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **values,
        )

    # Events

    def event(
        self, session: str, kind: str, at: datetime, payload: dict[str, Any] | None = None, **values: Any
    ) -> Any:
        return {
            "uid": f"{session}-{kind}-{next(self._uids)}",
            "source": "ocpp",
            "session_uid": session,
            "kind": kind,
            "at": stamp(at),
            "payload": payload or {},
            **values,
        }

    def events(
        self,
        session: str = "S1",
        start: datetime | None = None,
        *,
        minutes: int = 60,
        kwh: str = "10",
        register: str = "1000",
        unplug: bool = True,
        readings: Iterable[tuple[int, str | None]] = (),
        end: dict[str, Any] | None = None,
        **started: Any,
    ) -> list[dict[str, Any]]:
        """The events of one ordinary session.

        :param readings: pairs (minute, register in kWh) of meter values in between.
        :param end: replaces the payload of the end.
        :param started: replaces parts of the payload of the start.
        """
        start = start or datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
        stop = start + timedelta(minutes=minutes)
        begin = {
            "evse_id": self.evse.id,
            "connector_id": self.connector.id,
            "token_uid": "04A1B2C3",
            "token_type": "RFID",
            "meter_kwh": register,
            "authorization": "Accepted",
            **started,
        }
        close = str(float(register or 0) + float(kwh))
        events = [self.event(session, "started", start, begin)]
        for minute, value in readings:
            at = start + timedelta(minutes=minute)
            reading = {"at": stamp(at), "energy_kwh": value}
            events.append(self.event(session, "meter", at, {"readings": [reading]}))
        events.append(
            self.event(session, "ended", stop, end or {"meter_kwh": close, "reason": "EVDisconnected"})
        )
        if unplug:
            events.append(self.event(session, "unplugged", stop))
        return events

    def ingest(self, events: list[dict[str, Any]]) -> Any:
        """Take the events in and run the jobs that follow; return the sessions."""
        with self.running_jobs():
            results = self.env["emobility.session"]._ingest_events(events)
        self.assertNotIn("error", {result["status"] for result in results}, results)
        return self.sessions_of(events)

    def sessions_of(self, events: list[dict[str, Any]]) -> Any:
        uids = {event["session_uid"] for event in events}
        return self.env["emobility.session"].search([("uid", "in", list(uids))])

    @contextmanager
    def running_jobs(self) -> Iterator[Any]:
        """Run all jobs that are queued inside, and those that they queue, when the block ends.

        A job for later (``eta``) is left out: it is not due.
        """
        with trap_jobs() as trap:
            yield trap
            while due := [job for job in trap.enqueued_jobs if not job.eta or job.eta <= datetime.now()]:
                trap.enqueued_jobs = []
                for job in due:
                    self.env.flush_all()
                    job.perform()

    def gate_rule(self, code: str, **values: Any) -> Any:
        """The general rule of a reason, changed."""
        rule = self.env["emobility.gate.rule"].search(
            [
                ("reason_code", "=", code),
                ("company_id", "=", False),
                ("location_group_id", "=", False),
                ("customer_group_id", "=", False),
            ]
        )
        rule.write(values)
        return rule

    def run_watchdog(self) -> None:
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress", return_value=60.0),
            self.running_jobs(),
        ):
            self.env["emobility.session"]._cron_watchdog()

    def hold_reasons(self, session: Any, state: str = "open") -> list[str]:
        return sorted(session.hold_ids.filtered(lambda hold: hold.state == state).mapped("reason_code"))

    def run_billing(self, **values: Any) -> Any:
        """A billing run over everything that has ended until today, with all its jobs."""
        run = self.env["emobility.billing.run"].create(
            {"company_id": self.company.id, "date_to": fields.Date.today() + timedelta(days=1), **values}
        )
        with self.running_jobs():
            run.action_prepare()
            run.action_start()
        return run


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
