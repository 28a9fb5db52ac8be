import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from ..wizard.import_rows import Layout, LayoutError, Row, read_rows
from .charging_common import ChargedCommon

_HEADER = "_id,CP ID,Connector,Start Date,Start Time,End Date,End Time,Total kWh,Site,Model\n"
_GOOD = """\
1,51519,2,2017-08-31T00:00:00,22:12,2017-08-31T00:00:00,23:11,18.27,Broxden,APT Triple Rapid Charger
2,51250,1,2017-08-31T00:00:00,22:01,2017-08-31T00:00:00,22:31,9.45,Crown Inn,Siemens 7 kW Dual Outlet
3,51519,2,2017-08-30T00:00:00,21:21,2017-08-30T00:00:00,21:59,19.71,Broxden,APT Triple Rapid Charger
"""
_DIRTY = """\
4,51519,2,2017-08-29T00:00:00,21:21,,,,Broxden,APT Triple Rapid Charger
5,51519,2,soon,21:21,2017-08-28T00:00:00,22:00,4.2,Broxden,APT Triple Rapid Charger
6,51519,2,2017-08-27T00:00:00,21:21,2017-08-27T00:00:00,22:00,many,Broxden,APT Triple Rapid Charger
7,51519,2,2017-08-26T00:00:00,21:21,2017-08-26T00:00:00,20:00,4.2,Broxden,APT Triple Rapid Charger
8,,,,,,,,,
"""


def _layout(**changes: Any) -> Layout:
    values: dict[str, Any] = {
        "code": "t",
        "delimiter": ",",
        "time_zone": "Europe/London",
        "date_formats": ("%Y-%m-%d",),
        "time_formats": ("%H:%M",),
        "decimal_separator": ".",
        "energy_in_wh": False,
        "station": "cp",
        "start_date": "sd",
        "start_time": "st",
        "end_date": "ed",
        "end_time": "et",
        "energy": "kwh",
    }
    return Layout(**{**values, **changes})


def _row(line: str, **changes: Any) -> Row:
    delimiter = changes.get("delimiter", ",")
    header = delimiter.join(("cp", "sd", "st", "ed", "et", "kwh"))
    (row,) = read_rows(f"{header}\n{line}\n", _layout(**changes))
    return row


@tagged("post_install", "-at_install")
class TestImportRows(TransactionCase):
    def test_local_summer_time_becomes_utc(self) -> None:
        row = _row("A,2017-08-31,22:12,2017-08-31,23:11,18.27")
        self.assertEqual(row.start, datetime(2017, 8, 31, 21, 12, tzinfo=UTC))
        self.assertEqual(row.energy_kwh, Decimal("18.27"))
        self.assertEqual(row.problems, ())

    def test_f27_a_time_that_the_clock_skipped_is_a_problem(self) -> None:
        row = _row("A,2017-03-26,01:30,2017-03-26,03:00,5")
        self.assertIsNone(row.start)
        self.assertIn("does not exist", row.problems[0])

    def test_f27_an_hour_that_comes_twice_is_a_problem_unless_both_ends_lie_in_it(self) -> None:
        self.assertIn("put back", _row("A,2016-10-30,00:30,2016-10-30,01:30,5").problems[0])
        self.assertEqual(_row("A,2016-10-30,01:10,2016-10-30,01:30,5").problems, ())
        self.assertIn("put back", _row("A,2016-10-30,01:50,2016-10-30,01:10,5").problems[0])
        self.assertEqual(_row("A,2016-10-29,23:00,2016-10-30,03:00,5").problems, ())

    def test_decimal_comma_and_watt_hours(self) -> None:
        row = _row(
            "A;2017-08-31;22:12;2017-08-31;23:11;18270,5",
            delimiter=";",
            decimal_separator=",",
            energy_in_wh=True,
        )
        self.assertEqual(row.energy_kwh, Decimal("18.2705"))

    def test_a_decimal_comma_in_a_file_with_dots_is_never_read_as_thousands(self) -> None:
        row = _row('A,2017-08-31,22:12,2017-08-31,23:11,"1,5"')
        self.assertIsNone(row.energy_kwh)
        self.assertIn("not a number", row.problems[0])

    def test_infinite_and_empty_energies_are_problems(self) -> None:
        for text in ("NaN", "inf", ""):
            with self.subTest(text=text):
                self.assertIsNone(_row(f"A,2017-08-31,22:12,2017-08-31,23:11,{text}").energy_kwh)

    def test_more_cells_than_the_header_are_a_problem(self) -> None:
        row = _row("A,2017-08-31,22:12,2017-08-31,23:11,5,extra")
        self.assertEqual(row.problems, ("The row has more cells than the header.",))

    def test_rows_without_id_are_known_by_their_content(self) -> None:
        one, two = (
            _row("A,2017-08-31,22:12,2017-08-31,23:11,5"),
            _row("A,2017-08-31,22:12,2017-08-31,23:11,6"),
        )
        self.assertNotEqual(one.key, two.key)
        self.assertEqual(one.key, _row("A,2017-08-31,22:12,2017-08-31,23:11,5").key)

    def test_a_missing_column_is_named(self) -> None:
        with self.assertRaisesRegex(LayoutError, "no column cp"):
            list(read_rows("x,y\n1,2\n", _layout()))

    def test_one_column_for_date_and_time(self) -> None:
        layout = _layout(start_time="", end_time="", date_formats=("%Y-%m-%d %H:%M",))
        (row,) = read_rows("cp,sd,ed,kwh\nA,2017-01-31 22:12,2017-01-31 23:11,5\n", layout)
        self.assertEqual(row.start, datetime(2017, 1, 31, 22, 12, tzinfo=UTC))


@tagged("post_install", "-at_install")
class TestSessionImport(ChargedCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.profile = (
            cls.env.ref("emobility_billing.import_profile_perth_kinross")
            .sudo()
            .copy({"code": "test", "company_id": cls.company.id})
            .sudo(False)
        )
        cls.profile.power_rule_ids = cls.env["emobility.import.power.rule"].create(
            [
                {
                    "profile_id": cls.profile.id,
                    "sequence": 1,
                    "model_pattern": "triple rapid",
                    "max_power_kw": 50,
                },
                {"profile_id": cls.profile.id, "sequence": 2, "model_pattern": "7 ?kW", "max_power_kw": 7.4},
            ]
        )

    def _import(self, rows: str, header: str = _HEADER) -> Any:
        record = self.env["emobility.session.import"].create(
            {
                "name": "sample.csv",
                "profile_id": self.profile.id,
                "company_id": self.company.id,
                "file": base64.b64encode((header + rows).encode()),
            }
        )
        list(record._run_here())
        record._unprocessed_sessions()._process_now()
        record.invalidate_recordset()
        return record

    def _session(self, number: int) -> Any:
        return self.env["emobility.session"].search([("uid", "=", f"test:{number}")])

    def test_good_rows_become_cdrs_at_created_places(self) -> None:
        record = self._import(_GOOD)
        self.assertEqual((record.session_count, record.row_count), (3, 3))
        session = self._session(1)
        self.assertEqual(session.state, "done", session.hold_ids.mapped("reason_code"))
        self.assertEqual(session.location_id.name, "Broxden")
        self.assertEqual(session.location_id.time_zone, "Europe/London")
        self.assertEqual(session.connector_id.max_power_kw, 50)
        self.assertEqual(session.evse_id, self._session(3).evse_id)
        self.assertEqual(session.partner_id.name, "Broxden")
        self.assertEqual(session.start_at, datetime(2017, 8, 31, 21, 12))

    def test_f08_energy_beyond_the_power_of_the_model_is_held(self) -> None:
        self._import(_GOOD)
        held = self._session(2)
        self.assertEqual(held.state, "held")
        self.assertIn("implausible_energy", held.hold_ids.mapped("reason_code"))

    def test_every_dirty_row_becomes_a_held_session_that_keeps_its_text(self) -> None:
        record = self._import(_DIRTY)
        self.assertEqual(record.session_count, 5)
        self.assertEqual(record.held_count, 5)
        for number, text in ((4, "51519"), (5, "soon"), (6, "many"), (8, "8")):
            with self.subTest(row=number):
                session = self._session(number)
                hold = session.hold_ids.filtered(lambda one: one.reason_code == "conflict")
                self.assertEqual(hold.evidence["reason"], "unparsable_row")
                self.assertIn(text, hold.evidence["raw"].values())
        self.assertIn("end_before_start", self._session(7).hold_ids.mapped("reason_code"))

    def test_raw_row_is_kept_with_each_good_session(self) -> None:
        self._import(_GOOD)
        started = self._session(1).event_ids.filtered(lambda event: event.kind == "started")
        self.assertEqual(started.payload["raw"]["Total kWh"], "18.27")

    def test_importing_twice_changes_nothing(self) -> None:
        self._import(_GOOD + _DIRTY)
        counted = (
            "emobility.session",
            "emobility.session.event",
            "emobility.cdr",
            "emobility.hold",
            "emobility.location",
        )
        before = [self.env[name].search_count([]) for name in counted]
        states = self.env["emobility.session"].search([]).mapped("state")
        again = self._import(_GOOD + _DIRTY)
        self.assertEqual(again.duplicate_count, 8)
        self.assertEqual(before, [self.env[name].search_count([]) for name in counted])
        self.assertEqual(states, self.env["emobility.session"].search([]).mapped("state"))

    def test_a_row_that_changed_since_does_not_change_the_bill_but_opens_a_hold(self) -> None:
        self._import(_GOOD)
        amount = self._session(1).cdr_ids.retail_amount
        self._import(_GOOD.replace("18.27", "28.27"))
        self.assertEqual(self._session(1).cdr_ids.retail_amount, amount)
        self.assertIn("late_change", self._session(1).hold_ids.mapped("reason_code"))

    def test_preview_counts_without_creating_anything(self) -> None:
        record = self.env["emobility.session.import"].create(
            {"profile_id": self.profile.id, "file": base64.b64encode((_HEADER + _GOOD + _DIRTY).encode())}
        )
        record.action_preview()
        self.assertEqual(record.state, "preview")
        self.assertEqual((record.row_count, record.problem_count, record.known_count), (8, 4, 0))
        self.assertEqual((record.new_location_count, record.new_evse_count), (2, 2))
        self.assertIn("The start date 'soon' cannot be read.", record.problems)
        self.assertFalse(record.session_count)
        self.assertFalse(self.env["emobility.location"].search([("name", "=", "Broxden")]))

    def test_import_by_button_runs_in_the_queue_and_only_once(self) -> None:
        record = self.env["emobility.session.import"].create(
            {"profile_id": self.profile.id, "file": base64.b64encode((_HEADER + _GOOD).encode())}
        )
        record.action_import()
        self.assertEqual(record.state, "running")
        record._run_batch()
        self.assertEqual((record.state, record.done_count), ("done", 3))
        with self.assertRaisesRegex(UserError, "imported already"):
            record.action_import()

    def test_a_file_of_another_layout_is_refused_with_a_sentence(self) -> None:
        with self.assertRaisesRegex(UserError, "no column"):
            self._import("1;2\n", header="a;b\n")

    def test_without_master_data_unknown_stations_are_held(self) -> None:
        self.profile.create_master_data = False
        self._import(_GOOD)
        self.assertIn("unknown_evse", self._session(1).hold_ids.mapped("reason_code"))

    def test_ingest_cost_grows_with_the_rows_only(self) -> None:
        """Queries per row of a batch, once the places exist. The budget is for taking in, not for billing."""
        self._import(_GOOD)
        lines = [
            f"{100 + i},51519,2,2017-05-{1 + i % 28:02d}T00:00:00,{i // 28:02d}:10,"
            f"2017-05-{1 + i % 28:02d}T00:00:00,{i // 28:02d}:40,9.5,Broxden,APT Triple Rapid Charger"
            for i in range(100)
        ]
        record = self.env["emobility.session.import"].create(
            {"profile_id": self.profile.id, "file": base64.b64encode((_HEADER + "\n".join(lines)).encode())}
        )
        rows = list(record._rows())
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        record._import_rows(rows)
        self.env.flush_all()
        self.assertLess((self.env.cr.sql_log_count - before) / len(rows), 20)
