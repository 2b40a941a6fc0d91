"""Whatever has become of a ledger's two files, the last valid version of each counts, and each by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.git.gate import MOVED, NEW, PAY, WEB, Gate, records
from tests.support.git.owned import SETTINGS
from tests.support.git.upstream import Upstream
from tests.support.values.make import ledger_bytes
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def break_settings(gate: Gate, how: str) -> str:
    """Break `ledger.yaml` in a commit that its owner has signed; return the commit."""
    upstream = gate.owned.upstream
    if how in ("text", "size"):
        text = "bogus: [" if how == "text" else "#" * (2**20 + 1)
        return gate.owned.commit({"ledger.yaml": text.encode()}, "a slip", "admin")
    entries = upstream.git("ls-tree", "main").splitlines()
    entry = next(line for line in entries if line.endswith("\tledger.yaml"))
    odd = {"link": [entry.replace("100644", "120000")], "twice": [entry, entry]}[how]
    tree = upstream.git("mktree", stdin="\n".join([*(line for line in entries if line != entry), *odd]).encode())
    made = upstream.git("commit-tree", "-p", "main", "-m", "a slip", tree)
    upstream.git("update-ref", "refs/heads/main", made)
    return made


@pytest.mark.parametrize("how", ["text", "size", "link", "twice"])
def test_a_trusted_commit_or_a_base_with_a_broken_ledger_yaml_has_the_owners_before_it(gate: Gate, how: str) -> None:
    base = break_settings(gate, how)
    mine = gate.owned.signers + gate.owned.line("admin", key="stranger")
    gate.owned.commit({"allowed_signers": mine.encode()}, "let me in")
    gate.owned.commit({"ledger.yaml": SETTINGS.encode()}, "repair it")
    gate.owned.commit(records(NEW), "publish")
    expected = [
        f"it changes {what}, and it is not signed"
        for what in ("allowed_signers, which admin owns", "ledger.yaml, which admin owns")
    ]
    image = "it changes payments/api, which payments-ci owns, and it is not signed"
    assert sorted(message for _, message in gate.check(base)) == sorted([*expected, image])
    assert gate.audit(base) == [*expected, image]


def extend(upstream: Upstream, path: str, versions: int, commits: int) -> str:
    """Add invalid versions of a file to the branch, and then commits that change nothing; return the tip."""
    stream = [b"reset refs/heads/main\nfrom %s\n\n" % upstream.tip().encode()]
    for number in range(versions + commits):
        stream.append(b"commit refs/heads/main\ncommitter A <a@example.com> 1795600000 +0000\ndata 1\nx\n")
        if number < versions:
            content = b"broken: [%d" % number
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    upstream.git("fast-import", "--quiet", "--force", stdin=b"".join(stream))
    return upstream.tip()


def test_it_counts_however_far_back_it_is(gate: Gate, ledger: Run) -> None:
    """Otherwise nobody would own anything, and no tag would be immutable, once enough commits have landed on top."""
    url, path = gate.owned.upstream.url, "ledger.yaml"
    base = extend(gate.owned.upstream, path, 20, 100)
    mine = SETTINGS.replace("[admin]", "[stranger]")
    gate.owned.commit({path: mine.encode()}, "repair it")
    assert gate.both(base) == ["it changes ledger.yaml, which admin owns, and it is not signed"]
    base = extend(gate.owned.upstream, "ledger.json", 20, 100)
    gate.owned.commit(records(MOVED), "repair it")
    done = ledger("check", "--repo", url, "--branch", "main", "--base", base, "--format", "json")
    assert "immutable" in {one["rule"] for one in done.json["findings"]}


def test_a_ledger_json_that_is_gone_takes_no_rules_along(gate: Gate) -> None:
    """The same commit adds an owner: that counts from the next one on, as ever."""
    upstream = gate.owned.upstream
    settings = SETTINGS.replace("payments/*", "web/*").encode()
    gate.owned.commit({"ledger.yaml": settings}, "the shop has its own owner", "admin")
    kept = "\n".join(line for line in upstream.git("ls-tree", "main").splitlines() if not line.endswith("ledger.json"))
    tree = upstream.git("mktree", stdin=kept.encode())
    upstream.git("update-ref", "refs/heads/main", upstream.git("commit-tree", "-p", "main^", "-m", "lose it", tree))
    base = upstream.tip()
    gate.owned.commit({"ledger.json": ledger_bytes(PAY, WEB, NEW)}, "bring it back", "payments-ci")
    (found,) = gate.check(base)
    assert found[1].startswith("it changes payments/api, which admin owns, and it is signed by payments-ci")


def test_a_revert_of_a_commit_with_an_odd_ledger_yaml_is_judged(gate: Gate, ledger: Run) -> None:
    odd = break_settings(gate, "link")
    gate.owned.commit(records(NEW), f'Revert "x"\n\nThis reverts commit {odd}.\n')
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main", "--base", odd)
    assert done.code == 1, done.err


def test_an_object_that_is_missing_is_named(gate: Gate, ledger: Run) -> None:
    upstream = gate.owned.upstream
    entries = upstream.git("ls-tree", "main").splitlines()
    lost = [line if "\tallowed_signers" not in line else f"100644 blob {'1' * 40}\tallowed_signers" for line in entries]
    tree = upstream.git("mktree", "--missing", stdin="\n".join(lost).encode())
    upstream.git("update-ref", "refs/heads/main", upstream.git("commit-tree", "-p", "main", "-m", "lose it", tree))
    done = ledger("check", "--repo", upstream.url.removeprefix("file://"), "--base", gate.start, "--head", "main")
    assert f"error: the object {'1' * 40} is missing in " in done.err
    assert "Traceback" not in done.err
