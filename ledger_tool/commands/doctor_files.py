"""What `doctor` says about the ledger's two files: at the remote, which is written, and in a checkout, which is read.

They are two copies, and either may be what a command fails on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ledger_tool.commands.doctor_check import Check, problem, tried
from ledger_tool.commands.doctor_tools import DoctorTools, LedgerPlace
from ledger_tool.core.ledger.names import counted
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import InvalidSettings, LedgerError, UsageError

_HERE = "in this folder"
_THERE = "at the remote"


@dataclass(frozen=True, slots=True)
class FilesFound:
    """The checks of the files, and the registries of every valid `ledger.yaml`; None if none could be read.

    `policy` is the one by which a write is judged: that of the remote, unless it is not known. `is_at_remote` unless
    the branch or its `ledger.json` is missing, so that there is nothing to write to.
    """

    checks: list[Check]
    registries: list[Registry] | None
    is_at_remote: bool
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class _Copy:
    """The checks of one copy, None for a file that nothing is known of; `registries` as in `FilesFound`."""

    ledger: Check | None = None
    settings: Check | None = None
    registries: list[Registry] | None = None
    policy: Policy | None = None


def look_at_files(place: LedgerPlace, tools: DoctorTools, *, is_reached: bool) -> FilesFound:
    """Return what the two files say wherever they are; those of a remote only if it `is_reached`."""
    there = _look(place.files, tools) if is_reached else _Copy()
    here = _look(place.folder_files, tools)
    is_at_remote = is_reached and not (there.ledger and there.ledger.code == UsageError.exit_code)
    unwritable: list[Check] = []
    if not is_at_remote and here.ledger and here.ledger.state != "problem" and there.ledger:
        unwritable = [replace(there.ledger, about="writing")]  # nothing is wrong with the files here
        there = _Copy()
    checks = [_both(there.ledger, here.ledger), _both(there.settings, here.settings)]
    known = [one.registries for one in (there, here) if one.registries is not None]
    registries = [registry for one in known for registry in one] if known else None
    return FilesFound([*filter(None, checks), *unwritable], registries, is_at_remote, there.policy or here.policy)


def _look(files: Callable[[], tuple[bytes, bytes | None] | None], tools: DoctorTools) -> _Copy:
    try:
        found = files()
    except InvalidSettings as error:
        return _Copy(settings=problem("ledger.yaml", error))
    except LedgerError as error:
        return _Copy(ledger=problem("ledger.json", error))
    if found is None:
        return _Copy()
    raw, settings = found
    ledger = tried("ledger.json", lambda: f"valid: {counted(len(tools.read_ledger(raw).keys), 'record')}")
    try:
        policy = tools.read_policy(settings)
    except LedgerError as error:
        return _Copy(ledger, problem("ledger.yaml", error))
    registries = list(policy.registries)
    if settings is None:
        says = "there is none, so no registry is asked; `ledger init` makes one"
        return _Copy(ledger, Check("ledger.yaml", "note", says), registries)
    says = f"valid: {counted(len(registries), 'registry', 'registries')}"
    return _Copy(ledger, Check("ledger.yaml", "ok", says), registries, policy)


def _both(there: Check | None, here: Check | None) -> Check | None:
    """Return one check of a file's two copies."""
    if here is None or there == here:
        return there
    if there is None:
        return replace(here, says=f"{_HERE}: {here.says}")
    worse, other = (here, there) if (here.state == "problem", here.code) > (there.state == "problem", there.code) else (
        there, here,
    )  # fmt: skip
    worse_at, other_at = (_HERE, _THERE) if worse is here else (_THERE, _HERE)
    return replace(worse, says=f"{worse_at}: {worse.says}; {other_at}: {other.says}")
