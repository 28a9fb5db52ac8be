from datetime import UTC, datetime, timedelta

from odoo.tests import tagged

from odoo.addons.emobility_billing.tests.common import ChargingCommon


@tagged("post_install", "-at_install")
class TestFinalCost(ChargingCommon):
    """What a session has cost in the end is told to the display of its station, by the price that is billed."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.station = cls.env["emobility.station"].create(
            {"identity": "COST-CS", "location_id": cls.location.id, "accepted": True, "company_id": cls.company.id}
        )
        cls.evse.write({"station_id": cls.station.id, "ocpp_evse_number": 1})

    def test_final_cost_is_told_once_and_only_to_stations_that_show_costs(self) -> None:
        commands = self.env["emobility.command"]
        quiet = self.ingest(self.events("quiet"))
        self.assertEqual(quiet.state, "done")
        self.assertFalse(commands.search([("action", "=", "final_cost")]))
        self.station.shows_costs = True
        session = self.ingest(self.events("shown", datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)))
        self.assertEqual(session.state, "done")
        command = commands.search([("action", "=", "final_cost")])
        self.assertEqual(command.session_id, session)
        self.assertEqual(command.payload["total_cost"], "4.90")
        self.assertEqual(command.payload["text"], "10.000 kWh, 4.90 EUR")
        session._process()
        self.assertEqual(len(commands.search([("action", "=", "final_cost")])), 1)

    def test_end_that_nobody_reported_is_never_billed_by_itself(self) -> None:
        events = self.events("orphan", readings=[(30, "1005")], unplug=False)
        events[-1]["payload"] = {"meter_kwh": None, "reason": "NotReported", "estimated": True}
        session = self.ingest(events)
        session._as_system().settle_at = session.end_at
        session._process()
        self.assertEqual((session.state, self.hold_reasons(session)), ("held", ["conflict"]))
        real = {"meter_kwh": "1010", "reason": "Local"}
        self.ingest([events[-1] | {"uid": "orphan-real", "payload": real}])
        session._process()
        self.assertEqual((session.state, session.energy_kwh, self.hold_reasons(session)), ("done", 10, []))
