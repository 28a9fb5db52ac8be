"""Form data with names such as `card[number]` and `expand[]`, as nested mappings and lists."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

NAME = re.compile(r"^(\w+)((?:\[\w*\])*)$")


def nested(text: str) -> dict[str, Any]:
    """`a[b]=1&c[]=2&c[]=3` -> `{"a": {"b": "1"}, "c": ["2", "3"]}`"""
    result: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = NAME.match(name)
        if match is None:
            continue
        keys = [match[1], *re.findall(r"\[(\w*)\]", match[2])]
        target: Any = result
        for key in keys[:-1]:
            target = target.setdefault(key, [] if keys[-1] == "" and key == keys[-2] else {})
        if keys[-1] == "":
            target.append(value)
        else:
            target[keys[-1]] = value
    return result
