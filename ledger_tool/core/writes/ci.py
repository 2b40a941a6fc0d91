"""What a CI system's environment says of a job: its sourceRef, `URL@COMMIT`, its run, and who started that.

Sources: each system's documentation page of predefined variables; the names below are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import NamedTuple
from urllib.parse import quote

from ledger_tool.core.changes.runclaim import RunClaim, parse_actor, parse_run
from ledger_tool.core.ledger.names import SourceRef, parse_source_ref, shown
from ledger_tool.errors import InvalidValue, UsageError


class System(NamedTuple):
    """A CI system: the variable (and its value, if that matters) that identifies it, the variables that make up the
    repository's URL, and the one with the commit.

    `run` and `actor` are made up of variables, too: the URL of the run, and who or what started it, the first of them
    of which all variables are set. `merged` is a variable, and the pattern of its values where the commit is a
    temporary one: the merge of a pull request, which is gone when the request is merged.
    """

    name: str
    variable: str
    value: str
    url: str
    commit: str
    run: tuple[str, ...]
    actor: tuple[str, ...]
    merged: tuple[str, str] = ("", "")


_GITHUB_URL = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}"
_GITHUB_ACTOR = ("{GITHUB_TRIGGERING_ACTOR}", "{GITHUB_ACTOR}")  # the first one differs if a run is run again
_MERGED_PULL = r"refs/pull/\d+/merge"
SYSTEMS = (
    System(
        "Woodpecker", "CI", "woodpecker", "{CI_REPO_URL}", "CI_COMMIT_SHA", ("{CI_PIPELINE_URL}",),
        ("{CI_PIPELINE_AUTHOR}",),
    ),
    # These pretend to be GitHub Actions, but their versions differ in which number is that of a run's page.
    System("Forgejo Actions", "FORGEJO_ACTIONS", "true", _GITHUB_URL, "GITHUB_SHA", (), _GITHUB_ACTOR),
    System("Gitea Actions", "GITEA_ACTIONS", "true", _GITHUB_URL, "GITHUB_SHA", (), _GITHUB_ACTOR),
    System(
        "GitHub Actions", "GITHUB_ACTIONS", "true", _GITHUB_URL, "GITHUB_SHA",
        (f"{_GITHUB_URL}/actions/runs/{{GITHUB_RUN_ID}}",), _GITHUB_ACTOR, ("GITHUB_REF", _MERGED_PULL),
    ),
    System(
        "GitLab CI", "GITLAB_CI", "true", "{CI_PROJECT_URL}", "CI_COMMIT_SHA", ("{CI_PIPELINE_URL}",),
        ("{GITLAB_USER_LOGIN}",), ("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result|merge_train"),
    ),
    System(
        "Azure Pipelines", "TF_BUILD", "true", "{BUILD_REPOSITORY_URI}", "BUILD_SOURCEVERSION",
        tuple(
            f"{{{collection}}}/{{SYSTEM_TEAMPROJECT}}/_build/results?buildId={{BUILD_BUILDID}}"
            for collection in ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")
        ),
        ("{BUILD_REQUESTEDFOR}",), ("BUILD_SOURCEBRANCH", _MERGED_PULL),
    ),
    System(
        "Bitbucket Pipelines", "BITBUCKET_BUILD_NUMBER", "", "{BITBUCKET_GIT_HTTP_ORIGIN}", "BITBUCKET_COMMIT",
        ("{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",),
        ("{BITBUCKET_STEP_TRIGGERER_UUID}",),
    ),
    System(
        "CircleCI", "CIRCLECI", "true", "{CIRCLE_REPOSITORY_URL}", "CIRCLE_SHA1", ("{CIRCLE_BUILD_URL}",),
        ("{CIRCLE_USERNAME}",),
    ),
    System(
        "Buildkite", "BUILDKITE", "true", "{BUILDKITE_REPO}", "BUILDKITE_COMMIT", ("{BUILDKITE_BUILD_URL}",),
        ("{BUILDKITE_BUILD_CREATOR}",),
    ),
    System(
        "Jenkins", "JENKINS_URL", "", "{GIT_URL}", "GIT_COMMIT", ("{BUILD_URL}",),
        ("{BUILD_USER_ID}",),  # of the plugin build-user-vars
    ),
)  # fmt: skip

_HINT = "pass `--source URL@COMMIT`, such as `--source https://git.example.com/team/app@$(git rev-parse HEAD)`"
_commit = re.compile("[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_userinfo = re.compile(r"^(https?://)[^/]*@", re.IGNORECASE)
_URL_MARKS = "%:/?#[]@!$&'()*+,;=~"  # what stays as it is in a URL; `quote` also keeps letters, digits and `_.-`


@dataclass(frozen=True, slots=True)
class ToldRun:
    """What an environment says of the run, and why what it says otherwise is left out, one text each."""

    claim: RunClaim
    left_out: tuple[str, ...] = ()


def system_of(environment: Mapping[str, str]) -> System | None:
    """Return the CI system that runs the job whose environment this is, or None if no known one is recognized."""
    variables = _set(environment)
    candidates = (system for system in SYSTEMS if system.variable in variables)
    return next((system for system in candidates if system.value in ("", variables[system.variable].lower())), None)


def source_ref(environment: Mapping[str, str]) -> SourceRef:
    """Return the sourceRef of the CI job whose environment this is.

    A user name or password in the URL is left out. Raises UsageError if no known system is
    recognized, or its variables do not name a repository and a full commit id.
    """
    variables, system = _set(environment), system_of(environment)
    if system is None:
        raise UsageError("sourceRef is missing, and no known CI system's environment gives one", _HINT)
    try:
        url = _userinfo.sub(r"\1", system.url.format_map(variables))
        commit = variables[system.commit]
        if not _commit.fullmatch(commit):
            what = f"{system.name} set {system.commit} to `{shown(commit)}`, which is not the full id of a commit"
            raise UsageError(what, _HINT)
        return parse_source_ref(f"{url}@{commit.lower()}")
    except KeyError as missing:
        raise UsageError(f"sourceRef is missing, and {system.name} did not set {missing.args[0]}", _HINT) from None
    except InvalidValue as error:
        names = " and ".join(name for _, name, _, _ in Formatter().parse(system.url) if name)
        raise UsageError(f"{error.message}, as {system.name} set {names}", _HINT) from None


def temporary_merge(environment: Mapping[str, str]) -> str:
    """Return the note that the commit of `source_ref` is a temporary merge of a pull request, or `""` if it is none."""
    system = system_of(environment)
    variable, pattern = system.merged if system else ("", "")
    if system is None or not variable or not re.fullmatch(pattern, environment.get(variable, "")):
        return ""
    return (
        f"{system.commit} is a temporary merge of a pull request, which {system.name} deletes later: "
        "pass its head with `--source URL@COMMIT`"
    )


def told_run(environment: Mapping[str, str], is_secret: Callable[[str], bool]) -> ToldRun:
    """Return which run an environment says this is, and who started it.

    LEDGER_RUN and LEDGER_ACTOR count before the CI system's own variables. Raises UsageError if one of them is
    malformed or has a secret in it; what a CI system says in such a way is left out. `is_secret` tells that of a text.
    """
    system = system_of(environment)
    values, left_out = [], []
    for variable, parse, templates in (
        ("LEDGER_RUN", parse_run, system.run if system else ()),
        ("LEDGER_ACTOR", parse_actor, system.actor if system else ()),
    ):
        given = environment.get(variable, "").strip(" ")
        value = given or _first_filled(templates, _set(environment), is_url=parse is parse_run)
        try:
            if is_secret(value):
                raise InvalidValue(
                    "run", "it has a secret in it", "leave the secret out: everybody can read the ledger"
                )
            values.append(parse(value) if value else "")
        except InvalidValue as error:
            if given:
                raise error.within(variable) from None
            values.append("")
            named = f"the {error.field} that {system.name} names" if system else error.field
            left_out.append(f"{named} is left out of the commit: {error.message}")
    return ToldRun(RunClaim(*values), tuple(left_out))


def _set(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if value}


def _first_filled(templates: tuple[str, ...], variables: Mapping[str, str], *, is_url: bool) -> str:
    """Return the first template of which all variables are set, with their values, or `""`.

    In a URL, blanks and letters beyond ASCII are encoded, and a login is left out.
    """
    for template in templates:
        needed = [name for _, name, _, _ in Formatter().parse(template) if name]
        if all(name in variables for name in needed):
            if not is_url:
                return template.format_map(variables)
            url = template.format_map({name: variables[name].rstrip("/") for name in needed})
            return quote(_userinfo.sub(r"\1", url), safe=_URL_MARKS) if url.isprintable() else url
    return ""
