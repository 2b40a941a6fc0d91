"""Bad input through the command line: one clear sentence, the right exit code, nothing written, nothing run."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest, fields, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def publish(ledger: Run, upstream: Upstream) -> Run:
    """Publish with good arguments, except for the ones given."""

    def run(**given: object) -> Outcome:
        words = {"image": "myorg/app", "tag": "v1", "digest": digest(), "source": SOURCE} | given
        before = upstream.tip()
        done = ledger(
            "publish", "--repo", upstream.url, *(f"--{name.replace('_', '-')}={value}" for name, value in words.items())
        )
        if done.code:
            assert upstream.tip() == before
            assert "Traceback" not in done.err
            assert done.err.startswith("error: ")
            assert "\n\nhint: " in done.err
            assert len(done.err.rstrip("\n").split("\n")) == 3
        return done

    return run


@pytest.mark.parametrize(
    "value",
    [
        digest().upper(),
        digest()[:-1],
        digest() + "0",
        digest() + "\n",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:../../x",
        "sha256:" + "٠" * 64,
        "sha256:" + "0" * 63 + "\x00",
        "",
        "latest",
    ],
)  # fmt: skip
def test_a_malformed_digest_is_refused(publish: Run, value: str) -> None:
    done = publish(digest=value)
    assert done.code == 2
    assert "digest" in done.err


@pytest.mark.parametrize(
    "value",
    ["v1\n", "-v1", "--force", ".v1", "v1\x1b[31m", "v" * 129, "v 1", "v1;id", "$(id)", "..", "v1\u202e", "v/1"],
)
def test_a_malformed_tag_is_refused(publish: Run, value: str) -> None:
    done = publish(tag=value)
    assert done.code == 2
    assert "tag" in done.err
    assert not set(done.err) & {"\x1b", "\u202e"}


@pytest.mark.parametrize(
    "value", ["MyOrg/App", "my//org", "/app", "app/", "my org", "a" * 256, "app\n", "../app", "-x/app", "a..b", "appé"]
)
def test_a_malformed_image_is_refused(publish: Run, value: str) -> None:
    assert publish(image=value).code == 2


@pytest.mark.parametrize(
    "value",
    [
        "ext::sh -c id",
        "--upload-pack=x",
        "-oProxyCommand=x",
        "fd::3",
        "https://git.example.com/a@b\x00" + "a" * 40,
        "https://git.example.com/" + "a" * 10_000 + "@" + "a" * 40,
        f"https://git.example.com/app@{'a' * 40}\nSigned-off-by: root <root@example.com>",
        f"https://git.example.com/app@{'a' * 39}",
        f"https://git.example.com/app@{'A' * 40}",
        "https://git.example.com/app@main",
        "https://git.example.com/app",
        f"javascript:alert(1)@{'a' * 40}",
        f"https://git.example.com/a b@{'a' * 40}",
    ],
)
def test_a_malformed_source_is_refused(publish: Run, value: str) -> None:
    done = publish(source=value)
    assert done.code == 2
    assert "sourceRef" in done.err
    assert "--source" in done.err


def test_a_credential_in_a_source_is_refused_and_not_echoed(publish: Run) -> None:
    done = publish(source=f"https://user:TOKEN-1234@git.example.com/app@{'a' * 40}")
    assert done.code == 2
    assert "TOKEN-1234" not in done.err
    assert "TOKEN-1234" not in publish(source=f"https://TOKEN-1234@git.example.com/app@{'a' * 40}").err


@pytest.mark.parametrize(
    "value", ["linux", "linux/", "/amd64", "linux/amd64/v8/x", "linux amd64", "linux/amd64\n", "../amd64"]
)
def test_a_malformed_platform_is_refused(publish: Run, value: str) -> None:
    assert publish(platform=value).code == 2


@pytest.mark.parametrize("value", ["7", "d", "0d", "-1d", "1.5h", "7y", "7 d", "٧d", "999999d", "7d\n"])
def test_a_malformed_ttl_is_refused(publish: Run, value: str) -> None:
    done = publish(ttl=value)
    assert done.code == 2
    assert "ttl" in done.err


@pytest.mark.parametrize(
    "value",
    [
        "env",
        "=prod",
        "-env=prod",
        "e v=x",
        "é=x",
        "env=a\nb",
        "env=a\rb",
        "env=\x1b[0m",
        "env=a\u202eb",
        "env=" + "x" * 1025,
        "env=[skip ci]",
    ],
)
def test_a_malformed_label_is_refused(publish: Run, value: str) -> None:
    done = publish(label=value)
    assert done.code == 2
    assert "label" in done.err
    assert not set(done.err) & {"\x1b", "\u202e", "\r"}


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-11-24", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-24T09:30:00", "1732440600"],
)
def test_a_malformed_date_is_refused(publish: Run, value: str) -> None:
    done = publish(published_at=value)
    assert done.code == 2
    assert "publishedAt" in done.err


@pytest.mark.parametrize("value", ["x", "Base@x", "a b", "debian:bookworm@sha256:12", "-x", "a\n"])
def test_a_malformed_dependency_is_refused(publish: Run, value: str) -> None:
    assert publish(depends_on=value).code == 2


@pytest.mark.parametrize(
    "value",
    [
        "ext::sh -c id",
        "-x",
        "--upload-pack=touch /tmp/x",
        "fd::3",
        "git://example.com/x",
        "http://",
        "ssh://-oProxyCommand=x/y",
        "foo\nbar",
        "",
    ],
)
def test_a_repository_that_would_run_something_is_refused(ledger: Run, value: str) -> None:
    done = ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, f"--repo={value}")
    assert done.code == 2
    assert done.err.startswith("error: ")


@pytest.mark.parametrize(
    "value", ["-x", "--upload-pack=x", "a..b", "a b", "a~1", "refs/heads/../x", "x.lock", "HEAD", "a\nb", "@{u}"]
)
def test_a_malformed_branch_is_refused(ledger: Run, upstream: Upstream, value: str) -> None:
    done = ledger("get", "a:v1", "--repo", upstream.url, f"--branch={value}")
    assert done.code == 2
    assert "branch" in done.err


def test_options_that_contradict_each_other_are_refused(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    name = f"a:v1@{digest()}"
    (tmp_path / "empty.json").write_text("[]")
    for words in (
        [name, "--force"],
        [name, "--reason", "x"],
        [name, "--digest", digest("b")],
        [name, "--tag", "v2"],
        [name, "--pr", "1"],
        [name, "--image", "b"],
        [name, "--from", "x.json"],
        [f"a@{digest()}"],
        ["a:v1"],
        [],
        ["--from", tmp_path / "missing.json"],
        ["--from", tmp_path / "empty.json"],
        ["--metadata-file", tmp_path / "empty.json"],
        [name, "--max-attempts", "-1"],
        [name, "--timeout", "never"],
        [name, "--nope"],
    ):
        done = ledger("publish", *words, "--source", SOURCE, "--repo", upstream.url)
        assert done.code == 2, (words, done.err)
        assert "\n\nhint: " in done.err, words
    assert len(upstream.commits()) == 1


def test_a_reason_cannot_forge_a_trailer_or_a_line(ledger: Run, upstream: Upstream) -> None:
    assert ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url).code == 0
    for at, reason in enumerate(
        ["x\nDigest: forged", "x\rDigest: forged", "x\u2028y", "x\u0085y", "\x00", "   ", "[skip ci] x"]
    ):
        done = ledger(
            "publish", f"a:v1@{digest(at)}", "--source", SOURCE, "--repo", upstream.url, "--force", "--reason", reason
        )
        assert done.code == 2, reason
    for at, reason in enumerate(
        ["Signed-off-by: root <root@example.com>", "---", "# comment", "a: b: c", "'; rm -rf / #", '"quoted\\"']
    ):
        done = ledger(
            "publish", f"a:v1@{digest(at)}", "--source", SOURCE, "--repo", upstream.url, "--force", "--reason", reason
        )
        assert done.code == 0, done.err
        trailers = upstream.trailers()
        assert [name for name, _ in trailers] == [
            "Image",
            "Digest",
            "Replaces",
            "Source-Ref",
            "Reason",
            "Transaction-Id",
        ]
        assert dict(trailers)["Reason"] == reason == upstream.records()[0]["forced"]["reason"]
    check_history(upstream.path)


def test_hostile_text_in_the_ledger_cannot_reach_a_terminal_or_a_spreadsheet(ledger: Run, tmp_path: Path) -> None:
    hostile = ['=cmd|" /C calc"!A0', "::add-mask::x", "<img onerror=x>", "a|b", "`x`", "@SUM(1)", "+1", "-1"]
    labels = {f"k{at}": text for at, text in enumerate(hostile)}
    (tmp_path / "ledger.json").write_bytes(ledger_bytes(record(labels=labels)))
    table = ledger("list", "--repo", tmp_path).out
    assert not [line for line in table.splitlines() if line.startswith("::")]
    rows = list(csv.DictReader(io.StringIO(ledger("list", "--repo", tmp_path, "--format", "csv").out)))
    assert json.loads(rows[0]["labels"]) == labels
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert ledger("list", "--repo", tmp_path, "--format", "json").json == [fields(labels=labels)]


def test_a_failing_record_of_a_batch_is_named_by_its_line_and_nothing_is_written(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    lines = [json.dumps(fields(tag=f"v{at}")) for at in range(5)]
    batch = tmp_path / "batch.jsonl"
    for bad, code, says in (
        ('{"image": "a"', 2, "line 4, column"),
        (json.dumps(fields(digest="sha256:12")), 2, "line 4: digest"),
        (json.dumps({"image": "a", "digest": digest()}), 2, "line 4: `tag` is missing"),
        (json.dumps(fields() | {"imge": "x"}), 2, "line 4: unknown field `imge`"),
        (json.dumps(fields(tag="v0", digest=digest("other"))), 2, "line 4: myorg/app:v0 is given twice"),
        ('{"image": "a", "image": "b"}', 2, "line 4, column 16: the key `image` appears twice"),
        ("[" * 100_000, 2, "line 4, column 65: nested deeper"),
        ("NaN", 2, "line 4, column 1: `NaN` is not JSON"),
        ('"text"', 2, "line 4: a record is a JSON object"),
    ):
        batch.write_text("\n".join([*lines[:3], bad, *lines[3:]]))
        done = ledger("publish", "--from", batch, "--repo", upstream.url)
        assert done.code == code, done.err
        assert says in done.err
        assert len(upstream.commits()) == 1


def test_a_conflict_inside_a_batch_is_named_by_its_line(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    assert ledger("publish", f"myorg/app:v2@{digest('taken')}", "--source", SOURCE, "--repo", upstream.url).code == 0
    batch = tmp_path / "batch.jsonl"
    batch.write_text("".join(json.dumps(fields(tag=f"v{at}")) + "\n" for at in range(5)))
    done = ledger("publish", "--from", batch, "--repo", upstream.url)
    assert done.code == 3
    assert "line 3: conflict: myorg/app:v2 is recorded with another digest" in done.err
    assert len(upstream.commits()) == 2


@pytest.mark.parametrize(
    "repo",
    [
        "https:/bob:s3cr3tTOKEN@git.example.invalid/x.git",
        "bob:s3cr3tTOKEN@git.example.invalid/x.git",
        "https://git.example.invalid/x.git?private_token=s3cr3tTOKEN",
    ],
)
def test_a_token_in_a_mistyped_url_goes_nowhere(ledger: Run, repo: str) -> None:
    done = ledger("list", "--repo", repo)
    assert done.code == 2
    assert "s3cr3tTOKEN" not in done.err


def test_a_source_with_a_query_is_refused(ledger: Run, upstream: Upstream) -> None:
    words = ["publish", f"a/b:v1@{digest()}", "--repo", upstream.url]
    assert ledger(*words, "--source", f"https://git.example.com/x?token=abc@{'a' * 40}").code == 2
    assert ledger(*words, "--source", f"https://git.example.com/[skip-ci]/x@{'a' * 40}").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--repo", "a" * 300],
        ["list", "--repo", "~nosuchuser/x"],
        ["list", "--repo", "ssh://git@h/x", "--deploy-key", "~nosuchuser/k"],
    ],
)
def test_an_impossible_path_is_a_usage_error(ledger: Run, words: list[str]) -> None:
    done = ledger(*words)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err


def test_a_named_pipe_in_place_of_the_ledger_does_not_hang(ledger: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ledger.json")
    done = ledger("list", "--repo", tmp_path)
    assert (done.code, "is not a plain file" in done.err) == (4, True)
