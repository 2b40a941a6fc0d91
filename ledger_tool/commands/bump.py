"""`bump`: references move to the newest version that a policy allows, or to what an environment has.

They do so on disk, in a commit, or in a pull request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from ledger_tool.commands.ports import Forge, Progress, Source
from ledger_tool.commands.rewrite import (
    EditableManifests,
    Manifests,
    ManifestsReport,
    checked,
    survey,
    written,
)
from ledger_tool.core.changes.proposal import Proposal
from ledger_tool.core.ledger.names import Platform, Timestamp
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.message import compose, subject
from ledger_tool.core.manifests.policyrules import idle_globs
from ledger_tool.core.manifests.rewrite import Edit, Judge, Rewritten
from ledger_tool.core.policy.policy import check_environment


class Committer(Protocol):
    """The git repository that contains the manifests."""

    def prepare(self, paths: Sequence[str], rewrite: Callable[[str, bytes], Rewritten]) -> list[Edit]:
        """Prepare the rewritten versions of some files in the last commit and in the index; return the commit's edits.

        Nothing visible changes. Raises UsageError if a file cannot be committed in this way.
        """

    def commit(self, message: str) -> str:
        """Commit only what was prepared; return the commit's id. Raises Contended."""


class BaseBranch(Protocol):
    """The base branch of a pull request, as its remote has it, and the request's own branch."""

    @property
    def base(self) -> str:
        """The branch's name."""

    @property
    def branch(self) -> str:
        """The name of the request's branch."""

    @property
    def is_there(self) -> bool:
        """Whether the request's branch is there, from an earlier run."""

    @property
    def manifests(self) -> Manifests:
        """The manifests as the base has them."""

    def push(self, changed: Sequence[Rewritten], message: str, options: Sequence[str]) -> str:
        """Make the branch one commit on the base, with these files changed; return the commit's id.

        Raises UsageError for a branch with other people's work, Contended, PushRefused, Denied or Unreachable.
        """


def bump(
    source: Source,
    manifests: EditableManifests,
    *,
    now: Timestamp,
    rules: BumpRules,
    platform: Platform | None = None,
    check: bool = False,
    committer: Committer | None = None,
    progress: Progress,
) -> ManifestsReport:
    """Move the images of all manifests by their policies, and commit the edits if there is a committer.

    With `check`, only report those that are behind. Raises UsageError for an environment that is not declared.
    """
    judge, ledger_commit, idle = _judge(source, now, rules, platform)
    files = survey(manifests, judge, progress, write=not check)
    if check or committer is None:
        report = checked(files) if check else written(files, manifests.replace)
        report.is_bump, report.idle = True, idle
        return report
    changed = [file.path for file in files if file.content is not None]
    edits = committer.prepare(changed, partial(manifests.rewrite, judge=judge)) if changed else []
    report = written(files, manifests.replace)
    report.is_bump, report.idle = True, idle
    if edits:
        report.commit = committer.commit(compose(edits, environment=rules.environment, ledger_commit=ledger_commit))
    return report


def propose(
    source: Source,
    base: BaseBranch,
    forge: Forge,
    *,
    now: Timestamp,
    rules: BumpRules,
    platform: Platform | None = None,
    describe: Callable[[Sequence[Edit]], str],
    labels: tuple[str, ...] = (),
    reviewers: tuple[str, ...] = (),
    draft: bool = False,
    progress: Progress,
) -> ManifestsReport:
    """Move the images of the base's manifests, and propose the result. `describe` returns the request's Markdown.

    If nothing moves, nothing is pushed or proposed.
    """
    judge, ledger_commit, idle = _judge(source, now, rules, platform)
    files = survey(base.manifests, judge, progress, write=True)
    report = written(files, None)
    report.is_bump, report.idle = True, idle
    if not report.edits:
        report.leftover = base.branch if base.is_there else ""
        return report
    proposal = Proposal(
        branch=base.branch,
        base=base.base,
        title=subject(report.edits, rules.environment),
        body=describe(report.edits),
        labels=labels,
        reviewers=reviewers,
        draft=draft,
    )
    message = compose(report.edits, environment=rules.environment, branch=base.branch, ledger_commit=ledger_commit)
    changed = [file for file in files if file.content is not None]
    report.commit = base.push(changed, message, forge.push_options(proposal))
    report.proposed = forge.propose(proposal)
    return report


def _judge(source: Source, now: Timestamp, rules: BumpRules, platform: Platform | None) -> tuple[Judge, str, list[str]]:
    """Return a judge, the commit of its ledger, and the globs of rules that match nothing there."""
    snapshot = source.read()
    if rules.environment:
        check_environment(rules.environment, snapshot.policy)
    resolved = snapshot.resolver.pattern
    rules = replace(rules, rules=[replace(rule, images=resolved(rule.images)) for rule in rules.rules])
    catalogue = Catalogue(snapshot, now, platform)
    judge = Judge(partial(judge_bump, catalogue=catalogue, rules=rules), catalogue.ours)
    return judge, snapshot.commit, idle_globs(rules.rules, snapshot.ledger.names)
