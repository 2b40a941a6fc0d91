"""A command line that cannot be run is answered with the one that was meant; nothing is run by a guess."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledger_tool
from ledger_tool.cli.main import COMMANDS, problem_of
from ledger_tool.cli.usage import OTHER_WORDS, explained, unknown_word
from ledger_tool.core.ledger.names import escaped
from ledger_tool.errors import LedgerError
from tests.support.values.outcome import Outcome
from tests.support.values.profiles import example_count

Run = Callable[..., Outcome]
LINES = {
    "history myorg/app:v1": "did you mean `ledger log myorg/app:v1`?",
    "where myorg/app:v1": "did you mean `ledger get myorg/app:v1`?",
    "lsit": "did you mean `ledger list`?",
    "Publish myorg/app:v1": "did you mean `ledger publish myorg/app:v1`?",
    "lsit --wide": "did you mean `ledger list --wide`?",
    "lsit --wdie": "did you mean `ledger list`?",
    "help": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "help list": "`ledger list --help` describes it",
    "help rm": "did you mean `ledger remove --help` or `ledger yank --help`?",
    "help kubernetes": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "ledger list --wide": "did you mean `ledger list --wide`?",
    "''": "check the variable that it comes from; "
    "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "version": "`ledger --version` prints it",
    "--verison": "did you mean `ledger --version`?",
    "rm myorg/app:v1": "did you mean `ledger remove myorg/app:v1 --reason TEXT` "
    "or `ledger yank myorg/app:v1 --reason TEXT`?",
    "delete a:v1 --reason 'it is old'": "did you mean `ledger remove a:v1 --reason 'it is old'` "
    "or `ledger yank a:v1 --reason 'it is old'`?",
    "show myorg/app:v1": "did you mean `ledger get myorg/app:v1` or `ledger list myorg/app:v1`?",
    "show": "did you mean `ledger get IMAGE:TAG` or `ledger list`?",
    "history": "did you mean `ledger log` or `ledger whence DIGEST`?",
    "status": "did you mean `ledger reconcile`, `ledger check` or `ledger list`?",
    "add": "did you mean `ledger publish`?",
    "push": "did you mean `ledger publish`?",
    "ls": "did you mean `ledger list`?",
    "search app": "did you mean `ledger list app`?",
    "search app --fuzzy": "did you mean `ledger list`?",
    "myorg/app:v1.4": "did you mean `ledger get myorg/app:v1.4`?",
    "kubernetes": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "--repo X list": "options follow it: `ledger list --repo X`",
    "--repo=X -v list 'a b'": "options follow it: `ledger list 'a b' --repo=X -v`",
    "--repo list": "write it behind `--repo`; `ledger list --help` lists its options and arguments",
    "--repo list list": "options follow it: `ledger list --repo list`",
    "--verbose get": "as in `ledger get myorg/app:v1.5.0 --format ref`",
    "--dry-run list": "`ledger list --help` lists its options and arguments",
    "--repo X get -- a:v1": "options follow it: `ledger get --repo X -- a:v1`",
    "--repo X": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "list --brnach main": "did you mean `--branch`?",
    "list -repo X": "did you mean `--repo`?",
    "list -format json": "did you mean `--format`?",
    "list --json": "did you mean `--format json`?",
    "list -o json": "did you mean `--format`?",
    "list -f json": "did you mean `--format`?",
    "publish a:v1 -f json": "did you mean `--format` or `--from`?",
    "publish a:v1 -f": "did you mean `--force`?",
    "list --hlep": "did you mean `--help`?",
    "list -hlep": "did you mean `--help`?",
    "list --brnach": "did you mean `--branch NAME`?",
    "list --formt=json": "did you mean `--format`?",
    "list --json=yes": "did you mean `--format json`?",
    "list -l": "did you mean `--label K=V` or `--limit N`?",
    "get --formt json": "did you mean `--format` or `--platform`?",
    "list --limit abc": "use a number from 1 to 1000000000",
    "publish": "as in `ledger publish myorg/app:v1.5.0`; `--from` and `--metadata-file` name many images in a file",
    "list -C ledger": "did you mean `--repo`?",
    "remove a:v1 -m x": "did you mean `--reason`?",
    "list -x": "`ledger list --help` lists its options and arguments",
    "list --format": "write it behind `--format`; `ledger list --help` lists its options and arguments",
    "list --wide=yes": "write `--wide` alone",
    "get": "as in `ledger get myorg/app:v1.5.0 --format ref`",
}


@pytest.mark.parametrize(("line", "hint"), LINES.items(), ids=LINES)
def test_the_hint_is_what_was_meant(ledger: Run, line: str, hint: str) -> None:
    done = ledger(*shlex.split(line))
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(f"\n\nhint: {hint}\n"), done.err


def test_settings_that_do_not_exist_for_a_reason_say_what_to_set(ledger: Run) -> None:
    assert "nothing turns off the check of a certificate" in ledger("publish", "a:v1", "--insecure").err
    assert "set LEDGER_TOKEN" in ledger("list", "--token", "x").err
    assert "LEDGER_REGISTRY_USERNAME" in ledger("verify", "a:v1", "--username", "x").err


def test_more_arguments_than_a_command_takes_are_shown(ledger: Run) -> None:
    done = ledger("get", "a:v1", "b:v1")
    assert (done.code, "`ledger get` takes IMAGE:TAG, and nothing more: `b:v1`" in done.err) == (2, True)


@pytest.mark.parametrize("words", ["abc", "5x", "1e3", "", "--5", "ten", "0x5"])
def test_what_is_no_number_is_not_called_out_of_bounds(ledger: Run, words: str) -> None:
    err = ledger("list", f"--limit={words}").err
    assert "is not a number" in err or (not words and "empty" in err)
    for value in ("0", "-1", "1" * 12):
        assert f"`--limit {value}` is out of bounds" in ledger("list", f"--limit={value}").err


def _proposed(hint: str, argv: list[str]) -> Iterator[tuple[list[str], str]]:
    """Yield the lines that a hint proposes, with `""`, or with the option that stands where the unknown one was."""
    for text in re.findall("`(ledger [^`]+)`", hint):
        yield shlex.split(text)[1:], ""
    if hint.startswith("did you mean `-"):
        place = next(number for number, word in enumerate(argv) if word.startswith("-"))
        _, equals, value = argv[place].partition("=")
        for text in re.findall("`(--[^`]+)`", hint):
            name, *values = text.split(" ", 1)
            words = [name, *values] if values else [name + equals + value]
            yield [*argv[:place], *words, *argv[place + 1 :]], name


def _is_run(argv: list[str]) -> bool:
    """Return whether the parser takes a line: it may lack an argument, or have a value that is not right."""
    if argv[0] in ("--help", "--version") or argv[1:] == ["--help"]:
        return argv[0] in {"--help", "--version", "COMMAND", *COMMANDS}
    problem = problem_of(argv)
    return problem is None or isinstance(problem, LedgerError) or getattr(problem, "param", None) is not None


_OPTIONS = st.sampled_from(["--format", "--limit", "--repo", "--wide", "--verbose", "--force", "--label", "--sort"])
_TYPED = (
    _OPTIONS
    | st.builds(lambda one, at: one[:at] + one[at + 1 :], _OPTIONS, st.integers(2, 6))
    | st.builds(lambda one, at: one[:at] + one[at + 1] + one[at] + one[at + 2 :], _OPTIONS, st.integers(2, 4))
    | st.sampled_from(["-f", "-o", "-n", "-C", "-m", "-l", "-t", "-x", "-format", "-hlep", "--json"])
)


@example_count(60)
@given(
    st.sampled_from([*COMMANDS, *OTHER_WORDS, "lsit", "ledger", "help"]),
    _TYPED,
    st.sampled_from(["", "=json", "=5", "=x y"]),
    st.lists(st.sampled_from(["json", "myorg/app:v1", "list", "5", "a b"]), max_size=2),
    st.booleans(),
)
def test_each_line_that_is_proposed_is_one_that_the_parser_takes(
    command: str, option: str, value: str, rest: list[str], first: bool
) -> None:
    argv = [option + value, command, *rest] if first else [command, option + value, *rest]
    if argv[0] in COMMANDS:
        problem = problem_of(argv)
        if problem is None or isinstance(problem, LedgerError):
            return
        error = explained(problem, argv, problem_of)
    else:
        error = unknown_word(argv, COMMANDS, problem_of)
    known = next((place for place, word in enumerate(argv) if word in COMMANDS), 0)
    for line, name in _proposed(error.hint, [argv[known], *argv[known + 1 :], *argv[:known]]):
        # What else is wrong with the line stays wrong, but the option is one, and has its value.
        assert _is_run(line) or (name and name not in str(problem_of(line))), (argv, error.hint)


def _texts_of_the_source() -> Iterator[str]:
    """Yield the texts of the program, with an `X` for what is filled in, without the docstrings."""
    for path in sorted(Path(ledger_tool.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


def test_every_command_that_a_message_of_the_program_names_has_the_options_that_it_names() -> None:
    """The value of an option at the end may be left out, and so may arguments: it names the command, not the line."""
    lines = {line for text in _texts_of_the_source() for line in re.findall("`ledger ([^`]+)`", text)}
    assert len(lines) > 30
    for line in sorted(lines - {"COMMAND --help", "X --help"}):
        argv = shlex.split(line)
        assert _is_run(argv) or _is_run([*argv, "VALUE"]), line


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_every_word_of_other_tools_leads_to_a_command_that_exists(word: str) -> None:
    assert word not in COMMANDS
    hint = unknown_word([word], COMMANDS, problem_of).hint
    lines = [shlex.split(line) for line in re.findall(r"`ledger ([^`]+)`", hint)]
    assert lines
    assert all(line[0] in COMMANDS and problem_of(line) is None for line in lines)


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_whatever_is_typed_is_a_usage_error_on_one_line(argv: list[str]) -> None:
    error = unknown_word(argv, COMMANDS, problem_of)
    for text in (error.message, error.hint):
        assert text == escaped(text)


def test_what_a_command_lacks_is_named_as_it_is_typed(ledger: Run) -> None:
    for words, says in (
        (("promote", "myorg/app:v1"), "`ledger promote` needs --to ENV"),
        (("yank", "myorg/app:v1"), "`ledger yank` needs --reason TEXT"),
        (("check", "--fix", "x"), "`ledger check` takes no argument: `x`"),
        (("promote", "myorg/app:v2", "--to", "x y"), "`--to x y` is not the name of an environment"),
    ):
        done = ledger(*words)
        assert (done.code, f"error: {says}\n" in done.err) == (2, True), done.err
