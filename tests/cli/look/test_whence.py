"""`whence`: from a digest to the records that have or had it, and who published them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger_tool.core.ledger.record import from_json
from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest, ledger_bytes, record, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
Publish = Callable[..., str]
AMD = "linux/amd64"


def whence(run: Run, wanted: str) -> dict[str, Any]:
    found: dict[str, Any] = run("whence", wanted).json
    return found


FORCE = ("--force", "--reason", "pushed again")


def test_whence_finds_an_image_by_its_digest_or_the_beginning_of_it(run: Run, publish: Publish) -> None:
    made = publish("myorg/app:v1", "a", "--platform", AMD)
    publish("myorg/app:v2", "b")
    run("set", "*", "--label", "env=prod")
    found = whence(run, digest("a"))
    (match,) = found["matches"]
    assert (match["as"], match["commit"], match["until"]) == ("image", made, None)
    assert match["record"]["labels"] == {"env": "prod"}
    assert match["record"]["sourceRef"] == source("a")
    assert match["by"] == "Test Person <person@example.com>"
    for short in (digest("a")[:19], digest("a")[7:19], f"registry.example.com/myorg/app@{digest('a')}"):
        assert whence(run, short) == found


def test_whence_finds_an_index_and_a_config_and_since_when(run: Run, publish: Publish) -> None:
    publish("myorg/app:v1", "a", "--platform", AMD)
    index = ("--platform", AMD, "--index", digest("i"))
    since = publish("myorg/app:v1", "a", *index, "--config", digest("c"), *FORCE)
    publish("myorg/app:v1", "a", *index, "--label", "env=prod")
    for seed, kind in (("i", "index"), ("c", "config")):
        (match,) = whence(run, digest(seed))["matches"]
        assert (match["as"], match["commit"], match["until"]) == (kind, since, None)
        assert f"is the {kind} of myorg/app:v1 ({AMD})\n" in run("whence", digest(seed), "--format", "text").out


def test_whence_finds_what_was_replaced_or_removed_long_ago(run: Run, publish: Publish) -> None:
    first = publish("myorg/app:v1", "a", "--platform", AMD)
    second = publish("myorg/app:v1", "b", "--platform", AMD, "--force", "--reason", "rebuilt")
    removed = run("remove", "myorg/app:v1", "--reason", "broken").json["commit"]
    publish("myorg/app:v2", "b", "--platform", AMD)
    (match,) = whence(run, digest("a"))["matches"]
    assert (match["as"], match["commit"], match["record"]["digest"]) == ("replaced", first, digest("a"))
    assert (match["until"]["commit"], match["until"]["digest"]) == (second, digest("b"))
    now, then = whence(run, digest("b"))["matches"]
    assert (now["as"], now["record"]["tag"]) == ("image", "v2")
    assert (then["as"], then["record"]["tag"], then["commit"]) == ("replaced", "v1", second)
    assert (then["until"]["commit"], then["until"]["reason"], then["until"]["digest"]) == (removed, "broken", None)
    text = run("whence", digest("b"), "--format", "text").out
    assert f"is myorg/app:v2 ({AMD})\n" in text
    assert f"was myorg/app:v1 ({AMD})\n" in text
    assert "remove by Test Person <person@example.com>: broken" in text


def test_whence_follows_a_record_whose_platform_was_filled_in(run: Run, publish: Publish) -> None:
    first = publish("myorg/app:v1", "a")
    publish("myorg/app:v1", "a", "--platform", AMD)
    (match,) = whence(run, digest("a"))["matches"]
    assert (match["as"], match["commit"], match["record"]["platform"]) == ("image", first, AMD)


def test_whence_searches_all_versions_for_a_digest_that_no_message_mentions(
    run: Run, publish: Publish, upstream: Upstream
) -> None:
    made = publish("myorg/app:v1", "a", "--index", digest("old"))
    until = publish("myorg/app:v1", "a", "--index", digest("new"), *FORCE)
    done = run("whence", digest("old"))
    assert f"reading all {len(upstream.commits())} versions of ledger.json" in done.err
    (match,) = done.json["matches"]
    assert (match["as"], match["commit"], match["until"]["commit"]) == ("index", made, until)
    assert match["record"]["index"] == digest("old")
    assert "reading" not in run("whence", digest("new")).err


def test_whence_reads_all_versions_at_once_where_a_record_changed_too_often(
    run: Run, publish: Publish, upstream: Upstream
) -> None:
    first = publish("a:v1", "a", "--index", digest("i"))
    one, stream = upstream.records()[0], [f"reset refs/heads/main\nfrom {first}\n"]
    for at in range(60):
        content = ledger_bytes(from_json(one | {"labels": {"n": str(at)}})).decode()
        message = f"set a:v1\n\nImage: a:v1\nDigest: {digest('a')}\n"
        stream.append(f"commit refs/heads/main\ncommitter A <a> 1764000000 +0000\ndata {len(message)}\n{message}\n")
        stream.append(f"M 100644 inline ledger.json\ndata {len(content)}\n{content}\n")
    upstream.git("fast-import", "--quiet", stdin="".join(stream).encode())
    found = run("whence", digest("i"))
    assert [(match["as"], match["commit"]) for match in found.json["matches"]] == [("index", first)]
    assert "reading all 62 versions" in found.err


def test_whence_does_not_repeat_a_false_trailer(ledger: Run, run: Run, publish: Publish, upstream: Upstream) -> None:
    """A message names another digest than the record has: the one is not found, the other by a search."""
    publish("myorg/app:v1", "a")
    lie = f"publish myorg/app:v2\n\nImage: myorg/app:v2\nDigest: {digest('lie')}\nSource-Ref: {SOURCE}\n"
    content = ledger_bytes(record(digest=digest("a")), record(tag="v2", digest=digest("x")))
    made = move_branch(upstream, commit(upstream, lie, [upstream.tip()], {"ledger.json": content}))
    done = ledger("whence", digest("lie"), "--repo", upstream.url)
    assert done.code == 3
    (match,) = whence(run, digest("x"))["matches"]
    assert (match["as"], match["commit"]) == ("image", made)


def test_whence_of_nothing_is_refused_as_an_unknown_image(ledger: Run, upstream: Upstream, publish: Publish) -> None:
    publish("myorg/app:v1", "a")
    done = ledger("whence", digest("nope"), "--repo", upstream.url)
    assert done.code == 3
    assert f"neither the ledger nor its history has the digest {digest('nope')}" in done.err


@pytest.mark.parametrize("wanted", ["sha256:abc", "12345678901", digest()[:20].upper(), digest() + "0", "latest"])
def test_whence_of_a_malformed_digest_is_a_usage_error(ledger: Run, upstream: Upstream, wanted: str) -> None:
    done = ledger("whence", wanted, "--repo", upstream.url)
    assert done.code == 2
    assert "is malformed" in done.err


def test_the_beginning_of_several_digests_is_a_usage_error_that_lists_them(
    ledger: Run, run: Run, upstream: Upstream
) -> None:
    twins = [f"sha256:{'ab' * 10}{end * 44}" for end in "12"]
    for at, one in enumerate(twins):
        run("publish", f"myorg/app:v{at}@{one}", "--source", SOURCE)
    done = ledger("whence", "ab" * 6, "--repo", upstream.url)
    assert done.code == 2
    assert "is the beginning of 2 digests" in done.err
    assert all(one in done.err for one in twins)
    assert whence(run, "ab" * 10 + "1")["digest"] == twins[0]
