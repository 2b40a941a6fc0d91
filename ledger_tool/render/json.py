"""JSON as the commands print it: non-ASCII text is not escaped."""

from __future__ import annotations

import json
from typing import Any


def document(value: Any) -> str:
    """Return one JSON document, indented for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def line(value: Any) -> str:
    """Return one JSON value on one line."""
    return json.dumps(value, ensure_ascii=False)
