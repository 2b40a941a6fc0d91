"""`deps` as it is typed, on real git."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.git.upstream import Upstream
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_deps_from_a_remote_as_text_and_drawings(ledger: Run, chain: Upstream) -> None:
    done = ledger("deps", "registry.example.com/myorg/app:v1", "--repo", chain.url)
    assert done.code == 0
    assert done.out.splitlines()[0].startswith("myorg/app:v1 (linux/amd64)  sha256:")
    assert [line.lstrip(" └─").split("  ")[0].split("@")[0] for line in done.out.splitlines()[1:]] == [
        "myorg/mid:v1", "registry.example.com/myorg/base:12",
    ]  # fmt: skip
    for form, first in (("dot", "digraph ledger {"), ("mermaid", "flowchart LR")):
        assert ledger("deps", "myorg/app:v1", "--format", form, "--repo", chain.url).out.startswith(first + "\n")
    assert ledger("deps", "myorg/app:v1", "--platform", "linux/arm64", "--repo", chain.url).code == 3
    assert ledger("deps", "myorg/app:v9", "--repo", chain.url).code == 3
    assert ledger("deps", "myorg/app", "--repo", chain.url).code == 2
    assert ledger("deps", "myorg/app:v1", "--format", "yaml", "--repo", chain.url).code == 2
