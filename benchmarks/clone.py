"""Many rows for a benchmark, cloned in the database from one that the ORM made, which would take hours for so many."""

from __future__ import annotations

from typing import Any


def clone(record: Any, count: int, **expressions: str) -> int:
    """Copy one row `count` times; `expressions` are SQL over the counter g. Returns the first new id."""
    cr, table = record.env.cr, record._table
    record.env.flush_all()
    cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    columns = [name for (name,) in cr.fetchall() if name != "id"]
    cr.execute(f"SELECT max(id) + 1 FROM {table}")
    first = int(cr.fetchone()[0])
    values = [expressions.get(name, f't."{name}"') for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    cr.execute(
        f"INSERT INTO {table} (id, {names}) SELECT {first} + g - 1, {', '.join(values)}"
        f" FROM {table} t CROSS JOIN generate_series(1, {count}) g WHERE t.id = {record.id}"
    )
    cr.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
    return first
