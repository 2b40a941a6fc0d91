"""What a person sees at a terminal: tables that fit and cut nothing, colours, and what is hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.render.table import text_width
from tests.support.git.upstream import Upstream
from tests.support.stage.terminal import at_terminal
from tests.support.values.make import digest, fields, ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
LONG = "payments/" + "-".join(["settlement"] * 8)
REASON = f"rebuilt after the CVE of its base {digest('base')}, 緊急の再構築です as agreed with the team on duty"


@pytest.fixture
def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Run) -> Upstream:
    """Return a ledger with long names, a forced move with a long reason, and a yank."""
    upstream = Upstream.create(tmp_path / "lived.git", ledger_bytes())
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    records = [
        fields("myorg/app", "v1.4.0", platform="linux/amd64", digest=digest("a"), index=digest("i")),
        fields("myorg/app", "v1.4.0", platform="linux/arm64", digest=digest("b"), index=digest("i")),
        fields(LONG, "v2026.11.28-rc.1", digest=digest("c"), ttl="1d"),
        fields("nginx", "1.27", digest=digest("d")),
    ]
    (tmp_path / "records").write_text(json.dumps(records))
    moved = (f"nginx:1.27@{digest('e')}", "--source", f"https://git.example.com/a@{'4' * 40}", "--force")
    for command in (
        ("publish", "--from", tmp_path / "records"),
        ("publish", *moved, "--reason", REASON),
        ("yank", "myorg/app:v1.4.0", "--reason", "crashes on start"),
    ):
        assert ledger(*command).code == 0
    return upstream


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("command", [("list",), ("log",), ("list", "--sort", "published"), ("prune", "--last")])
@pytest.mark.usefixtures("lived")
def test_a_table_fits_the_terminal_and_cuts_neither_a_digest_nor_a_date(
    columns: int, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured = at_terminal(*command, columns=columns)
    monkeypatch.setenv("NO_COLOR", "1")
    seen = at_terminal(*command, columns=columns)
    assert "\x1b" not in seen.out + seen.err
    assert "\x1b[1m" in coloured.out
    assert plain(coloured.out) == seen.out
    lines = seen.out.splitlines()
    assert all(text_width(line) <= columns or " " not in line.strip() for line in lines)
    for shown in re.findall(r"sha256:[0-9a-f]*", seen.out):
        assert len(shown) >= len("sha256:") + 12
    assert re.findall(r"20[0-9]{2}-", seen.out) == re.findall(
        r"20[0-9]{2}-(?=[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2})", seen.out
    )
    assert "…" not in seen.out
    assert LONG in seen.out


@pytest.mark.usefixtures("lived")
def test_what_is_hidden_is_named_and_wide_shows_it_in_full() -> None:
    narrow, wide = at_terminal("log", columns=60), at_terminal("log", "--wide", columns=60)
    assert plain(narrow.err) == (
        "note: no room for COMMIT, AT, PLATFORM, REPLACES, INDEX, SOURCE, BY; `--wide` shows everything\n"
    )
    assert "    rebuilt after the CVE of its base" in narrow.out
    assert wide.err == ""
    assert f" {digest('d')} " in wide.out
    assert REASON in wide.out
    assert f"https://git.example.com/a@{'4' * 40}" in wide.out


def test_a_pipe_gets_every_column_and_no_colour(ledger: Run, lived: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = ledger("list")
    assert piped.out.split("\n")[0].split() == ["IMAGE", "TAG", "PLATFORM", "DIGEST", "PUBLISHED", "SOURCE", "NOTE"]
    assert len(piped.out.splitlines()) == 5
    assert (piped.err, "\x1b" in piped.out) == ("", False)
    assert at_terminal("list", columns=60, out=False).err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = ledger("list").out
    assert "\x1b[1m" in forced
    assert plain(forced) == piped.out
    assert "\x1b" not in ledger("list", "--format", "csv").out + ledger("get", "nginx:1.27", "--format", "ref").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert ledger("list").out == piped.out


@pytest.mark.usefixtures("lived")
def test_an_error_and_a_warning_are_coloured_where_stderr_is_a_terminal(
    ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, warning = at_terminal("get", "nginx:none"), at_terminal("get", "myorg/app:v1.4.0")
    assert error.err.startswith("\x1b[31merror:\x1b[0m the ledger has no record of nginx:none\n\n\x1b[1mhint:\x1b[0m ")
    assert warning.err.startswith("\x1b[33mwarning:\x1b[0m myorg/app:v1.4.0 is yanked")
    assert at_terminal("get", "nginx:none", err=False).err == ""
    assert plain(error.err) == ledger("get", "nginx:none").err
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
        assert "\x1b" not in at_terminal("get", "nginx:none").err
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("lived")
def test_a_terminal_that_does_not_say_how_wide_it_is_has_the_usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_terminal("list", columns=0).out == at_terminal("list", columns=80).out
    monkeypatch.setenv("COLUMNS", "120")
    stated = at_terminal("list", columns=60).out
    monkeypatch.delenv("COLUMNS")
    assert stated == at_terminal("list", columns=120).out != at_terminal("list", columns=60).out
