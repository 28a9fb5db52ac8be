"""`./run rate`: one line in, one line out, whatever comes in."""

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import rating

from tests.rating.ocpi_messages import message

FOLDER = str(Path(rating.__file__).parent.parent)
GOOD = message(
    {
        "elements": [
            {"prices": ["ENERGY 0.25 10 1"], "when": {"start_time": "09:00", "day_of_week": ["MONDAY"]}},
            {"prices": ["FLAT 0.50 20 1", "ENERGY 0.35 10 1"]},
        ],
        "periods": [[60, {"ENERGY": 20, "TIME": 1}], [30, {"PARKING_TIME": 0.5}]],
        "start": "2024-03-04T09:00:00Z",
    },
    "2.2.1",
)
Change = Callable[[dict[str, Any]], object]


def run(text: str, *options: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "rating.cli", "rate", *options]
    done = subprocess.run(command, input=text.encode(), capture_output=True, cwd=FOLDER, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def component(data: dict[str, Any]) -> dict[str, Any]:
    return data["tariff"]["elements"][0]["price_components"][0]  # type: ignore[no-any-return]


def restrictions(data: dict[str, Any]) -> dict[str, Any]:
    return data["tariff"]["elements"][0]["restrictions"]  # type: ignore[no-any-return]


def period(data: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return data["cdr"]["charging_periods"][index]  # type: ignore[no-any-return]


COMPONENT = "tariff.elements[0].price_components[0]"
RESTRICTIONS = "tariff.elements[0].restrictions"
PERIOD = "cdr.charging_periods[0]"
NAN, INFINITE = float("nan"), float("inf")

BAD: list[tuple[str, str, Change]] = [
    ("missing", "timezone", lambda d: d.pop("timezone")),
    ("unknown_time_zone", "timezone", lambda d: d.update(timezone="Mars/Olympus")),
    ("unknown_time_zone", "timezone", lambda d: d.update(timezone="../../etc/passwd")),
    ("unknown_time_zone", "timezone", lambda d: d.update(timezone="Europe")),
    ("invalid_type", "timezone", lambda d: d.update(timezone=2)),
    ("invalid_value", "version", lambda d: d.update(version="1.0")),
    ("missing", "tariff", lambda d: d.pop("tariff")),
    ("missing", "cdr", lambda d: d.update(cdr=None)),
    ("invalid_type", "tariff", lambda d: d.update(tariff=[])),
    ("invalid_type", "cdr", lambda d: d.update(cdr="x")),
    ("missing", "tariff.currency", lambda d: d["tariff"].pop("currency")),
    ("invalid_value", "tariff.currency", lambda d: d["tariff"].update(currency="euro")),
    ("currency_mismatch", "cdr.currency", lambda d: d["cdr"].update(currency="USD")),
    ("invalid_type", "tariff.id", lambda d: d["tariff"].update(id=7)),
    ("missing", "tariff.elements", lambda d: d["tariff"].pop("elements")),
    ("missing", "tariff.elements", lambda d: d["tariff"].update(elements=[])),
    ("invalid_type", "tariff.elements", lambda d: d["tariff"].update(elements={})),
    ("invalid_type", "tariff.elements[0]", lambda d: d["tariff"].update(elements=[1])),
    ("invalid_value", "tariff.tax_included", lambda d: d["tariff"].update(tax_included="MAYBE")),
    ("invalid_type", "tariff.min_price", lambda d: d["tariff"].update(min_price=5)),
    ("missing", "tariff.min_price", lambda d: d["tariff"].update(min_price={})),
    ("negative", "tariff.max_price.excl_vat", lambda d: d["tariff"].update(max_price={"excl_vat": -1})),
    ("invalid_value", "tariff.min_price",
     lambda d: d["tariff"].update(min_price={"excl_vat": 3}, max_price={"excl_vat": 2})),
    ("invalid_time", "tariff.start_date_time", lambda d: d["tariff"].update(start_date_time="soon")),
    ("missing", f"{COMPONENT}.type", lambda d: component(d).pop("type")),
    ("unknown_dimension", f"{COMPONENT}.type", lambda d: component(d).update(type="WATER")),
    ("unknown_dimension", f"{COMPONENT}.type", lambda d: component(d).update(type=["ENERGY"])),
    ("missing", f"{COMPONENT}.price", lambda d: component(d).pop("price")),
    ("negative", f"{COMPONENT}.price", lambda d: component(d).update(price=-0.01)),
    ("not_a_number", f"{COMPONENT}.price", lambda d: component(d).update(price=NAN)),
    ("not_a_number", f"{COMPONENT}.price", lambda d: component(d).update(price=INFINITE)),
    ("out_of_range", f"{COMPONENT}.price", lambda d: component(d).update(price=1e300)),
    ("out_of_range", f"{COMPONENT}.price", lambda d: component(d).update(price=10**30)),
    ("invalid_type", f"{COMPONENT}.price", lambda d: component(d).update(price="cheap")),
    ("invalid_type", f"{COMPONENT}.price", lambda d: component(d).update(price=True)),
    ("out_of_range", "", lambda d: component(d).update(price=1e-300)),
    ("out_of_range", f"{COMPONENT}.vat", lambda d: component(d).update(vat=101)),
    ("negative", f"{COMPONENT}.vat", lambda d: component(d).update(vat=-1)),
    ("missing", f"{COMPONENT}.step_size", lambda d: component(d).pop("step_size")),
    ("negative", f"{COMPONENT}.step_size", lambda d: component(d).update(step_size=-1)),
    ("invalid_type", f"{COMPONENT}.step_size", lambda d: component(d).update(step_size=1.5)),
    ("invalid_type", f"{COMPONENT}.step_size", lambda d: component(d).update(step_size=True)),
    ("out_of_range", f"{COMPONENT}.step_size", lambda d: component(d).update(step_size=10**12)),
    ("duplicate", "tariff.elements[0].price_components[1].type",
     lambda d: d["tariff"]["elements"][0]["price_components"].append(component(d))),
    ("invalid_type", RESTRICTIONS, lambda d: d["tariff"]["elements"][0].update(restrictions=["x"])),
    ("invalid_time", f"{RESTRICTIONS}.start_time", lambda d: restrictions(d).update(start_time="25:00")),
    ("invalid_time", f"{RESTRICTIONS}.start_time", lambda d: restrictions(d).update(start_time="9:00")),
    ("invalid_time", f"{RESTRICTIONS}.end_time", lambda d: restrictions(d).update(end_time=["10:00"])),
    ("invalid_date", f"{RESTRICTIONS}.start_date", lambda d: restrictions(d).update(start_date="2024-02-30")),
    ("invalid_value", f"{RESTRICTIONS}.day_of_week", lambda d: restrictions(d).update(day_of_week=["FUNDAY"])),
    ("invalid_type", f"{RESTRICTIONS}.day_of_week", lambda d: restrictions(d).update(day_of_week="MONDAY")),
    ("negative", f"{RESTRICTIONS}.min_kwh", lambda d: restrictions(d).update(min_kwh=-1)),
    ("not_a_number", f"{RESTRICTIONS}.max_power", lambda d: restrictions(d).update(max_power=NAN)),
    ("invalid_value", f"{RESTRICTIONS}.reservation", lambda d: restrictions(d).update(reservation="MAYBE")),
    ("invalid_value", f"{COMPONENT}.type", lambda d: restrictions(d).update(reservation="RESERVATION")),
    ("missing", "cdr.start_date_time", lambda d: d["cdr"].pop("start_date_time")),
    ("missing", "cdr.end_date_time", lambda d: d["cdr"].pop("end_date_time")),
    ("invalid_time", "cdr.end_date_time", lambda d: d["cdr"].update(end_date_time="2024-03-04")),
    ("invalid_period", "cdr.end_date_time", lambda d: d["cdr"].update(end_date_time="2024-03-04T08:00:00Z")),
    ("out_of_range", "cdr.start_date_time", lambda d: d["cdr"].update(start_date_time="1970-01-01T00:00:00Z")),
    ("out_of_range", "cdr.end_date_time", lambda d: d["cdr"].update(end_date_time="2026-03-04T08:00:00Z")),
    ("missing", "cdr.charging_periods", lambda d: d["cdr"].update(charging_periods=[])),
    ("invalid_type", "cdr.charging_periods", lambda d: d["cdr"].update(charging_periods="x")),
    ("invalid_type", PERIOD, lambda d: d["cdr"].update(charging_periods=[None])),
    ("invalid_period", f"{PERIOD}.start_date_time",
     lambda d: period(d).update(start_date_time="2024-03-04T08:59:59Z")),
    ("invalid_period", "cdr.charging_periods[1].start_date_time",
     lambda d: period(d, 1).update(start_date_time="2024-03-04T10:30:01Z")),
    ("invalid_period", "cdr.charging_periods[1].start_date_time",
     lambda d: period(d).update(start_date_time="2024-03-04T10:10:00Z")),
    ("missing", f"{PERIOD}.start_date_time", lambda d: period(d).pop("start_date_time")),
    ("missing", f"{PERIOD}.dimensions", lambda d: period(d).pop("dimensions")),
    ("invalid_type", f"{PERIOD}.dimensions", lambda d: period(d).update(dimensions={})),
    ("invalid_type", f"{PERIOD}.dimensions[0]", lambda d: period(d).update(dimensions=["ENERGY"])),
    ("missing", f"{PERIOD}.dimensions[1].volume", lambda d: period(d)["dimensions"][1].pop("volume")),
    ("missing", f"{PERIOD}.dimensions[1].type", lambda d: period(d)["dimensions"][1].pop("type")),
    ("unknown_dimension", f"{PERIOD}.dimensions[0].type", lambda d: period(d)["dimensions"][0].update(type="ENRGY")),
    ("duplicate", f"{PERIOD}.dimensions[1].type", lambda d: period(d)["dimensions"][1].update(type="ENERGY")),
    ("negative", f"{PERIOD}.dimensions", lambda d: period(d)["dimensions"][0].update(volume=-1)),
    ("out_of_range", f"{PERIOD}.dimensions", lambda d: period(d)["dimensions"][0].update(volume=1_000_001)),
    ("out_of_range", f"{PERIOD}.dimensions", lambda d: period(d)["dimensions"][1].update(volume=10_000)),
    ("not_a_number", f"{PERIOD}.dimensions[0].volume", lambda d: period(d)["dimensions"][0].update(volume=NAN)),
    ("unknown_tariff", f"{PERIOD}.tariff_id", lambda d: period(d).update(tariff_id="another")),
]  # fmt: skip


def changed(change: Change, identifier: object) -> str:
    data = deepcopy(GOOD) | {"id": identifier}
    change(data)
    return json.dumps(data)


def test_each_bad_line_is_answered_with_what_is_wrong_and_where() -> None:
    answers = run("\n".join(changed(change, index) for index, (_code, _path, change) in enumerate(BAD)))
    found = [(answer["id"], answer["error"]["code"], answer["error"]["path"]) for answer in answers]
    assert found == [(index, code, path) for index, (code, path, _change) in enumerate(BAD)]
    assert all(answer.keys() == {"id", "error"} and answer["error"]["message"] for answer in answers)


@pytest.mark.parametrize(
    ("line", "code", "path"),
    [
        ("nonsense", "invalid_json", ""),
        ('{"id": "cut', "invalid_json", ""),
        ("[" * 100_000, "invalid_json", ""),
        ("[]", "invalid_type", ""),
        ("null", "invalid_type", ""),
        ("{}", "missing", "id"),
        ('{"id": {"a": 1}}', "missing", "id"),
        ('{"id": null}', "missing", "id"),
    ],
)
def test_a_line_that_is_no_message_is_answered_without_an_id(line: str, code: str, path: str) -> None:
    (answer,) = run(line)
    assert (answer["id"], answer["error"]["code"], answer["error"]["path"]) == (None, code, path)


def test_a_bad_line_does_not_disturb_its_neighbours() -> None:
    good = json.dumps(GOOD)
    answers = run(f"{good}\n\nnonsense\n{good}")
    assert ["error" in answer for answer in answers] == [False, True, False]


def test_a_good_line_is_answered_with_totals_and_lines() -> None:
    (answer,) = run(json.dumps(GOOD))
    assert (answer["id"], answer["currency"], answer["before_taxes"], answer["after_taxes"]) == (
        "test", "EUR", "5.50", "6.10",
    )  # fmt: skip
    assert answer["lines"][1] == {
        "type": "ENERGY", "element": 0, "quantity": "20", "billed_quantity": "20", "unit_price": "0.25",
        "before_taxes": "5.00", "taxes": [{"name": "VAT", "percentage": "10", "amount": "0.50"}],
        "from": "2024-03-04T09:00:00Z", "to": "2024-03-04T10:00:00Z",
        "why": "element 1 (start_time 09:00, day_of_week MONDAY)",
    }  # fmt: skip


def test_options_round_and_decide() -> None:
    data = deepcopy(GOOD)
    component(data).update(price=0.255, step_size=1000)
    period(data)["dimensions"][0]["volume"] = 0.5
    text = json.dumps(data)
    assert run(text)[0]["before_taxes"] == "0.755"
    assert run(text, "--round", "2")[0]["before_taxes"] == "0.76"
    assert run(text, "--policy", "step_size=ignore")[0]["before_taxes"] == "0.6275"
    command = [sys.executable, "-m", "rating.cli", "rate", "--policy", "step_size=often"]
    done = subprocess.run(command, capture_output=True, cwd=FOLDER, check=False)
    assert done.returncode == 2 and b"there is no choice" in done.stderr


def test_numbers_may_be_written_as_texts_and_with_any_number_of_digits() -> None:
    data = deepcopy(GOOD)
    component(data).update(price="0.25000000000000000001")
    period(data)["dimensions"][0]["volume"] = 10
    (answer,) = run(json.dumps(data))
    assert answer["lines"][1]["unit_price"] == "0.25000000000000000001"
    assert answer["before_taxes"] == "3.00"


def test_fields_that_ocpi_does_not_know_are_no_reason_to_refuse() -> None:
    data = deepcopy(GOOD)
    for place in (data, data["tariff"], data["cdr"], component(data), period(data)):
        place["x_color"] = "blue"
    restrictions(data)["x_weather"] = "sunny"
    restrictions(data)["max_kwh"] = None
    (answer,) = run(json.dumps(data))
    assert (answer["before_taxes"], answer["flags"]) == ("5.50", ["unknown_restriction_x_weather"])


def test_the_names_of_2_1_1_are_understood() -> None:
    data = deepcopy(GOOD)
    del data["version"]
    data["cdr"]["stop_date_time"] = data["cdr"].pop("end_date_time")
    (answer,) = run(json.dumps(data))
    assert (answer["before_taxes"], answer["after_taxes"]) == ("5.50", None)


def test_a_dialogue_is_answered_line_by_line() -> None:
    command = [sys.executable, "-m", "rating.cli", "rate"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=FOLDER) as process:
        assert process.stdin is not None and process.stdout is not None
        for number in range(2):
            process.stdin.write(json.dumps(GOOD | {"id": number}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
