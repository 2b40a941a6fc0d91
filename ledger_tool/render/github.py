"""GitHub's workflow commands, which annotate lines in a pull request, and a step's outputs and summary; no text can
end one or start another.

Source: GitHub's documentation, "Workflow commands for GitHub Actions"; the escapes are those of its toolkit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger_tool.core.ledger.names import escaped
from ledger_tool.render.markdown import cell, code, link, table

_SAID = {"refused": "refused: this is the recorded digest, and another one was given"}


def command(level: str, message: str, *, path: str, line: int, title: str, column: int = 0) -> str:
    """Return the command that annotates a line; `level` is `notice`, `warning` or `error`."""
    place = f"file={_property(path)},line={line}" + (f",col={column}" if column else "")
    return f"::{level} {place},title={_property(title)}::{_data(message)}"


def outputs(published: Sequence[Mapping[str, Any]], delimiter: str) -> Iterator[str]:
    """Yield the lines for GITHUB_OUTPUT about what `publish` printed, parsed; `delimiter` has to be a secret.

    `digest` and `ref` have one line for each image:tag. What is refused has none: the ledger has another digest.
    """
    done = _outcomes(published)
    of_all = ("refused", "recorded", "proposed", "already proposed")
    published = [] if "refused" in done else published
    values = {
        "digest": "\n".join(str(one["digest"] or "") for one in published),
        "ref": "\n".join(one.get("ref", "") for one in published),
        "commit": next((one["commit"] or "" for one in published), ""),
        "changed": str(not {"recorded", "proposed"}.isdisjoint(done)).lower(),
        "outcome": next((word for word in of_all if word in done), "unchanged"),
    }
    for name, value in values.items():
        yield f"{name}<<{delimiter}"
        yield value
        yield delimiter


def summary(published: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines for GITHUB_STEP_SUMMARY about what `publish` printed, parsed, as Markdown."""
    yield "### Ledger"
    rows = [
        (cell(f"{one['image']}:{one['tag']}"), cell(one["digest"]), _SAID.get(done, done))
        for one, done in zip(published, _outcomes(published), strict=True)
    ]
    yield from table(("image", "digest", ""), rows)
    yield ""
    if any("conflict" in one for one in published):
        yield "Nothing was written. The job's log has both digests, and what to do."
        return
    commit = next((one["commit"] for one in published if one["commit"]), None)
    if request := _request(published):
        branch = link(code(request["branch"]), request["url"])
        yield f"Proposed in {branch}" + (f", commit {code(commit)}." if commit else ".")
    elif commit:
        yield f"Commit {code(commit)} of the ledger."


def _request(published: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((one["pullRequest"] for one in published if one.get("pullRequest")), None)


def _outcomes(published: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what became of each image:tag: `refused`, `recorded`, `proposed`, `already proposed` or
    `unchanged`.
    """
    request = _request(published)
    done = "recorded"
    if request:
        done = "proposed" if request["created"] or request["pushed"] else "already proposed"
    return ["refused" if "conflict" in one else done if one["changed"] else "unchanged" for one in published]


def _data(text: str) -> str:
    return escaped(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
