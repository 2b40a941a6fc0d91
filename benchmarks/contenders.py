"""The contenders: command lines that all do the same job."""

from __future__ import annotations

from pathlib import Path

from benchmarks.data import Publication
from benchmarks.world import HERE, ledger_program, url

Words = list[str]


def floor(remote: Path, prepared: Path) -> Words:
    """Git plumbing alone, writing a prepared file."""
    return [str(HERE / "floor.sh"), url(remote), str(prepared)]


def script(remote: Path, publication: Publication, pause: int = 2) -> Words:
    """What teams write today; `pause` is the number of seconds between two attempts."""
    new = publication
    record = [new.image, new.tag, new.platform, new.digest, new.source]
    return [str(HERE / "script.sh"), url(remote), *record, str(pause)]


def publish(remote: Path, publication: Publication) -> Words:
    """The program itself; with `-v` it reports each push that it lost."""
    return [ledger_program(), *publish_arguments(remote, publication)]


def publish_arguments(remote: Path, publication: Publication) -> Words:
    """What follows the program's name."""
    new = publication
    reference = f"{new.image}:{new.tag}@{new.digest}"
    return ["publish", reference, "--platform", new.platform, "--source", new.source, "--repo", url(remote), "-v"]
