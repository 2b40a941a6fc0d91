"""The program: all commands under one name, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Sequence
from importlib import import_module
from types import FrameType
from typing import Annotated

import typer
import typer.main
from typer.exceptions import TyperException

from ledger_tool import __version__
from ledger_tool.cli import options
from ledger_tool.cli.command import Command, Group
from ledger_tool.edges.memory import save_address_space
from ledger_tool.edges.waiting import waited_for
from ledger_tool.errors import ClockAhead, ClockBehind, Denied, LedgerError, TryAgain, Unreachable, UsageError
from ledger_tool.render.screen import Screen

# Each command: its panel in `--help`, and where it is: a module below `cli`, and a function there.
COMMANDS = {
    "publish": ("Record", "record.publish", "publish"),
    "set": ("Record", "record.edit", "set_facts"),
    "remove": ("Record", "record.edit", "remove"),
    "yank": ("Record", "record.edit", "yank"),
    "prune": ("Record", "record.prune", "prune"),
    "get": ("Look", "look.records", "get"),
    "list": ("Look", "look.records", "list_records"),
    "log": ("Look", "look.log", "log"),
    "whence": ("Look", "look.whence", "whence"),
    "deps": ("Look", "look.deps", "deps"),
    "dependents": ("Look", "look.dependents", "dependents"),
    "keepset": ("Look", "look.keepset", "keepset"),
    "export": ("Look", "look.export", "export"),
    "site": ("Look", "look.site", "site"),
    "verify": ("Registry", "registry.verify", "verify"),
    "reconcile": ("Registry", "registry.reconcile", "reconcile"),
    "restore": ("Registry", "registry.restore", "restore"),
    "diff": ("Review", "review.diff", "diff"),
    "check": ("Review", "review.check", "check"),
    "audit": ("Review", "review.audit", "audit"),
    "merge-driver": ("Review", "review.merge_driver", "merge_driver"),
    "rebase": ("Review", "review.rebase", "rebase"),
    "post": ("Review", "review.post", "post"),
    "promote": ("Deploy", "deploy.promote", "promote"),
    "compare": ("Deploy", "deploy.compare", "compare"),
    "pin": ("Deploy", "deploy.pin", "pin"),
    "bump": ("Deploy", "deploy.bump", "bump"),
    "running": ("Deploy", "deploy.running", "running"),
    "init": ("Set up", "setup.init", "init"),
    "doctor": ("Set up", "setup.doctor", "doctor"),
    "completion": ("Set up", "setup.completion", "completion"),
}
_OWN_OPTIONS = ("--help", "-h", "--version")


def program(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with these commands: a run of one need not load and build the others."""
    app = typer.Typer(
        name="ledger",
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_program)
    for name in names:
        panel, module, function = COMMANDS[name]
        command = getattr(import_module(f"ledger_tool.cli.{module}"), function)
        app.command(name, cls=Command, rich_help_panel=panel)(command)
    return app


def _show_version(given: bool) -> None:
    if given:
        Screen().data([f"ledger {__version__}"])
        raise typer.Exit


def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Keep a ledger of container images: the exact digest of every image:tag, and where it came from."""


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; see `errors` for what each means."""
    screen = Screen(options.secrets(os.environ.get("LEDGER_DEPLOY_KEY", ""), argv))
    command = argv[0] if argv else ""
    before = _interrupt_on_signals()
    save_address_space()
    try:
        if argv and command not in COMMANDS and command not in _OWN_OPTIONS:
            from ledger_tool.cli.usage import unknown_word

            raise unknown_word(argv, COMMANDS, problem_of)
        app = program([command] if command in COMMANDS else [] if list(argv) == ["--version"] else COMMANDS)
        with screen.watching(waited_for):
            code = app(args=list(argv), prog_name="ledger", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except LedgerError as error:
        screen.error(_naming_doctor(error) if command != "doctor" else error)
        return error.exit_code
    except TyperException as error:
        if error.format_message().strip():  # without arguments, the help has been shown
            from ledger_tool.cli.usage import explained

            screen.error(explained(error, argv, problem_of))
        return UsageError.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except MemoryError:
        problem: LedgerError = TryAgain("there is not enough memory", "give it more, or raise the limit (`ulimit -v`)")
        screen.error(problem)
        return problem.exit_code
    except OSError as error:
        from ledger_tool.edges.files.disk import local_error

        problem = local_error(error, error.filename or "the output", "use")
        screen.error(problem)
        return problem.exit_code
    except Exception:  # noqa: BLE001 - the one place where a bug ends
        import platform
        import traceback

        screen.bug(
            traceback.format_exc(), f"ledger {__version__}, Python {platform.python_version()}, {platform.platform()}"
        )
        return LedgerError.exit_code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def problem_of(argv: Sequence[str]) -> TyperException | LedgerError | None:
    """Return what keeps the line of one command from being run, or None; nothing is run, and no file or URL looked at.

    `argv` starts with the name of a command.
    """
    if not {"-h", "--help"}.isdisjoint(argv):
        return None
    group = typer.main.get_command(program(argv[:1]))
    above = typer.Context(group, info_name="ledger", **group.context_settings)
    try:
        group.commands[argv[0]].make_context(argv[0], list(argv[1:]), parent=above)  # type: ignore[attr-defined]
    except (TyperException, LedgerError) as problem:
        return problem
    return None


def _naming_doctor(error: LedgerError) -> LedgerError:
    """Return an error with a hint that names `ledger doctor`, if that may show more of what is wrong."""
    if not error.is_about_ledger or "`ledger doctor" in error.hint:
        return error
    if not isinstance(error, (Unreachable, Denied, ClockBehind, ClockAhead)):
        return error
    return error.within("", "; ".join(filter(None, (error.hint, "`ledger doctor` tries each step on the way"))))


def _interrupt_on_signals() -> dict[int, signal._HANDLER]:
    """Make SIGTERM and SIGHUP end the run like ^C, so that children are ended and secrets removed.

    Returns the previous handlers.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        return {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # not the main thread: the signals belong to another program
        return {}
