"""`compare`: what differs between two environments, or between an environment and what it was."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.values.make import digest, fields, source
from tests.support.values.outcome import Outcome
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
SETTINGS = "environments:\n  staging: {}\n  prod: {from: staging}\n  edge: {}\n"
VERSIONS = ("v1.4.0", "v1.5.0", "v1.6.0")


@pytest.fixture
def team(ledger: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger of three versions of three images, with two environments that have some of them."""
    upstream = Upstream.create(tmp_path / "team.git", settings=SETTINGS)
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    records = [
        fields(
            f"myorg/{image}", tag, platform="linux/amd64", digest=digest((image, tag)),
            sourceRef=source((image, tag)).replace("git.example.com", "github.com"),
        )
        for image in ("app", "web", "worker")
        for tag in VERSIONS
    ]  # fmt: skip
    (tmp_path / "records").write_text(json.dumps(records))
    for words in (
        ("publish", "--from", tmp_path / "records"),
        ("promote", "myorg/app:v1.4.0", "myorg/web:v1.5.0", "--to", "staging"),
        ("promote", "--from", "staging", "--all", "--to", "prod"),
        ("promote", "myorg/app:v1.6.0", "myorg/worker:v1.4.0", "--to", "staging"),
    ):
        assert ledger(*words).code == 0
    return upstream


def rows(done: Outcome) -> list[list[str]]:
    return [line.split() for line in done.out.splitlines()[2:]]


def test_what_differs_is_told_and_is_exit_code_1(ledger: Run, team: Upstream) -> None:
    done = ledger("compare", "prod", "staging")
    assert done.code == 1
    assert done.out.splitlines()[0] == "prod → staging: 2 of 3 images differ: 1 upgrade, 1 only in staging"
    titles, app, worker = rows(done)
    assert titles == ["IMAGE", "prod", "staging", "CHANGE", "SOURCE"]
    assert (app[:6], app[6].startswith("https://github.com/team/app/compare/")) == (
        ["myorg/app", "v1.4.0", "(0m)", "v1.6.0", "(0m)", "upgrade"], True,
    )  # fmt: skip
    assert worker == ["myorg/worker", "-", "v1.4.0", "(0m)", "only", "in", "staging"]
    assert done.err == "hint: `ledger promote --from staging --all --to prod` makes them the same\n"


def test_what_is_advised_makes_them_the_same_and_that_is_exit_code_0(ledger: Run, team: Upstream) -> None:
    advice = ledger("compare", "staging", "prod", "--format", "json").json["promote"]
    assert advice | {"command": ""} == {"environment": "prod", "command": "", "whole": True, "refused": None}
    assert ledger(*shlex.split(advice["command"])[1:]).code == 0
    done = ledger("compare", "staging", "prod")
    assert (done.code, done.out, done.err) == (0, "staging and prod have the same: 3 images\n", "")
    empty = ledger("compare", "edge", "prod", "--format", "json")
    assert (empty.code, empty.json["summary"]) == (1, {"only-second": 3})


def test_an_environment_is_compared_with_what_it_was(ledger: Run, team: Upstream) -> None:
    before = team.tip()
    assert ledger("promote", "--from", "staging", "--all", "--to", "prod").code == 0
    for moment in (before, "main~1", before[:10]):
        done = ledger("compare", f"prod@{moment}", "prod")
        assert done.out.splitlines()[0].endswith("1 upgrade, 1 only in prod"), done.err
        back = f"ledger promote --at {shlex.quote(moment)} --to prod --reason TEXT"
        assert done.err == f"hint: `{back}` makes them the same\n"
    assert ledger("compare", "prod", f"prod@{before}").out.splitlines()[0].endswith("1 downgrade, 1 only in prod")
    assert ledger("compare", f"prod@{before}", "prod@main~1").code == 0
    assert ledger("compare", f"prod@{before}", f"staging@{before}").code == 1
    assert ledger(*shlex.split(back)[1:]).code == 0
    assert ledger("compare", f"prod@{before}", "prod").code == 0


def test_a_yanked_version_is_told_and_is_not_advised(ledger: Run, team: Upstream) -> None:
    assert ledger("yank", "myorg/app:v1.6.0", "--reason", "crashes").code == 0
    done = ledger("compare", "prod", "staging")
    assert "myorg/app:v1.6.0 is yanked: crashes" in done.out
    assert done.err == (
        "note: `ledger promote --from staging --all --to prod` would be refused: "
        "myorg/app:v1.6.0 is yanked: crashes; prod stays as it is\n"
    )
    assert ledger("yank", "myorg/web:v1.5.0", "--reason", "leaks").code == 0
    same = ledger("compare", "prod", "staging", "*/web")
    assert (same.code, same.out.splitlines()[-1].split()[-5:]) == (
        0, ["same", "myorg/web:v1.5.0", "is", "yanked:", "leaks"],
    )  # fmt: skip


def test_what_only_the_target_has_stays(ledger: Run, team: Upstream) -> None:
    words = ("promote", "myorg/worker:v1.5.0", "--to", "prod", "--reason", "hot fix")
    assert ledger(*words).code == 0
    assert ledger("remove", "myorg/worker:staging", "--reason", "not there").code == 0
    done = ledger("compare", "staging", "prod")
    assert done.err == (
        "hint: `ledger promote --from staging --all --to prod` promotes what differs; what only prod has stays\n"
    )
    assert ledger("compare", "staging", "prod", "*/worker").err == ""


def test_the_json_is_what_its_schema_says(ledger: Run, team: Upstream) -> None:
    for words in (("prod", "staging"), ("staging", "edge"), ("edge", "edge@main~1"), ("prod@main~2", "prod")):
        check_schema("compare-v1", ledger("compare", *words, "--format", "json").json)
    report = ledger("compare", "prod@main~1", "staging", "--format", "json").json
    assert (report["same"], report["summary"]) == (False, {"other-version": 1, "only-second": 1, "same": 1})
    assert (report["first"]["moment"], report["second"]["moment"]) == ("main~1", None)
    app, web, worker = report["images"]
    assert (app["state"], app["direction"], app["first"]["version"], app["second"]["version"]) == (
        "other-version", "upgrade", "v1.4.0", "v1.6.0",
    )  # fmt: skip
    assert app["second"]["digest"] == digest(("app", "v1.6.0"))
    assert (web["state"], web["direction"], worker["first"]) == ("same", None, None)


def test_markdown_is_a_table_with_links(ledger: Run, team: Upstream) -> None:
    lines = ledger("compare", "prod", "staging", "--format", "markdown").out.splitlines()
    assert lines[0] == "**`prod` → `staging`: 2 of 3 images differ: 1 upgrade, 1 only in `staging`**"
    assert lines[2] == "| image | `prod` | `staging` | change |  |"
    assert lines[4].startswith(
        "| `myorg/app` | `v1.4.0` (0m) | `v1.6.0` (0m) | upgrade | [compare the source](https://"
    )
    assert lines[5] == "| `myorg/worker` | - | `v1.4.0` (0m) | only in `staging` |  |"
    assert lines[-1] == "`ledger promote --from staging --all --to prod` makes them the same"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["prod", "test"], 2, "ledger.yaml declares no environment `test`\n\nhint: its environments are staging, prod"),
        (["prod"], 2, "ENV[@TIME|REV]"),
        (["prod", "prod"], 2, "prod is given twice"),
        (["prod@", "prod"], 2, "`prod@` names no time or revision"),
        (["prod@nowhere", "prod"], 2, "nowhere"),
        (["prod@1999-01-01", "prod"], 2, "1999"),
        (["prod", "myorg/app"], 2, "`myorg/app` is not an environment"),
        (["prod", "staging", "none"], 3, "neither prod nor staging has none"),
    ],
)
def test_what_cannot_be_compared_is_said(ledger: Run, team: Upstream, words: list[str], code: int, told: str) -> None:
    done = ledger("compare", *words)
    assert (done.code, done.out) == (code, "")
    assert told in done.err


def test_a_shallow_clone_says_what_it_lacks(ledger: Run, team: Upstream, tmp_path: Path) -> None:
    git("clone", "--quiet", "--depth", "1", f"file://{team.path}", tmp_path / "shallow")
    done = ledger("compare", "prod@7d", "prod", "--repo", tmp_path / "shallow")
    assert (done.code, "shallow" in done.err) == (2, True)
    assert ledger("compare", "prod", "staging", "--repo", tmp_path / "shallow").code == 1
