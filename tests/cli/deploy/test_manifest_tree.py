"""`pin` on a tree of all shapes and styles: each reference is pinned or named, and nothing else changes.

Two judges who share nothing with the search for references: who wrote the files knows what each has to become, and a
plain walk through the loaded values, which knows no shapes, looks for what is not pinned.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import EXAMPLES
from tests.support.values.manifest_tree import GeneratedFile, generated_file
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
_LEDGER = EXAMPLES / "manifests/ledger"
_OURS = re.compile(r"(?:registry\.example\.com/myorg|ghcr\.io/team)/[a-z]+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")
_COMMENT = re.compile(r"^\s*#")


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value; of a mapping with a tag in a field of its own, the whole reference."""
    if isinstance(value, dict):
        texts = {key: text for key, text in value.items() if isinstance(text, str)}
        name = texts.get("repository") or texts.get("imageRepository")
        tag = texts.get("tag") or texts.get("imageTag")
        if name and tag:
            registry = f"{texts['registry']}/" if "registry" in texts else ""
            yield f"{registry}{name}:{tag}" + (f"@{texts['digest']}" if "digest" in texts else "")
        for key, inner in value.items():
            if not (name and key in ("repository", "imageRepository")):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _unpinned(path: str, content: str) -> set[str]:
    """Return the references to images of ours, with a tag and without a digest, that a plain walk finds in a file."""
    if "ockerfile" in path:
        texts = [line for line in content.splitlines() if not _COMMENT.match(line)]
    else:
        lines = content.removeprefix("\ufeff").splitlines()
        bare = "\n".join(re.sub(r"(?<!docker:)(?<!\S)(?://|/\*).*$", "", line) for line in lines)
        documents = [json.loads(bare)] if "json" in path else [*yaml.safe_load_all(content.replace("\t", " "))]
        texts = [text for document in documents for text in _texts(document)]
    return {match[0] for text in texts for match in _OURS.finditer(text) if match[1] and not match[2]}


def prove(folder: Path, ledger: Run, seed: str, count: int) -> None:
    """Hold `pin` to its promises on a tree of `count` files."""
    files = [generated_file(seed, number) for number in range(count)]
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.before)
        for name, text in file.beside:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

    def run(*words: str) -> Outcome:
        return ledger(*words, str(folder), "--format", "json", "--repo", _LEDGER)

    def told(done: Outcome) -> dict[str, list[str]]:
        messages = defaultdict(list)
        for one in (*done.json["findings"], *done.json["notes"]):
            messages[str(Path(one["path"]).relative_to(folder))].append(one["message"])
        assert done.json["unread"] == []
        return messages

    checked = run("pin", "--check")
    assert (checked.code, checked.json["edits"]) == (1, [])
    assert [file.path for file in files if (folder / file.path).read_bytes() != file.before] == []
    pinned = run("pin")
    messages = told(pinned)
    for file in files:
        assert (folder / file.path).read_bytes().decode() == file.after.decode(), file.path
        _prove_named(file, messages.get(file.path, []))
    again = run("pin")
    assert again.json["edits"] == []
    assert all(set(of_file) <= set(messages[path]) for path, of_file in told(again).items())
    assert [file.path for file in files if (folder / file.path).read_bytes() != file.after] == []
    green = run("pin", "--check", "--exclude", "open")
    assert (green.code, green.json["findings"]) == (0, [])
    stale = [line for line in run("pin", "--check").json["findings"] if line["class"] not in ("unknown", "unpinned")]
    assert stale == []


def _prove_named(file: GeneratedFile, messages: list[str]) -> None:
    # One that is ignored, or that names what is built, is left by who wrote it.
    left = {match[0] for match in _OURS.finditer(file.before.decode()) if match[0] in file.left}
    for reference in {*file.named, *(_unpinned(file.path, file.after.decode()) - left)}:
        name = reference.partition("@")[0].removeprefix("registry.example.com/").removeprefix("ghcr.io/")
        if not _OURS.match(reference):  # then a finding says no more than its name
            name = re.sub(r"(?<=\w):\w[\w.-]*$", "", name)
        assert any(name in message for message in messages), (file.path, reference, messages)


def test_in_a_tree_of_500_files_each_reference_is_pinned_or_named_and_nothing_else_changes(
    tmp_path: Path, ledger: Run
) -> None:
    prove(tmp_path, ledger, "a tree", 500)


@pytest.mark.storm
@pytest.mark.parametrize("seed", range(100))
def test_in_a_storm_of_trees(tmp_path: Path, ledger: Run, seed: int) -> None:
    prove(tmp_path, ledger, f"storm {seed}", 300)
