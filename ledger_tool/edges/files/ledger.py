"""The two files of a ledger, read from bytes: the only place that explains what is wrong with a `ledger.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import LEDGER, SETTINGS
from ledger_tool.core.policy.policy import MAX_SETTINGS_READ, Policy
from ledger_tool.edges.files.disk import read_bytes, replace_atomically
from ledger_tool.errors import Contended, InvalidLedger, InvalidSettings, UsageError


def read_snapshot(commit: str, ledger: bytes, settings: bytes | None, after: Snapshot | None = None) -> Snapshot:
    """Return what the two files contain; faster if they differ little from those of the snapshot `after`.

    Raises InvalidLedger, or UsageError for `ledger.yaml`.
    """
    reread = codec.reread(ledger, codec.dumps(after.ledger), after.ledger) if after else None
    return Snapshot(commit, reread.ledger if reread else read_ledger(ledger), read_policy(settings))


def read_policy(raw: bytes | None) -> Policy:
    """Return the policy of `ledger.yaml`'s bytes, or the default one if there is no such file."""
    if raw is None:
        return Policy()
    from ledger_tool.edges.yaml.settings import load

    return load(raw)


def read_ledger(raw: bytes) -> Ledger:
    """Return the ledger, or raise InvalidLedger with line, column and reason."""
    try:
        return codec.loads(raw)
    except InvalidLedger:
        from ledger_tool.core.ledger.diagnosis import invalid_ledger

        raise invalid_ledger(raw, schema("ledger-v1")) from None


def schema(name: str) -> dict[str, Any]:
    """Return a schema from the folder `schema/`; `name` goes without `.schema.json`."""
    return json.loads(schema_text(name))  # type: ignore[no-any-return]


def schema_text(name: str) -> str:
    """Return the text of a schema; see `schema`."""
    from importlib.resources import files  # few runs need it

    return (files("ledger_tool") / "schema" / f"{name}.schema.json").read_text("utf-8")


class Folder:
    """A ledger's files in a folder that need not be a git repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Snapshot:
        """Return what the files contain now. Raises InvalidLedger or UsageError."""
        return read_snapshot("", *self.files())

    def file(self, snapshot: Snapshot, path: str) -> bytes | None:  # noqa: ARG002 - a folder has no other state
        """Return a file as it is now; see `kept`."""
        return self.kept(path)

    def kept(self, path: str) -> bytes | None:
        """Return a file in the folder, or below it, None if there is none. Raises UsageError."""
        place = self._folder
        for part in path.split("/"):
            place /= part
            if place.is_symlink():  # it could lead anywhere on this machine
                raise UsageError(f"{path} in {self._folder} is a symbolic link, or below one", "replace the link")
        return read_bytes(place, MAX_SETTINGS_READ, "the file") if place.is_file() else None

    def rewrite(self, rewritten: Callable[[bytes], bytes | None]) -> bool | None:
        """Replace `ledger.json` atomically by what `rewritten` makes of it, unless that is the same, or None.

        Return whether it was replaced, or None if there is nothing to replace it by. Raises as `files` does.
        """
        before, _ = self.files()
        after = rewritten(before)
        if after is None or after == before:
            return None if after is None else False
        if self.files()[0] != before:
            raise Contended(f"somebody else has changed {LEDGER} in the meantime", "run it again")
        replace_atomically(self._folder / LEDGER, after)
        return True

    def plain_file(self, name: str, most: int) -> bytes:
        """Return the bytes of a file in the folder; `b""` if it is not a plain file, or has over `most` bytes."""
        path = self._folder / name
        is_usable = path.is_file() and not path.is_symlink() and path.stat().st_size <= most
        return read_bytes(path, most, "the file") if is_usable else b""

    def files(self) -> tuple[bytes, bytes | None]:
        """Return the bytes of `ledger.json` and of `ledger.yaml`; None if there is no `ledger.yaml`.

        Raises InvalidLedger, InvalidSettings or UsageError.
        """
        ledger, settings = self._folder / LEDGER, self._folder / SETTINGS
        # A pull request's link could lead anywhere on the machine that checks it.
        if ledger.is_symlink() or (ledger.exists() and not ledger.is_file()):
            raise InvalidLedger(f"{LEDGER} in {self._folder} is not a plain file", "replace it with a plain file")
        if settings.is_symlink() or (settings.exists() and not settings.is_file()):
            raise InvalidSettings(0, 0, "it is not a plain file", "replace it with a plain file")
        if not ledger.is_file():
            hint = "name the ledger with `--repo PATH|URL` or LEDGER_REPO, or create one with `ledger init`"
            raise UsageError(f"there is no {LEDGER} in {self._folder}", hint)
        raw = read_bytes(ledger, codec.MAX_BYTES, "the ledger")
        return raw, read_bytes(settings, MAX_SETTINGS_READ, "the file") if settings.is_file() else None
