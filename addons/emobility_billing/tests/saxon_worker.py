"""Runs XSLT 3 on documents, in a process of its own: Saxon reserves more address space than Odoo allows itself.

A line of JSON in (``stylesheet``: path, ``xml``: text), a line of JSON out: the result as text.
"""

import json
import resource
import sys
from typing import Any

_UNLIMITED = resource.getrlimit(resource.RLIMIT_AS)[1]


def main() -> None:
    """Answer until the input ends. A stylesheet is compiled once: that takes seconds."""
    resource.setrlimit(resource.RLIMIT_AS, (_UNLIMITED, _UNLIMITED))
    import saxonche  # only now: its memory is reserved when it is loaded

    processor = saxonche.PySaxonProcessor(license=False)
    compiled: dict[str, Any] = {}
    for line in sys.stdin:
        task = json.loads(line)
        path = task["stylesheet"]
        if path not in compiled:
            compiled[path] = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=path)
        document = processor.parse_xml(xml_text=task["xml"])
        sys.stdout.write(json.dumps(compiled[path].transform_to_string(xdm_node=document)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
