from __future__ import annotations

from datetime import UTC, datetime, timedelta

from odoo.tests import tagged

from odoo.addons.queue_job.tests.common import trap_jobs

from .common import ChargingCommon, stamp


@tagged("post_install", "-at_install")
class TestQueryCounts(ChargingCommon):
    """Cost grows with the work, not with the size of what is already there."""

    def _queries(self, work) -> int:
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        with trap_jobs():
            work()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _meter_batch(self, session: str, start: datetime, minute: int, count: int) -> list:
        return [
            self.event(
                session,
                "meter",
                start + timedelta(minutes=minute + number),
                {
                    "readings": [
                        {
                            "at": stamp(start + timedelta(minutes=minute + number)),
                            "energy_kwh": str(1000 + (minute + number) / 10),
                        }
                    ]
                },
            )
            for number in range(count)
        ]

    def test_taking_in_a_batch_costs_the_same_queries_however_many_events_it_has(self) -> None:
        sessions = self.env["emobility.session"]
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
        self._queries(lambda: sessions._ingest_events(self.events(start=start)[:1]))
        small = self._queries(lambda: sessions._ingest_events(self._meter_batch("S1", start, 1, 2)))
        large = self._queries(lambda: sessions._ingest_events(self._meter_batch("S1", start, 10, 60)))
        self.assertLessEqual(large, small)
        # Four of them ask what the contract has off the cost so far, three whether others have to hear of it.
        self.assertLessEqual(small, 28)

    def test_taking_in_a_duplicate_costs_next_to_nothing(self) -> None:
        events = self.events()
        sessions = self.env["emobility.session"]
        self._queries(lambda: sessions._ingest_events(events))
        self.assertLessEqual(self._queries(lambda: sessions._ingest_events(events)), 5)

    def test_processing_a_session_stays_within_its_budget(self) -> None:
        session = self.env["emobility.session"]
        with trap_jobs():
            events = self.events()
            session._ingest_events(events)
        session = self.sessions_of(events)
        self.assertLessEqual(self._queries(session._process), 70)
        self.assertEqual(session.state, "done")

    def test_invoice_of_many_sessions_costs_few_more_queries_than_of_one(self) -> None:
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=9)
        one = self._bill("ONE", start, 1)
        many = self._bill("MANY", start + timedelta(days=1), 30)
        self.assertLessEqual(many - one, 30, f"{one} queries for one session, {many} for thirty")

    def _bill(self, prefix: str, start: datetime, count: int) -> int:
        events = []
        for number in range(count):
            events += self.events(f"{prefix}{number}", start + timedelta(minutes=61 * number), kwh="5")
        ratings = self.ingest(events).cdr_ids.rating_ids
        self.assertEqual(len(ratings), count)
        return self._queries(lambda: self.env["emobility.invoicing"]._invoice(ratings))
