"""`reconcile` on a bad night: rate limits, liars, stuck connections, ^C. What is not known is never drift."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git.processes import finish, start
from tests.support.git.upstream import Upstream
from tests.support.registries.clients import BASIC, PASSWORD
from tests.support.registries.wire import (
    Reply,
    Script,
    Wire,
    as_json,
    config,
    image,
    served,
    sha256,
    unauthorized,
    unknown,
    wire_server,
)
from tests.support.registries.world import classes
from tests.support.values.make import SOURCE, digest, ledger_bytes, record
from tests.support.values.markdown import inline
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
APP = "/v2/myorg/app/manifests"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with wire_server() as server:
        yield server


def _ledger(wire: Wire, folder: Path, *tags: str) -> Upstream:
    """Return a ledger in which each tag is `image()`."""
    records = [record(tag=tag, digest=sha256(image())) for tag in tags]
    settings = f"registries:\n  - host: {wire.url}\n"
    return Upstream.create(folder / "ledger.git", content=ledger_bytes(*records), settings=settings)


def test_a_night_of_429s_is_unknown_and_exits_5(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    tags = [f"v{number}" for number in range(30)]
    for tag in tags:
        wire.on(f"{APP}/{tag}", Reply(429, {"Retry-After": "3600"}))
    upstream = _ledger(wire, tmp_path, *tags)
    tip = upstream.tip()
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--jobs", "4", "--untracked")
    assert done.code == 5
    assert set(done.json["summary"]) == {"unknown"}
    assert done.json["complete"] is False
    assert wire.count() <= 8
    assert upstream.tip() == tip


def test_after_a_429_that_outlasts_the_patience_all_entries_of_the_host_are_unknown(
    ledger: Run, wire: Wire, tmp_path: Path
) -> None:
    records = [record(image=name, tag="v1", digest=sha256(image())) for name in ("a/app", "b/app")]
    entries = [f"  - host: {wire.url}\n    name: {name}\n    images: [{name}/*]\n" for name in ("a", "b")]
    settings = f"registries:\n{''.join(entries)}"
    upstream = Upstream.create(tmp_path / "ledger.git", content=ledger_bytes(*records), settings=settings)
    wire.otherwise = Reply(429, {"Retry-After": "3600"})
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--jobs", "1")
    assert (done.code, done.json["summary"]) == (5, {"unknown": 2})
    assert wire.count() == 1


def test_what_the_credential_alone_can_see_is_not_gone(
    ledger: Run, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = _ledger(wire, tmp_path, "v1")
    for path in (f"{APP}/v1", f"{APP}/{sha256(image())}"):
        wire.on(path, lambda asked: served(image()) if asked.authorization == BASIC else Reply(404))
    monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "robot")
    monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", PASSWORD)
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json")
    assert (done.code, done.json["summary"]) == (0, {"in-sync": 1})
    monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", "wrong-password")
    wire.on("*", lambda asked: Reply(401) if asked.authorization else Reply(404))
    for path in (f"{APP}/v1", f"{APP}/{sha256(image())}"):
        wire.on(path, lambda asked: Reply(401) if asked.authorization else Reply(404))
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json")
    assert (done.code, done.json["summary"], done.json["complete"]) == (5, {"unknown": 1}, False)


@pytest.mark.parametrize("tags", [("v1",), tuple(f"v{number}" for number in range(30))])
def test_an_ingress_that_answers_404_to_everything_says_nothing(
    ledger: Run, wire: Wire, tmp_path: Path, tags: tuple[str, ...]
) -> None:
    upstream = _ledger(wire, tmp_path, *tags)
    wire.root = wire.otherwise = Reply(404, {"Content-Type": "text/html"}, b"<html>default backend - 404</html>")
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--untracked")
    assert (done.code, done.json["summary"]) == (5, {"unknown": len(tags) + 1})
    assert "does not answer as a registry" in done.json["findings"][0]["reason"]
    published = ledger("publish", "myorg/app:v99", "--source", SOURCE, "--repo", upstream.url)
    assert published.code == 5


@pytest.mark.parametrize(("refusals", "codes"), [(1, (0, 0)), (99, (5, 5))])
def test_a_fresh_token_that_is_refused_is_a_fault_of_the_moment(
    ledger: Run, wire: Wire, tmp_path: Path, refusals: int, codes: tuple[int, int]
) -> None:
    upstream = _ledger(wire, tmp_path, "v1", "v2")
    challenge = unauthorized(f'Bearer realm="{wire.url}/token",service="registry"')
    wire.on("/token", as_json({"token": "good"}))
    for command in (("reconcile",), ("publish", "myorg/app:v1", "--source", SOURCE)):
        for tag in ("v1", "v2", sha256(image())):
            wire.on(f"{APP}/{tag}", lambda asked: served(image()) if asked.authorization else challenge)
        wire.on(f"{APP}/v1", challenge, *[challenge] * refusals, served(image()))
        wire.on(f"/v2/myorg/app/blobs/{sha256(config())}", Reply(body=config()))
        done = ledger(*command, "--repo", upstream.url)
        assert done.code == codes[command != ("reconcile",)], done.out + done.err


@pytest.mark.parametrize(
    "listed", [unknown, as_json({"tags": None}), as_json({"tags": ["v2"]})], ids=["404", "null", "v2"]
)
def test_a_list_of_tags_that_lacks_what_was_seen_is_incomplete(
    ledger: Run, wire: Wire, tmp_path: Path, listed: Script
) -> None:
    upstream = _ledger(wire, tmp_path, "v1")
    wire.on(f"{APP}/v1", served(image()))
    wire.on("/v2/myorg/app/tags/list", listed)
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--untracked", "*:v1")
    assert (done.code, done.json["complete"]) == (5, False)
    assert f"{wire.host} serves myorg/app:v1, and does not list it" in str(done.json["findings"])
    assert wire.count("/v2/myorg/app/manifests/v1") <= 4


LISTED = as_json({"tags": ["ghost", "v1"]})


@pytest.mark.parametrize(
    ("lists", "answers", "code", "found"),
    [
        ([LISTED], [unknown], 5, {"ghost": "unknown"}),
        ([LISTED, as_json({"tags": ["v1"]})], [unknown], 0, {}),
        ([LISTED, Reply(403)], [unknown], 5, {"ghost": "unknown"}),
        ([LISTED], [unknown, unknown, served(image())], 1, {"ghost": "untracked"}),
    ],
    ids=["listed-and-absent-twice", "no-longer-listed", "not-listed-again", "there-at-the-second-look"],
)
@pytest.mark.parametrize("option", ["--untracked", "--adopt"])
def test_a_tag_that_is_listed_and_absent_is_asked_for_again_and_not_untracked(
    ledger: Run, wire: Wire, tmp_path: Path, lists: list[Script], answers: list[Script], code: int,
    found: dict[str, str], option: str,
) -> None:  # fmt: skip
    upstream = _ledger(wire, tmp_path, "v1")
    wire.on(f"{APP}/v1", served(image()))
    wire.on(f"{APP}/{sha256(image())}", served(image()))
    wire.on("/v2/myorg/app/tags/list", *lists)
    wire.on(f"{APP}/ghost", *answers)
    done = ledger(
        "reconcile", "--repo", upstream.url, "--format", "json", option, "--fail-on", "drift,untracked"
    )  # fmt: skip
    assert (done.code, classes(done), done.json["complete"]) == (code, found, code != 5), done.out + done.err
    if code == 5:
        (finding,) = done.json["findings"]
        assert f"{wire.host} lists myorg/app:ghost, and says that it does not exist" in finding["reason"]
        assert finding["command"] == ""
    if lists == [LISTED] and code == 5:
        others = ledger("reconcile", "--repo", upstream.url, option, "*:v1")
        assert (others.code, others.out) == (0, "1 in-sync\n")


def test_a_list_of_tags_that_is_cut_short_is_incomplete(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    upstream = _ledger(wire, tmp_path, "v1")
    wire.on(f"{APP}/v1", served(image()))
    tags = "/v2/myorg/app/tags/list"
    wire.on(tags, as_json({"tags": ["v1"]}, link=f"{tags}?last=v1"), unknown)
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json", "--untracked")
    assert (done.code, done.json["complete"]) == (5, False)
    assert "answers 404 to page 2 of the tags of myorg/app" in done.json["findings"][0]["reason"]
    (line,) = [
        row for row in ledger("reconcile", "--repo", upstream.url, "--untracked").out.split("\n") if wire.host in row
    ]
    assert line.split()[:3] == ["unknown", wire.host, "myorg/app"]


def test_drift_that_was_seen_exits_1_though_other_tags_stay_unknown(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    upstream = _ledger(wire, tmp_path, "v1", "v2", "v3")
    wire.on(f"{APP}/v1", served(image()))
    wire.on(f"{APP}/v2", served(image("other")))
    wire.on(f"{APP}/{sha256(image('other'))}", served(image("other")))
    wire.on(f"{APP}/{sha256(image())}", served(image()))
    wire.on(f"{APP}/v3", Reply(400))
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json")
    assert done.code == 1
    assert done.json["summary"] == {"tag-moved": 1, "unknown": 1, "in-sync": 1}
    assert done.json["complete"] is False


@pytest.mark.parametrize(
    ("path", "options", "unseen"),
    [
        (f"{APP}/{sha256(image())}", [], "whether the recorded digest still pulls is not known: "),
        (f"/v2/myorg/app/blobs/{digest('layer')}", ["--deep"], "what is below the recorded digest is not known: "),
    ],
)
def test_a_move_that_is_housekeeping_leaves_open_what_was_not_seen_of_the_recorded_digest(
    ledger: Run, wire: Wire, tmp_path: Path, path: str, options: list[str], unseen: str
) -> None:
    old = image(layers=[{"digest": digest("layer")}]) if options else image()
    upstream = _ledger(wire, tmp_path)
    recorded = ledger_bytes(record(tag="latest", digest=sha256(old)))
    settings = f"registries:\n  - host: {wire.url}\ntags:\n  mutable: [latest]\n"
    upstream.commit_as_other_writer({"ledger.json": recorded, "ledger.yaml": settings.encode()})
    for reference, raw in (("latest", image("new")), (sha256(image("new")), image("new")), (sha256(old), old)):
        wire.on(f"{APP}/{reference}", served(raw))
    wire.on(f"/v2/myorg/app/blobs/{json.loads(old)['config']['digest']}", Reply(200, body=b"{}"))
    wire.on(path, Reply(403))
    metrics = tmp_path / "metrics.prom"
    done = ledger("reconcile", *options, "--repo", upstream.url, "--format", "json", "--metrics", metrics)
    (finding,) = done.json["findings"]
    assert (done.code, finding["class"], finding["kind"]) == (5, "tag-moved", "housekeeping")
    assert unseen in finding["reason"]
    assert "still pulls;" not in finding["reason"]
    assert done.json["complete"] is False
    assert "ledger_reconcile_complete 0" in metrics.read_text()
    assert ledger("reconcile", "--repo", upstream.url, "--fail-on", "housekeeping", *options).code == 1


def test_a_registry_that_lies_is_never_in_sync_and_never_drift(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    """The tag claims another digest, and what is behind it hashes to a third: who knows what it serves?"""
    upstream = _ledger(wire, tmp_path, "v1", "v2", "v3")
    wire.on(f"{APP}/v1", served(image(), docker_content_digest=digest("lie")))
    wire.on(f"{APP}/{digest('lie')}", served(image(), docker_content_digest=digest("lie")))
    wire.on(f"{APP}/v2", served(image()[:-9], docker_content_digest=""))
    wire.on(f"{APP}/v3", served(image(), docker_content_digest="sha256:x"))
    done = ledger("reconcile", "--repo", upstream.url, "--format", "json")
    assert done.code == 5
    assert set(classes(done).values()) == {"unknown"}
    reasons = {one["tag"]: one["reason"] for one in done.json["findings"]}
    assert f"says {digest('lie')}, but the body hashes to {sha256(image())}" in reasons["v1"]
    assert "not JSON" in reasons["v2"]
    assert "claims the digest" in reasons["v3"]


def test_hostile_words_of_a_registry_act_on_nothing(ledger: Run, wire: Wire, tmp_path: Path) -> None:
    upstream = _ledger(wire, tmp_path, "v1")
    hostile = "sha256:\x1b]0;x\x07|`@all`<img onerror=x>]]>::add-mask::"
    wire.on(f"{APP}/v1", served(image(), docker_content_digest=hostile))
    outputs = {
        form: ledger("reconcile", "--repo", upstream.url, "--format", form).out
        for form in ("text", "json", "markdown", "junit")
    }
    assert not any(character in output for output in outputs.values() for character in "\x1b\x07")
    assert "<img" not in outputs["junit"]
    shown = inline(outputs["markdown"])
    assert {word.type for word in shown} == {"text", "code_inline", "strong_open", "strong_close"}
    assert not [word for word in shown if word.type == "text" and set("@<`") & set(word.content)]


def test_a_credential_of_a_realm_is_not_repeated(
    ledger: Run, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_REGISTRY_USERNAME", "robot")
    monkeypatch.setenv("LEDGER_REGISTRY_PASSWORD", PASSWORD)
    upstream = _ledger(wire, tmp_path, "v1")
    wire.on(f"{APP}/v1", unauthorized('Bearer realm="https://user:hunter22@registry.example.com/token"'))
    for form in ("text", "json", "markdown", "junit"):
        done = ledger("reconcile", "--repo", upstream.url, "--format", form)
        assert done.code == 5
        assert "hunter22" not in done.out + done.err
        assert PASSWORD not in done.out + done.err


def test_an_interrupt_prints_what_is_known_and_waits_for_nothing(wire: Wire, tmp_path: Path) -> None:
    tags = ("v1", "v2", "v3", "v4", "v5")
    for tag in tags[:3]:
        wire.on(f"{APP}/{tag}", served(image()))
    wire.on(f"{APP}/v4", wire.dawdling(b"HTTP/1.1 200 OK\r\nX-Slow: ", in_headers=True))
    upstream = _ledger(wire, tmp_path, *tags)
    metrics = tmp_path / "ledger.prom"
    running = start(
        "reconcile", "--repo", upstream.url, "--format", "json", "--jobs", "1", "--metrics", metrics, "--adopt"
    )
    deadline = time.monotonic() + 60.0
    while not wire.count(f"{APP}/v4"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    interrupted = time.monotonic()
    running.send_signal(signal.SIGINT)
    done = finish(running)
    assert time.monotonic() - interrupted < 15.0
    assert done.code == 130
    assert done.json["complete"] is False
    assert done.json["summary"] == {"in-sync": 3}
    assert "Traceback" not in done.err
    assert wire.count(f"{APP}/v5") == 0
    assert "ledger_reconcile_complete 0" in metrics.read_text()
    assert "last_complete" not in metrics.read_text()
    assert len(upstream.commits()) == 1
