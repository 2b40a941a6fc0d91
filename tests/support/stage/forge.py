"""Stands for `gh` and `curl` on a `Stage`: `python -m tests.support.stage.forge gh|curl ARGUMENTS...`.

`gh` keeps issues in `~/issues.json` and the comments of one pull request, number 7, in `~/comments.json`: what
`gh issue` and `gh label` do, and the part of GitHub's API that `gh api` reaches. A token that starts with `read` may
only read. An option or a call that it does not know is an error, so that a typing mistake in a script is one. `curl`
downloads the program under test.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ISSUES = "issues.json"  # in the home
COMMENTS = "comments.json"
BOT = "github-actions[bot]"
# What the examples download, in place of the real `ledger.pyz`: the program under test.
PYZ = b"from ledger_tool.__main__ import run\n\nrun()\n"
_GITHUB = r"repos/team/ledger/issues/(?:7/comments(?:\?per_page=100)?|comments/(\d+))"


def gh(words: Sequence[str], issues: list[dict[str, Any]], comments: list[dict[str, Any]]) -> str:
    """Do `gh issue VERB ...`, `gh label create ...` or `gh api ...`; return what it prints."""
    if words[0] == "api":
        return _gh_api(words[1:], comments)
    if words[:3] == ["label", "create", "ledger-drift"]:
        assert words[3:5] == ["--force", "--description"], words
        return ""
    parser = argparse.ArgumentParser(prog="gh", allow_abbrev=False)
    parser.add_argument("noun", choices=["issue"])
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing, creating, editing, closing = (verbs.add_parser(name) for name in ("list", "create", "edit", "close"))
    for name in ("--label", "--state", "--json", "--jq"):
        listing.add_argument(name, required=True)
    for name in ("--title", "--label", "--body-file"):
        creating.add_argument(name, required=True)
    editing.add_argument("number", type=int)
    editing.add_argument("--body-file", required=True)
    closing.add_argument("number", type=int)
    closing.add_argument("--comment")
    given = parser.parse_args(words)
    match given.verb:
        case "list":
            found = [
                {"number": issue["number"]}
                for issue in issues
                if issue["state"] == given.state and issue["label"] == given.label
            ]
            return _jq(given.jq, found)
        case "create":
            issues.append(_new(issues, given.title, given.label, Path(given.body_file).read_text()))
        case "edit":
            issues[given.number - 1]["bodies"].append(Path(given.body_file).read_text())
        case "close":
            issues[given.number - 1]["state"] = "closed"
    return ""


def _jq(expression: str, value: Any) -> str:
    done = subprocess.run(
        ["jq", "--raw-output", expression], input=json.dumps(value), capture_output=True, text=True, check=True
    )
    return done.stdout


def _gh_api(words: Sequence[str], comments: list[dict[str, Any]]) -> str:
    """List, write or edit the comments of pull request 7."""
    parser = argparse.ArgumentParser(prog="gh api", allow_abbrev=False)
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--jq")
    parser.add_argument("--field")
    parser.add_argument("endpoint")
    given = parser.parse_args(words)
    token = os.environ["GH_TOKEN"]
    assert os.environ["GH_HOST"] == "github.com"
    if not (found := re.fullmatch(_GITHUB, given.endpoint)):
        sys.exit("gh: Not Found (HTTP 404)")
    if given.method == "GET":
        assert given.paginate
        return _jq(given.jq, [{**one, "user": {"login": one["user"]}} for one in comments])
    if token.startswith("read"):
        sys.exit("gh: Resource not accessible by integration (HTTP 403)")
    body = _field(given.field.replace("=@", "@", 1))[1]
    if given.method == "POST" and not found[1]:
        comments.append({"id": 100 + len(comments), "user": BOT, "body": body})
    elif given.method == "PATCH" and found[1]:
        _edit(comments, int(found[1]), body)
    else:
        sys.exit("gh: Not Found (HTTP 404)")
    return "" if given.silent else "{}"


def _edit(comments: list[dict[str, Any]], number: int, body: str) -> None:
    (there,) = (one for one in comments if one["id"] == number)
    there["body"] = body


def _field(text: str) -> tuple[str, str]:
    if "=" in text:
        name, _, value = text.partition("=")
        return name, value
    name, _, path = text.partition("@")
    return name, Path(path).read_text()


def _new(issues: Sequence[Any], title: str, label: str, body: str) -> dict[str, Any]:
    return {"number": len(issues) + 1, "title": title, "label": label, "state": "open", "bodies": [body]}


def main() -> None:
    """Load what there is, do what is asked, and save it."""
    if sys.argv[-1].endswith("/ledger.pyz"):
        assert sys.argv[1:-2] == ["curl", "--fail", "--silent", "--show-error", "--location", "--output"], sys.argv
        Path(sys.argv[-2]).write_bytes(PYZ)
        return
    paths = [Path.home() / ISSUES, Path.home() / COMMENTS]
    issues, comments = (json.loads(path.read_text()) if path.exists() else [] for path in paths)
    assert sys.argv[1] == "gh", sys.argv
    sys.stdout.write(gh(sys.argv[2:], issues, comments))
    for path, value in zip(paths, (issues, comments), strict=True):
        path.write_text(json.dumps(value))


if __name__ == "__main__":
    main()
