"""A ledger and a real registry that belong together: push, record, change behind the ledger's back, compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.git.upstream import Upstream
from tests.support.registries.registry import Layout, RealRegistry
from tests.support.values.clock import at_the_time_of
from tests.support.values.make import SOURCE
from tests.support.values.outcome import Outcome


@dataclass
class World:
    """One ledger, one registry, and an image name in it that no other test has."""

    registry: RealRegistry
    upstream: Upstream
    folder: Path
    run: Callable[..., Outcome]
    image: str

    @classmethod
    def create(cls, registry: RealRegistry, folder: Path, run: Callable[..., Outcome], settings: str = "") -> World:
        """Make one whose ledger.yaml names the registry, or says what `settings` say."""
        upstream = Upstream.create(folder / "ledger.git", settings=settings or registry.settings())
        return cls(registry, upstream, folder / "layouts", run, f"team-{uuid4().hex[:8]}/app")

    def layout(self, text: str, platforms: tuple[str, ...] = (), *, attest: bool = False, **config: Any) -> Layout:
        """Make an image, or an index of one for each platform."""
        folder = self.folder / uuid4().hex
        if platforms:
            return Layout.multi_platform(folder, text, platforms, attest=attest, **config)
        return Layout.image(folder, text, **config)

    def push(self, tag: str, text: str = "", platforms: tuple[str, ...] = (), **more: Any) -> Layout:
        """Push an image or index under a tag; return its layout."""
        layout = self.layout(text or tag, platforms, **more)
        self.registry.push(layout, f"{self.image}:{tag}", all_platforms=bool(platforms))
        return layout

    def publish(self, what: str, *options: object, source: str = SOURCE) -> Outcome:
        """Run `publish` for a tag, or `tag@digest`; with `--published-at`, by a clock that says that time."""
        named = ("--source", source) if source else ()
        with at_the_time_of(options):
            return self.run("publish", f"{self.image}:{what}", *named, "--repo", self.upstream.url, *options)

    def verify(self, tag: str, *options: object) -> Outcome:
        """Run `verify` for a tag."""
        return self.run("verify", f"{self.image}:{tag}", "--repo", self.upstream.url, *options)

    def reconcile(self, *options: object) -> Outcome:
        """Run `reconcile`."""
        return self.run("reconcile", "--repo", self.upstream.url, *options)

    def pushed(self, *tags: str) -> list[Layout]:
        """Push an image for each tag, and record them in one commit."""
        layouts = [self.push(tag) for tag in tags]
        batch = self.folder / "batch.jsonl"
        batch.write_text("\n".join(json.dumps({"image": self.image, "tag": tag, "sourceRef": SOURCE}) for tag in tags))
        done = self.run("publish", "--from", batch, "--repo", self.upstream.url)
        assert done.code == 0, done.err
        return layouts


def classes(done: Outcome) -> dict[str, str]:
    """Return the class of each finding of a JSON report, by tag and platform."""
    return {" ".join(filter(None, (one["tag"], one["platform"]))): one["class"] for one in done.json["findings"]}
