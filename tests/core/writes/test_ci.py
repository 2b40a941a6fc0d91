"""The sourceRef that each CI system's environment tells; values as in its documentation."""

from __future__ import annotations

import pytest

from ledger_tool.core.writes.ci import source_ref
from ledger_tool.errors import UsageError

SHA = "4ef5a3030654728decc420aa363a57670ae53de4"

_JOBS: dict[str, tuple[dict[str, str], str]] = {
    "GitHub Actions": (
        {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octocat/Hello-World", "GITHUB_SHA": SHA, "GITHUB_REF": "refs/heads/main",
        },
        f"https://github.com/octocat/Hello-World@{SHA}",
    ),
    "GitLab CI": (
        {
            "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.example.com/group/app",
            "CI_REPOSITORY_URL": "https://gitlab-ci-token:TOKEN@gitlab.example.com/group/app.git",
            "CI_COMMIT_SHA": SHA, "CI_COMMIT_SHORT_SHA": SHA[:8],
        },
        f"https://gitlab.example.com/group/app@{SHA}",
    ),
    "Azure Pipelines": (
        {
            "TF_BUILD": "True", "BUILD_REPOSITORY_URI": "https://fabrikam@dev.azure.com/fabrikam/My%20App/_git/app",
            "BUILD_SOURCEVERSION": SHA,
        },
        f"https://dev.azure.com/fabrikam/My%20App/_git/app@{SHA}",
    ),
    "Bitbucket Pipelines": (
        {
            "CI": "true", "BITBUCKET_BUILD_NUMBER": "42", "BITBUCKET_COMMIT": SHA,
            "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/team/app",
            "BITBUCKET_GIT_SSH_ORIGIN": "git@bitbucket.org:team/app.git",
        },
        f"http://bitbucket.org/team/app@{SHA}",
    ),
    "CircleCI": (
        {"CI": "true", "CIRCLECI": "true", "CIRCLE_REPOSITORY_URL": "git@github.com:team/app.git", "CIRCLE_SHA1": SHA},
        f"git@github.com:team/app.git@{SHA}",
    ),
    "Buildkite": (
        {"CI": "true", "BUILDKITE": "true", "BUILDKITE_REPO": "git@github.com:team/app.git", "BUILDKITE_COMMIT": SHA},
        f"git@github.com:team/app.git@{SHA}",
    ),
    "Jenkins": (
        {
            "JENKINS_URL": "https://jenkins.example.com/", "BUILD_NUMBER": "42", "GIT_COMMIT": SHA,
            "GIT_URL": "https://jenkins:TOKEN@git.example.com/team/app.git",
        },
        f"https://git.example.com/team/app.git@{SHA}",
    ),
    "Woodpecker": (
        {
            "CI": "woodpecker", "CI_REPO": "team/app", "CI_REPO_URL": "https://codeberg.org/team/app",
            "CI_REPO_CLONE_URL": "https://codeberg.org/team/app.git", "CI_COMMIT_SHA": SHA,
        },
        f"https://codeberg.org/team/app@{SHA}",
    ),
}  # fmt: skip

_NEEDED = [
    ("GitHub Actions", "GITHUB_SERVER_URL"),
    ("GitHub Actions", "GITHUB_REPOSITORY"),
    ("GitHub Actions", "GITHUB_SHA"),
    ("GitLab CI", "CI_PROJECT_URL"),
    ("GitLab CI", "CI_COMMIT_SHA"),
    ("Azure Pipelines", "BUILD_REPOSITORY_URI"),
    ("Azure Pipelines", "BUILD_SOURCEVERSION"),
    ("Bitbucket Pipelines", "BITBUCKET_GIT_HTTP_ORIGIN"),
    ("Bitbucket Pipelines", "BITBUCKET_COMMIT"),
    ("CircleCI", "CIRCLE_REPOSITORY_URL"),
    ("CircleCI", "CIRCLE_SHA1"),
    ("Buildkite", "BUILDKITE_REPO"),
    ("Buildkite", "BUILDKITE_COMMIT"),
    ("Jenkins", "GIT_URL"),
    ("Jenkins", "GIT_COMMIT"),
    ("Woodpecker", "CI_REPO_URL"),
    ("Woodpecker", "CI_COMMIT_SHA"),
]


@pytest.mark.parametrize("system", _JOBS)
def test_a_ci_system_tells_repository_and_commit_without_credentials(system: str) -> None:
    environment, expected = _JOBS[system]
    assert source_ref(environment | {"PATH": "/usr/bin"}) == expected


@pytest.mark.parametrize(("system", "variable"), _NEEDED)
def test_a_variable_that_the_system_did_not_set_or_left_empty_is_named(system: str, variable: str) -> None:
    without = {name: value for name, value in _JOBS[system][0].items() if name != variable}
    for environment in (without, without | {variable: ""}):
        with pytest.raises(UsageError) as caught:
            source_ref(environment)
        assert caught.value.exit_code == 2
        assert f"{system} did not set {variable}" in caught.value.message
        assert "--source" in caught.value.hint


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}, {"GIT_COMMIT": SHA}])
def test_an_unknown_environment_asks_for_the_source(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        source_ref(environment)
    assert caught.value.exit_code == 2
    assert "no known CI system" in caught.value.message
    assert "--source URL@COMMIT" in caught.value.hint


@pytest.mark.parametrize("commit", ["HEAD", SHA[:8], "main", f"{SHA}\n"])
def test_a_commit_that_is_not_whole_is_refused(commit: str) -> None:
    with pytest.raises(UsageError, match="Buildkite"):
        source_ref(_JOBS["Buildkite"][0] | {"BUILDKITE_COMMIT": commit})


def test_a_commit_in_upper_case_is_the_same_commit() -> None:
    assert source_ref(_JOBS["Azure Pipelines"][0] | {"BUILD_SOURCEVERSION": SHA.upper()}).endswith(f"@{SHA}")


@pytest.mark.parametrize(
    "url",
    [
        "https://TOKEN@git.example.com/app",
        "https://user:TOKEN@git.example.com/app",
        "https://user:p@TOKEN@git.example.com/app",
        "HTTPS://user:TOKEN@git.example.com/app",
        "ssh://user:TOKEN@git.example.com/app",
        "https://user:p/TOKEN@git.example.com/app",
    ],
)
def test_credentials_in_a_clone_url_never_come_out(url: str) -> None:
    try:
        told: str = source_ref(_JOBS["Jenkins"][0] | {"GIT_URL": url})
    except UsageError as error:
        told = error.message + error.hint
    assert "TOKEN" not in told
