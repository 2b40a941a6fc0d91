"""What somebody meant by a command line that cannot be run: the nearest command or option, or the one to use instead.

Nothing is run by a guess: each of these is an error with exit code 2, whose hint can be typed as it stands. A line is
proposed only if the command's own parser takes it (`Problem`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ledger_tool.cli.examples import EXAMPLES
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.nearest import did_you_mean, nearest
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.errors import InvalidValue, LedgerError, UsageError

# Returns what is wrong with the line of one command, or None: one of typer's errors, or our own about a value.
Problem = Callable[[Sequence[str]], Exception | None]

_LONGEST = 400  # characters of a line that is proposed
_HELP = "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one"
_OWN_OPTIONS = ("--help", "--version")
# What other tools call it, and the commands that do it here, the likeliest first.
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("add", "push", "record", "register", "create", "put", "commit", "tag"), ("publish",)),
    **dict.fromkeys(("rm", "delete", "del", "drop", "unpublish"), ("remove", "yank")),
    **dict.fromkeys(("deprecate", "withdraw", "retract", "revoke", "block"), ("yank",)),
    **dict.fromkeys(("show", "view", "cat", "inspect", "describe", "info", "resolve", "pull"), ("get", "list")),
    **dict.fromkeys(("ls", "search", "find", "images", "tags", "query", "all"), ("list",)),
    **dict.fromkeys(("history", "blame", "reflog"), ("log", "whence")),
    **dict.fromkeys(("who", "where", "lookup", "which"), ("whence", "get")),
    **dict.fromkeys(("status", "drift", "sync"), ("reconcile", "check", "list")),
    **dict.fromkeys(("changes",), ("diff", "verify")),
    **dict.fromkeys(("validate", "lint", "fsck", "fmt", "format"), ("check",)),
    **dict.fromkeys(("label", "annotate", "edit", "update", "ttl"), ("set",)),
    **dict.fromkeys(("upgrade", "outdated"), ("bump", "dependents")),
    **dict.fromkeys(("lock", "freeze"), ("pin",)),
    **dict.fromkeys(("gc", "clean", "cleanup", "expire"), ("prune",)),
    **dict.fromkeys(("auth", "login", "logout", "whoami", "diagnose"), ("doctor",)),
    **dict.fromkeys(("new", "setup", "bootstrap", "clone", "config", "configure", "settings"), ("init", "doctor")),
    **dict.fromkeys(("deploy", "release", "rollout", "apply"), ("promote", "bump", "pin")),
    **dict.fromkeys(("rollback", "undo", "revert", "reset"), ("promote", "log", "restore")),
    **dict.fromkeys(("retag", "enforce"), ("restore",)),
    **dict.fromkeys(("scan", "watch", "monitor", "ping"), ("reconcile", "running", "doctor")),
    **dict.fromkeys(("ps", "top", "pods", "containers", "workloads", "live", "deployed"), ("running",)),
    **dict.fromkeys(("unyank",), ("yank",)),
    **dict.fromkeys(("fix", "repair"), ("check", "reconcile")),
    **dict.fromkeys(("latest", "newest", "versions", "stats", "count"), ("list",)),
    **dict.fromkeys(("digest", "ref"), ("get", "whence")),
    **dict.fromkeys(("import", "save"), ("publish", "reconcile")),
    **dict.fromkeys(("sbom", "dump"), ("export",)),
    **dict.fromkeys(("html", "pages", "web", "website", "serve", "dashboard", "feed", "rss"), ("site",)),
    **dict.fromkeys(("comment", "report"), ("post", "reconcile")),
    **dict.fromkeys(("propose", "pr"), ("publish", "diff")),
    **dict.fromkeys(("install", "hook", "hooks"), ("merge-driver", "init", "completion")),
    **dict.fromkeys(("owner", "author"), ("whence", "log")),
    **dict.fromkeys(("merge",), ("merge-driver", "rebase")),
    **dict.fromkeys(("tree", "graph"), ("deps", "dependents")),
}
# The same for options. What ends with a blank takes the value that was given.
_OTHER_OPTIONS: dict[str, tuple[str, ...]] = {
    "--json": ("--format json",),
    "--yaml": ("--format json",),
    "--output": ("--format",),
    "-o": ("--format",),
    "--message": ("--reason",),
    "-m": ("--reason",),
    "--url": ("--repo",),
    "--remote": ("--repo",),
    "--ledger": ("--repo",),
    "-C": ("--repo",),
    "-r": ("--repo",),
    "-b": ("--branch",),
    "--key": ("--deploy-key",),
    "--identity-file": ("--deploy-key",),
    "-i": ("--deploy-key",),
    "-f": ("--format", "--force", "--from"),
    "-t": ("--tag", "--format", "--timeout"),
    "-s": ("--source", "--sort"),
    "-l": ("--label", "--limit"),
    "-p": ("--platform",),
    "-a": ("--at",),
    "-w": ("--wide",),
    "-n": ("--dry-run", "--limit"),
    "-y": ("--yes",),
    "--delete": ("--registry-delete",),
    "--expires": ("--ttl",),
    "--git-sha": ("--source",),
    "--commit": ("--source",),
    "--revision": ("--source",),
    "--arch": ("--platform",),
    "--os": ("--platform",),
    "--cacert": ("--ca-file",),
    "--ca": ("--ca-file",),
}
_ANSWERS = {
    **dict.fromkeys(
        ("--insecure", "--plain-http", "--tls-verify", "--skip-tls-verify", "-k"),
        "write `http://` in front of a plain-HTTP registry's host in ledger.yaml, or pass a CA with `--ca-file`; "
        "nothing turns off the check of a certificate",
    ),
    **dict.fromkeys(("--username", "--password", "-u"), "log in with `docker login`, or set "
        "LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD"),
    "--token": "set LEDGER_TOKEN: what is on a command line can be read by others on this machine",
}  # fmt: skip


def unknown_word(argv: Sequence[str], commands: Collection[str], problem_of: Problem) -> UsageError:
    """Return the error for a command line that begins with neither a command nor an option of the program itself."""
    first, rest = argv[0], argv[1:]
    if first.startswith("-"):
        return _option_first(argv, commands, problem_of)
    word = first.lower()
    if not first:
        hint = f"check the variable that it comes from; {_HELP}"
    elif word in ("help", "man", "usage"):
        hint = _HELP
        if rest and rest[0] in commands:
            hint = f"`ledger {rest[0]} --help` describes it"
        elif rest and (meant := _commands(rest[0].lower(), commands)):
            hint = did_you_mean([f"ledger {command} --help" for command in meant])
    elif word == "version":
        hint = "`ledger --version` prints it"
    elif word == "ledger" and rest and rest[0] in commands and problem_of(rest) is None:
        hint = did_you_mean([_line(rest)])
    elif meant := _commands(word, commands):
        if rest and _is_image(rest[0]) and "@" not in rest[0]:  # `whence` takes digests
            meant = [command for command in meant if command != "whence"] or meant
        hint = did_you_mean([_line(_completed(command, rest, problem_of)) for command in meant])
    elif _is_image(first):
        hint = did_you_mean([_line(["get", first])])
    else:
        hint = _HELP
    return UsageError(f"there is no command `{shown(first)}`", hint)


def _line(words: Sequence[str]) -> str:
    return shown(shlex.join(["ledger", *words]), _LONGEST)


def _completed(command: str, rest: Sequence[str], problem_of: Problem) -> list[str]:
    """Return a line of a command, if possible with what was typed behind another word; what it lacks is named."""
    for words in ([command, *rest], [command]):
        while (problem := problem_of(words)) is not None:
            lacking = getattr(problem, "param", None)
            if lacking is None or lacking.metavar in words:
                break
            words += [lacking.metavar] if lacking.param_type_name == "argument" else [lacking.opts[0], lacking.metavar]
        if problem is None and len(_line(words)) < _LONGEST:
            return words
    return [command, "--help"]


def _commands(word: str, commands: Collection[str]) -> list[str]:
    known = [command for command in OTHER_WORDS.get(word, ()) if command in commands]
    return known or nearest(word, commands)


def _is_image(word: str) -> bool:
    try:
        return ":" in word and parse_reference(word).tag is not None
    except InvalidValue:
        return False


def _option_first(argv: Sequence[str], commands: Collection[str], problem_of: Problem) -> UsageError:
    option = shown(argv[0].partition("=")[0])
    lines = [
        [argv[place], *words]
        for place in range(1, len(argv))
        if argv[place] in commands
        for words in ([*argv[place + 1 :], *argv[:place]], [*argv[:place], *argv[place + 1 :]])
    ]
    if not lines:
        meant = nearest(argv[0], _OWN_OPTIONS)
        hint = did_you_mean([f"ledger {one}" for one in meant]) if meant else _HELP
        return UsageError(f"`ledger` itself has no option `{option}`", hint)
    message, problems = f"`{option}` stands in front of the command", [problem_of(line) for line in lines]
    if None in problems:
        return UsageError(message, f"options follow it: `{_line(lines[problems.index(None)])}`")
    behind = problems[0] if isinstance(problems[0], LedgerError) else explained(problems[0], lines[0], problem_of)
    return UsageError(f"{message}, and {behind.message}", behind.hint)


def explained(error: Any, argv: Sequence[str], problem_of: Problem) -> UsageError:
    """Return our error for one of typer's: what is wrong with which command, and what to type."""
    context = getattr(error, "ctx", None)
    name = context.command_path if context else f"ledger {argv[0]}"
    params = context.command.params if context else []
    help_ = f"`{name} --help` lists its options and arguments"
    option = str(getattr(error, "option_name", "") or "")
    if hasattr(error, "possibilities"):
        word = next((word for word in argv if _holds(word, option)), option)
        option = word.partition("=")[0]
        hint = _instead(word, _values(context), argv, problem_of) or help_
        return UsageError(f"`{name}` has no option `{shown(option)}`", hint)
    param = getattr(error, "param", None)
    if param is not None:
        example = EXAMPLES.get(context.info_name, ()) if context else ()
        hint = f"as in `{example[0][1]}`" if example else help_
        needed = (
            param.metavar if param.param_type_name == "argument" else " ".join((param.opts[0], param.metavar or ""))
        )
        return UsageError(f"`{name}` needs {needed.strip()}", hint)
    message = error.format_message().strip().rstrip(".")
    if option and "requires an argument" in message:
        return UsageError(f"`{shown(option)}` needs a value", f"write it behind `{shown(option)}`; {help_}")
    if option:
        return UsageError(f"`{shown(option)}` does not take a value", f"write `{shown(option)}` alone")
    if extra := re.fullmatch(r"Got unexpected extra argument\(s\) \((.*)\)", message, re.DOTALL):
        takes = " ".join(param.metavar for param in params if param.param_type_name == "argument")
        more = f"takes {takes}, and nothing more" if takes else "takes no argument"
        message = f"`{name}` {more}: `{shown(extra[1])}`"
        return UsageError(message, "quote a value that has blanks or `*` in it; " + help_)
    return UsageError(message[:1].lower() + message[1:], help_)


def _holds(word: str, option: str) -> bool:
    """Return whether a word is an option, or one of which the parser has taken a letter alone: `-repo` for `--repo`."""
    single = len(option) == 2 and re.match(r"-[^-]", word)
    return option[1] in word[1:] if single else word.partition("=")[0] == option


def _values(context: Any) -> dict[str, str]:
    """Return the spellings of a command's options, with the names of their values, `""` for a flag."""
    params = context.command.get_params(context)
    spelled = ((name, param) for param in params for name in (*param.opts, *param.secondary_opts))
    return {name: param.metavar or "" for name, param in spelled if name.startswith("-")}


def _instead(typed: str, own: Mapping[str, str], argv: Sequence[str], problem_of: Problem) -> str:
    """Return the hint for an option that a command does not have, or `""`; `own` has those it has, and their values."""
    option, equals, value = typed.partition("=")
    if option in _ANSWERS:
        return _ANSWERS[option]
    word = option if option.startswith("--") else f"-{option}"
    meant = [text for text in _OTHER_OPTIONS.get(option, ()) if text.partition(" ")[0] in own]
    meant = meant or ([word] if word in own else nearest(word, [one for one in own if one.startswith("--")]))
    place = argv.index(typed)

    def fit(text: str) -> int:
        name, *values = text.split(" ", 1)
        words = [name, *values] if values else [name + equals + value]
        return _fit(name, problem_of([*argv[:place], *words, *argv[place + 1 :]]))

    # Where none fits, because a value is missing, it is named.
    for texts in (meant, [f"{text} {own[text]}" for text in meant if own.get(text)]):
        fits = {text: fit(text) for text in texts}
        if best := max(fits.values(), default=0):
            return did_you_mean([text for text, how_well in fits.items() if how_well == best])
    return ""


def _fit(option: str, problem: Exception | None) -> int:
    """Return how well an option stands where another one did: 0 if it cannot, 3 if the line can be run."""
    if problem is None or getattr(problem, "param", None) is not None:  # what is missing is missing in any case
        return 3
    if isinstance(problem, LedgerError):
        return 2  # it is there, and its value or another one's is not right
    name = getattr(problem, "option_name", None)
    return 0 if name == option else 2 if name else 1
