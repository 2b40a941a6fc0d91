"""The private hook of typer that `cli/command.py` replaces, and the versions of typer that have it."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from typing import Annotated

import typer
from packaging.requirements import Requirement
from typer.core import TyperArgument

from ledger_tool.cli.command import Command, Group
from tests.support import ROOT


def _typer_in(dependencies: list[str]) -> Requirement:
    (requirement,) = (Requirement(text) for text in dependencies if Requirement(text).name == "typer")
    return requirement


def test_typer_is_kept_to_the_minor_version_that_the_tests_run_with() -> None:
    """The hook is not part of typer's interface: another minor version may lack it, as 0.28 does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tested = version("typer")
    major, minor, _ = tested.split(".")
    assert str(_typer_in(project["dependency-groups"]["dev"]).specifier) == f"=={tested}"
    allowed = _typer_in(project["project"]["dependencies"]).specifier
    assert set(map(str, allowed)) == {f">={major}.{minor}", f"<{major}.{int(minor) + 1}"}


def test_the_installed_typer_still_has_the_hook_and_still_calls_it() -> None:
    """A parameter that typer would convert to a number or a path arrives as the text that was typed."""
    assert callable(TyperArgument.get_runtime_param)
    app = typer.Typer(cls=Group)
    arrived: list[object] = []

    @app.command(cls=Command)
    def show(number: int, numbers: Annotated[list[int], typer.Option("--number")]) -> None:
        arrived.extend((number, numbers))

    app(["7", "--number", "8", "--number", "9"], standalone_mode=False)
    assert arrived == ["7", ["8", "9"]]
