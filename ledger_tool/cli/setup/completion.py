"""`ledger completion`: the script for a shell, and the answers to its questions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from ledger_tool.cli.options import NONE, one_of
from ledger_tool.errors import InvalidSettings
from ledger_tool.render.screen import Screen

_SHELLS = ("bash", "zsh", "fish")


def completion(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="|".join(_SHELLS), help="The shell.", show_default=False, autocompletion=lambda: list(_SHELLS)
        ),
    ],
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORD...", help="After `--`: the words so far, of which the last is to be completed."),
    ] = NONE,
) -> None:
    """Print a script that lets your shell complete commands, options, and the images and tags of a local ledger.

    Names come from the ledger's folder: the current one, or that of LEDGER_REPO or `--repo`. No remote and no registry
    is asked.
    """
    from ledger_tool.render import completion as render

    one_of("SHELL", shell, _SHELLS)
    Screen().data(render.lines(_completions(words)) if words else [render.SCRIPTS[shell]])


def _completions(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what the last word may become, and what that is."""
    from ledger_tool.cli.main import COMMANDS, program

    *before, word = words
    name = next((word for word in before if not word.startswith("-")), "")
    if name and name not in COMMANDS:
        return
    root: Any = typer.main.get_command(program([name] if name else COMMANDS))
    command = root.commands[name] if name else root
    line = _Line.read(command, before[before.index(name) + 1 :] if name else [])
    option, equals, value = word.partition("=")
    if line.open_option is None and word.startswith("-") and not line.only_arguments:
        if equals and (asked := line.options.get(option)):
            for text, what in _values(line, asked, value):
                yield (text if text.startswith(":") else f"{option}={text}"), what
            return
        for text, parameter in line.options.items():
            if text.startswith(word) and (parameter.multiple or parameter.name not in line.given):
                yield text, parameter.help
        return
    if not name:
        yield from ((each, one.help) for each, one in root.commands.items() if each.startswith(word))
    elif asked := line.open_option or line.next_argument():
        yield from _values(line, asked, word)


@dataclass
class _Line:
    """The words behind a command, up to the unfinished one."""

    command: Any
    context: Any
    options: dict[str, Any]  # by each of their names
    given: dict[str, str] = field(default_factory=dict)  # by the parameter's name
    open_option: Any = None  # whose value comes next
    arguments: int = 0
    only_arguments: bool = False  # since `--`

    @classmethod
    def read(cls, command: Any, words: list[str]) -> _Line:
        context = typer.Context(command)
        options = {
            name: param
            for param in command.get_params(context)
            if param.param_type_name == "option"
            for name in sorted(param.opts, key=len, reverse=True)
        }
        line = cls(command, context, options)
        for word in words:
            line._take(word)
        return line

    def _take(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if self.open_option is not None:
            self.given[self.open_option.name] = word
            self.open_option = None
        elif word == "--" and not self.only_arguments:
            self.only_arguments = True
        elif word.startswith("-") and word != "-" and not self.only_arguments:
            if parameter := self.options.get(name):
                self.given[parameter.name] = value
                if not equals and not parameter.is_flag:
                    self.open_option = parameter
        else:
            self.arguments += 1

    def next_argument(self) -> Any:
        """Return the argument that the next word is for, or None."""
        arguments = [one for one in self.command.get_params(self.context) if one.param_type_name == "argument"]
        if self.arguments < len(arguments):
            return arguments[self.arguments]
        return arguments[-1] if arguments and arguments[-1].nargs == -1 else None


def _values(line: _Line, parameter: Any, word: str) -> Iterator[tuple[str, str]]:
    """Yield what a parameter's unfinished value may become."""
    from ledger_tool.commands import completion as command
    from ledger_tool.edges.files.nearby import ledger_bytes
    from ledger_tool.render.completion import FILES

    word, metavar = word.lstrip("'\""), str(parameter.metavar)
    known = [item.value for item in parameter.shell_complete(line.context, word)]
    if known:
        yield from ((text, "") for text in known if text.startswith(word))
        return

    folder = line.given.get("repo") or os.environ.get("LEDGER_REPO") or "."

    def read() -> bytes:
        return ledger_bytes(folder)

    if any(text in metavar for text in ("FILE", "PATH", "DIR")):
        yield FILES, ""
    elif metavar.startswith("ENV"):
        from ledger_tool.core.ledger.names import SETTINGS
        from ledger_tool.edges.yaml import settings

        with suppress(InvalidSettings):
            policy = settings.load(ledger_bytes(folder, SETTINGS))
            yield from ((text, "") for text in command.environments(policy, word))
    elif metavar == "OS/ARCH":
        yield from ((text, "") for text in command.platforms(read, word))
    elif "IMAGE" in metavar or metavar in ("PATTERN", "PATTERN...", "REF"):
        needs_tag = metavar.startswith("IMAGE:TAG")
        yield from ((text, "") for text in command.names(read, word, needs_tag=needs_tag))
