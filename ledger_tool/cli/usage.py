"""What somebody meant by a command line that cannot be run: the nearest command or option, or the one to use instead.

Nothing is run by a guess: each of these is an error with exit code 2, whose hint can be typed as it stands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from typing import Any

from ledger_tool.cli.examples import EXAMPLES
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.nearest import did_you_mean, nearest
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.errors import InvalidValue, UsageError

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
    **dict.fromkeys(("compare", "changes"), ("diff", "verify")),
    **dict.fromkeys(("validate", "lint", "fsck", "fmt", "format"), ("check",)),
    **dict.fromkeys(("label", "annotate", "edit", "update", "ttl"), ("set",)),
    **dict.fromkeys(("upgrade", "outdated"), ("bump", "dependents")),
    **dict.fromkeys(("lock", "freeze"), ("pin",)),
    **dict.fromkeys(("gc", "clean", "cleanup", "expire"), ("prune",)),
    **dict.fromkeys(("auth", "login", "logout", "whoami", "diagnose"), ("doctor",)),
    **dict.fromkeys(("new", "setup", "bootstrap"), ("init",)),
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
    "-f": ("--force",),
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
    **dict.fromkeys(("--username", "--password", "-u", "-p"), "log in with `docker login`, or set "
        "LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD"),
    "--token": "set LEDGER_TOKEN: what is on a command line can be read by others on this machine",
}  # fmt: skip


def unknown_word(argv: Sequence[str], commands: Collection[str]) -> UsageError:
    """Return the error for a command line that begins with neither a command nor an option of the program itself."""
    first = argv[0]
    if first.startswith("-"):
        return _option_first(argv, commands)
    word = first.lower()
    if word in ("help", "man", "usage"):
        hint = f"`ledger {argv[1]} --help` describes it" if len(argv) > 1 and argv[1] in commands else _HELP
    elif word == "version":
        hint = "`ledger --version` prints it"
    elif meant := _commands(word, commands):
        hint = did_you_mean([f"ledger {command}" for command in meant])
    elif _is_image(first):
        hint = did_you_mean([f"ledger get {first}"])
    else:
        hint = _HELP
    return UsageError(f"there is no command `{shown(first)}`", hint)


def _commands(word: str, commands: Collection[str]) -> list[str]:
    known = [command for command in OTHER_WORDS.get(word, ()) if command in commands]
    return known or nearest(word, commands)


def _is_image(word: str) -> bool:
    try:
        return ":" in word and parse_reference(word).tag is not None
    except InvalidValue:
        return False


def _option_first(argv: Sequence[str], commands: Collection[str]) -> UsageError:
    option = shown(argv[0].partition("=")[0])
    place = next((number for number, word in enumerate(argv) if word in commands), 0)
    if place:
        line = shlex.join(["ledger", argv[place], *argv[place + 1 :], *argv[:place]])
        return UsageError(f"`{option}` stands in front of the command", f"options follow it: `{shown(line, 400)}`")
    meant = nearest(argv[0], _OWN_OPTIONS)
    hint = did_you_mean([f"ledger {one}" for one in meant]) if meant else _HELP
    return UsageError(f"`ledger` itself has no option `{option}`", hint)


def explained(error: Any, argv: Sequence[str]) -> UsageError:
    """Return our error for one of typer's: what is wrong with which command, and what to type."""
    context = getattr(error, "ctx", None)
    name = context.command_path if context else f"ledger {argv[0]}"
    params = context.command.params if context else []
    help_ = f"`{name} --help` lists its options and arguments"
    option = str(getattr(error, "option_name", "") or "")
    if hasattr(error, "possibilities"):
        # Of `-repo`, the parser has only taken the first letter.
        option = next((word.partition("=")[0] for word in argv if len(option) == 2 and word.startswith(option)), option)
        return UsageError(f"`{name}` has no option `{shown(option)}`", _instead(option, params) or help_)
    param = getattr(error, "param", None)
    if param is not None:
        example = EXAMPLES.get(context.info_name, ()) if context else ()
        hint = f"as in `{example[0][1]}`" if example else help_
        return UsageError(f"`{name}` needs {param.metavar or param.opts[0]}", hint)
    message = error.format_message().strip().rstrip(".")
    if option and "requires an argument" in message:
        return UsageError(f"`{shown(option)}` needs a value", f"write it behind `{shown(option)}`; {help_}")
    if option:
        return UsageError(f"`{shown(option)}` does not take a value", f"write `{shown(option)}` alone")
    if extra := re.fullmatch(r"Got unexpected extra argument\(s\) \((.*)\)", message, re.DOTALL):
        takes = " ".join(param.metavar for param in params if param.param_type_name == "argument")
        message = f"`{name}` takes {takes or 'no argument'}, and nothing more: `{shown(extra[1])}`"
        return UsageError(message, "quote a value that has blanks or `*` in it; " + help_)
    return UsageError(message[:1].lower() + message[1:], help_)


def _instead(option: str, params: Sequence[Any]) -> str:
    """Return the hint for an option that a command does not have, or `""`."""
    own = {spelled: param for param in params for spelled in (*param.opts, *param.secondary_opts)}
    if option in _ANSWERS:
        return _ANSWERS[option]
    if known := [text for text in _OTHER_OPTIONS.get(option, ()) if text.partition(" ")[0] in own]:
        return did_you_mean(known)
    word = option if option.startswith("--") else f"-{option}"
    meant = [word] if word in own else nearest(word, [one for one in own if one.startswith("--")])
    return did_you_mean(meant) if meant else ""
