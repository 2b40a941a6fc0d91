"""The commands as a user meets them: `main(argv)` on a real repository, exit codes and whole output."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, WHEN, digest, fields, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

SETTINGS = """\
registries:
  - host: registry.example.com
    images: ["myorg/*"]
  - host: http://localhost:5000
    prefix: mirror
tags:
  mutable: [latest]
  ttl: {"pr-*": 7d}
require: [labels.team]
"""


@pytest.fixture
def repo(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    monkeypatch.setenv("LEDGER_REPO", upstream.url)
    return upstream


@pytest.fixture
def ruled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """A ledger with settings."""
    made = Upstream.create(tmp_path / "ruled.git", settings=SETTINGS)
    monkeypatch.setenv("LEDGER_REPO", made.url)
    return made


def _publish(ledger: Run, name: str = "myorg/app:v1", seed: object = "a", *options: object) -> Outcome:
    return ledger("publish", f"{name}@{digest(seed)}", "--source", SOURCE, "--published-at", WHEN, *options)


def test_publish_prints_one_json_object_and_says_what_it_did(ledger: Run, repo: Upstream) -> None:
    done = _publish(ledger)
    assert done.code == 0
    assert done.json == {
        "image": "myorg/app",
        "tag": "v1",
        "digest": digest(),
        "changed": True,
        "commit": repo.tip(),
        "records": [fields()],
        "verified": False,
    }
    assert done.err == f"published myorg/app:v1 (added) in {repo.tip()[:12]}\n"
    assert repo.message().split("\n\n")[0] == "publish myorg/app:v1"
    assert repo.trailers()[:-1] == [("Image", "myorg/app:v1"), ("Digest", digest()), ("Source-Ref", SOURCE)]


def test_publishing_the_same_again_changes_nothing(ledger: Run, repo: Upstream) -> None:
    _publish(ledger)
    tip = repo.tip()
    done = ledger("publish", f"myorg/app:v1@{digest()}", "--source", source("another build"))
    assert (done.code, done.json["changed"], done.json["commit"]) == (0, False, tip)
    assert done.json["records"] == [fields()]
    assert repo.tip() == tip


def test_every_option_of_a_record_is_recorded(ledger: Run, repo: Upstream) -> None:
    base = f"docker.io/library/debian:bookworm@{digest('base')}"
    done = ledger(
        "publish", "--image", "myorg/app", "--tag", "v1", "--digest", digest(), "--source", SOURCE,
        "--platform", "linux/x86_64", "--index", digest("index"), "--config", digest("config"),
        "--label", "team=core", "--label", "env=prod", "--depends-on", base, "--ttl", "3w",
        "--published-at", "2026-11-24T10:30:00.5+01:00",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert repo.records() == [
        fields(
            platform="linux/amd64", index=digest("index"), config=digest("config"),
            labels={"env": "prod", "team": "core"}, dependsOn=[base], ttl="3w",
        )
    ]  # fmt: skip
    assert done.json["digest"] == digest("index")


def test_a_conflict_shows_the_record_that_stands_and_leaves_it(ledger: Run, repo: Upstream) -> None:
    _publish(ledger)
    tip = repo.tip()
    done = _publish(ledger, seed="b")
    assert done.code == 3
    assert done.json == {
        "image": "myorg/app", "tag": "v1", "digest": digest(), "changed": False, "commit": tip,
        "records": [fields()], "conflict": digest("b"),
    }  # fmt: skip
    for fact in (digest(), SOURCE, WHEN, tip[:12], digest("b"), "--force --reason"):
        assert fact in done.err
    assert repo.tip() == tip


def test_force_needs_a_reason_and_leaves_a_trace_of_both(ledger: Run, repo: Upstream) -> None:
    _publish(ledger)
    assert _publish(ledger, "myorg/app:v1", "b", "--force").code == 2
    done = _publish(ledger, "myorg/app:v1", "b", "--force", "--reason", "rebuilt after a CVE")
    assert done.code == 0, done.err
    assert repo.records() == [
        fields(digest=digest("b"), forced={"replaces": digest(), "reason": "rebuilt after a CVE"})
    ]
    assert ("Replaces", digest()) in repo.trailers()
    assert ("Reason", "rebuilt after a CVE") in repo.trailers()
    check_history(repo.path)


def test_a_mutable_tag_moves_and_its_move_stays_in_history(ledger: Run, ruled: Upstream) -> None:
    _publish(ledger, "myorg/app:latest", "a", "--label", "team=core", "--offline")
    done = _publish(ledger, "myorg/app:latest", "b", "--label", "team=core", "--offline")
    assert done.code == 0, done.err
    assert "forced" not in done.json["records"][0]
    assert ("Replaces", digest()) in ruled.trailers()
    check_history(ruled.path, mutable=("latest",))


def test_what_a_team_requires_is_asked_for(ledger: Run, ruled: Upstream) -> None:
    done = _publish(ledger, "myorg/app:v1", "a", "--offline")
    assert done.code == 2
    assert "labels.team" in done.err
    assert "--label team=VALUE" in done.err


def test_a_configured_registry_in_front_is_understood_and_an_unknown_one_is_not(ledger: Run, ruled: Upstream) -> None:
    first = _publish(ledger, "registry.example.com/myorg/app:v1", "a", "--label", "team=core", "--offline")
    assert first.json["image"] == "myorg/app"
    mirrored = _publish(ledger, "localhost:5000/mirror/tools/x:v1", "a", "--label", "team=core", "--offline")
    assert mirrored.json["image"] == "tools/x"
    unknown = _publish(ledger, "ghcr.io/myorg/app:v1", "a", "--label", "team=core", "--offline")
    assert unknown.code == 2
    assert "`registries` in ledger.yaml" in unknown.err
    got = ledger("get", "registry.example.com/myorg/app:v1", "--format", "ref")
    assert got.out == f"registry.example.com/myorg/app@{digest()}\n"
    assert ledger("get", "tools/x:v1", "--format", "ref").out == f"localhost:5000/mirror/tools/x@{digest()}\n"


def test_pr_gives_its_tag_and_the_ttl_of_the_settings(ledger: Run, ruled: Upstream) -> None:
    done = ledger(
        "publish", f"myorg/app@{digest()}", "--pr", "123", "--source", SOURCE, "--label", "team=core", "--offline"
    )
    assert done.code == 0, done.err
    assert (done.json["tag"], done.json["records"][0]["ttl"]) == ("pr-123", "7d")
    own = ledger(
        "publish",
        f"myorg/app@{digest()}",
        "--pr",
        "124",
        "--source",
        SOURCE,
        "--label",
        "team=core",
        "--ttl",
        "1d",
        "--offline",
    )
    assert own.json["records"][0]["ttl"] == "1d"


def test_a_dry_run_checks_everything_and_writes_nothing(ledger: Run, repo: Upstream) -> None:
    tip = repo.tip()
    done = _publish(ledger, "myorg/app:v1", "a", "--dry-run")
    assert (done.code, done.json["changed"], done.json["commit"]) == (0, True, None)
    assert "dry run" in done.err
    assert repo.tip() == tip
    _publish(ledger)
    assert _publish(ledger, "myorg/app:v1", "b", "--dry-run").code == 3


@pytest.mark.parametrize("as_array", [True, False])
def test_a_batch_is_one_commit_and_a_line_for_each_image(
    ledger: Run, repo: Upstream, tmp_path: Path, as_array: bool
) -> None:
    records = [
        fields(tag=f"v{at // 2}", platform=f"linux/{('amd64', 'arm64')[at % 2]}", digest=digest(at), index=digest("i"))
        for at in range(6)
    ]
    text = json.dumps(records, indent=1) if as_array else "\n".join(json.dumps(one) for one in records)
    (tmp_path / "batch").write_text(text)
    done = ledger("publish", "--from", tmp_path / "batch")
    assert done.code == 0, done.err
    assert [(one["tag"], one["digest"], len(one["records"])) for one in done.json_lines] == [
        ("v0", digest("i"), 2), ("v1", digest("i"), 2), ("v2", digest("i"), 2),
    ]  # fmt: skip
    assert len(repo.commits()) == 2
    assert repo.message().startswith("publish 3 images\n")
    again = ledger("publish", "--from", tmp_path / "batch")
    assert not any(one["changed"] for one in again.json_lines)
    assert len(repo.commits()) == 2


def test_a_batch_fills_in_what_the_command_line_says_for_all(ledger: Run, repo: Upstream, tmp_path: Path) -> None:
    bare = [{"image": "a", "tag": f"v{at}", "digest": digest(at)} for at in range(2)]
    (tmp_path / "batch").write_text(json.dumps(bare))
    done = ledger(
        "publish",
        "--from", tmp_path / "batch", "--source", SOURCE, "--label", "team=core", "--platform", "linux/amd64",
        "--published-at", WHEN,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert repo.records() == [
        fields("a", f"v{at}", digest=digest(at), platform="linux/amd64", labels={"team": "core"}) for at in range(2)
    ]


def test_buildx_metadata_publishes_every_name_of_every_target(ledger: Run, ruled: Upstream, tmp_path: Path) -> None:
    metadata = {
        "app": {
            "containerimage.digest": digest("app"),
            "image.name": "registry.example.com/myorg/app:v1,registry.example.com/myorg/app:latest",
        },
        "worker": {
            "containerimage.descriptor": {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            "containerimage.digest": digest("worker"),
            "image.name": "registry.example.com/myorg/worker:v1",
        },
    }
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    done = ledger(
        "publish",
        "--metadata-file",
        tmp_path / "metadata.json",
        "--source",
        SOURCE,
        "--label",
        "team=core",
        "--offline",
    )
    assert done.code == 0, done.err
    found = {(one["image"], one["tag"], one.get("platform")): one["digest"] for one in ruled.records()}
    assert found == {
        ("myorg/app", "v1", None): digest("app"),
        ("myorg/app", "latest", None): digest("app"),
        ("myorg/worker", "v1", "linux/arm64"): digest("worker"),
    }
    assert len(ruled.commits()) == 2


def test_the_source_is_found_in_the_ci_systems_environment(
    ledger: Run, repo: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "myorg/app")
    monkeypatch.setenv("GITHUB_SHA", "a" * 40)
    done = ledger("publish", f"myorg/app:v1@{digest()}")
    assert done.code == 0, done.err
    assert done.json["records"][0]["sourceRef"] == f"https://github.com/myorg/app@{'a' * 40}"


def test_a_missing_source_shows_how_to_give_it(ledger: Run, repo: Upstream) -> None:
    done = ledger("publish", f"myorg/app:v1@{digest()}")
    assert done.code == 2
    assert "sourceRef is missing" in done.err
    assert "--source URL@COMMIT" in done.err


def test_a_signed_commit_uses_the_users_own_key(ledger: Run, repo: Upstream, hermetic: Path, tmp_path: Path) -> None:
    from tests.support.git.servers import make_key
    from tests.support.git.upstream import git

    key = make_key(tmp_path / "signing")
    git("config", "--file", hermetic / "gitconfig", "gpg.format", "ssh")
    git("config", "--file", hermetic / "gitconfig", "user.signingKey", key)
    done = _publish(ledger, "myorg/app:v1", "a", "--sign")
    assert done.code == 0, done.err
    (tmp_path / "signers").write_text(f"me {key.with_suffix('.pub').read_text()}")
    assert (
        git(
            f"--git-dir={repo.path}",
            "-c",
            f"gpg.ssh.allowedSignersFile={tmp_path / 'signers'}",
            "log",
            "-1",
            "--format=%G?",
        )
        == "G"
    )


def test_signing_without_any_key_says_what_to_set(ledger: Run, repo: Upstream) -> None:
    tip = repo.tip()
    done = _publish(ledger, "myorg/app:v1", "a", "--sign")
    assert done.code == 2, done.err
    assert "user.signingKey" in done.err
    assert repo.tip() == tip


# get and list


@pytest.fixture
def filled(ledger: Run, repo: Upstream, tmp_path: Path) -> Upstream:
    records = [
        fields(
            "myorg/app",
            "v1",
            platform="linux/amd64",
            digest=digest("app-amd"),
            index=digest("i"),
            labels={"env": "prod"},
        ),
        fields("myorg/app", "v1", platform="linux/arm64", digest=digest("app-arm"), index=digest("i")),
        fields("myorg/app", "v2", digest=digest("app2"), publishedAt="2026-11-25T00:00:00Z", ttl="1d"),
        fields("myorg/web", "v1", platform="linux/amd64", digest=digest("web-amd"), sourceRef=source("web")),
        fields("myorg/web", "v1", platform="linux/arm64", digest=digest("web-arm"), sourceRef=source("web")),
        fields("nginx", "v1", digest=digest("nginx"), labels={"env": "prod", "team": "edge"}),
    ]
    (tmp_path / "filled").write_text(json.dumps(records))
    assert ledger("publish", "--from", tmp_path / "filled").code == 0
    return repo


def test_get_shows_the_records_of_an_image(ledger: Run, filled: Upstream) -> None:
    done = ledger("get", "myorg/app:v1")
    assert done.code == 0
    assert done.json["digest"] == digest("i")
    assert [one["platform"] for one in done.json["records"]] == ["linux/amd64", "linux/arm64"]


def test_get_ref_is_what_docker_pull_takes(ledger: Run, filled: Upstream) -> None:
    assert ledger("get", "myorg/app:v1", "--format", "ref").out == f"myorg/app@{digest('i')}\n"
    one = ledger("get", "myorg/app:v1", "--platform", "linux/arm64/v8", "--format", "ref")
    assert one.out == f"myorg/app@{digest('app-arm')}\n"
    assert ledger("get", "nginx:v1", "--format", "digest").out == digest("nginx") + "\n"


def test_get_of_several_images_without_an_index_asks_for_the_platform(ledger: Run, filled: Upstream) -> None:
    done = ledger("get", "myorg/web:v1", "--format", "ref")
    assert (done.code, done.out) == (3, "")
    assert "linux/amd64, linux/arm64" in done.err
    assert ledger("get", "myorg/web:v1").json["digest"] is None


def test_get_of_what_is_not_there_is_refused_with_a_way_on(ledger: Run, filled: Upstream) -> None:
    done = ledger("get", "myorg/app:v9")
    assert (done.code, done.out) == (3, "")
    assert "ledger list 'myorg/app'" in done.err
    assert (
        "its platforms are: linux/amd64, linux/arm64"
        in ledger("get", "myorg/app:v1", "--platform", "windows/amd64").err
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ["app-amd", "app-arm", "app2", "nginx", "web-amd", "web-arm"]),
        (["myorg/*"], ["app-amd", "app-arm", "app2", "web-amd", "web-arm"]),
        (["*:v2"], ["app2"]),
        (["myorg/app"], ["app-amd", "app-arm", "app2"]),
        (["--label", "env=prod"], ["app-amd", "nginx"]),
        (["--label", "env=prod", "--label", "team=edge"], ["nginx"]),
        (["--source", source("web")[-40:]], ["web-amd", "web-arm"]),
        (["--since", "2026-11-25"], ["app2"]),
        (["--since", "2026-11-24T09:30:00Z"], ["app-amd", "app-arm", "app2", "nginx", "web-amd", "web-arm"]),
        (["nothing"], []),
    ],
)
def test_list_answers_queries(ledger: Run, filled: Upstream, words: list[str], found: list[str]) -> None:
    done = ledger("list", *words, "--format", "jsonl")
    assert done.code == 0
    assert sorted(one["digest"] for one in done.json_lines) == sorted(digest(seed) for seed in found)


def test_list_expired_is_by_the_records_own_ttl(ledger: Run, repo: Upstream) -> None:
    ledger("publish", f"a:old@{digest()}", "--source", SOURCE, "--ttl", "1d", "--published-at", "2020-01-01T00:00:00Z")
    ledger("publish", f"a:kept@{digest()}", "--source", SOURCE, "--published-at", "2020-01-01T00:00:00Z")
    assert [one["tag"] for one in ledger("list", "--expired", "--format", "json").json] == ["old"]


def test_list_formats_say_the_same(ledger: Run, filled: Upstream) -> None:
    as_json = ledger("list", "--format", "json").json
    assert ledger("list", "--format", "jsonl").json_lines == as_json == filled.records()
    rows = list(csv.DictReader(io.StringIO(ledger("list", "--format", "csv").out)))
    assert [row["digest"] for row in rows] == [one["digest"] for one in as_json]
    table = ledger("list").out.splitlines()
    assert table[0].split() == ["IMAGE", "TAG", "PLATFORM", "DIGEST", "PUBLISHED", "SOURCE"]
    assert len(table) == len(as_json) + 1


def test_what_list_prints_as_json_lines_publish_takes(ledger: Run, filled: Upstream, tmp_path: Path) -> None:
    lines = ledger("list", "--format", "jsonl").out
    (tmp_path / "lines").write_text(lines)
    copy = Upstream.create(tmp_path / "copy.git")
    assert ledger("publish", "--from", tmp_path / "lines", "--repo", copy.url).code == 0
    assert copy.content() == filled.content()


# set and remove


def test_set_edits_all_that_match_in_one_commit(ledger: Run, filled: Upstream) -> None:
    done = ledger(
        "set", "myorg/app", "nginx:v*", "--label", "env=dev", "--label", "x=y", "--unlabel", "team", "--ttl", "2w"
    )
    assert done.code == 0, done.err
    edited = [one for one in filled.records() if one["image"] != "myorg/web"]
    assert [(one["labels"], one["ttl"]) for one in edited] == [({"env": "dev", "x": "y"}, "2w")] * 4
    assert len(filled.commits()) == 3
    assert ("Label", "env=dev") in filled.trailers()
    assert ("Unlabel", "team") in filled.trailers()
    assert ("TTL", "2w") in filled.trailers()
    cleared = ledger("set", "*", "--ttl", "none")
    assert cleared.code == 0
    assert not [one for one in filled.records() if "ttl" in one]
    check_history(filled.path)


def test_set_again_changes_nothing(ledger: Run, filled: Upstream) -> None:
    ledger("set", "nginx", "--label", "a=b")
    tip = filled.tip()
    done = ledger("set", "nginx", "--label", "a=b")
    assert (done.code, done.json["changed"]) == (0, False)
    assert filled.tip() == tip


def test_set_refuses_what_matches_nothing_and_what_says_nothing(ledger: Run, filled: Upstream) -> None:
    assert ledger("set", "nginx", "nothing", "--label", "a=b").code == 3
    assert ledger("set", "nginx").code == 2
    assert ledger("set", "nginx", "--label", "a=b", "--unlabel", "a").code == 2
    assert len(filled.commits()) == 2


def test_remove_deletes_with_a_reason_and_history_keeps_it(ledger: Run, filled: Upstream) -> None:
    done = ledger("remove", "myorg/app:v1", "nginx:v1", "--reason", "published by mistake")
    assert done.code == 0, done.err
    assert {one["image"] for one in filled.records()} == {"myorg/app", "myorg/web"}
    assert [one["records"] for one in done.json_lines] == [[], []]
    assert filled.message().startswith("remove 2 images\n")
    assert ("Reason", "published by mistake") in filled.trailers()
    assert ("Digest", digest("nginx")) in filled.trailers()
    check_history(filled.path)


def test_remove_of_one_platform_keeps_the_others(ledger: Run, filled: Upstream) -> None:
    assert ledger("remove", "myorg/app:v1", "--platform", "linux/arm64", "--reason", "broken").code == 0
    assert [one["platform"] for one in ledger("get", "myorg/app:v1").json["records"]] == ["linux/amd64"]


def test_remove_refuses_what_is_not_there_and_asks_for_a_reason(ledger: Run, filled: Upstream) -> None:
    assert ledger("remove", "nginx:v1", "nginx:v9", "--reason", "x").code == 3
    assert ledger("remove", "nginx:v1").code == 2
    assert ledger("remove", "nginx:v1", "--reason", " ").code == 2
    assert ledger("remove", "nginx", "--reason", "x").code == 2
    assert len(filled.commits()) == 2


# The program


def test_version_and_help(ledger: Run) -> None:
    assert ledger("--version").out.startswith("ledger ")
    assert ledger("--help").code == 0
    assert ledger("publish", "--help").code == 0


def test_a_command_that_does_not_exist_is_a_usage_error(ledger: Run) -> None:
    done = ledger("pubish")
    assert done.code == 2
    assert done.err.startswith("error: no such command 'pubish'")


def test_a_ledger_that_is_not_there_says_where_to_point(ledger: Run, tmp_path: Path) -> None:
    for words in (["list"], ["list", "--repo", tmp_path / "missing"], ["get", "a:v1", "--repo", tmp_path]):
        done = ledger(*words)
        assert done.code == 2
        assert "--repo" in done.err
