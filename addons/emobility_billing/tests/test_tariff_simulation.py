from __future__ import annotations

from datetime import UTC, datetime

from odoo.tests import Form, tagged

from .common import ChargingCommon


@tagged("post_install", "-at_install")
class TestTariffSimulation(ChargingCommon):
    def _simulation(self, **values):
        return self.env["emobility.tariff.simulation"].create(
            {
                "version_id": self.tariff.version_ids.id,
                "connector_id": self.connector.id,
                "start_at": "2026-03-10 12:00:00",
                "energy_kwh": 10,
                "charging_hours": 1,
                **values,
            }
        )

    def test_simulation_costs_what_the_invoice_would(self) -> None:
        start = datetime(2026, 3, 10, 12, tzinfo=UTC)
        session = self.ingest(self.events(start=start))
        simulation = self._simulation()
        self.assertEqual(simulation.amount_total, session.cdr_ids.retail_amount)
        self.assertAlmostEqual(simulation.price_per_kwh, 0.49)
        self.assertIn(session.cdr_ids.rating_ids.line_ids.description, simulation.line_table)

    def test_time_zone_is_that_of_the_place(self) -> None:
        self.assertEqual(self._simulation().time_zone, "Europe/Berlin")

    def test_picture_grows_to_the_total_and_marks_the_end_of_charging(self) -> None:
        self.tariff.version_ids.idle_price = 6
        picture = str(self._simulation(parking_hours=1).picture)
        self.assertIn("10.90 EUR", picture)
        self.assertIn("stroke-dasharray", picture)
        self.assertNotIn("stroke-dasharray", str(self._simulation().picture))

    def test_more_power_than_the_connector_has_is_said(self) -> None:
        self.assertIn("22", self._simulation(energy_kwh=60).problem)
        self.assertFalse(self._simulation(energy_kwh=20).problem)

    def test_a_session_that_makes_no_sense_gets_a_sentence_and_no_price(self) -> None:
        simulation = self._simulation(charging_hours=-1)
        self.assertTrue(simulation.problem)
        self.assertFalse(simulation.amount_total)

    def test_clerk_can_use_the_form(self) -> None:
        clerk = self._make_user("sim_clerk", "emobility_crm.group_user")
        with Form(self.env["emobility.tariff.simulation"].with_user(clerk)) as form:
            form.version_id = self.tariff.version_ids
            form.energy_kwh = 20
            self.assertAlmostEqual(form.amount_total, 9.8)
