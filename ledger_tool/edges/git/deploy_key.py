r"""The deploy key: read, repaired if a CI system mangled it, and kept where only this process can reach it.

CI variables lose final newlines, gain carriage returns, or contain `\n` as two characters. The repaired key lives in an
anonymous file in memory, which ssh opens through this process's /proc path: it is never on a disk, and it is gone when
the process ends, however that happens. On systems other than Linux it is a file with mode 0600.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ledger_tool.edges.files.disk import local_errors, path_of, read_bytes
from ledger_tool.edges.git.known_hosts import has_host_key, is_known_hosts
from ledger_tool.errors import Denied, UsageError

MAX_BYTES = 64 * 1024
_LONGEST_PATH = 200  # characters; a private key is always longer
_KEY_TEXT = r"-----|\n|\\n|\A(?:ssh|ecdsa|sk)-[a-z0-9-]+ "
_HINT = "give the whole private half of the deploy key, from `-----BEGIN` to `-----END …-----`, without a passphrase"


def read_key(value: str) -> bytes:
    """Return the normalized private key, given its path, its text, or the base64 of its text.

    Raises UsageError if the file cannot be read, and Denied, saying what is wrong, if ssh could not use the key. No
    message repeats the value: it may be the key.
    """
    text = _decoded(value)
    if text.strip() and not is_known_hosts(text) and not re.search(_KEY_TEXT, text):  # a path
        if len(value) > _LONGEST_PATH:
            raise Denied("the deploy key is neither a private key nor the path to one", _HINT)
        try:
            raw = read_bytes(path_of(value, "the deploy key"), MAX_BYTES, "the deploy key")
        except UsageError as error:
            hint = (
                "give the private key's path with `--deploy-key`; LEDGER_DEPLOY_KEY may hold the path or the key itself"
            )
            raise error.within("the deploy key", hint) from None
        text = raw.decode("utf-8", "replace")
    if "\n" not in text.strip() and "\\n" in text:
        text = text.replace("\\n", "\n")
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    key = "\n".join(lines) + "\n"
    _check(key)
    return key.encode()


def _decoded(value: str) -> str:
    """Return the key if the value is its base64, the form in which some secret stores keep files; else the value."""
    try:
        text = base64.b64decode("".join(value.split()), validate=True).decode("ascii")
    except ValueError:
        return value
    return text if "-----BEGIN" in text else value


def _check(key: str) -> None:
    if not key.strip():
        raise Denied("the deploy key is empty", _HINT)
    if "-----" not in key and has_host_key(key):
        raise Denied("the deploy key is not a key, but known-hosts lines", _HINT)
    if re.match(r"(?:ssh|ecdsa|sk)-\S+ ", key) or "PUBLIC KEY-----" in key:
        raise Denied("the deploy key is a public key", _HINT)
    if re.match(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^\n]", key):
        raise Denied("the deploy key has lost its line breaks", "store it with them, or with `\\n` in their place")
    if not re.match(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\n", key):
        raise Denied("the deploy key does not start with `-----BEGIN … PRIVATE KEY-----`", _HINT)
    if not re.search(r"\n-----END [A-Z0-9 ]*PRIVATE KEY-----\n", key):
        raise Denied("the deploy key is cut short: its `-----END … PRIVATE KEY-----` line is missing", _HINT)
    if _is_encrypted(key):
        raise Denied("the deploy key has a passphrase, which nobody can type in a job", _HINT)


def _is_encrypted(key: str) -> bool:
    """Return whether a passphrase protects the key (openssh PROTOCOL.key: a cipher name other than `none`)."""
    if "ENCRYPTED" in key:
        return True
    if "BEGIN OPENSSH" not in key:
        return False
    try:
        raw = base64.b64decode("".join(key.split("\n")[1:-2]))
    except ValueError:
        return False
    magic = b"openssh-key-v1\0"
    return raw.startswith(magic) and not raw[len(magic) :].startswith(b"\0\0\0\x04none")


def hold(content: bytes, name: str, folder: Path, stack: ExitStack) -> str:
    """Keep secret bytes where ssh can read them until `stack` closes; return the path for ssh."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create(name)
        stack.callback(os.close, descriptor)
        os.fchmod(descriptor, 0o600)  # ssh refuses keys that others could read
        os.write(descriptor, content)
        return f"/proc/{os.getpid()}/fd/{descriptor}"
    with local_errors(folder, "write to"):
        descriptor, path = tempfile.mkstemp(prefix=f"{name}-", dir=folder)
        with open(descriptor, "wb") as file:
            file.write(content)
    return path
