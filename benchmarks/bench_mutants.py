"""Whether the tests of the engine notice when one thing in it is changed.

Of all places at which a comparison, an operator, a condition or a number can be changed a sample is changed, one at
a time, in a copy, and the tests of the engine run against it. The value is how many they notice; what they do not
notice is written to standard error, for a person to add a test or to see that it changes nothing.

The environment chooses: MUTANTS (how many, 150), MUTANTS_SEED (which, 1), MUTANTS_AT (instead of a sample, all at
these places: "engine.py:12 clock.py:40").
"""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "addons/emobility_billing/rating"
COPIED = ("pyproject.toml", "addons/emobility_billing/price_matrix.py", PACKAGE, "tests/rating")
SECONDS = 300
QUICK = (
    "test_engine", "test_cdr_policies", "test_vectors", "test_cdr_vectors", "test_tariff_lint", "test_rate_command",
)  # fmt: skip
OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Not code that runs with a session: what is written there changes no price.
SKIPPED_FIELDS = frozenset({"decorator_list", "annotation", "returns", "bases"})


class Mutant(NamedTuple):
    file: str
    line: int
    index: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.what}"


class Change(NamedTuple):
    """One thing that can be changed: an attribute of a node, and its other value."""

    node: ast.AST
    field: str
    value: object
    line: int
    what: str


def changes(node: ast.AST, line: int = 0) -> Iterator[Change]:
    """All that can be changed below a node, always in the same order."""
    line = getattr(node, "lineno", line)
    yield from _changes_of(node, line)
    for name, value in ast.iter_fields(node):
        if name in SKIPPED_FIELDS:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from changes(child, line)


def _changes_of(node: ast.AST, line: int) -> Iterator[Change]:
    if isinstance(node, ast.BinOp | ast.BoolOp) and (other := OTHER.get(type(node.op))):
        yield Change(node, "op", other(), line, f"{type(node.op).__name__} -> {other.__name__}")
    elif isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            other = OTHER[type(operator)]
            operators = [*node.ops[:index], other(), *node.ops[index + 1 :]]
            yield Change(node, "ops", operators, line, f"{type(operator).__name__} -> {other.__name__}")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        # A double negation: a plain "x" could be of another type.
        yield Change(node, "operand", ast.UnaryOp(ast.Not(), node.operand), line, "not is left out")
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield Change(node, "value", not node.value, line, f"{node.value} -> {not node.value}")
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield Change(node, "value", node.value + 1, line, f"{node.value} -> {node.value + 1}")
    elif isinstance(node, ast.Name) and node.id in NAMES:
        yield Change(node, "id", NAMES[node.id], line, f"{node.id} -> {NAMES[node.id]}")


def mutants(root: Path) -> list[Mutant]:
    """All that there are."""
    return [
        Mutant(file.name, change.line, index, change.what)
        for file in sorted((root / PACKAGE).glob("*.py"))
        for index, change in enumerate(changes(ast.parse(file.read_text())))
    ]


def mutated(source: str, index: int) -> str:
    tree = ast.parse(source)
    change = list(changes(tree))[index]
    setattr(change.node, change.field, change.value)
    return ast.unparse(ast.fix_missing_locations(tree))


def is_noticed(mutant: Mutant, scratch: Path) -> bool:
    target = scratch / PACKAGE / mutant.file
    original = target.read_text()
    target.write_text(mutated(original, mutant.index))
    try:
        return not tests_pass(scratch)
    finally:
        target.write_text(original)


def tests_pass(scratch: Path) -> bool:
    """Tests that do not come to an end do not pass."""
    first = [f"tests/rating/{name}.py" for name in QUICK]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *first, "tests/rating"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=scratch, env=env, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def copy_to(scratch: Path) -> None:
    for name in COPIED:
        source, target = ROOT / name, scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def chosen(everything: list[Mutant]) -> list[Mutant]:
    if places := os.environ.get("MUTANTS_AT", "").split():
        return [mutant for mutant in everything if f"{mutant.file}:{mutant.line}" in places]
    count, seed = int(os.environ.get("MUTANTS", "150")), int(os.environ.get("MUTANTS_SEED", "1"))
    return random.Random(seed).sample(everything, min(count, len(everything)))


def measure() -> dict[str, Any]:
    noticed = 0
    with tempfile.TemporaryDirectory() as folder:
        # What is edited meanwhile does not matter.
        scratch = Path(folder)
        copy_to(scratch)
        everything = mutants(scratch)
        sample = chosen(everything)
        if not tests_pass(scratch):
            raise SystemExit("The tests fail already without a change.")
        for number, mutant in enumerate(sample, 1):
            if is_noticed(mutant, scratch):
                noticed += 1
            else:
                sys.stderr.write(f"not noticed ({number} of {len(sample)}): {mutant}\n")
    sys.stderr.write(f"{noticed} of {len(sample)} were noticed; there are {len(everything)} in all\n")
    return {"name": "mutants noticed of those tried", "value": noticed, "unit": "mutants", "baseline": len(sample)}


if __name__ == "__main__":
    print(json.dumps([measure()]))
