"""A step's outputs and summary: no value ends its output, and no text becomes Markdown or HTML."""

from __future__ import annotations

from typing import Any

import pytest

from ledger_tool.render.github import outputs, summary
from tests.support.stage.github import outputs_of
from tests.support.values.make import digest
from tests.support.values.markdown import inline

HOSTILE = ["<img src=x>", "`a`|b", "[x](https://evil.example)", "@team", "x\n\n# y", "MARK", "digest<<MARK"]


def published(**more: Any) -> dict[str, Any]:
    ref = f"r.example.com/a@{digest()}"
    return {"image": "a", "tag": "v1", "digest": digest(), "ref": ref, "changed": True, "commit": "c0ffee"} | more


def test_the_outputs_are_those_of_all_images() -> None:
    other = published(image="b", digest=None, changed=False)
    del other["ref"]
    lines = outputs([published(), other], "MARK")
    assert outputs_of("\n".join(lines)) == {
        "digest": f"{digest()}\n", "ref": f"r.example.com/a@{digest()}\n", "commit": "c0ffee", "changed": "true",
        "outcome": "recorded",
    }  # fmt: skip


def test_nothing_published_changes_nothing() -> None:
    said = outputs_of("\n".join(outputs([], "MARK")))
    assert said == {"digest": "", "ref": "", "commit": "", "changed": "false", "outcome": "unchanged"}


def test_no_text_in_the_summary_is_markdown() -> None:
    for text in HOSTILE:
        request = {"branch": text, "url": f"https://x/{text}", "created": True, "pushed": True}
        lines = list(summary([published(image=text, tag=text, digest=text, commit=text, pullRequest=request)]))
        assert len(lines) == len(list(summary([published(pullRequest=request)])))
        kinds = {token.type for token in inline("\n".join(lines))}
        assert "html_inline" not in kinds
        assert "image" not in kinds


def test_what_is_recorded_is_told_from_what_is_proposed() -> None:
    request = {"branch": "ledger/publish-1", "url": "https://git.example.com/pulls/1", "created": True, "pushed": True}
    recorded = "\n".join(summary([published(commit="c" * 40)]))
    proposed = "\n".join(summary([published(commit="c" * 40, pullRequest=request)]))
    assert ("| recorded |" in recorded, "| proposed |" in proposed) == (True, True)
    assert "of the ledger" in recorded
    assert "of the ledger" not in proposed
    there = "\n".join(summary([published(changed=False, commit=None, pullRequest=request)]))
    assert "| unchanged |" in there


@pytest.mark.parametrize(
    ("created", "pushed", "outcome"),
    [
        (True, True, "proposed"), (False, True, "proposed"), (True, False, "proposed"),
        (False, False, "already proposed"),
    ],
)  # fmt: skip
def test_what_an_earlier_run_has_proposed_is_told_from_what_is_new(created: bool, pushed: bool, outcome: str) -> None:
    """A request that was closed is opened again for the same branch."""
    request = {"branch": "b", "url": "https://git.example.com/pulls/1", "created": created, "pushed": pushed}
    lines = [published(pullRequest=request), published(changed=False, pullRequest=request)]
    said = outputs_of("\n".join(outputs(lines, "MARK")))
    assert (said["outcome"], said["changed"]) == (outcome, str(outcome == "proposed").lower())
    rows = "\n".join(summary(lines))
    assert (f"| {outcome} |" in rows, "| unchanged |" in rows) == (True, True)
