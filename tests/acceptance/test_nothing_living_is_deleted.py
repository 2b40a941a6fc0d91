"""Publishes of every kind, expiries, prunes and collectors, against a real registry: what lives can be pulled.

The model is what could be pulled when it was recorded, or when it began to run. After every step, everything that the
ledger has or that runs, and every tag that nobody was asked to delete, is pulled by a checker that shares no code with
the program.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ledger_tool.cli.main import main
from tests.support.git.upstream import Upstream
from tests.support.registries.direct import Descriptor, Direct
from tests.support.registries.registry import RealRegistry
from tests.support.values.clock import clock_says
from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome
from tests.support.values.profiles import example_count
from tests.support.values.running import docker_container, docker_ps

IMAGES = ("app", "base")
_numbers = count()
_images = st.sampled_from(IMAGES)
_names = st.tuples(_images, st.booleans())  # an image, and whether the ledger calls it by its long name
_tags = st.sampled_from(["v1", "pr-1", "pr-2"])
_pushed = st.integers(0, 12)  # what was pushed last, or before that
THEN = "2026-01-01T00:00:00Z"  # when everything was published
_lives = st.sampled_from([(), ("--ttl", "1d")])
_claims = st.sampled_from(
    [
        (),
        ("--platform", "linux/amd64"),
        ("--config", digest("c"), "--platform", "linux/amd64"),
        ("--index", digest("i")),
    ]
)


@dataclass(frozen=True)
class Content:
    """What to push: images by their texts. `wraps` is 0 for the first image, and else how many indexes are around them.

    Few texts, so that digests are shared.
    """

    texts: tuple[int, ...]
    wraps: int


_indexes = st.builds(Content, st.sampled_from([(0,), (1,), (0, 1)]), st.integers(1, 2))
# How a tool shows a container: by its name and digest, by those of a copy, by an index's or an image's digest alone, by
# an id, or by the beginning of one.
_WAYS: dict[str, Callable[[str, str], str]] = {
    "named": "{}@{}".format,
    "copied": lambda _, own: f"quay.io/copies/of-it@{own}",
    "alone": lambda _, own: own,
    "inspected": lambda _, own: json.dumps(docker_container("web", own, own)),
    "listed": lambda _, own: json.dumps(docker_ps("web", own[7:19])),
}
_shown = st.sampled_from(["named", "copied", "alone", "alone", "inspected", "listed"])
_contents = st.builds(Content, st.sampled_from([(0,), (1,), (0, 1)]), st.integers(0, 2))


class Keeping(RuleBasedStateMachine):
    """One ledger, and two repositories of a registry under two names each."""

    registry: ClassVar[RealRegistry]
    with_skopeo: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.recorded: dict[tuple[str, str], bool] = {}  # by repository and digest: was it whole?
        self.running: dict[tuple[str, str], str] = {}  # by repository and digest: how a tool shows it
        self.team = f"keep-{next(_numbers)}"
        self.folder = Path(tempfile.mkdtemp(prefix="keeping-"))
        self.direct = Direct(self.registry)
        self.upstream = Upstream.create(
            self.folder / "ledger.git",
            settings=(
                f"registries:\n  - {{host: '{self.registry.url}', images: ['{self.team}/*']}}\n"
                f"  - {{host: '{self.registry.url}', prefix: {self.team}, images: [{', '.join(IMAGES)}]}}\n"
                "tags:\n  mutable: ['pr-*']\n"
            ),
        )
        self.pushed: list[tuple[str, str]] = []  # images and digests that may be a base

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # What happens.

    @initialize()
    def start(self) -> None:
        """Record a version of each image that is never touched, so that no tag is the last one."""
        for image in IMAGES:
            self._push(image, "keep", Content((9,), 0))
            assert self._publish(f"{self.team}/{image}:keep").code == 0

    @rule(name=_names, tag=_tags, content=_contents, life=_lives, base=_pushed, spelling=st.integers(0, 3))
    def publish(
        self, name: tuple[str, bool], tag: str, content: Content, life: tuple[str, ...], base: int, spelling: int
    ) -> None:
        """Push and publish, with a look at the registry."""
        self._push(name[0], tag, content)
        self._publish(f"{self._named(name)}:{tag}", *life, *self._base(base, spelling))

    @rule(name=_names, tag=_tags, content=_contents, life=_lives, claims=_claims)
    def publish_unseen(
        self, name: tuple[str, bool], tag: str, content: Content, life: tuple[str, ...], claims: tuple[str, ...]
    ) -> None:
        """Push, and publish offline whatever the tag serves, with claims that may be wrong."""
        served = self._push(name[0], tag, content)
        self._publish(f"{self._named(name)}:{tag}@{served}", "--offline", *life, *claims)

    @rule(name=_names, tag=_tags, content=_contents, life=_lives)
    def publish_one_platform(self, name: tuple[str, bool], tag: str, content: Content, life: tuple[str, ...]) -> None:
        """Publish a single image of what may be an index."""
        self._push(name[0], tag, content)
        self._publish(f"{self._named(name)}:{tag}", "--platform", "linux/amd64", *life)

    @rule(number=_pushed, tag=st.sampled_from(["nightly", "v1", "pr-1"]))
    def tag_behind_everybodys_back(self, number: int, tag: str) -> None:
        """Let a tag serve something else, without recording it."""
        self._tag(number, tag)

    @rule(number=_pushed, is_long=st.booleans(), tag=_tags, life=_lives, look=st.booleans())
    def promote(self, number: int, is_long: bool, tag: str, life: tuple[str, ...], look: bool) -> None:
        """Record what was pushed before, or an image of it, under another tag."""
        if tagged := self._tag(number, tag):
            image, own = tagged
            self._publish(f"{self._named((image, is_long))}:{tag}@{own}", *([] if look else ["--offline"]), *life)

    @rule(number=_pushed, shown=_shown)
    def run(self, number: int, shown: str) -> None:
        """Run what was pushed before, recorded or not, by its digest: under its name, another, or none."""
        if self.pushed:
            image, own = self.pushed[max(-1 - number, -len(self.pushed))]
            if self.direct.is_whole(f"{self.team}/{image}", own):
                self.running[f"{self.team}/{image}", own] = shown

    @rule(image=_images, content=_indexes, tag=_tags, shown=_shown, with_untracked=st.booleans())
    def run_an_index_and_prune_an_image_of_it(
        self, image: str, content: Content, tag: str, shown: str, with_untracked: bool
    ) -> None:
        """Let an index run that no tag has, and an image of it expire that is recorded by itself."""
        repository, before = f"{self.team}/{image}", len(self.pushed)
        own = self._push(image, "passing", content)
        self.registry.delete_tag(repository, "passing")
        self.running[repository, own] = shown
        inside = self.pushed[before][1]
        self.direct.tag(repository, tag, inside)
        self._publish(f"{repository}:{tag}@{inside}", "--offline", "--ttl", "1d")
        self.prune(with_untracked)

    @rule()
    def stop(self) -> None:
        """Stop what has run for the longest time."""
        for place in list(self.running)[:1]:
            del self.running[place]

    @rule(name=_names, tag=_tags, with_untracked=st.booleans())
    def expire_and_prune(self, name: tuple[str, bool], tag: str, with_untracked: bool) -> None:
        """Let what is recorded expire, and prune it."""
        self.expire(name, tag)
        self.prune(with_untracked)

    @rule(name=_names, tag=_tags)
    def expire(self, name: tuple[str, bool], tag: str) -> None:
        """Let what is recorded expire."""
        self._run("set", f"{self._named(name)}:{tag}", "--ttl", "1d")

    @rule(with_untracked=st.booleans())
    def prune(self, with_untracked: bool) -> None:
        """Prune at the registry; what a tag serves that was not removed is still served."""
        tags = {image: self.direct.tags(f"{self.team}/{image}") for image in IMAGES}
        before = self._records()
        options = ["--with-untracked-tags"] * with_untracked + self._running()
        # 5: an index is recorded, or runs, that is not there. What is not known to be unused stays.
        done = self._run("prune", "--registry-delete", "--yes", "--format", "json", *options, allowed=(0, 5))
        after = self._records()
        event(f"pruned {len(before) - len(after)}, deleted {len(done.json['deleted'])}")
        for image in IMAGES:
            kept = {one["tag"] for one in after if self._repository(one) == f"{self.team}/{image}"}
            gone = {one["tag"] for one in before if self._repository(one) == f"{self.team}/{image}"} - kept
            for tag, served in tags[image].items():
                if tag in kept or (tag not in gone and not with_untracked):
                    assert self.direct.tags(f"{self.team}/{image}").get(tag) == served, tag

    @rule()
    def collect(self) -> None:
        """Delete every manifest that the keepset does not have."""
        done = self._run("keepset", "--live", "--format", "json", *self._running(), allowed=(0, 5))
        if done.code == 5:  # an index is recorded, or runs, that is not there: who knows its images? There is no list.
            assert done.out == ""
            event("no list to collect by")
            return
        for image in IMAGES:
            repository = f"{self.team}/{image}"
            place = f"{self.registry.host}/{repository}"
            keep = {one["digest"] for one in done.json["digests"] if place in one["repositories"]}
            for own in self.direct.manifests(repository):
                if own not in keep:
                    self.registry.delete_manifest(repository, own)

    @rule()
    def collect_garbage(self) -> None:
        """Run the registry's own garbage collector; in a storm, a real client pulls what is left."""
        self.registry.collect_garbage()
        for (repository, own), was_whole in self.recorded.items():
            assert not (self.with_skopeo and was_whole) or self.direct.pulls(repository, own, self.folder)

    # What holds.

    @invariant()
    def everything_that_is_recorded_can_be_pulled(self) -> None:
        """What could be pulled when it was recorded can be pulled as long as it is recorded."""
        needed = {place for record in self._records() for place in self._needs(record)}
        for repository, own in sorted(needed):
            is_whole = self.direct.is_whole(repository, own)
            if self.recorded.setdefault((repository, own), is_whole):
                assert is_whole, (repository, own)
        self.recorded = {place: was_whole for place, was_whole in self.recorded.items() if place in needed}

    @invariant()
    def everything_that_runs_can_be_pulled(self) -> None:
        """What runs can be pulled again by the digest that it was pulled by."""
        for repository, own in self.running:
            assert self.direct.is_whole(repository, own), (repository, own)

    def _running(self) -> list[str]:
        """Return the options that say what runs, if anything does: a file for each way to show it."""
        options = []
        for name, write in _WAYS.items():
            found = [
                (f"{self.registry.host}/{one}", own) for (one, own), shown in self.running.items() if shown == name
            ]
            file = self.folder / name
            file.write_text("\n".join(write(*one) for one in found))
            options += ["--running", str(file)] if found else []
        return options

    def _needs(self, record: dict[str, Any]) -> list[tuple[str, str]]:
        own = [(self._repository(record), record[key]) for key in ("digest", "index") if key in record]
        bases = [base.rpartition("@")[::2] for base in record.get("dependsOn", ())]
        images = [(name.rpartition("/")[2].partition(":")[0], digest) for name, digest in bases]
        return own + [(f"{self.team}/{image}", digest) for image, digest in images]

    def _repository(self, record: dict[str, Any]) -> str:
        return f"{self.team}/{record['image'].rpartition('/')[2]}"

    def _records(self) -> list[dict[str, Any]]:
        return list(json.loads(self.upstream.git("show", "main:ledger.json"))["records"])

    def _named(self, name: tuple[str, bool]) -> str:
        return f"{self.team}/{name[0]}" if name[1] else name[0]

    def _push(self, image: str, tag: str, content: Content) -> str:
        repository = f"{self.team}/{image}"
        entries: list[Descriptor] = [
            self.direct.push_image(repository, f"text {text}", architecture)
            for text, architecture in zip(content.texts, ("amd64", "arm64"), strict=False)
        ]
        images, served = tuple(entries), entries[0]
        if content.wraps == 1:
            note = self.direct.push_image(repository, f"attestation {content.texts[0]}", "unknown")
            kind = {"vnd.docker.reference.type": "attestation-manifest"}
            entries.append(note | {"platform": {"os": "unknown", "architecture": "unknown"}, "annotations": kind})
        for _ in range(content.wraps):
            served = self.direct.push_index(repository, entries)
            entries = [served]
        self.direct.tag(repository, tag, served["digest"])
        self.pushed += [(image, entry["digest"]) for entry in (*images, served)]
        return str(served["digest"])

    def _tag(self, number: int, tag: str) -> tuple[str, str] | None:
        """Let a tag serve what was pushed before, if it is still there; return the image and the digest."""
        image, own = self.pushed[max(-1 - number, -len(self.pushed))]
        repository = f"{self.team}/{image}"
        if not self.direct.is_whole(repository, own):
            return None
        self.direct.tag(repository, tag, own)
        return image, own

    def _base(self, number: int, spelling: int) -> list[str]:
        if number >= len(self.pushed):
            return []
        image, own = self.pushed[-1 - number]
        host = self.registry.host
        name = (image, f"{self.team}/{image}", f"{host}/{self.team}/{image}", f"{host}/{self.team}/{image}:x")[spelling]
        return ["--depends-on", f"{name}@{own}"]

    def _publish(self, what: str, *options: str) -> Outcome:
        return self._run("publish", what, "--source", SOURCE, "--published-at", THEN, *options)

    def _run(self, *words: str, allowed: tuple[int, ...] = (0, 3)) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        then = clock_says(THEN) if words[0] in ("publish", "set") else nullcontext()
        with redirect_stdout(out), redirect_stderr(err), then:
            code = main([*words, "--repo", self.upstream.url])
        assert code in allowed, err.getvalue()
        return Outcome(code, out.getvalue(), err.getvalue())


@pytest.mark.usefixtures("short_pauses")
def test_what_lives_can_be_pulled_after_every_step(open_registry: RealRegistry) -> None:
    machine = type("Keeping", (Keeping,), {"registry": open_registry})
    run_state_machine_as_test(machine, settings=settings(example_count(10), stateful_step_count=10))


@pytest.mark.storm
def test_what_lives_can_be_pulled_by_a_client_after_every_step_of_a_storm(open_registry: RealRegistry) -> None:
    machine = type("Keeping", (Keeping,), {"registry": open_registry, "with_skopeo": True})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=25, derandomize=False))
