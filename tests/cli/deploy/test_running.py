"""`ledger running` as it is typed: what runs, told from the output of other tools, against a real ledger."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.support.git.upstream import Upstream, git
from tests.support.stage.terminal import at_terminal
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome
from tests.support.values.running import APP, HOST, docker_ps, listed, owner, pod, running_pod, status
from tests.support.values.schemas import check_schema

Run = Callable[..., Outcome]
SETTINGS = f"registries: [{{host: {HOST}, images: ['myorg/*']}}]\nenvironments: {{staging: {{}}, prod: {{}}}}\n"
V1, V2 = digest("v1"), digest("v2")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """Return a ledger with two versions, a yanked one, an expired one, and an environment that has the second."""

    def yanked(reason: str) -> dict[str, str]:
        return {"at": "2026-11-25T00:00:00Z", "reason": reason}

    records = [
        record("myorg/app", "v1.0.0", digest=V1),
        record("myorg/app", "v2.0.0", digest=V2, publishedAt="2026-11-25T00:00:00Z"),
        record("myorg/app", "prod", digest=V2, version="v2.0.0", publishedAt="2026-11-25T00:00:00Z"),
        record("myorg/app", "v0.9.0", digest=digest("bad"), yanked=yanked("crashes | on start")),
        record("myorg/app", "pr-7", digest=digest("pr"), ttl="1m", publishedAt="2020-01-01T00:00:00Z"),
        record("myorg/web", "v3", digest=digest("web")),
        record("myorg/web", "prod", digest=digest("web"), version="v3"),
    ]
    made = Upstream.create(tmp_path / "world.git", ledger_bytes(*records), SETTINGS)
    monkeypatch.setenv("LEDGER_REPO", made.url)
    monkeypatch.chdir(tmp_path)
    return made


def written(*items: dict[str, Any], name: str = "pods.json") -> str:
    Path(name).write_bytes(listed(*items))
    return name


def app(tag: str, has: str, **more: Any) -> dict[str, Any]:
    return running_pod(f"{APP}:{tag}", f"{APP}@{has}", **more)


def everything() -> str:
    """Write a file with a container of each class but `ahead`, in several places."""
    db = [owner("StatefulSet", "db")]
    return written(
        app("v2.0.0", V2),
        app("v2.0.0", V2),
        app("v1.0.0", V1, namespace="stage"),
        app("v0.9.0", digest("bad"), owners=db),
        app("pr-7", digest("pr"), owners=db),
        app("v1.0.0", digest("never"), owners=db),
        pod(images={"app": f"{APP}:v2.0.0"}, phase="Pending", owners=db),
        running_pod("nginx:1.27", f"docker.io/library/nginx@{digest('nginx')}"),
        app("v2.0.0", V2, phase="Succeeded"),
    )  # fmt: skip


def test_each_container_is_counted_in_its_class(ledger: Run, world: Upstream) -> None:
    done = ledger("running", everything(), "--env", "prod", "--format", "json")
    assert done.code == 1, done.err
    report = done.json
    check_schema("running-v1", report)
    assert report["summary"] == {
        "unknown": 1, "yanked": 1, "behind": 1, "expired": 1, "unpinned": 1, "foreign": 1, "as-recorded": 2
    }  # fmt: skip
    assert report["kinds"] == {"drift": 3, "housekeeping": 1, "unknown": 1}
    assert (report["containers"], report["leftOut"], report["complete"], report["environment"]) == (8, 1, False, "prod")
    by_class = {one["class"]: one for one in report["images"]}
    assert by_class["behind"]["expected"] == {"tag": "prod", "version": "v2.0.0", "digest": V2}
    assert by_class["behind"]["version"] == "v1.0.0"
    assert by_class["behind"]["places"] == [
        {"cluster": "", "namespace": "stage", "workload": "web", "kind": "Deployment", "containers": 1}
    ]
    assert by_class["as-recorded"]["containers"] == by_class["as-recorded"]["places"][0]["containers"] == 2
    assert by_class["foreign"]["image"] == "docker.io/library/nginx"
    assert report["nowhere"] == [{"image": "myorg/web", "version": "v3", "digest": digest("web")}]
    assert "note: left out 1 container of what has ended" in done.err


def test_without_an_environment_the_tag_that_was_asked_for_counts(ledger: Run, world: Upstream) -> None:
    file = written(app("v1.0.0", V1), app("prod", V1, namespace="b"), app("v2.0.0", V2))
    report = ledger("running", file, "--format", "json").json
    assert report["summary"] == {"behind": 1, "as-recorded": 2}
    assert (report["environment"], report["nowhere"]) == (None, [])
    done = ledger("running", written(app("v1.0.0", V1)))
    assert (done.code, done.out) == (0, "1 as-recorded\n")


def test_what_has_gone_is_found_in_the_history_and_what_never_was_is_not(
    run: Run, upstream: Upstream, ledger: Run, tmp_path: Path
) -> None:
    def publish(name: str, seed: str, *options: str) -> None:
        run("publish", f"{name}@{digest(seed)}", "--source", SOURCE, "--offline", *options)

    upstream.commit_as_other_writer({"ledger.yaml": SETTINGS.encode()})
    publish("myorg/app:v1", "old", "--platform", "linux/amd64", "--index", digest("index"))
    run("remove", "myorg/app:v1", "--reason", "broken")
    tip = upstream.tip()
    publish("myorg/app:v2", "new")
    file = tmp_path / "pods.json"
    file.write_bytes(listed(*(app("v1", digest(seed)) for seed in ("old", "index", "never", "new"))))
    words = ("running", file, "--format", "json", "--repo")
    done = ledger(*words, upstream.url)
    assert done.code == 1, done.err
    check_schema("running-v1", done.json)
    found = {one["digest"]: one for one in done.json["images"]}
    assert {name: found[digest(name)]["class"] for name in ("old", "index", "never", "new")} == {
        "old": "replaced", "index": "replaced", "never": "unknown", "new": "as-recorded"
    }  # fmt: skip
    assert f"until commit {tip[:12]}" in found[digest("old")]["reason"]
    (match,) = found[digest("old")]["whence"]
    assert (match["as"], match["until"]["commit"], match["record"]["tag"]) == ("replaced", tip, "v1")
    assert found[digest("index")]["whence"][0]["as"] == "index"
    assert found[digest("never")]["reason"] == "no record has it, and none ever had"
    assert done.json["complete"] is True
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth", "1", upstream.url, shallow)
    done = ledger(*words, shallow)
    found = {one["digest"]: one for one in done.json["images"]}
    for name in ("old", "never"):
        assert found[digest(name)]["class"] == "unknown"
        assert "could not be looked up" in found[digest(name)]["reason"]
        assert "none ever had" not in found[digest(name)]["reason"]
    assert (done.code, done.json["complete"]) == (1, False)
    assert ledger(*words, shallow, "--fail-on", "yanked").code == 5


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [("drift", 1), ("yanked", 1), ("housekeeping", 1), ("unpinned", 1), ("replaced,ahead", 5), ("none", 5)],
)
def test_the_exit_code_is_for_the_classes_that_were_asked_for(
    ledger: Run, world: Upstream, fail_on: str, code: int
) -> None:
    assert ledger("running", everything(), "--env", "prod", "--fail-on", fail_on).code == code


@pytest.mark.parametrize("word", ["foreign", "as-recorded", "gone", "none,drift", ""])
def test_what_cannot_fail_is_a_usage_error(ledger: Run, world: Upstream, word: str) -> None:
    assert ledger("running", everything(), "--fail-on", word).code == 2


def test_an_environment_has_to_be_declared(ledger: Run, world: Upstream) -> None:
    done = ledger("running", everything(), "--env", "production")
    assert (done.code, done.out) == (2, "")
    assert "declares no environment `production`" in done.err
    assert "hint: its environments are staging, prod" in done.err


def test_several_clusters_and_standard_input(ledger: Run, world: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(app("v1.0.0", V1), name="eu.json")
    line = (json.dumps(docker_ps("web", f"{APP}:v1.0.0@{V2}")) + "\n").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
    report = ledger("running", f"eu={file}", "vm=-", "--env", "prod", "--format", "json").json
    assert {(one["class"], one["places"][0]["cluster"]) for one in report["images"]} == {
        ("behind", "eu"), ("as-recorded", "vm")
    }  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(V2.encode())))
    assert ledger("running").out == "1 as-recorded\n"


def test_a_terminal_is_not_waited_for(ledger: Run, world: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    done = ledger("running")
    assert done.code == 2
    assert "nothing is piped into `ledger running`" in done.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "pods.json has no container"),
        (b"{", "pods.json, line 1, column 2"),
        (b"No resources found\n", "pods.json, line 1: `No resources found` is neither an image nor a digest"),
        (b"\xff\xfe", "pods.json is not UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(ledger: Run, world: Upstream, content: bytes, message: str) -> None:
    Path("pods.json").write_bytes(content)
    done = ledger("running", "pods.json")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert ledger("running", "nowhere.json").code == 2


def test_a_file_that_is_too_large_is_a_usage_error(
    ledger: Run, world: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_tool.core.running.input.MAX_RUNNING_BYTES", 2000)
    Path("pods.json").write_bytes(b" " * 3000)
    done = ledger("running", "pods.json")
    assert done.code == 2
    assert "is larger than" in done.err


def test_the_text_has_what_is_not_as_it_should_be_and_where(ledger: Run, world: Upstream) -> None:
    done = ledger("running", everything(), "--env", "prod")
    lines = [re.sub(" {2,}", "  ", line) for line in done.out.splitlines()]
    assert lines[0] == "1 unknown, 1 yanked, 1 behind, 1 expired, 1 unpinned, 1 foreign, 2 as-recorded; incomplete"
    short = V2[:19]
    assert f"behind  myorg/app:v1.0.0  {V1[:19]}  {short}  stage/web  1  v1.0.0 runs, and prod is v2.0.0" in lines
    assert f"yanked  myorg/app:v0.9.0  {digest('bad')[:19]}  shop/db  1  crashes | on start" in lines
    assert lines[lines.index("not pinned:") + 2].startswith("unpinned  myorg/app:v2.0.0  shop/db  1")
    assert lines[lines.index("in prod, running nowhere:") + 2] == f"myorg/web  v3  {digest('web')[:19]}"


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_it_fits_a_terminal(ledger: Run, world: Upstream, columns: int) -> None:
    seen = at_terminal("running", everything(), "--env", "prod", columns=columns)
    assert seen.code == 1
    assert "\x1b[31myanked" in seen.out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen.out)
    assert all(len(line) <= columns or " " not in line.strip() for line in plain.splitlines()[1:]), plain
    for name in ("stage/web", "shop/db", "myorg/web"):
        assert name in plain


def test_markdown_and_junit_tell_the_same(ledger: Run, world: Upstream) -> None:
    text = ledger("running", everything(), "--env", "prod", "--format", "markdown").out
    assert text.startswith("**1 unknown, 1 yanked")
    assert "| yanked | `myorg/app:v0.9.0` |" in text
    assert r"`crashes \| on start`" in text
    assert "### In prod, running nowhere" in text
    suite = ET.fromstring(ledger("running", everything(), "--env", "prod", "--format", "junit").out)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("7", "3", "2")
    failures = {(case.get("classname"), one.get("type")) for case in suite for one in case.findall("failure")}
    assert failures == {("shop/db", "unknown"), ("shop/db", "yanked"), ("stage/web", "behind")}


def test_nothing_from_outside_gets_into_a_format(ledger: Run, world: Upstream) -> None:
    evil = "\x1b]0;x\x07\u202e|`<img>`::error::\n\ud800"
    file = written(
        running_pod(f"{APP}:v1", f"{APP}@{digest('never')}", namespace=evil, owners=[owner("StatefulSet", evil)]),
        pod("p", status("app", evil, ""), namespace=evil, owners=[]),
    )
    for form in ("text", "json", "markdown", "junit"):
        done = ledger("running", file, "--format", form)
        assert done.code == 1
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", done.out + done.err)
        if form == "junit":
            ET.fromstring(done.out)
        if form == "json":
            check_schema("running-v1", done.json)
        if form == "markdown":
            assert "\n::error" not in done.out
    Path("m.prom").write_text("")
    ledger("running", file, "--metrics", "m.prom")
    series = Path("m.prom").read_text().splitlines()
    assert all(re.fullmatch(r'#.*|[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? [0-9]+', line) for line in series)


def test_metrics_are_counts_by_class_and_each_finding(ledger: Run, world: Upstream) -> None:
    ledger("running", everything(), "--env", "prod", "--metrics", "out.prom")
    text = Path("out.prom").read_text()
    assert 'ledger_running_containers{environment="prod",class="as-recorded"} 2' in text
    assert 'ledger_running_findings{environment="prod",kind="drift"} 3' in text
    assert 'namespace="stage",workload="web",image="myorg/app",tag="v1.0.0",class="behind"' in text
    assert 'ledger_running_nowhere{environment="prod"} 1' in text
    assert "ledger_running_complete 0" in text
    assert "last_complete" not in text
    ledger("running", written(app("v2.0.0", V2)), "--env", "prod", "--metrics", "out.prom")
    (at,) = re.findall(
        r"^ledger_running_last_complete_timestamp_seconds (\d+)$", Path("out.prom").read_text(), re.MULTILINE
    )
    ledger("running", everything(), "--env", "prod", "--metrics", "out.prom")
    assert f"last_complete_timestamp_seconds {at}" in Path("out.prom").read_text()


def test_the_ledger_is_not_written(ledger: Run, world: Upstream) -> None:
    before = world.tip()
    ledger("running", everything(), "--env", "prod")
    assert world.tip() == before
