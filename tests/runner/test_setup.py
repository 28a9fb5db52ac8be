"""Which Python the set-up takes for the product."""

import sys
from pathlib import Path

import pytest

from runner import setup


def executable(folder: Path, name: str, code: int) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\nexit {code}\n")
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def old_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """`./run` is run by Python 3.10, and the folder is all that PATH has."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_python_of_run_is_taken_when_it_is_new_enough_and_never_that_of_a_virtual_environment():
    taken = setup.interpreter()
    assert taken is not None
    assert Path(taken).resolve() == Path(sys.executable).resolve()
    assert setup.VENV not in Path(taken).parents


def test_with_an_old_python_the_newest_beside_it_is_taken(old_python):
    executable(old_python, "python3.11", 0)
    newest = executable(old_python, "python3.13", 0)
    assert setup.interpreter() == newest


def test_a_stand_in_that_does_not_run_is_passed_over(old_python):
    executable(old_python, "python3.12", 127)
    working = executable(old_python, "python3.11", 0)
    assert setup.interpreter() == working


def test_no_python_that_is_new_enough_is_told(old_python):
    assert setup.interpreter() is None
