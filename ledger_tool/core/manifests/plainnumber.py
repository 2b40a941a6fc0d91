"""What becomes of a tag without quotes that YAML takes for a number or a boolean: `1.10` is 1.1, and `1_0` is 10.

Helm reads YAML 1.1 and makes numbers of 64 bits of them, like JSON; a template prints them as Go does: those of more
than six digits with an exponent. Dates it leaves as they are.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ledger_tool.core.manifests.yamltree import plain_type

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+)")
_MOST_DIGITS = 100


def read_as(text: str) -> str:
    """Return what a reader makes of a text without quotes, or `""` if that is the text itself."""
    kind = plain_type(text)
    if kind == "boolean":
        read = "true" if text.lower() in ("y", "yes", "true", "on") else "false"
    elif kind == "number" and ":" not in text and len(text) <= _MOST_DIGITS:
        read = _number(text.replace("_", ""))
    else:
        return ""
    return "" if read == text else read


def _number(text: str) -> str:
    if not _INTEGER.fullmatch(text):
        return _printed(float(text))
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text.lstrip("+"))
    is_octal = digits[1:2].isdigit()
    return _printed(float(int(sign + digits, 8 if is_octal else 0)))


def _printed(number: float) -> str:
    """Return a number as Go prints it."""
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) - 1 + exponent
    if -5 < power < 6:
        return format(Decimal((sign, digits, exponent)), "f")
    solid = "".join(map(str, digits))
    fraction = f".{solid[1:]}" if solid[1:] else ""
    return f"{'-' * sign}{solid[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02}"
