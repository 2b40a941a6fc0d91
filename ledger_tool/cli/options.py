"""The options that commands share, each declared once, and what becomes of them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError

Repo = Annotated[
    str,
    typer.Option(
        "--repo",
        envvar="LEDGER_REPO",
        metavar="PATH|URL",
        help="The ledger: a folder, or a git URL.",
        rich_help_panel="Ledger",
    ),
]
Branch = Annotated[
    str,
    typer.Option(
        "--branch",
        metavar="NAME",
        help="The ledger's branch  [default: the remote's HEAD]",
        show_default=False,
        rich_help_panel="Ledger",
    ),
]
DeployKey = Annotated[
    str,
    typer.Option(
        "--deploy-key", envvar="LEDGER_DEPLOY_KEY", metavar="FILE", show_default=False,
        help="The private SSH key for the remote; the variable may hold the key itself.", rich_help_panel="Ledger",
    ),
]  # fmt: skip
KnownHosts = Annotated[
    str,
    typer.Option(
        "--known-hosts", envvar="LEDGER_KNOWN_HOSTS", metavar="FILE", show_default=False,
        help="The SSH host keys to trust  [default: ~/.ssh/known_hosts]", rich_help_panel="Ledger",
    ),
]  # fmt: skip
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="SECONDS", help="How long to keep trying.", rich_help_panel="Ledger")
]
MaxAttempts = Annotated[
    str,
    typer.Option(
        "--max-attempts",
        metavar="N",
        help="How often to offer the commit; 0 is as often as time allows.",
        rich_help_panel="Writing",
    ),
]
NoPush = Annotated[
    bool, typer.Option("--no-push", help="In a checkout: commit, and leave the push to you.", rich_help_panel="Writing")
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Check everything against the ledger, and write nothing.", rich_help_panel="Writing"
    ),
]
Sign = Annotated[
    bool,
    typer.Option(
        "--sign",
        help="Sign the commit with git's own signing settings, or else with the deploy key.",
        rich_help_panel="Writing",
    ),
]
PullRequest = Annotated[
    bool,
    typer.Option(
        "--pull-request",
        help="Propose it: push a branch, and open or update its pull or merge request.",
        rich_help_panel="Pull request",
    ),
]
PrLabel = Annotated[
    list[str],
    typer.Option(
        "--pr-label", metavar="LABEL", help="A label of the request; may be repeated.", show_default=False,
        rich_help_panel="Pull request",
    ),
]  # fmt: skip
PrReviewer = Annotated[
    list[str],
    typer.Option(
        "--pr-reviewer", metavar="USER|ORG/TEAM", help="Who is asked to review; may be repeated.", show_default=False,
        rich_help_panel="Pull request",
    ),
]  # fmt: skip
PrDraft = Annotated[bool, typer.Option("--pr-draft", help="Make it a draft.", rich_help_panel="Pull request")]
Forge = Annotated[
    str,
    typer.Option(
        "--forge", envvar="LEDGER_FORGE", metavar="github|gitlab|gitea", show_default=False,
        help="What the remote's host is  [default: by its name]", rich_help_panel="Pull request",
    ),
]  # fmt: skip
Pattern = Annotated[
    str,
    typer.Argument(
        metavar="PATTERN", help="A glob of images (`myorg/*`) or of image:tag (`myorg/*:v1.*`).", show_default=False
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="WHEN",
        help="Only published since a date, a time, or a length back from now (7d).",
        show_default=False,
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say what happens on the way.")]


def one_of(option: str, value: str, choices: Sequence[str]) -> None:
    """Raise UsageError unless `value` is one of the choices."""
    if value not in choices:
        raise UsageError(f"`{option} {names.shown(value)}` is not known", f"use one of {', '.join(choices)}")


def number(option: str, value: str, smallest: int, largest: int) -> float:
    """Return the number of an option's text. Raises UsageError for one that is none, or out of bounds."""
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,3})?", value) and smallest <= float(value) <= largest:
        return float(value)
    raise UsageError(f"`{option} {names.shown(value)}` is out of bounds", f"use a number from {smallest} to {largest}")


def whole_number(option: str, value: str, smallest: int, largest: int) -> int:
    """Return the whole number of an option's text; see `number`."""
    found = number(option, value, smallest, largest)
    if "." in value:
        raise UsageError(f"`{option} {value}` is no whole number", f"use one from {smallest} to {largest}")
    return int(found)


def opening(
    *,
    branch: str,
    deploy_key: str,
    known_hosts: str,
    timeout: str,
    max_attempts: str = "0",
    no_push: bool = False,
    sign: bool = False,
) -> Any:
    """Return the options of `edges.git.opening`; imported on use, since `--version` and `--help` need no git."""
    from ledger_tool.edges.git.credentials import Credentials
    from ledger_tool.edges.git.run import Options

    credentials = Credentials(deploy_key=deploy_key, known_hosts=known_hosts, token=os.environ.get("LEDGER_TOKEN", ""))
    return Options(
        branch=branch,
        credentials=credentials,
        timeout=number("--timeout", timeout, 1, 86_400),
        max_attempts=whole_number("--max-attempts", max_attempts, 0, 1_000_000),
        push=not no_push,
        sign=sign,
    )


def secrets(deploy_key: str = "") -> list[str]:
    """Return the texts that must never be printed."""
    return [text for text in (os.environ.get("LEDGER_TOKEN", ""), deploy_key if len(deploy_key) > 200 else "") if text]


def now() -> names.Timestamp:
    """Return the time, as the ledger writes it."""
    return names.format_timestamp(datetime.now(UTC))


def labels(values: Sequence[str]) -> dict[str, str]:
    """Return the labels of `--label K=V` options. Raises InvalidValue."""
    found: dict[str, str] = {}
    for key, text in map(names.parse_label, values):
        if found.setdefault(key, text) != text:
            raise UsageError(f"label `{key}` is given twice, with different values", "keep one of them")
    return found


def force_reason(force: bool, reason: str) -> str:
    """Return the reason to force with, or `""`. Raises UsageError for one of the two options alone."""
    if force and not reason.strip():
        raise UsageError(
            "`--force` needs a reason", "say why with `--reason TEXT`; it stays in the record and in history"
        )
    if reason and not force:
        raise UsageError("`--reason` goes with `--force`", "add `--force`, or leave the reason out")
    return names.parse_text(reason, "reason")
