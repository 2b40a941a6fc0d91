"""How options and arguments are declared, those that several commands share, and how their texts are parsed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.secrets import secrets_of_url
from ledger_tool.errors import UsageError

T = TypeVar("T")
_SECRET = re.compile(r"(?:^|_)(?:TOKEN|PASSWORD|SECRET)$")
_LONG_SECRET = 12  # characters; a shorter one may be part of any word
# The formats of all commands, in the order in which they are listed: data, reports, drawings, one value, and the files
# of other tools.
FORMATS = (
    *("text", "json", "jsonl", "csv"),
    *("markdown", "junit", "github", "gitlab"),
    *("dot", "mermaid"),
    *("ref", "digest"),
    *("kustomize", "helm-values", "compose", "dotenv", "imgpkg", "images", "admission", "kyverno", "cyclonedx"),
)
RARE = "Rarely needed"  # the panel that comes last in every help
NONE: list[str] = []  # the default of an option that may be repeated


def argument(metavar: str, help: str) -> Any:  # noqa: A002 - typer's own word
    """Declare an argument."""
    return typer.Argument(metavar=metavar, help=help, show_default=False, callback=_not_empty)


def option(
    name: str,
    metavar: str,
    help: str,  # noqa: A002
    panel: str | None = None,
    *,
    env: str | None = None,
    default: str = "",
) -> Any:
    """Declare an option with a value; `default` describes its default."""
    text = f"{help}  [default: {default}]" if default else help
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=panel, envvar=env, callback=_not_empty)


def flag(name: str, help: str, panel: str | None = None) -> Any:  # noqa: A002
    """Declare an option without a value; `name` may have a short form after a slash: `--verbose/-v`."""
    return typer.Option(*name.split("/"), help=help, rich_help_panel=panel)


def choice(name: str, metavar: str, known: Sequence[str], help: str) -> Any:  # noqa: A002
    """Declare an option whose values are among the `known` ones, which `help` names."""

    def check(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        for word in filter(None, _words(_not_empty(context, parameter, value))):
            one_of(name, word, known)
        return value

    return typer.Option(name, metavar=metavar, help=help, callback=check, autocompletion=lambda: list(known))


def formats(*known: str, default: str = "") -> Any:
    """Declare `--format` with these names of `FORMATS`; `default` describes a default that depends on the screen."""
    ordered = [name for name in FORMATS if name in known]
    *others, last = ordered
    text = f"How to print it: {', '.join(others)} or {last}."
    help_text = f"{text}  [default: {default}]" if default else text

    def check(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        if _not_empty(context, parameter, value):
            one_of("--format", value, ordered)
        return value

    return typer.Option("--format", metavar="FORMAT", help=help_text, callback=check, autocompletion=lambda: ordered)


def _not_empty(context: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
    """Refuse an empty value: to a script whose variable is unset, leaving a rule out has to be an error.

    An empty variable of the environment counts as unset.
    """
    source = context.get_parameter_source(parameter.name or "")
    if source and source.name == "COMMANDLINE" and "" in _words(value):
        name = parameter.opts[0] if parameter.param_type_name == "option" else str(parameter.metavar)
        raise UsageError(f"`{name}` is given an empty value", "check the variable that it comes from, or leave it out")
    return value


def _words(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str) else value or ()


ImageTag = Annotated[str, argument("IMAGE:TAG", "The image.")]
Pattern = Annotated[str, argument("PATTERN", "A glob of images (`myorg/*`) or of image:tag (`myorg/*:v1.*`).")]
Platform = Annotated[str, option("--platform", "OS/ARCH", "Only the image of this platform.")]
Since = Annotated[
    str, option("--since", "WHEN", "Only published since a date, a time, or a length back from now (7d).")
]
Repo = Annotated[str, option("--repo", "PATH|URL", "The ledger: a folder, or a git URL.", "Ledger", env="LEDGER_REPO")]
Branch = Annotated[str, option("--branch", "NAME", "The ledger's branch", "Ledger", default="the remote's HEAD")]
DeployKey = Annotated[
    str,
    option(
        "--deploy-key",
        "FILE",
        "The private SSH key for the remote; the variable may hold the key itself.",
        "Ledger",
        env="LEDGER_DEPLOY_KEY",
    ),
]
KnownHosts = Annotated[
    str,
    option(
        "--known-hosts",
        "FILE",
        "The SSH host keys to trust",
        "Ledger",
        env="LEDGER_KNOWN_HOSTS",
        default="~/.ssh/known_hosts",
    ),
]
Timeout = Annotated[str, option("--timeout", "SECONDS", "The time limit", RARE, default="120 for git")]
Verbose = Annotated[bool, flag("--verbose/-v", "Report progress in detail.", RARE)]
MaxAttempts = Annotated[
    str,
    option("--max-attempts", "N", "How often to try to push the commit; 0 means as often as time allows.", RARE),
]
NoPush = Annotated[bool, flag("--no-push", "In a checkout: commit, but do not push.", "Writing")]
DryRun = Annotated[bool, flag("--dry-run", "Check everything against the ledger, and write nothing.", "Writing")]
Sign = Annotated[
    bool, flag("--sign", "Sign the commit with git's signing settings, or else with the deploy key.", "Writing")
]
PullRequest = Annotated[
    bool,
    flag(
        "--pull-request",
        "Propose the change: push a branch, and open or update its pull or merge request.",
        "Pull request",
    ),
]
PrLabel = Annotated[
    list[str], option("--pr-label", "LABEL", "A label of the request; may be repeated.", "Pull request")
]
PrReviewer = Annotated[
    list[str], option("--pr-reviewer", "USER|ORG/TEAM", "A reviewer of the request; may be repeated.", "Pull request")
]
PrDraft = Annotated[bool, flag("--pr-draft", "Make it a draft.", "Pull request")]
Forge = Annotated[
    str,
    option(
        "--forge",
        "KIND",
        "What the remote's host is: github, gitlab or gitea",
        "Pull request",
        env="LEDGER_FORGE",
        default="from its name",
    ),
]
Wide = Annotated[bool, flag("--wide", "Show every column in full, however wide the terminal is.")]
Bundle = Annotated[
    str, option("--bundle", "FILE", "Signed statements to check, instead of those at the registry.", RARE)
]
TextOrJson = Annotated[str, formats("text", "json")]
Written = Annotated[
    str, formats("text", "json", default="text at a terminal, else json on stdout and the text on stderr")
]
Jobs = Annotated[str, option("--jobs", "N", "How many concurrent requests.", RARE)]
CaFile = Annotated[
    str,
    option(
        "--ca-file",
        "FILE",
        "The CA of the registry",
        RARE,
        default="REQUESTS_CA_BUNDLE, SSL_CERT_FILE, or a built-in list",
    ),
]


def one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise UsageError unless an option's value is one of the choices."""
    if value not in choices:
        raise UsageError(f"`{name} {names.shown(value)}` is not valid", f"use one of {', '.join(choices)}")


def exclude_each_other(given: dict[str, object]) -> None:
    """Raise UsageError if more than one of these options, by name, has a value."""
    used = [name for name, value in given.items() if value]
    if len(used) > 1:
        raise UsageError(f"`{used[0]}` and `{used[1]}` cannot be combined", "keep one of them")


def number(name: str, value: str, smallest: int, largest: int) -> float:
    """Return an option's text as a number. Raises UsageError if it is not a number or out of bounds."""
    is_number = re.fullmatch(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?", value)
    if is_number and smallest <= float(value) <= largest:
        return float(value)
    what = "is out of bounds" if is_number else "is not a number"
    raise UsageError(f"`{name} {names.shown(value)}` {what}", f"use a number from {smallest} to {largest}")


def whole_number(name: str, value: str, smallest: int, largest: int) -> int:
    """Return an option's text as a whole number; see `number`."""
    whole = number(name, value, smallest, largest)
    if "." in value:
        raise UsageError(f"`{name} {value}` is not a whole number", f"use one from {smallest} to {largest}")
    return int(whole)


def limit(value: str) -> int | None:
    """Return the number of `--limit`, or None if it was not given."""
    return whole_number("--limit", value, 1, 1_000_000_000) if value else None


def parsed(parse: Callable[[str], T], value: str) -> T | None:
    """Return an option's parsed text, or None if the option was not given."""
    return parse(value) if value else None


def when(value: str, since: names.Timestamp | None = None) -> names.Timestamp | None:
    """Return an option's time, which may be a length back from now or `since`, or None if it was not given."""
    from ledger_tool.core.ledger.query import parse_when

    return parse_when(value, datetime.fromisoformat(since) if since else datetime.now(UTC)) if value else None


def now() -> names.Timestamp:
    """Return the current time, as the ledger writes it."""
    return names.format_timestamp(datetime.now(UTC))


def labels(values: Sequence[str]) -> dict[str, str]:
    """Return the labels of `--label K=V` options. Raises InvalidValue."""
    by_key: dict[str, str] = {}
    for key, text in map(names.parse_label, values):
        if by_key.setdefault(key, text) != text:
            raise UsageError(f"label `{key}` is given twice, with different values", "keep one of them")
    return by_key


def secrets(deploy_key: str = "", argv: Sequence[str] = ()) -> list[str]:
    """Return the texts that must never be printed: what the environment calls so, and what URLs contain."""
    texts = [deploy_key if len(deploy_key) > 200 else ""]
    for name, value in os.environ.items():
        if _SECRET.search(name) and (name.startswith("LEDGER_") or len(value) >= _LONG_SECRET):
            texts += [value, value.strip()]
    addresses = [os.environ.get(name, "") for name in ("LEDGER_REPO", "LEDGER_FORGE_URL")]
    for word in (*addresses, *argv):
        option, _, value = word.partition("=")
        texts += secrets_of_url(value if option.startswith("--") and value else word)
    return [text for text in texts if text]
