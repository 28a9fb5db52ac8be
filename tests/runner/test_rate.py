"""`./run rate` and `./run lint-tariff` leave standard output to the engine."""

import os

import pytest

from runner import cli, rate
from runner.paths import ADDONS, PYTHON


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["rate"], ["rate"]),
        (["rate", "--round", "2", "--policy", "step_size=ignore"],
         ["rate", "--round", "2", "--policy", "step_size=ignore"]),
        (["lint-tariff", "t.json", "--context", "{}"], ["lint-tariff", "t.json", "--context", "{}"]),
    ],
)  # fmt: skip
def test_the_engine_takes_the_place_of_the_runner(
    arguments: list[str], passed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []
    monkeypatch.setattr(rate, "set_up", lambda: print("setting up"))
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    cli.main(arguments)
    ((program, command, env),) = calls
    assert (program, command) == (PYTHON, [str(PYTHON), "-m", "rating.cli", *passed])
    assert env["PYTHONPATH"] == str(ADDONS / "emobility_billing")
    assert capsys.readouterr() == ("", "setting up\n")
