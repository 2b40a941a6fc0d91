"""The contenders: command lines that all do the same job."""

from __future__ import annotations

from pathlib import Path

from benchmarks.data import Publication
from benchmarks.world import HERE, ledger_program, url

Words = list[str]


def floor(remote: Path, prepared: Path) -> Words:
    """Git plumbing alone, which writes a file that was prepared before."""
    return [str(HERE / "floor.sh"), url(remote), str(prepared)]


def script(remote: Path, one: Publication, pause: int = 2) -> Words:
    """What teams write today; `pause` is the seconds between two attempts."""
    record = [one.image, one.tag, one.platform, one.digest, one.source]
    return [str(HERE / "script.sh"), url(remote), *record, str(pause)]


def restless_script(remote: Path, one: Publication) -> Words:
    """The same without a pause: the fastest that such a script can be."""
    return script(remote, one, 0)


def publish(remote: Path, one: Publication) -> Words:
    """The program itself; `-v` makes it tell of each push that it lost."""
    return [ledger_program(), *publish_arguments(remote, one)]


def publish_arguments(remote: Path, one: Publication) -> Words:
    """What follows the program's name."""
    named = f"{one.image}:{one.tag}@{one.digest}"
    return ["publish", named, "--platform", one.platform, "--source", one.source, "--repo", url(remote), "-v"]
