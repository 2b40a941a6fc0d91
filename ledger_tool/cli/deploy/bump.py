"""`ledger bump`."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Annotated, Any

from ledger_tool.cli import options as o
from ledger_tool.cli.deploy.manifests import Exclude, Format, Paths, Platform, Style, in_folders, show, style_of
from ledger_tool.cli.options import choice, flag, option
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.writing import PullRequest, hiding_tokens, proposes
from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.edges.deadline import Deadline
    from ledger_tool.edges.git.bump_commit import WorkTree
    from ledger_tool.edges.git.bump_request import RequestBranch
    from ledger_tool.render.screen import Screen


@reads
@proposes
def bump(
    paths: Paths,
    policy: Annotated[
        list[str],
        option(
            "--policy",
            "[GLOB=]POLICY",
            "The versions to move to, for all images or those that GLOB matches: semver:RANGE, prerelease:RANGE, "
            "newest, newest:GLOB, tag:TAG, regex:PATTERN, ignore; may be repeated.",
        ),
    ] = o.NONE,
    env: Annotated[
        str,
        option("--env", "ENV", "Instead of by a policy, move to the versions that this environment has, up or down."),
    ] = "",
    prereleases: Annotated[bool, flag("--prereleases", "Let semver: choose pre-releases too.")] = False,
    allow: Annotated[
        list[str],
        choice(
            "--allow",
            "KIND",
            ("yanked", "expired", "older"),
            "Also move to versions of this kind: yanked, expired or older; may be repeated.",
        ),
    ] = o.NONE,
    check: Annotated[bool, flag("--check", "Change nothing; exit 1 if an image is behind.")] = False,
    platform: Platform = "",
    style: Style = "auto",
    exclude: Exclude = o.NONE,
    output: Format = "text",
    commit: Annotated[bool, flag("--commit", "Commit the edits, and nothing else, in their git repository.")] = False,
    base: Annotated[
        str,
        option("--base", "NAME", "The branch to change", "Pull request", default="the default branch of origin"),
    ] = "",
    *,
    ledger: Reading,
    pull_request: PullRequest | None,
) -> int:
    """Move image references in manifests to the newest version that a policy allows, or to what an environment has.

    Tag and digest move together. A policy comes from --policy, or from a comment on the line, which takes precedence:
    `# ledger: semver:^1.5`. Images without a policy, or that the environment does not have, stay as they are. Exit
    codes are those of pin; with --check, 1 means that an image is behind.
    """
    from ledger_tool.commands.bump import bump as run
    from ledger_tool.commands.bump import propose
    from ledger_tool.core.manifests.bump import BumpRules
    from ledger_tool.core.manifests.policyrules import parse_rules
    from ledger_tool.render.bump import request_body

    o.exclude_each_other({"--env": env, "--policy": policy})
    o.exclude_each_other({"--env": env, "--prereleases": prereleases})
    o.exclude_each_other({"--check": check, "--commit": commit, "--pull-request": pull_request})
    if base and not pull_request:
        raise UsageError("`--base` needs `--pull-request`", "add it, or leave `--base` out")
    rules = BumpRules(
        environment=names.parse_tag(env) if env else "",
        rules=parse_rules(policy),
        prereleases=prereleases,
        allowed=frozenset(allow),
    )
    parsed_platform = o.parsed(names.parse_platform, platform)
    deadline, screen = ledger.session_options.deadline, hiding_tokens(ledger.screen, pull_request)
    with ExitStack() as stack:
        source = stack.enter_context(ledger.source())
        progress = stack.enter_context(screen.progress("files"))
        shared: dict[str, Any] = {"now": o.now(), "rules": rules, "platform": parsed_platform, "progress": progress}
        if pull_request:
            request_key = [*policy, *([f"env:{env}"] if env else []), platform, *([style] if style != "auto" else [])]
            opened = _base_branch(paths, exclude, style, base, request_key, deadline, screen)
            branch, url = stack.enter_context(opened)
            idle = branch.manifests.idle
            forge = stack.enter_context(pull_request.opened_at(url, deadline.of_hosts))
            done = propose(
                source,
                branch,
                forge,
                describe=request_body,
                labels=pull_request.labels,
                reviewers=pull_request.reviewers,
                draft=pull_request.draft,
                **shared,
            )
        else:
            committer = stack.enter_context(_work_tree(paths, deadline)) if commit else None
            manifests = in_folders(paths, exclude, style, screen)
            done, idle = run(source, manifests, check=check, committer=committer, **shared), manifests.idle
    if not (policy or env or done.edits or done.findings):
        screen.note("note: without `--policy`, only references with a `# ledger:` comment have a policy")
    return show(screen, done, output, idle=idle)


def _base_branch(
    paths: list[str],
    exclude: list[str],
    style: str,
    base: str,
    request_key: list[str],
    deadline: Deadline,
    screen: Screen,
) -> AbstractContextManager[tuple[RequestBranch, str]]:
    from ledger_tool.edges.git.bump_request import open_base

    token = os.environ.get("LEDGER_FORGE_TOKEN", "").strip()
    return open_base(
        paths,
        base=base,
        policies=request_key,
        exclude=exclude,
        style=style_of(style),
        token=token,
        deadline=deadline,
        messages=screen,
    )


def _work_tree(paths: list[str], deadline: Deadline) -> AbstractContextManager[WorkTree]:
    from ledger_tool.edges.git.bump_commit import open_work_tree

    return open_work_tree(paths, deadline=deadline)
