"""What each CI system's environment tells of a job: its source, its run, its actor; values as in its documentation."""

from __future__ import annotations

import pytest

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.writes.ci import source_ref, system_of, temporary_merge, told_run
from ledger_tool.errors import UsageError

SHA = "4ef5a3030654728decc420aa363a57670ae53de4"

_JOBS: dict[str, tuple[dict[str, str], str]] = {
    "GitHub Actions": (
        {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "octocat/Hello-World", "GITHUB_SHA": SHA, "GITHUB_REF": "refs/heads/main",
            "GITHUB_RUN_ID": "1658821493", "GITHUB_RUN_NUMBER": "3", "GITHUB_ACTOR": "octocat",
            "GITHUB_TRIGGERING_ACTOR": "hubot",
        },
        f"https://github.com/octocat/Hello-World@{SHA}",
    ),
    "GitLab CI": (
        {
            "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_URL": "https://gitlab.example.com/group/app",
            "CI_REPOSITORY_URL": "https://gitlab-ci-token:TOKEN@gitlab.example.com/group/app.git",
            "CI_COMMIT_SHA": SHA, "CI_COMMIT_SHORT_SHA": SHA[:8], "GITLAB_USER_LOGIN": "alice",
            "CI_PIPELINE_URL": "https://gitlab.example.com/group/app/-/pipelines/42",
        },
        f"https://gitlab.example.com/group/app@{SHA}",
    ),
    "Azure Pipelines": (
        {
            "TF_BUILD": "True", "BUILD_REPOSITORY_URI": "https://fabrikam@dev.azure.com/fabrikam/My%20App/_git/app",
            "BUILD_SOURCEVERSION": SHA, "BUILD_BUILDID": "42", "BUILD_REQUESTEDFOR": "Zoë Example",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/fabrikam/", "SYSTEM_TEAMPROJECT": "My App",
        },
        f"https://dev.azure.com/fabrikam/My%20App/_git/app@{SHA}",
    ),
    "Bitbucket Pipelines": (
        {
            "CI": "true", "BITBUCKET_BUILD_NUMBER": "42", "BITBUCKET_COMMIT": SHA,
            "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/team/app",
            "BITBUCKET_GIT_SSH_ORIGIN": "git@bitbucket.org:team/app.git",
            "BITBUCKET_STEP_TRIGGERER_UUID": "{c788b2da-b7a2-404c-9e26-d3f077557007}",
        },
        f"http://bitbucket.org/team/app@{SHA}",
    ),
    "CircleCI": (
        {
            "CIRCLECI": "true", "CIRCLE_REPOSITORY_URL": "git@github.com:team/app.git", "CIRCLE_SHA1": SHA,
            "CIRCLE_BUILD_URL": "https://circleci.com/gh/team/app/42", "CIRCLE_USERNAME": "alice",
        },
        f"git@github.com:team/app.git@{SHA}",
    ),
    "Buildkite": (
        {
            "BUILDKITE": "true", "BUILDKITE_REPO": "git@github.com:team/app.git", "BUILDKITE_COMMIT": SHA,
            "BUILDKITE_BUILD_URL": "https://buildkite.com/team/app/builds/42", "BUILDKITE_BUILD_CREATOR": "Alice",
        },
        f"git@github.com:team/app.git@{SHA}",
    ),
    "Jenkins": (
        {
            "JENKINS_URL": "https://jenkins.example.com/", "BUILD_NUMBER": "42", "GIT_COMMIT": SHA,
            "GIT_URL": "https://jenkins:TOKEN@git.example.com/team/app.git",
            "BUILD_URL": "https://jenkins.example.com/job/app/job/feature%252Fx/42/", "BUILD_USER_ID": "timer",
        },
        f"https://git.example.com/team/app.git@{SHA}",
    ),
    "Woodpecker": (
        {
            "CI": "woodpecker", "CI_REPO": "team/app", "CI_REPO_URL": "https://codeberg.org/team/app",
            "CI_REPO_CLONE_URL": "https://codeberg.org/team/app.git", "CI_COMMIT_SHA": SHA,
            "CI_PIPELINE_URL": "https://ci.codeberg.org/repos/7/pipeline/8", "CI_PIPELINE_AUTHOR": "alice",
        },
        f"https://codeberg.org/team/app@{SHA}",
    ),
}  # fmt: skip

_RUNS = {
    "GitHub Actions": RunClaim("https://github.com/octocat/Hello-World/actions/runs/1658821493", "hubot"),
    "GitLab CI": RunClaim("https://gitlab.example.com/group/app/-/pipelines/42", "alice"),
    "Azure Pipelines": RunClaim("https://dev.azure.com/fabrikam/My%20App/_build/results?buildId=42", "Zoë Example"),
    "Bitbucket Pipelines": RunClaim(
        "http://bitbucket.org/team/app/pipelines/results/42", "{c788b2da-b7a2-404c-9e26-d3f077557007}"
    ),
    "CircleCI": RunClaim("https://circleci.com/gh/team/app/42", "alice"),
    "Buildkite": RunClaim("https://buildkite.com/team/app/builds/42", "Alice"),
    "Jenkins": RunClaim("https://jenkins.example.com/job/app/job/feature%252Fx/42", "timer"),
    "Woodpecker": RunClaim("https://ci.codeberg.org/repos/7/pipeline/8", "alice"),
}

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
    with pytest.raises(UsageError) as caught:
        source_ref(_JOBS["Buildkite"][0] | {"BUILDKITE_COMMIT": commit})
    value = commit.replace("\n", "\\n")
    said = f"Buildkite set BUILDKITE_COMMIT to `{value}`, which is not the full id of a commit"
    assert (caught.value.message, "$(git rev-parse HEAD)" in caught.value.hint) == (said, True)


def test_a_repository_that_no_source_can_name_is_told_by_its_variable() -> None:
    with pytest.raises(UsageError, match=r"as Jenkins set GIT_URL$"):
        source_ref(_JOBS["Jenkins"][0] | {"GIT_URL": "/srv/git/app.git"})
    with pytest.raises(UsageError, match=r"as GitHub Actions set GITHUB_SERVER_URL and GITHUB_REPOSITORY$"):
        source_ref(_JOBS["GitHub Actions"][0] | {"GITHUB_SERVER_URL": "ftp://x"})


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


def run_of(environment: dict[str, str], *secrets: str) -> RunClaim:
    told = told_run(environment, lambda text: any(secret in text for secret in secrets))
    assert not told.left_out
    return told.claim


@pytest.mark.parametrize("system", _JOBS)
def test_a_ci_system_tells_its_run_and_who_started_it(system: str) -> None:
    environment = _JOBS[system][0]
    found = system_of(environment)
    assert found is not None
    assert found.name == system
    assert run_of(environment) == _RUNS[system]


def test_what_is_not_set_is_not_told() -> None:
    assert run_of({}) == run_of({"CI": "true", "BUILD_URL": "https://ci.example.com/1"}) == NO_RUN
    for system, (environment, _) in _JOBS.items():
        flags = ("CI", "JENKINS_URL", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "CIRCLECI", "BUILDKITE")
        identifying: dict[str, str] = {name: environment[name] for name in flags if name in environment}
        assert run_of(identifying) == NO_RUN, system


def test_without_a_run_again_the_actor_of_github_is_the_first_one() -> None:
    environment = _JOBS["GitHub Actions"][0] | {"GITHUB_TRIGGERING_ACTOR": ""}
    assert run_of(environment).actor == "octocat"


@pytest.mark.parametrize("pretender", ["GITEA_ACTIONS", "FORGEJO_ACTIONS"])
def test_what_pretends_to_be_github_tells_no_run_because_its_number_may_be_that_of_another(pretender: str) -> None:
    environment = _JOBS["GitHub Actions"][0] | {pretender: "true", "GITHUB_SERVER_URL": "https://git.example.com"}
    assert run_of(environment) == RunClaim("", "hubot")
    assert source_ref(environment) == f"https://git.example.com/octocat/Hello-World@{SHA}"


def test_an_older_server_tells_its_collection_under_the_older_name() -> None:
    environment = dict(_JOBS["Azure Pipelines"][0])
    environment["SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"] = "https://tfs.example.com/tfs/Default Collection/"
    del environment["SYSTEM_COLLECTIONURI"]
    assert (
        run_of(environment).url == "https://tfs.example.com/tfs/Default%20Collection/My%20App/_build/results?buildId=42"
    )


def test_ledgers_own_variables_count_first_and_one_alone_leaves_the_other_to_the_system() -> None:
    environment = _JOBS["GitHub Actions"][0]
    own = {"LEDGER_RUN": "https://ci.example.com/1", "LEDGER_ACTOR": " release train "}
    assert run_of(own) == run_of(environment | own) == RunClaim("https://ci.example.com/1", "release train")
    assert run_of(environment | {"LEDGER_ACTOR": "bob", "LEDGER_RUN": ""}) == RunClaim(
        _RUNS["GitHub Actions"].url, "bob"
    )
    assert run_of({"LEDGER_ACTOR": "  "}) == NO_RUN


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEDGER_RUN", "javascript:alert(1)"),
        ("LEDGER_RUN", "https://u:SECRETSECRET@ci.example.com/1"),
        ("LEDGER_RUN", "https://ci.example.com/SECRETSECRET"),
        ("LEDGER_RUN", "https://ci.example.com/1\nReason: no"),
        ("LEDGER_ACTOR", "alice\nReason: no"),
        ("LEDGER_ACTOR", "alice SECRETSECRET"),
    ],
)
def test_a_bad_value_of_ours_is_a_usage_error_that_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(UsageError) as caught:
        told_run({variable: value}, lambda text: "SECRETSECRET" in text)
    assert caught.value.exit_code == 2
    assert caught.value.message.startswith(f"{variable}: ")
    assert "SECRETSECRET" not in caught.value.in_full


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"BUILD_URL": "ftp://jenkins.example.com/1"}, RunClaim("", "timer")),
        ({"BUILD_URL": "https://jenkins.example.com/1\nReason: no"}, RunClaim("", "timer")),
        ({"BUILD_URL": "https://jenkins.example.com/1?token=x"}, RunClaim("", "timer")),
        ({"BUILD_USER_ID": "a\x1b[2J"}, RunClaim(_RUNS["Jenkins"].url, "")),
        ({"BUILD_USER_ID": "SECRETSECRET"}, RunClaim(_RUNS["Jenkins"].url, "")),
    ],
)
def test_what_a_ci_system_says_amiss_is_left_out_and_no_reason_to_fail(
    changed: dict[str, str], expected: RunClaim
) -> None:
    told = told_run(_JOBS["Jenkins"][0] | changed, lambda text: "SECRETSECRET" in text)
    assert told.claim == expected
    (why,) = told.left_out
    assert "that Jenkins names is left out of the commit: " in why
    assert "SECRETSECRET" not in why


def test_a_login_in_the_url_that_a_ci_system_says_is_left_out() -> None:
    environment = _JOBS["Jenkins"][0] | {"BUILD_URL": "https://user:SECRET@jenkins.example.com/job/app/1/"}
    assert run_of(environment).url == "https://jenkins.example.com/job/app/1"


@pytest.mark.parametrize(
    ("system", "variable", "value", "is_temporary"),
    [
        ("GitHub Actions", "GITHUB_REF", "refs/pull/7/merge", True),
        ("GitHub Actions", "GITHUB_REF", "refs/pull/7/head", False),
        ("GitHub Actions", "GITHUB_REF", "refs/heads/refs/pull/7/merge", False),
        ("Azure Pipelines", "BUILD_SOURCEBRANCH", "refs/pull/7/merge", True),
        ("Azure Pipelines", "GITHUB_REF", "refs/pull/7/merge", False),
        ("GitLab CI", "CI_MERGE_REQUEST_EVENT_TYPE", "merged_result", True),
        ("GitLab CI", "CI_MERGE_REQUEST_EVENT_TYPE", "merge_train", True),
        ("GitLab CI", "CI_MERGE_REQUEST_EVENT_TYPE", "detached", False),
        ("Jenkins", "GITHUB_REF", "refs/pull/7/merge", False),
    ],
)
def test_a_commit_that_only_merges_a_pull_request_is_told(
    system: str, variable: str, value: str, is_temporary: bool
) -> None:
    note = temporary_merge(_JOBS[system][0] | {variable: value})
    assert ("is a temporary merge of a pull request" in note, "--source" in note) == (is_temporary, is_temporary)
    assert temporary_merge(_JOBS[system][0]) == temporary_merge({}) == ""
