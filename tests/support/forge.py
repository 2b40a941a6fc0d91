"""Stands for `gh` and `curl` on a `Stage`: `python -m tests.support.forge gh|curl ARGUMENTS...`.

Both keep issues in `~/issues.json`: what `gh issue` does, and GitLab's issues API as `curl` reaches it. An option
or a call that it does not know is an error, so that a typing mistake in an example is one.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ISSUES = "issues.json"  # in the home
_GITLAB = r"https://gitlab\.com/api/v4/projects/1/issues(?:/(\d+))?"


def gh(words: Sequence[str], issues: list[dict[str, Any]]) -> str:
    """Do `gh issue VERB ...`; return what it prints."""
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
            done = subprocess.run(
                ["jq", "--raw-output", given.jq], input=json.dumps(found), capture_output=True, text=True, check=True
            )
            return done.stdout
        case "create":
            issues.append(_new(issues, given.title, given.label, Path(given.body_file).read_text()))
        case "edit":
            issues[given.number - 1]["bodies"].append(Path(given.body_file).read_text())
        case "close":
            issues[given.number - 1]["state"] = "closed"
    return ""


def curl(words: Sequence[str], issues: list[dict[str, Any]]) -> str:
    """Do a request to GitLab's issues API; return the body of the answer."""
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    for name in ("--fail", "--silent", "--show-error"):
        parser.add_argument(name, action="store_true", required=True)
    parser.add_argument("--output")
    parser.add_argument("--header", required=True)
    parser.add_argument("--request", default="GET")
    parser.add_argument("--data-urlencode", action="append", default=[])
    parser.add_argument("url")
    given = parser.parse_args(words)
    if not re.fullmatch(r"PRIVATE-TOKEN: \S+\n?", Path(given.header.removeprefix("@")).read_text()):
        sys.exit("curl: (22) The requested URL returned error: 401")
    data = dict(_field(field) for field in given.data_urlencode)
    url, _, query = given.url.partition("?")
    if not (found := re.fullmatch(_GITLAB, url)):
        sys.exit(f"curl: (22) The requested URL returned error: 404: {url}")
    match given.request, found[1]:
        case "GET", None:
            asked = dict(pair.split("=", 1) for pair in query.split("&"))
            state = {"opened": "open"}[asked["state"]]
            return json.dumps(
                [
                    {"id": 1000 + one["number"], "iid": one["number"]}
                    for one in issues
                    if one["state"] == state and one["label"] == asked["labels"]
                ]
            )
        case "POST", None:
            issues.append(_new(issues, data["title"], data["labels"], data["description"]))
        case "PUT", number if number:
            if "description" in data:
                issues[int(number) - 1]["bodies"].append(data["description"])
            if data.get("state_event") == "close":
                issues[int(number) - 1]["state"] = "closed"
        case _:
            sys.exit(f"curl: (22) The requested URL returned error: 405: {given.request} {url}")
    return "" if given.output else "{}\n"


def _field(text: str) -> tuple[str, str]:
    if "=" in text:
        name, _, value = text.partition("=")
        return name, value
    name, _, path = text.partition("@")
    return name, Path(path).read_text()


def _new(issues: Sequence[Any], title: str, label: str, body: str) -> dict[str, Any]:
    return {"number": len(issues) + 1, "title": title, "label": label, "state": "open", "bodies": [body]}


def main() -> None:
    """Load the issues, do what is asked, and save them."""
    path = Path.home() / ISSUES
    issues = json.loads(path.read_text()) if path.exists() else []
    sys.stdout.write((gh if sys.argv[1] == "gh" else curl)(sys.argv[2:], issues))
    path.write_text(json.dumps(issues))


if __name__ == "__main__":
    main()
