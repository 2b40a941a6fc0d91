r"""The host keys to trust: the path of a known-hosts file, or its lines, as a variable of a CI system holds them.

Such a variable may have `\n` as two characters in the place of line breaks, and quotes around it.
"""

from __future__ import annotations

import base64
import re

from ledger_tool.edges.files.disk import path_of, read_bytes
from ledger_tool.errors import UsageError

_MAX_BYTES = 1024 * 1024
_TEXT = re.compile(r"\n|\A[#@\"']|(?:\A|\s)[a-z0-9@.-]+\s+AAAA")
# sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"
_LINE = re.compile(r"(?:@(?:cert-authority|revoked)\s+)?\S+\s+(\S+)\s+(\S+)(?:\s.*)?")
_COMPARE = "and compare the fingerprint with the one that the host publishes"
_HINT = f"give each host's line as `ssh-keyscan HOST` prints it (HOST, the type of its key, the key), {_COMPARE}"


def is_known_hosts(value: str) -> bool:
    """Return whether a text looks like known-hosts lines, or like parts of them, and not like a path."""
    return bool(_TEXT.search(value.replace("\\n", "\n").strip()))


def read_known_hosts(value: str) -> bytes:
    """Return the known-hosts lines, given their text or the path of a file.

    Raises UsageError for a file that cannot be read, and for a text or file in which no line is one: ssh would only
    call the host unknown.
    """
    what = "LEDGER_KNOWN_HOSTS or `--known-hosts`"
    if is_known_hosts(value):
        text = value.strip()
        if "\n" not in text:
            text = text.replace("\\n", "\n")
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1]
    else:
        try:
            text = read_bytes(path_of(value, "the known-hosts file"), _MAX_BYTES, "the known-hosts file").decode(
                "utf-8", "surrogateescape"
            )
        except UsageError as error:
            hint = f"give {what} a file or its lines; `ssh-keyscan HOST` prints those of a host, {_COMPARE}"
            raise error.within("the known hosts", hint) from None
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    said = [line for line in lines if line and not line.startswith("#")]
    if said and not has_host_key("\n".join(said)):
        raise UsageError(f"{what} has no known-hosts line in it", _HINT)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def has_host_key(text: str) -> bool:
    """Return whether a text has a known-hosts line in it."""
    return any(_is_line(line.strip()) for line in text.split("\n"))


def _is_line(line: str) -> bool:
    """Return whether ssh can use a line: its key is one of the named type (RFC 4253, section 6.6)."""
    parts = _LINE.fullmatch(line)
    if not parts:
        return False
    try:
        raw = base64.b64decode(parts[2], validate=True)
    except ValueError:
        return False
    name = parts[1].encode()
    return len(raw) > len(name) + 8 and raw.startswith(len(name).to_bytes(4, "big") + name)
