"""`ledger pin` and `ledger bump`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.cli.writing import Request, forge_secrets, requested
from ledger_tool.core.ledger import names
from ledger_tool.errors import UsageError

if TYPE_CHECKING:
    from ledger_tool.commands.rewrite import Done

_FORMATS = ("text", "json", "github", "markdown")
Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Files, or folders of YAML and JSON files.", show_default=False),
]
Platform = Annotated[
    str,
    typer.Option(
        "--platform", metavar="OS/ARCH", show_default=False,
        help="Pin this platform's image  [default: the index of a multi-platform tag]",
    ),
]  # fmt: skip
Exclude = Annotated[
    list[str],
    typer.Option(
        "--exclude", metavar="GLOB", show_default=False,
        help="Leave out these files or folders, below the folders named; may be repeated.",
    ),
]  # fmt: skip
Format = Annotated[str, typer.Option("--format", metavar="text|json|github|markdown", help="How to print it.")]


@reads
def pin(
    paths: Paths,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if an image is not pinned as it should be.")
    ] = False,
    platform: Platform = "",
    exclude: Exclude = [],  # noqa: B006
    output: Format = "text",
    *,
    of: Reading,
) -> int:
    """Write the ledger's digests into manifests, so that a moved tag can't change what runs.

    Exit code 0: done, and what is left is not the ledger's. 1: something is left that ought to be otherwise;
    with --check, unknown images too. 2: a file could not be read.
    """
    from ledger_tool.commands.pin import pin as run
    from ledger_tool.edges.files.manifests import FolderManifests
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, _FORMATS)
    wanted = names.parse_platform(platform) if platform else None
    screen = of.screen
    manifests = FolderManifests(paths, exclude, jobs=_jobs())
    progress = Progress("files")
    with open_for_reading(of.repo, of.settings, screen) as source:
        done = run(source, manifests, now=o.now(), platform=wanted, check=check, progress=progress.step)
    progress.end()
    return _tell(screen, done, output)


def _tell(screen: Any, done: Done, output: str) -> int:
    """Print what was done, and return the exit code."""
    from ledger_tool.render import pin as render

    for note in render.notes(done):
        screen.note(note)
    match output:
        case "json":
            screen.data([render.as_json(done)])
        case "github":
            screen.data(render.as_github(done))
        case "markdown":
            screen.data(render.as_markdown(done))
        case _:
            screen.data(render.as_text(done))
    screen.note(render.headline(done))
    for line in render.outcome(done):
        screen.note(line)
    if done.is_left:
        return 1
    return UsageError.exit_code if done.faults else 0


@reads
def bump(
    paths: Paths,
    policy: Annotated[
        list[str],
        typer.Option(
            "--policy",
            metavar="[GLOB=]POLICY",
            show_default=False,
            help="The versions to move to, for all images or those that GLOB matches: semver:RANGE, newest, tag:TAG, "
            "regex:PATTERN, ignore; may be repeated.",
        ),
    ] = [],  # noqa: B006
    prereleases: Annotated[bool, typer.Option("--prereleases", help="Let semver: choose pre-releases, too.")] = False,
    allow: Annotated[
        list[str],
        typer.Option(
            "--allow",
            metavar="yanked|expired|older",
            show_default=False,
            help="Also move to such versions; may be repeated.",
        ),
    ] = [],  # noqa: B006
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if an image is behind.")] = False,
    platform: Platform = "",
    exclude: Exclude = [],  # noqa: B006
    output: Format = "text",
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit the edits, and nothing else, in their git repository.")
    ] = False,
    pull_request: o.PullRequest = False,
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="NAME",
            show_default=False,
            rich_help_panel="Pull request",
            help="The branch to change  [default: the default branch of origin]",
        ),
    ] = "",
    pr_label: o.PrLabel = [],  # noqa: B006
    pr_reviewer: o.PrReviewer = [],  # noqa: B006
    pr_draft: o.PrDraft = False,
    forge: o.Forge = "",
    *,
    of: Reading,
) -> int:
    """Move image references in manifests to the newest version that a policy allows, tag and digest together.

    A policy comes from --policy, or from a comment on the line, which wins: `# ledger: semver:^1.5`. Images
    without one stay as they are. Exit codes are those of pin; with --check, 1 says that an image is behind.
    """
    from ledger_tool.commands.bump import bump as run
    from ledger_tool.core.manifests.bump import ALLOWABLE, Rules
    from ledger_tool.core.manifests.policy import parse_rule
    from ledger_tool.edges.files.manifests import FolderManifests
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, _FORMATS)
    for one in allow:
        o.one_of("--allow", one, ALLOWABLE)
    _exclude_each_other({"--check": check, "--commit": commit, "--pull-request": pull_request})
    request = requested(pull_request, pr_label, pr_reviewer, draft=pr_draft, forge=forge)
    if base and not request:
        raise UsageError("`--base` goes with `--pull-request`", "add it, or leave the base out")
    rules = Rules(rules=[parse_rule(text) for text in policy], prereleases=prereleases, allowed=frozenset(allow))
    wanted = names.parse_platform(platform) if platform else None
    screen = of.screen.hiding(forge_secrets(request))
    progress = Progress("files")
    with ExitStack() as stack:
        source = stack.enter_context(open_for_reading(of.repo, of.settings, screen))
        asked: dict[str, Any] = {"now": o.now(), "rules": rules, "platform": wanted, "progress": progress.step}
        if request:
            where = Where(paths, exclude, base, [*policy, platform], of.settings.timeout)
            done = _propose(stack, source, request, where, asked)
        else:
            manifests = FolderManifests(paths, exclude, jobs=_jobs())
            committer = stack.enter_context(_work_tree(paths, of.settings.timeout)) if commit else None
            done = run(source, manifests, check=check, committer=committer, **asked)
        progress.end()
    if not (policy or done.edits or done.findings):
        screen.note("note: without `--policy`, only lines with a `# ledger:` comment have one")
    return _tell(screen, done, output)


class Where(NamedTuple):
    """Where a pull request's manifests are: paths, what to leave out, the base; and the question that it answers."""

    paths: list[str]
    exclude: list[str]
    base: str
    question: list[str]
    timeout: float


def _propose(stack: ExitStack, source: Any, request: Request, where: Where, asked: dict[str, Any]) -> Done:
    from ledger_tool.commands.bump import propose as run
    from ledger_tool.edges.forge.opening import open_forge
    from ledger_tool.edges.git.requestbranch import open_base
    from ledger_tool.render.pin import request_body

    token = os.environ.get("LEDGER_FORGE_TOKEN", "").strip()
    branch, url = stack.enter_context(
        open_base(
            where.paths, base=where.base, policies=where.question, exclude=where.exclude, token=token,
            timeout=where.timeout,
        )
    )  # fmt: skip
    address = os.environ.get("LEDGER_FORGE_URL", "")
    forge = stack.enter_context(open_forge(url, kind=request.forge, url=address, environ=os.environ))
    return run(
        source, branch, forge, describe=request_body,
        labels=request.labels, reviewers=request.reviewers, draft=request.draft, **asked,
    )  # fmt: skip


def _work_tree(paths: list[str], timeout: float) -> Any:
    from ledger_tool.edges.git.worktree import open_work_tree

    return open_work_tree(paths, timeout=timeout)


def _exclude_each_other(options: dict[str, bool]) -> None:
    given = [name for name, is_given in options.items() if is_given]
    if len(given) > 1:
        raise UsageError(f"`{given[0]}` and `{given[1]}` exclude each other", "keep one of them")


def _jobs() -> int:
    return min(os.cpu_count() or 1, 8)
