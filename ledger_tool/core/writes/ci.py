"""The sourceRef from a CI system's environment: a mapping of variables in, `URL@COMMIT` out.

Sources: each system's documentation page of predefined variables; the names below are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ledger_tool.core.ledger.names import SourceRef, parse_source_ref
from ledger_tool.errors import InvalidValue, UsageError


class System(NamedTuple):
    """A CI system: the variable (and its value, if that matters) that identifies it, the variables that make up the
    repository's URL, and the one with the commit.
    """

    name: str
    variable: str
    value: str
    url: str
    commit: str


_SYSTEMS = (
    System("Woodpecker", "CI", "woodpecker", "{CI_REPO_URL}", "CI_COMMIT_SHA"),
    System("GitHub Actions", "GITHUB_ACTIONS", "true", "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}", "GITHUB_SHA"),
    System("GitLab CI", "GITLAB_CI", "true", "{CI_PROJECT_URL}", "CI_COMMIT_SHA"),
    System("Azure Pipelines", "TF_BUILD", "true", "{BUILD_REPOSITORY_URI}", "BUILD_SOURCEVERSION"),
    System("Bitbucket Pipelines", "BITBUCKET_BUILD_NUMBER", "", "{BITBUCKET_GIT_HTTP_ORIGIN}", "BITBUCKET_COMMIT"),
    System("CircleCI", "CIRCLECI", "true", "{CIRCLE_REPOSITORY_URL}", "CIRCLE_SHA1"),
    System("Buildkite", "BUILDKITE", "true", "{BUILDKITE_REPO}", "BUILDKITE_COMMIT"),
    System("Jenkins", "JENKINS_URL", "", "{GIT_URL}", "GIT_COMMIT"),
)

_HINT = "pass `--source URL@COMMIT`, such as `--source https://git.example.com/team/app@$(git rev-parse HEAD)`"


def source_ref(environment: Mapping[str, str]) -> SourceRef:
    """Return the sourceRef of the CI job whose environment this is.

    A user name or password in the URL is left out. Raises UsageError if no known system is
    recognized, or its variables do not name a repository and a full commit id.
    """
    variables = {name: value for name, value in environment.items() if value}
    candidates = (system for system in _SYSTEMS if system.variable in variables)
    system = next((system for system in candidates if system.value in ("", variables[system.variable].lower())), None)
    if system is None:
        raise UsageError("sourceRef is missing, and no known CI system's environment gives one", _HINT)
    try:
        url = re.sub(r"^(https?://)[^/]*@", r"\1", system.url.format_map(variables))
        return parse_source_ref(f"{url}@{variables[system.commit].lower()}")
    except KeyError as missing:
        raise UsageError(f"sourceRef is missing, and {system.name} did not set {missing.args[0]}", _HINT) from None
    except InvalidValue as error:
        raise UsageError(f"{error.message}, as found in {system.name}'s environment", _HINT) from None
