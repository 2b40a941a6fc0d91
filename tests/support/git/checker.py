"""An independent checker of a ledger's whole history.

It reads commits with `git cat-file` and judges them by the contract alone. It shares no code with the
program: what both got wrong in the same way, one of the two would have to get wrong twice.
"""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.git.upstream import git

_ORDER = (
    *("image", "tag", "platform", "digest", "index", "config", "publishedAt", "sourceRef"),
    *("labels", "dependsOn", "ttl", "provenance", "version", "forced", "yanked"),
)
_REQUIRED = {"image", "tag", "digest", "publishedAt", "sourceRef"}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")

Records = dict[tuple[str, str, str], dict[str, Any]]


def check_history(repository: Path, mutable: tuple[str, ...] = (), branch: str = "main") -> list[Records]:
    """Assert promises 1 to 5 for every commit of a branch; return the records of each, the oldest first."""
    commits = _git(repository, "rev-list", "--reverse", f"refs/heads/{branch}").split()
    raws = _read(repository, [name for commit in commits for name in (commit, f"{commit}:ledger.json")])
    states: list[Records] = []
    for at, commit in enumerate(commits):
        head, _, message = raws[commit].decode().rstrip("\n").partition("\n\n")
        parents = re.findall(r"^parent (\w+)$", head, re.MULTILINE)
        assert parents == commits[at - 1 : at] if at else parents == [], f"{commit} is not linear: {parents}"
        state = _state(commit, raws[f"{commit}:ledger.json"].decode())
        if at:
            _check_change(commit, message, states[-1], state, mutable)
        states.append(state)
    return states


def _git(repository: Path, *arguments: str) -> str:
    return git(f"--git-dir={repository}", *arguments)


def _read(repository: Path, names: list[str]) -> dict[str, bytes]:
    """Return the contents of objects, by what they are called."""
    words = ["git", f"--git-dir={repository}", "cat-file", "--batch"]
    answer = subprocess.run(words, input="\n".join(names).encode(), capture_output=True, check=True).stdout
    found, start = {}, 0
    for name in names:
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split()[2])
        found[name] = answer[end + 1 : end + 1 + size]
        start = end + 1 + size + 1
    assert start == len(answer)
    return found


def _state(commit: str, text: str) -> Records:
    data = json.loads(text)
    assert list(data) == ["schemaVersion", "records"], commit
    assert data["schemaVersion"] == 1, commit
    assert text == json.dumps(data, indent=2, ensure_ascii=False) + "\n", f"{commit} is not canonical"
    found: Records = {}
    for record in data["records"]:
        assert [name for name in _ORDER if name in record] == list(record), f"{commit}: order of keys"
        assert set(record) >= _REQUIRED, f"{commit}: {record}"
        assert _DIGEST.fullmatch(record["digest"]), f"{commit}: {record}"
        assert list(record.get("labels", {})) == sorted(record.get("labels", {})), commit
        assert unicodedata.is_normalized("NFC", json.dumps(record, ensure_ascii=False)), commit
        key = (record["image"], record["tag"], record.get("platform", ""))
        assert key not in found, f"{commit}: {key} twice"
        found[key] = record
    keys = list(found)
    assert keys == sorted(keys), f"{commit}: order of records"
    for image, tag, platform in keys:
        siblings = [key for key in keys if key[:2] == (image, tag)]
        assert platform or len(siblings) == 1, f"{commit}: {image}:{tag} without a platform is not alone"
        assert len(_pulled(found, image, tag)) == 1, f"{commit}: {image}:{tag} has two pull digests"
    return found


@cache
def _trailers(message: str) -> list[str]:
    """Return the lines of a message's trailers as git reads them."""
    return git("interpret-trailers", "--parse", stdin=message.encode()).split("\n")


def _pulled(records: Records, image: str, tag: str) -> set[str]:
    """Return the digests that an image:tag is pulled by."""
    return {str(one.get("index", one["digest"])) for key, one in records.items() if key[:2] == (image, tag)}


def _check_change(commit: str, message: str, old: Records, new: Records, mutable: tuple[str, ...]) -> None:
    """Assert that a commit changed something, that it was allowed to, and that its trailers say so."""
    subject, _, rest = message.partition("\n\n")
    trailers = [line.split(": ", 1) for line in rest.strip().split("\n")]
    parsed = _trailers(message)
    assert [": ".join(pair) for pair in trailers] == parsed, f"{commit}: trailers {parsed}"
    assert "\n" not in subject, commit
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    assert changed, f"{commit} changes nothing"
    listed = {value for name, value in trailers if name == "Image"}
    if not any(name == "Records" for name, _ in trailers):
        assert listed == {f"{key[0]}:{key[1]}" for key in changed}, f"{commit}: {listed} but {changed}"
        digests = {value for name, value in trailers if name == "Digest"}
        assert digests >= {new[key]["digest"] for key in changed if key in new}, f"{commit}: {digests}"
    verb = subject.split(" ")[0]
    for image, tag, platform in changed:
        before = {key[2]: record["digest"] for key, record in old.items() if key[:2] == (image, tag)}
        after = new.get((image, tag, platform))
        if after is None:
            moved_whole = any(key[:2] == (image, tag) for key in new)
            assert verb in ("remove", "prune") or moved_whole, f"{commit}: {image}:{tag} {platform} vanished"
            continue
        if "version" in after:
            source = new[image, after["version"], platform]
            assert verb == "promote", f"{commit}: {image}:{tag} changed by {verb}"
            assert source["digest"] == after["digest"], f"{commit}: {image}:{tag} is not {after['version']}"
            assert "version" not in source, f"{commit}: {after['version']} is an environment"
            continue
        rival = before.get(platform) or before.get("") or (next(iter(before.values()), None) if not platform else None)
        if rival in (None, after["digest"]):
            continue
        gone = before.values() if not platform else [rival]
        counted = any(name == "Records" for name, _ in trailers)
        assert counted or all(["Replaces", one] in trailers for one in gone), f"{commit}: move untold"
        is_forced = after.get("forced", {}).get("replaces") in {rival, *_pulled(old, image, tag)}
        assert tag in mutable or is_forced, f"{commit}: {image}:{tag} moved without force"
    for image, tag in {key[:2] for key in changed}:
        was, now = _pulled(old, image, tag), _pulled(new, image, tag)
        if was and now and was != now and not any(name == "Records" for name, _ in trailers):
            told = {value for name, value in trailers if name in ("Replaces-Index", "Replaces")}
            assert told >= was, f"{commit}: {image}:{tag} is pulled by another digest, and the message does not say so"
