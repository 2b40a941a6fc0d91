"""What the options of all commands have in common: none takes an empty value, and formats have one name each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ledger_tool.cli.main import COMMANDS
from ledger_tool.cli.options import FORMATS
from ledger_tool.commands.export import FORMATS as OF_OTHER_TOOLS
from tests.support import ROOT
from tests.support.git.upstream import Upstream
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("check", "--base", ""), "--base"),
        (("audit", "--allowed-signers", ""), "--allowed-signers"),
        (("remove", "a/b:v1", "--platform", "", "--reason", "x"), "--platform"),
        (("publish", "a/b:v1", "--index", ""), "--index"),
        (("set", "", "--ttl", "1d"), "PATTERN..."),
        (("set", "a/b:v1", "--label", "a=b", "--label", ""), "--label"),
        (("diff", "main", ""), "HEAD"),
        (("get", "a/b:v1", "--at", ""), "--at"),
        (("reconcile", "--format", ""), "--format"),
    ],
)
def test_an_empty_value_is_refused_since_a_script_s_variable_may_be_unset(
    ledger: Run, upstream: Upstream, words: tuple[str, ...], name: str
) -> None:
    done = ledger(*words, "--repo", upstream.url)
    assert done.code == 2
    assert f"`{name}` is given an empty value" in done.err


def test_an_empty_variable_of_the_environment_counts_as_unset(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DEPLOY_KEY", "")
    assert ledger("list", "--repo", upstream.url).code == 0


def formats_of(ledger: Run, command: str) -> list[str]:
    """Return the formats that a command's help lists."""
    found = re.search(r"--format +FORMAT +How to print it: ([a-z, -]+)\.", ledger(command, "--help").out)
    return re.split(", | or ", found[1]) if found else []


WITHOUT_FORMAT = ("init", "merge-driver", "completion", "post")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_format_has_one_name_in_all_commands_and_the_names_one_order(
    ledger: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    named = formats_of(ledger, command)
    if not named:
        assert command in WITHOUT_FORMAT
        return
    assert named == [name for name in FORMATS if name in named]
    if command == "export":
        assert set(named) == set(OF_OTHER_TOOLS)
    else:
        assert named[:2] == ["text", "json"]
    refused = ledger(command, *(["x/y:z"] * 2), "--format", "yaml")
    assert (refused.code, refused.err) == (
        2,
        f"error: `--format yaml` is not valid\n\nhint: use one of {', '.join(named)}\n",
    )


def test_the_docs_say_of_each_format_which_commands_have_it(ledger: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    having: dict[str, set[str]] = {}
    for command in COMMANDS:
        for name in formats_of(ledger, command):
            having.setdefault(name, set()).add(command)
    rows = re.findall(r"^\| (`.*) \| .* \| (.*) \|$", (ROOT / "docs/output.md").read_text(), re.MULTILINE)
    told = {
        name: re.findall("`([a-z-]+)`", commands) for names, commands in rows for name in re.findall("[a-z-]+", names)
    }
    assert list(told) == list(FORMATS)
    for name, commands in told.items():
        if name in ("text", "json"):
            assert having[name] == {one for one in COMMANDS if one not in (*WITHOUT_FORMAT, *commands)}
        else:
            assert having[name] == set(commands)
