"""Large ledgers: what hosts warn of and refuse, thousands of records in one commit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import product
from operator import itemgetter
from pathlib import Path
from typing import Any

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest, fields, ledger_bytes, record, source
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def _ledger_of_size(megabytes: float) -> bytes:
    """Return a canonical ledger of about that size: few records, long labels."""
    labels = {f"k{at:03}": "x" * 1024 for at in range(100)}
    one = json.dumps(fields(tag="v000000", labels=labels), indent=2)
    count = int(megabytes * 2**20 / (len(one) + 700))
    text = "\n".join("    " + line for line in one.split("\n"))
    body = ",\n".join(text.replace("v000000", f"v{at:06}") for at in range(count))
    return f'{{\n  "schemaVersion": 1,\n  "records": [\n{body}\n  ]\n}}\n'.encode()


def test_a_ledger_that_hosts_will_soon_warn_of_is_written_with_a_warning(ledger: Run, tmp_path: Path) -> None:
    upstream = Upstream.create(tmp_path / "large.git", _ledger_of_size(41))
    done = ledger("publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url)
    assert done.code == 0, done.err
    assert "warning: ledger.json is 4" in done.err
    assert "warn at 50 MB and refuse at 100 MB" in done.err


def test_a_ledger_that_hosts_would_refuse_is_refused_before_anything_is_sent(ledger: Run, tmp_path: Path) -> None:
    upstream = Upstream.create(tmp_path / "large.git", _ledger_of_size(99.6))
    upstream.hook("pre-receive", f"touch {tmp_path / 'sent'}")
    batch = tmp_path / "batch.jsonl"
    labels = {f"k{at:03}": "x" * 1024 for at in range(100)}
    batch.write_text("".join(json.dumps(fields("b", f"v{at}", labels=labels)) + "\n" for at in range(10)))
    done = ledger("publish", "--from", batch, "--repo", upstream.url)
    assert done.code == 2, done.err
    assert "refuse files of 100 MB" in done.err
    assert not (tmp_path / "sent").exists()


def test_a_file_that_no_host_takes_is_not_read(ledger: Run, tmp_path: Path) -> None:
    upstream = Upstream.create(tmp_path / "huge.git", b" " * (101 * 2**20))
    done = ledger("list", "--repo", upstream.url)
    assert done.code == 4
    assert "more than any git host accepts" in done.err
    (tmp_path / "ledger.json").write_bytes(b" " * (101 * 2**20))
    assert ledger("list", "--repo", tmp_path).code == 2


def test_ten_thousand_records_are_one_commit(ledger: Run, upstream: Upstream, tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text("".join(json.dumps(fields("a", f"v{at}", digest=digest(at))) + "\n" for at in range(10_000)))
    done = ledger("publish", "--from", batch, "--repo", upstream.url)
    assert done.code == 0, done.err
    assert len(done.json_lines) == 10_000
    assert ("Records", "10000") in upstream.trailers()
    assert len(upstream.message()) < 1000
    got = ledger("get", "a:v4321", "--format", "digest", "--repo", upstream.url)
    assert got.out == digest(4321) + "\n"


_LAYERS = ["runtime-deps", "runtime", "aspnet", "sdk", "monitor", "yarp"]
_SYSTEMS = [f"{name}{number}" for name in ("alpine3.", "ubuntu") for number in range(20, 25)] + ["windows2025"]


def _publisher() -> list[dict[str, Any]]:
    """Return the records of one publisher: layers built on each other, under tags of minor and of patch versions.

    Most tags are there twice: for all platforms, with an index, and for one of them, without.
    """
    records = []
    for (depth, layer), version, system in product(enumerate(_LAYERS), range(7, 11), _SYSTEMS):
        family = "windows" if system.startswith("windows") else "linux"
        architectures = ["amd64", "arm64", "arm/v7"] if family == "linux" else ["amd64"]
        for architecture, number in product(architectures, (f"{version}.0", f"{version}.0.11")):
            tag = f"{number}-{system}"
            base = digest((_LAYERS[depth - 1], version, system, architecture))
            image = fields(
                f"dotnet/{layer}",
                tag,
                platform=f"{family}/{architecture}",
                digest=digest((layer, version, system, architecture)),
                sourceRef=source((layer, version)),
                labels={"osVersion": system},
                dependsOn=[f"mcr.example.com/dotnet/{_LAYERS[depth - 1]}@{base}"] if depth else None,
            )
            if len(architectures) == 1:
                records.append(image)
            else:
                records.append(image | {"index": digest((layer, version, system))})
                records.append(image | {"tag": f"{tag}-{architecture.replace('/', '')}"})
    return records


def test_all_records_of_a_large_publisher_are_taken_as_they_are_in_one_commit(
    ledger: Run, upstream: Upstream, tmp_path: Path
) -> None:
    given = _publisher()
    assert len(given) > 2_900
    batch = tmp_path / "batch.jsonl"
    batch.write_text("".join(json.dumps(one) + "\n" for one in given))
    done = ledger("publish", "--from", batch, "--repo", upstream.url)
    assert done.code == 0, done.err
    assert upstream.records() == sorted(given, key=itemgetter("image", "tag", "platform"))
    assert len(upstream.commits()) == 2
    assert Counter(one["changed"] for one in done.json_lines) == {
        True: len({(one["image"], one["tag"]) for one in given})
    }
    check_history(upstream.path)
    again = ledger("publish", "--from", batch, "--repo", upstream.url)
    assert "nothing to do" in again.err


def test_explaining_a_large_broken_ledger_looks_only_at_what_is_broken(ledger: Run, tmp_path: Path) -> None:
    good = ledger_bytes(*(record(tag=f"v{at:05}", digest=digest(at)) for at in range(5000)))
    (tmp_path / "ledger.json").write_bytes(good.replace(b'"tag": "v04000"', b'"tag": "v 4000"'))
    done = ledger("list", "--repo", tmp_path)
    assert done.code == 4
    assert "`tag` is malformed" in done.err
