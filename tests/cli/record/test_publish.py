"""`publish` as a CI job meets it: one image, many, forced, refused, signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, WHEN, digest, fields, ledger_bytes, record, source
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
        "--label", "team=core", "--label", "env=prod", "--depends-on", base, "--ttl", "999w",
        "--published-at", "2026-11-24T10:30:00.5+01:00",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert repo.records() == [
        fields(
            platform="linux/amd64", index=digest("index"), config=digest("config"),
            labels={"env": "prod", "team": "core"}, dependsOn=[base], ttl="999w",
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


def test_a_target_of_a_bake_file_that_was_not_pushed_is_skipped_with_a_note(
    ledger: Run, ruled: Upstream, tmp_path: Path
) -> None:
    metadata = {
        "buildx.build.warnings": [],
        "lint": {"buildx.build.ref": "default/default/kamngmcgyzebqxwu98b4lfv3n"},
        "app": {"containerimage.digest": digest("app"), "image.name": "registry.example.com/myorg/app:v1"},
        "test": {},
    }
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    given = ("--source", SOURCE, "--label", "team=core", "--offline")
    done = ledger("publish", "--metadata-file", tmp_path / "metadata.json", *given)
    assert done.code == 0, done.err
    assert [one["digest"] for one in ruled.records()] == [digest("app")]
    notes = [line for line in done.err.splitlines() if "skipped" in line]
    assert notes == [
        "note: target `lint` is skipped: it has no `containerimage.digest`",
        "note: target `test` is skipped: it has no `containerimage.digest`",
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
    assert "temporary merge" not in done.err
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    for words, is_told in (((), True), (("--source", SOURCE), False)):
        done = ledger("publish", f"myorg/app:pr-{len(words)}@{digest()}", *words)
        assert done.code == 0, done.err
        assert ("note: GITHUB_SHA is a temporary merge of a pull request" in done.err) == is_told
    assert done.json["records"][0]["sourceRef"] == SOURCE


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


# set and remove


def test_a_move_without_a_platform_tells_every_image_that_it_replaces(ledger: Run, tmp_path: Path) -> None:
    made = Upstream.create(
        tmp_path / "m.git",
        ledger_bytes(
            *(
                record(tag="m", platform=f"linux/{one}", digest=digest(one), index=digest("i"))
                for one in ("amd64", "arm64")
            )
        ),
        "tags: {mutable: [m]}\n",
    )
    assert ledger("publish", f"myorg/app:m@{digest('new')}", "--source", SOURCE, "--repo", made.url).code == 0
    replaced = [value for name, value in made.trailers() if name == "Replaces"]
    assert replaced == [digest("amd64"), digest("arm64")]
    assert ("Replaces-Index", digest("i")) in made.trailers()
    check_history(made.path, mutable=("m",))
