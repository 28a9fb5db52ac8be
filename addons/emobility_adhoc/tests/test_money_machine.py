"""Whatever happens, in whatever order: nobody pays twice or for nothing, and nothing that is due is lost in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.emobility_billing.tests.common import stamp
from odoo.addons.payment_stripe.controllers.main import StripeController
from odoo.addons.queue_job.tests.common import trap_jobs

from .common import AdhocCommon

FAULTY = ("/capture", "/cancel", "/increment_authorization")
KINDS = ("before", "after", "drop")
EXAMPLES = 12
WH_PER_STEP = (0, 500, 4000, 17000)


class Customers(RuleBasedStateMachine):
    """One charging point, several customers one after the other, a faulty provider, a queue that loses jobs."""

    case: Any

    def __init__(self) -> None:
        super().__init__()
        case = self.case
        self.savepoint = case.env.cr.savepoint()
        self.__enter_trap()
        for store in (case.psp.intents, case.psp.refunds):
            store.clear()
        case.psp.events.clear()
        case.psp.faults.clear()
        case.set_online(True)
        self.sessions: list[Any] = []
        self.done: list[Any] = []
        self.events: list[dict[str, Any]] = []
        self.register = 0
        self.session_uid: str | None = None

    def __enter_trap(self) -> None:
        self.manager = trap_jobs()
        self.trap = self.manager.__enter__()

    @property
    def adhoc(self) -> Any:
        return self.sessions[-1] if self.sessions else self.case.env["emobility.adhoc.session"]

    # Customers

    @precondition(lambda self: len(self.sessions) < 2)
    @rule()
    def open_the_page_and_check_out(self) -> None:
        env = self.case.env
        self.sessions.append(env["emobility.adhoc.session"]._check_out(
            self.case.evse, email=None, lang="en_US", client="machine"))  # fmt: skip

    @precondition(lambda self: self.adhoc)
    @rule(card=st.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined"]), comes_back=st.booleans())
    def pay(self, card: str, comes_back: bool) -> None:
        adhoc = self.adhoc
        tx = self.case.start_hold(20.0, adhoc.currency_id, adhoc.company_id._adhoc_payer(), adhoc_id=adhoc.id)
        intent = self.case.intent(tx)
        psp = self.case.psp
        psp.answer("POST", f"/payment_intents/{intent['id']}/confirm", {"payment_method": card})
        if comes_back:
            tx._stripe_process_intent(psp.answer("GET", f"/payment_intents/{intent['id']}", {})[1])

    @precondition(lambda self: self.adhoc)
    @rule()
    def press_stop(self) -> None:
        self.adhoc._stop_by_customer()

    # The provider

    @rule(path=st.sampled_from(FAULTY), kind=st.sampled_from(KINDS))
    def fail_next(self, path: str, kind: str) -> None:
        self.case.psp.fault(path, kind)

    @precondition(lambda self: self.case.psp.events)
    @rule(data=st.data())
    def deliver_an_event(self, data: st.DataObject) -> None:
        """Any one: the newest, an old one, one that came before."""
        self._deliver(data.draw(st.sampled_from(list(range(len(self.case.psp.events))))))

    def _deliver(self, index: int) -> None:
        event = json.loads(json.dumps(self.case.psp.events[index]))
        intent = event["data"]["object"]
        payload = {"reference": intent["description"], "event_type": event["type"], "object_id": intent["id"]}
        tx = self.case.env["payment.transaction"].sudo()._search_by_reference("stripe", payload)
        if tx:
            StripeController._include_payment_intent_in_payment_data(intent, payload)
            tx._process("stripe", payload)

    # The station

    @precondition(lambda self: self.adhoc.token_id)
    @rule(result=st.sampled_from(["accepted", "accepted", "rejected", "offline"]))
    def answer_the_start(self, result: str) -> None:
        for command in self.case.command(self.adhoc):
            command._apply_result(result, None)

    @precondition(lambda self: self.adhoc.token_id and self.session_uid != self.adhoc.token_id.uid)
    @rule()
    def begin_to_charge(self) -> None:
        self._end_at_station()
        self.session_uid, self.register = self.adhoc.token_id.uid, 0
        self.began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=90 - 45 * len(self.sessions[1:]))
        self._send(self.case.event(self.session_uid, "started", self.began, {
            "evse_id": self.case.evse.id, "connector_id": self.case.connector.id, "token_uid": self.session_uid,
            "token_type": "AD_HOC_USER", "meter_kwh": "0", "authorization": "Accepted"}))  # fmt: skip

    @precondition(lambda self: self.session_uid)
    @rule(more=st.sampled_from(WH_PER_STEP))
    def read_the_meter(self, more: int) -> None:
        self.register = min(self.register + more, 16000 if len(self.sessions) == 1 else 40000)
        at = self.began + timedelta(minutes=20)
        reading = {"at": stamp(at), "energy_kwh": f"{self.register / 1000:.3f}"}
        self._send(self.case.event(self.session_uid, "meter", at, {"readings": [reading]}))

    @precondition(lambda self: self.session_uid)
    @rule()
    def end_at_the_station(self) -> None:
        self._end_at_station()

    def _end_at_station(self) -> None:
        if self.session_uid:
            at = self.began + timedelta(minutes=44)
            self._send(self.case.event(self.session_uid, "ended", at, {"meter_kwh": f"{self.register / 1000:.3f}"}))
            self.session_uid = None

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def repeat_an_event(self, data: st.DataObject) -> None:
        self._send(data.draw(st.sampled_from(self.events)), remember=False)

    def _send(self, event: dict[str, Any], *, remember: bool = True) -> None:
        if remember:
            self.events.append(event)
        self.case.env["emobility.session"]._ingest_events([event])

    # The queue

    @precondition(lambda self: self.trap.enqueued_jobs)
    @rule()
    def run_the_jobs(self) -> None:
        for _round in range(20):
            jobs, self.trap.enqueued_jobs = self.trap.enqueued_jobs, []
            for job in jobs:
                if not job.eta or job.eta <= datetime.now():
                    self._perform(job)
            if not self.trap.enqueued_jobs:
                return

    @precondition(lambda self: self.trap.enqueued_jobs)
    @rule()
    def crash_in_a_job(self) -> None:
        """It does what it does at the provider, and nothing of that is committed here; then it runs again."""
        job = self.trap.enqueued_jobs[0]
        before = list(self.trap.enqueued_jobs)
        with self.case.env.cr.savepoint() as savepoint:
            job.perform()
            self.case.env.flush_all()
            savepoint.rollback()
        self.case.env.invalidate_all()
        self.trap.enqueued_jobs = before

    @rule()
    def restart_and_lose_what_waits(self) -> None:
        self.trap.enqueued_jobs = []

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def run_a_job_again(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.done)).perform()

    @rule()
    def time_passes(self) -> None:
        late = self.case.env["emobility.adhoc.session"].search([("start_by", "!=", False)])
        late.sudo()._as_system().write({"start_by": fields.Datetime.now() - timedelta(seconds=1)})
        self.case.env["emobility.adhoc.session"]._cron_watch()

    def _perform(self, job: Any) -> None:
        self.case.env.flush_all()
        job.perform()
        self.done.append(job)

    # What must hold at every moment

    @invariant()
    def nobody_pays_twice_or_too_much(self) -> None:
        for adhoc in self.sessions:
            captured, _held = self.case.real(adhoc)
            charged = [one for one in self.case.psp.intents.values() if one["amount_received"]]
            mine = [one for one in charged if one["description"] in adhoc.transaction_ids.mapped("reference")]
            assert len(mine) <= 1, "charged twice"
            assert captured <= round(100 * adhoc.amount_due) or not captured, "charged more than is due"

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            self.manager.__exit__(None, None, None)
            self.savepoint.rollback()
            self.savepoint.close(rollback=False)
            self.case.env.invalidate_all()

    def _finish(self) -> None:
        """Everything works again; then what is true for each customer."""
        env = self.case.env
        self.case.psp.faults.clear()
        self._end_at_station()
        for index in range(len(self.case.psp.events)):
            self._deliver(index)
        for _round in range(3):
            self.time_passes()
            env.cr.execute("UPDATE emobility_adhoc_session SET create_date = create_date - interval '3 hours'")
            env.invalidate_all()
            for session in env["emobility.session"]._due():
                session._process()
            for adhoc in self.sessions:
                adhoc._finish()
                adhoc._on_session()
            self.trap.enqueued_jobs = [job for job in self.trap.enqueued_jobs if not job.eta]
            if self.trap.enqueued_jobs:
                self.run_the_jobs()
        for adhoc in self.sessions:
            self._check(adhoc)

    def _check(self, adhoc: Any) -> None:
        captured, held = self.case.real(adhoc)
        rating = adhoc.session_id.cdr_ids.rating_ids
        assert adhoc.state in ("settled", "released"), adhoc.state
        assert held == 0, "something is still held"
        assert round(100 * adhoc.amount_captured) == captured, "the books and the provider differ"
        due = round(100 * sum(rating.mapped("amount_total")))
        assert captured + round(100 * adhoc.amount_claim) == due, (captured, adhoc.amount_claim, due)
        if due > captured:
            assert adhoc.attention in ("claim", "late_start"), "lost in silence"
        if not adhoc.session_id:
            assert captured == 0, "charged for nothing"
        if captured:
            paid = adhoc.move_id.amount_total - adhoc.move_id.amount_residual
            assert round(100 * paid) == captured, "the receipt is not paid by what was charged"


@tagged("post_install", "-at_install")
class TestMoneyMachine(AdhocCommon):
    @mute_logger("odoo.addons.payment.models.payment_provider", "odoo.addons.payment.models.payment_transaction",
                 "odoo.addons.payment_stripe.models.payment_transaction")  # fmt: skip
    def test_never_twice_never_for_nothing_never_less_in_silence(self) -> None:
        machine = type("Machine", (Customers,), {"case": self})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=15,
                deadline=None,
                database=None,
                derandomize=True,
                # The steps of a failure are printed; making them fewer takes minutes.
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
