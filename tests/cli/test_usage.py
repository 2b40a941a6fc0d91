"""A command line that cannot be run is answered with the one that was meant; nothing is run by a guess."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.cli.main import COMMANDS
from ledger_tool.cli.usage import OTHER_WORDS, unknown_word
from ledger_tool.core.ledger.names import escaped
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
LINES = {
    "lsit": "did you mean `ledger list`?",
    "Publish myorg/app:v1": "did you mean `ledger publish`?",
    "help": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "help list": "`ledger list --help` describes it",
    "version": "`ledger --version` prints it",
    "--verison": "did you mean `ledger --version`?",
    "rm myorg/app:v1": "did you mean `ledger remove` or `ledger yank`?",
    "delete myorg/app:v1": "did you mean `ledger remove` or `ledger yank`?",
    "show myorg/app:v1": "did you mean `ledger get` or `ledger list`?",
    "history": "did you mean `ledger log` or `ledger whence`?",
    "status": "did you mean `ledger reconcile`, `ledger check` or `ledger list`?",
    "add": "did you mean `ledger publish`?",
    "push": "did you mean `ledger publish`?",
    "ls": "did you mean `ledger list`?",
    "search app": "did you mean `ledger list`?",
    "myorg/app:v1.4": "did you mean `ledger get myorg/app:v1.4`?",
    "kubernetes": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "--repo X list": "options follow it: `ledger list --repo X`",
    "--repo=X -v list 'a b'": "options follow it: `ledger list 'a b' --repo=X -v`",
    "--repo X": "`ledger --help` lists the commands, `ledger COMMAND --help` the options of one",
    "list --brnach main": "did you mean `--branch`?",
    "list -repo X": "did you mean `--repo`?",
    "list -format json": "did you mean `--format`?",
    "list --json": "did you mean `--format json`?",
    "list -o json": "did you mean `--format`?",
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


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_every_word_of_other_tools_leads_to_a_command_that_exists(word: str) -> None:
    assert word not in COMMANDS
    hint = unknown_word([word], COMMANDS).hint
    commands = re.findall(r"`ledger (\S+)`", hint)
    assert commands
    assert set(commands) <= set(COMMANDS)


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4))
def test_whatever_is_typed_is_a_usage_error_on_one_line(argv: list[str]) -> None:
    error = unknown_word(argv, COMMANDS)
    for text in (error.message, error.hint):
        assert text == escaped(text)
