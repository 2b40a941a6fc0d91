"""What a person sees at a terminal: tables that fit and cut nothing, colours, and what is hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.render.table import text_width
from tests.support.git.copied import copied
from tests.support.git.upstream import Upstream
from tests.support.stage.terminal import at_terminal
from tests.support.values.clock import clock_says
from tests.support.values.make import digest, fields, ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
LONG = "payments/" + "-".join(["settlement"] * 8)
REASON = f"rebuilt after the CVE of its base {digest('base')}, 緊急の再構築です as agreed with the team on duty"


@pytest.fixture
def lived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Run) -> Upstream:
    """Return a ledger with long names, a forced move with a long reason, and a yank."""
    upstream = Upstream(tmp_path / "lived.git")
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    copied("lived", upstream.path, lambda: _live(upstream, tmp_path, ledger))
    return upstream


def _live(upstream: Upstream, tmp_path: Path, ledger: Run) -> None:
    Upstream.create(upstream.path, ledger_bytes())
    records = [
        fields("myorg/app", "v1.4.0", platform="linux/amd64", digest=digest("a"), index=digest("i")),
        fields("myorg/app", "v1.4.0", platform="linux/arm64", digest=digest("b"), index=digest("i")),
        fields(LONG, "v2026.11.28-rc.1", digest=digest("c"), ttl="1d"),
        fields("nginx", "1.27", digest=digest("d")),
    ]
    (tmp_path / "records").write_text(json.dumps(records))
    moved = (f"nginx:1.27@{digest('e')}", "--source", f"https://git.example.com/a@{'4' * 40}", "--force")
    with clock_says("2026-11-24T12:00:00Z"):  # one of the records expires a day later
        assert ledger("publish", "--from", tmp_path / "records").code == 0
    for command in (
        ("publish", *moved, "--reason", REASON),
        ("yank", "myorg/app:v1.4.0", "--reason", "crashes on start"),
    ):
        assert ledger(*command).code == 0


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
        "note: no room for COMMIT, AT, REPLACES, INDEX, SOURCE, BY; `--wide` shows everything\n"
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


OTHER = ("--source", f"https://git.example.com/team/app@{'5' * 40}", "--offline")
WRITES = [
    (("publish", f"nginx:1.28@{digest('f')}", *OTHER), "published nginx:1.28 (added) in "),
    (("set", "nginx", "--label", "env=prod"), "edited nginx:1.27 in "),
    (("yank", "nginx:1.27", "--reason", "crashes"), "yanked nginx:1.27 in "),
    (("remove", "nginx:1.27", "--reason", "crashes"), "removed nginx:1.27 in "),
]


@pytest.mark.parametrize(("command", "line"), WRITES)
def test_a_write_says_at_a_terminal_what_it_did_once_and_in_one_line(
    lived: Upstream, command: tuple[str, ...], line: str
) -> None:
    done = at_terminal(*command)
    assert (done.code, done.out) == (0, f"{line}{lived.tip()[:12]}\n")
    assert "in " not in done.err


@pytest.mark.parametrize(("command", "line"), WRITES)
@pytest.mark.parametrize("how", ["piped", "in CI", "--format json"])
def test_a_write_gives_a_program_json_and_the_line_to_whoever_reads_stderr(
    lived: Upstream, command: tuple[str, ...], line: str, how: str, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "piped":
        done = ledger(*command)
    else:
        monkeypatch.setenv("CI", "true" if how == "in CI" else "")
        done = at_terminal(*command, *(how.split() if how.startswith("--") else ()))
    assert (done.code, done.json["commit"]) == (0, lived.tip())
    assert done.err.splitlines()[-1] == f"{line}{lived.tip()[:12]}"


def test_the_format_decides_where_it_is_given(ledger: Run, lived: Upstream) -> None:
    done = ledger("set", "nginx", "--label", "env=prod", "--format", "text")
    assert (done.out, done.err) == (f"edited nginx:1.27 in {lived.tip()[:12]}\n", "")


@pytest.mark.usefixtures("lived")
def test_a_conflict_is_two_rows_with_digests_below_each_other(ledger: Run) -> None:
    command = ("publish", f"nginx:1.27@{digest('f')}", *OTHER)
    for columns, length in ((80, 64), (60, 12)):
        seen = at_terminal(*command, columns=columns)
        assert (seen.code, seen.out) == (3, "")
        what, _, recorded, refused, _, hint = plain(seen.err).splitlines()
        assert what.startswith("error: conflict: nginx:1.27 is recorded with another digest, from https://git.")
        assert recorded == f"recorded {digest('e')[: 7 + length]}"
        assert refused == f"refused  {digest('f')[: 7 + length]}"
        assert hint.startswith("hint: publish under another tag")
        assert max(len(recorded), len(refused)) <= columns
    piped = ledger(*command)
    assert piped.json["conflict"] == digest("f")
    assert f"\n\nrecorded {digest('e')}\nrefused  {digest('f')}\n\nhint: " in piped.err


def test_digests_that_start_alike_are_told_apart(ledger: Run, lived: Upstream) -> None:
    alike = digest("e")[:-1] + ("0" if digest("e")[-1] != "0" else "1")
    seen = at_terminal("publish", f"nginx:1.27@{alike}", *OTHER, columns=60)
    assert digest("e") in seen.err
    assert alike in seen.err
    assert lived.tags()


@pytest.mark.usefixtures("lived")
def test_get_tells_a_person_what_to_pull_and_the_facts(ledger: Run) -> None:
    assert ledger("get", "nginx:1.27", "--format", "text").out.splitlines() == [
        "nginx:1.27",
        f"  pull by    nginx@{digest('e')}",
        ledger("list", "nginx", "--wide").out.splitlines()[1].split()[4].join(["  published  ", ""]),
        f"  source     https://git.example.com/a@{'4' * 40}",
        f"  forced     {REASON} (instead of {digest('d')})",
    ]
    seen = at_terminal("get", "myorg/app:v1.4.0", "--format", "text", columns=120)
    assert plain(seen.out).splitlines()[-5:] == [
        "  yanked     crashes on start (" + ledger("get", "myorg/app:v1.4.0").json["records"][0]["yanked"]["at"] + ")",
        "",
        "PLATFORM     DIGEST",
        f"linux/amd64  {digest('a')}",
        f"linux/arm64  {digest('b')}",
    ]
    narrow = at_terminal("get", "myorg/app:v1.4.0", "--format", "text", columns=60)
    assert plain(narrow.out).splitlines()[-1] == f"linux/arm64  {digest('b')[:19]}"
    assert all(len(line) <= 60 or " " not in line for line in plain(narrow.out).splitlines())


def test_a_dry_run_shows_before_and_after(ledger: Run, lived: Upstream) -> None:
    ledger("set", "myorg/*", "--label", "env=test", "--ttl", "7d")
    command = ("set", "myorg/*", "nginx", "--label", "env=prod", "--ttl", "none", "--dry-run")
    tip = lived.tip()
    seen = at_terminal(*command)
    assert (seen.code, seen.err) == (0, "")
    assert plain(seen.out).splitlines() == [
        "myorg/app",
        "  updated v1.4.0 (linux/amd64, linux/arm64)",
        "    label env: test → prod",
        "    TTL: 7d → none",
        "",
        "nginx",
        "  updated 1.27",
        "    label env: none → prod",
        "",
        "dry run: would have edited 2 images",
    ]
    first, second = ledger(*command).json_lines
    assert [record["labels"]["env"] for record in first["before"]] == ["test"] * 2
    assert [record["labels"]["env"] for record in first["records"]] == ["prod"] * 2
    assert second["before"] == ledger("get", "nginx:1.27").json["records"]
    assert lived.tip() == tip
    assert "before" not in ledger(*command[:-1]).json_lines[0]
    assert at_terminal(*command).out == "nothing to do: 2 images are already in the ledger\n"
    gone = at_terminal("remove", "nginx:1.27", "--reason", "x", "--dry-run")
    assert plain(gone.out).splitlines()[:2] == ["nginx", "  removed 1.27"]
    assert plain(gone.out).splitlines()[-1] == "dry run: would have removed nginx:1.27"
