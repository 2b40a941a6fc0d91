"""`bump` on folders of files: which versions it takes, and what is malformed."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.git.deployed import NEW, OLD, POD, SETTINGS, Deployed
from tests.support.values.make import ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
PINNED = POD.replace(":v1.0.0", f":v1.0.0@{OLD}")


def test_policies_and_options_that_are_malformed_are_usage_errors(deployed: Deployed, ledger: Run) -> None:
    for words in (
        ("bump", "pods", "--policy", "semver:one"),
        ("bump", "pods", "--policy", "regex:(a+)+(?P<number>b)"),
        ("bump", "pods", "--policy", "regex:v.*"),
        ("bump", "pods", "--policy", "myorg/*"),
        ("bump", "pods", "--policy", "newest", "--allow", "anything"),
        ("bump", "pods", "--commit", "--check"),
    ):
        assert ledger(*words).code == 2, words
    assert deployed.git("status", "--porcelain") == ""


def test_a_yanked_newest_version_is_passed_over(deployed: Deployed, ledger: Run) -> None:
    from tests.support.values.make import record

    records = [
        record("myorg/app", "v1.0.0", digest=OLD),
        record("myorg/app", "v1.1.0", digest=NEW, yanked={"at": "2026-11-25T08:00:00Z", "reason": "broken"}),
    ]
    (deployed.ledger / "ledger.json").write_bytes(ledger_bytes(*records))
    (deployed.ledger / "ledger.yaml").write_text(SETTINGS)
    assert ledger("bump", "pods", "--policy", "semver:^1").code == 0
    assert deployed.read("pods/a.yaml") == PINNED
    assert ledger("bump", "pods", "--policy", "semver:^1", "--allow", "yanked").code == 0
    assert f"v1.1.0@{NEW}" in deployed.read("pods/a.yaml")


def test_a_broken_ledger_moves_no_reference(deployed: Deployed, ledger: Run) -> None:
    (deployed.ledger / "ledger.json").write_text("{}")
    assert ledger("bump", "pods", "--policy", "newest").code == 4
    assert deployed.git("status", "--porcelain") == ""


def test_two_policies_for_all_images_are_refused(deployed: Deployed, ledger: Run) -> None:
    done = ledger("bump", "pods", "--policy", "newest", "--policy", "semver:^1")
    assert done.code == 2
    assert "`newest` and `semver:^1` are both for all images" in done.err
    assert ledger("bump", "pods", "--policy", "newest", "--policy", "other/*=semver:^1", "--check").code == 1


def test_a_glob_that_matches_nothing_is_named(deployed: Deployed, ledger: Run) -> None:
    policies = ("--policy", "myorg/*=newest", "--policy", "myog/*=newest", "--policy", "registry.example.com/*=newest")
    done = ledger("bump", ".", *policies, "--exclude", "[", "--exclude", "pods/a.yaml", "--check")
    notes = [line for line in done.err.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: the ledger has no image that `--policy 'myog/*=…'` matches",
        "note: the ledger has no image that `--policy 'registry.example.com/*=…'` matches",
        "note: `--exclude '['` leaves out nothing that is read",
    ]
    assert "leaves out" not in ledger("pin", ".", "--exclude", "**/a.yaml", "--exclude", "pods").err
