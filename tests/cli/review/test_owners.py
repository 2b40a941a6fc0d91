"""Owners: `check` and `audit` hold whoever signed a commit against whose images and files it changes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.git.gate import MOVED, NEW, PAY, WEB, Gate, records
from tests.support.git.owned import OwnedLedger
from tests.support.git.tamper import commit
from tests.support.git.upstream import git
from tests.support.values.make import but, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

CHANGES = {
    "publish": records(NEW),
    "move": records(MOVED),
    "forced": records(but(MOVED, forced={"replaces": PAY.digest, "reason": "CVE"})),
    "yank": records(but(PAY, yanked={"at": "2026-11-25T08:00:00Z", "reason": "crashes"})),
    "set": records(but(PAY, labels={"a": "b"})),
    "ttl": records(but(PAY, ttl="1m")),
    "remove": records(without=(PAY,)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_done_to_an_image_needs_one_of_its_owners(gate: Gate, change: str) -> None:
    for by in ("payments-ci", "", "admin"):
        gate.owned.commit(CHANGES[change], "change it", by)
        gate.owned.commit(records(), "as before", "payments-ci")
    unsigned, signed = gate.both()
    assert unsigned == "it changes payments/api, which payments-ci owns, and it is not signed"
    assert "payments/api, which payments-ci owns, and it is signed by admin (the key SHA256:" in signed


def test_a_key_that_is_not_listed_signs_as_nobody(gate: Gate) -> None:
    gate.owned.commit(records(NEW), "publish", "stranger")
    (found,) = gate.both()
    assert "and it is signed by the key SHA256:" in found
    assert found.endswith(", which allowed_signers does not list")


def test_a_key_with_several_names_signs_as_those_that_are_valid(gate: Gate) -> None:
    late = gate.owned.line("payments-ci", 'valid-before="20200101Z" ')
    others = gate.owned.line("release", key="payments-ci") + gate.owned.line("admin")
    gate.owned.commit({"allowed_signers": (late + others).encode()}, "keys", "admin")
    made = gate.owned.upstream.tip()
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    (found,) = gate.both(made)
    assert ", and it is signed by release (the key " in found


def test_the_first_entry_that_names_an_image_counts(gate: Gate) -> None:
    """Everything else is the administrator's, and the payment images are not."""
    gate.owned.commit(records(but(WEB, labels={"a": "b"})), "set", "admin")
    assert gate.both() == []
    gate.owned.commit(records(but(WEB, labels={"a": "c"})), "set", "payments-ci")
    (found,) = gate.both()
    assert "it changes web/shop, which admin owns, and it is signed by payments-ci" in found


def test_a_promotion_needs_the_environments_signer_and_without_one_the_images(gate: Gate) -> None:
    prod, staging = (but(PAY, tag=tag, version="v1", publishedAt="2026-11-25T09:30:00Z") for tag in ("prod", "staging"))
    gate.owned.commit(records(prod), "promote", "release")
    gate.owned.commit(records(prod, staging), "promote", "payments-ci")
    assert gate.both() == []
    gate.owned.commit(records(staging), "take it out", "payments-ci")
    gate.owned.commit(records(), "take it out", "release")
    first, second = gate.both()
    assert "it changes payments/api:prod, which release owns, and it is signed by payments-ci" in first
    assert "it changes payments/api, which payments-ci owns, and it is signed by release" in second


def test_what_has_expired_when_the_commit_is_made_goes_without_a_signature(gate: Gate) -> None:
    old = but(PAY, ttl="1d")
    gate.owned.commit(records(old), "expire it", "payments-ci")
    gate.owned.commit(records(without=(PAY,)), "prune", date="2026-11-25T09:00:00Z")
    gate.owned.commit(records(old), "bring it back", "payments-ci")
    gate.owned.commit(records(without=(PAY,)), "prune", date="2026-11-25T10:00:00Z")
    assert gate.both() == ["it changes payments/api, which payments-ci owns, and it is not signed"]


def test_a_date_in_the_future_expires_nothing(gate: Gate) -> None:
    gate.owned.commit(records(but(PAY, ttl="500w")), "expire it", "payments-ci")
    gate.owned.commit(records(without=(PAY,)), "prune", date="2099-01-01T00:00:00Z")
    assert gate.both() == ["it changes payments/api, which payments-ci owns, and it is not signed"]


@pytest.mark.parametrize(
    ("signer", "owned_files", "free"),
    [
        ("release", "[ledger.yaml]", "allowed_signers"),
        ("gpg:" + "A" * 40, "[ledger.yaml, allowed_signers]", "allowed_signers.asc"),
        ("gpg:" + "A" * 40, "[nothing]", "ledger.yaml, allowed_signers and allowed_signers.asc"),
        ("gpg:" + "A" * 40, "['*']", ""),
        ("release", "[ledger.yaml, allowed_signers]", ""),
    ],
)
def test_whatever_decides_who_may_sign_and_belongs_to_nobody_is_warned_of(
    gate: Gate, ledger: Run, signer: str, owned_files: str, free: str
) -> None:
    settings = (
        f"owners:\n  - {{files: {owned_files}, signers: [admin]}}\n  - {{images: ['a'], signers: ['{signer}']}}\n"
    )
    gate.owned.commit({"ledger.yaml": settings.encode()}, "owners", "admin")
    done = ledger("check", "--repo", gate.owned.upstream.url)
    assert (f"warning: nobody owns {free}: whoever may push" in done.err) == bool(free)
    assert ("nobody owns" in done.err) == bool(free)


def test_a_commit_that_was_dated_ahead_does_not_become_lawful_with_time(gate: Gate, ledger: Run) -> None:
    """Its date has passed by now. Others landed on top before that, and they say when it was made."""
    gate.owned.commit(records(but(PAY, ttl="1d")), "expire it", "payments-ci", date="2026-11-25T09:00:00Z")
    gate.owned.commit(records(without=(PAY,)), "remove", date="2026-11-27T09:00:00Z")
    assert gate.audit() == []  # nothing in git says when it was made
    for minute in (1, 2):
        gate.owned.commit({f"{minute}": b""}, "something else", date=f"2026-11-25T09:0{minute}:00Z")
    assert gate.audit() == ["it changes payments/api, which payments-ci owns, and it is not signed"]


def test_a_commit_ahead_of_the_clock_is_a_finding_of_both_judges(gate: Gate, ledger: Run) -> None:
    made = gate.owned.commit({"README.md": b""}, "of the future", date="2099-01-01T00:00:00Z")
    where = ("--repo", gate.owned.upstream.url, "--format", "json")
    audited = ledger("audit", "--since", gate.start, *where).json["findings"]
    assert [(one["rule"], one["commit"]) for one in audited] == [("date", made)]
    assert "over ten minutes ahead of this machine's clock" in audited[0]["message"]
    checked = ledger("check", "--base", gate.start, *where).json["findings"]
    assert [one["rule"] for one in checked] == ["date"]


def test_images_without_an_owner_need_no_signature_and_neither_do_files(
    ledger: Run, tmp_path: Path, keys: dict[str, Path]
) -> None:
    owned = OwnedLedger.create(tmp_path, keys, "owners:\n  - images: ['payments/*']\n    signers: [payments-ci]\n")
    gate = Gate(ledger, owned)
    owned.commit({"ledger.json": ledger_bytes(WEB), "README.md": b"new\n"}, "publish")
    done = ledger("check", "--repo", owned.upstream.url, "--branch", "main")
    owned.commit({"ledger.yaml": b"owners: []\n"}, "nobody owns this")
    assert gate.both() == []
    assert (
        "warning: nobody owns ledger.yaml and allowed_signers: whoever may push can change who the owners" in done.err
    )


@pytest.mark.parametrize("path", ["ledger.yaml", "allowed_signers", "allowed_signers.asc"])
def test_files_have_owners_too(gate: Gate, path: str) -> None:
    content = (
        {path: gate.owned.upstream.content("main", path) + b"# more\n"}
        if path != "allowed_signers.asc"
        else {path: b"x\n"}
    )
    gate.owned.commit(content, "by its owner", "admin")
    assert gate.both() == []
    gate.owned.commit({path: content[path] + b"# even more\n"}, "by somebody", "payments-ci")
    (found,) = gate.check()
    assert found[0] == path
    assert found[1].startswith(f"it changes {path}, which admin owns, and it is signed by payments-ci (the key ")
    assert gate.audit() == [found[1]]


def test_nobody_makes_himself_an_owner_in_the_commit_that_he_signs(gate: Gate) -> None:
    mine = (gate.owned.signers + gate.owned.line("payments-ci", key="stranger")).encode()
    gate.owned.commit({"allowed_signers": mine} | records(NEW), "let me in", "stranger")
    first, second = gate.both()
    assert "payments/api" in first or "payments/api" in second
    assert "allowed_signers, which admin owns" in first + second


def test_nobody_makes_himself_an_owner_in_one_commit_and_signs_in_the_next_of_one_range(
    ledger: Run, tmp_path: Path, keys: dict[str, Path]
) -> None:
    """Even where nobody owns the files: then two pushes do what one may not, and `check` warns of that."""
    owned = OwnedLedger.create(tmp_path, keys, "owners:\n  - images: ['payments/*']\n    signers: [payments-ci]\n")
    gate = Gate(ledger, owned)
    mine = (owned.signers + owned.line("payments-ci", key="stranger")).encode()
    middle = owned.commit({"allowed_signers": mine}, "let me in")
    owned.commit({"ledger.json": ledger_bytes(NEW)}, "publish", "stranger")
    (found,) = gate.check()
    assert found[1].endswith("which allowed_signers does not list, by the settings of the base")
    assert gate.check(middle) == []
    assert gate.audit() == []


def test_the_administrators_change_of_the_keys_counts_once_it_has_landed(gate: Gate) -> None:
    """As with tags that may move: let the settings land first."""
    mine = (gate.owned.signers + gate.owned.line("payments-ci", key="stranger")).encode()
    middle = gate.owned.commit({"allowed_signers": mine}, "a new key", "admin")
    gate.owned.commit(records(NEW), "publish", "stranger")
    assert len(gate.check()) == 1
    assert gate.check(middle) == []
    assert gate.audit() == []


def test_owners_that_a_range_adds_hold_from_the_next_commit_on(
    ledger: Run, tmp_path: Path, keys: dict[str, Path]
) -> None:
    owned = OwnedLedger.create(tmp_path, keys, "tags: {}\n")
    gate = Gate(ledger, owned)
    settings = b"owners:\n  - images: ['payments/*']\n    signers: [payments-ci]\n"
    owned.commit({"ledger.yaml": settings, "ledger.json": ledger_bytes(PAY)}, "owners")
    owned.commit({"ledger.json": ledger_bytes(PAY, NEW)}, "publish")
    assert gate.both() == ["it changes payments/api, which payments-ci owns, and it is not signed"]


def test_a_key_that_the_base_has_revoked_signs_nothing_any_more(gate: Gate) -> None:
    """The request was made before that: by the rules before its commits it would pass."""
    gate.owned.upstream.git("update-ref", "refs/heads/pr", "main")
    gate.owned.commit(records(NEW), "publish", "payments-ci", branch="pr")
    without = "".join(gate.owned.line(name) for name in ("admin", "release"))
    gate.owned.commit({"allowed_signers": without.encode()}, "the key was stolen", "admin")
    (found,) = gate.check("main", "pr")
    assert found[1].endswith("does not list, by the settings of the base")


def test_the_span_of_a_key_is_held_against_the_commits_own_time(gate: Gate) -> None:
    span = 'valid-after="20270101Z",valid-before="20271231Z" '
    signers = gate.owned.line("payments-ci", span) + gate.owned.line("admin")
    base = gate.owned.commit({"allowed_signers": signers.encode()}, "for a year", "admin")
    for at, date in enumerate(("2026-12-31T23:59:59Z", "2027-06-01T00:00:00Z", "2028-01-01T00:00:00Z")):
        gate.owned.commit(records(but(NEW, tag=f"v{at + 2}")), "publish", "payments-ci", date=date)
    first, last = gate.audit(base)
    assert first.endswith(", which may not sign at that time")
    assert last.endswith(", which may not sign at that time")


def test_broken_keys_are_findings_and_let_nobody_in(gate: Gate, ledger: Run) -> None:
    signers = f"payments-ci ssh-ed25519 AAAAbroken\n{gate.owned.line('admin')}"
    base = gate.owned.commit({"allowed_signers": signers.encode()}, "a typing error", "admin")
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    assert len(gate.both(base)) == 1
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main")
    assert done.code == 1
    assert "allowed_signers:1:1: settings: there is no public key, or it is malformed" in done.out
    assert "warning: payments-ci is named as a signer, and has no key: nobody can sign as payments-ci" in done.err


@pytest.mark.parametrize("mode", ["120000", "gone"])
def test_keys_that_are_not_a_plain_file_let_nobody_in(gate: Gate, mode: str) -> None:
    entries = {line.partition("\t")[2]: line for line in gate.owned.upstream.git("ls-tree", "main").splitlines()}
    if mode == "gone":
        del entries["allowed_signers"]
    else:
        entries["allowed_signers"] = entries["allowed_signers"].replace("100644", mode)
    tree = gate.owned.upstream.git("mktree", stdin="".join(f"{line}\n" for line in entries.values()).encode())
    base = gate.owned.upstream.git("commit-tree", "-p", "main", "-m", "odd", tree)
    gate.owned.upstream.git("update-ref", "refs/heads/main", base)
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    assert len(gate.both(base)) == 1


def test_a_commit_that_was_changed_after_it_was_signed_is_signed_by_nobody(gate: Gate) -> None:
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    raw = gate.owned.upstream.git("cat-file", "commit", "main") + "\n"
    forged = raw.replace("\n\npublish", "\n\nPublish")
    made = gate.owned.upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged.encode())
    gate.owned.upstream.git("update-ref", "refs/heads/main", made)
    assert gate.both() == ["it changes payments/api, which payments-ci owns, and its signature is bad"]


ODD = {
    "text": ["junk"],
    "an empty line first": ["", "-----BEGIN SSH SIGNATURE-----", "AAAA", "-----END SSH SIGNATURE-----"],
    "another kind": ["-----BEGIN PGP SIGNED MESSAGE-----", "", "x"],
    "a certificate's": ["-----BEGIN SIGNED MESSAGE-----", "AAAA", "-----END SIGNED MESSAGE-----"],
    "not OpenPGP": ["-----BEGIN PGP SIGNATURE-----", "", "AAAA", "-----END PGP SIGNATURE-----"],
    "half of it": ["-----BEGIN SSH SIGNATURE-----", "U1NIU0lHAAAAAQ"],
    "nothing": [""],
}


@pytest.mark.parametrize("kind", ODD)
def test_a_signature_that_git_cannot_read_hides_nothing(gate: Gate, ledger: Run, kind: str, tmp_path: Path) -> None:
    """It is worth nothing, and what else is found is found all the same."""
    upstream = gate.owned.upstream
    labelled = but(WEB, labels={"a": "b"})
    gate.owned.commit(records(labelled), "set")
    odd = gate.owned.commit(records(labelled, NEW), "publish")
    raw = upstream.git("cat-file", "commit", odd) + "\n"
    forged = raw.replace("\n\n", "\ngpgsig " + "\n ".join(ODD[kind]) + "\n\n", 1)
    made = upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged.encode())
    upstream.git("update-ref", "refs/heads/main", made)
    gate.owned.commit(records(labelled), "take it out")
    found = [message for _, message in gate.check()]
    assert sorted(gate.audit()) == sorted(found)
    second, third, first = found
    for message, image in ((first, "web/shop"), (third, "payments/api")):
        assert message.startswith(f"it changes {image}, which ")
        assert message.endswith(" owns, and it is not signed")
    assert second == "it changes payments/api, which payments-ci owns, and its signature is bad"
    (tmp_path / "signers").write_text(gate.owned.signers)
    options = ("--allowed-signers", tmp_path / "signers", "--format", "json")
    done = ledger("audit", "--repo", upstream.url, "--since", gate.start, *options)
    said = [one["commit"] for one in done.json["findings"] if one["rule"] == "signature"]
    assert (done.code, said) == (1, upstream.commits()[2::-1]), done.err


@pytest.mark.parametrize("setting", ["i18n.logOutputEncoding UTF-16", "gpg.minTrustLevel ultimate", "gpg.format x509"])
def test_no_setting_of_a_checkout_changes_a_verdict(
    gate: Gate, ledger: Run, tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    gate.owned.commit(records(), "take it out")
    git("clone", "-q", gate.owned.upstream.url, tmp_path / "clone")
    git("config", *setting.split(" "), cwd=tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    for command in (("check", "--base"), ("audit", "--since")):
        done = ledger(*command, gate.start, "--format", "json")
        said = [(one["rule"], one["message"]) for one in done.json["findings"] if one["rule"] in ("owner", "date")]
        assert [rule for rule, _ in said] == ["owner"], done.err
        assert said[0][1].endswith("which payments-ci owns, and it is not signed")


@pytest.mark.parametrize("setting", ["gpg.format bogus", "gpg.minTrustLevel bogus"])
def test_a_setting_that_git_does_not_understand_is_said(
    gate: Gate, ledger: Run, tmp_path: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    git("clone", "-q", gate.owned.upstream.url, tmp_path / "clone")
    git("config", *setting.split(" "), cwd=tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    for command in (("check", "--base", gate.start), ("audit",)):
        done = ledger(*command)
        assert done.code == 2
        assert "error: git does not understand one of its settings: " in done.err
        assert setting.split(" ")[0].lower() in done.err.lower()


def test_a_request_that_owners_have_signed_has_to_land_as_it_is(gate: Gate, ledger: Run) -> None:
    gate.owned.commit(records(NEW), "publish", "payments-ci")
    done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main", "--base", gate.start)
    assert (
        "note: owners have signed these commits (payments/api: payments-ci), so they have to land as they are: by a "
        "fast-forward, or in a merge; a squash or a rebase by the host drops the signatures"
    ) in done.err


class TestMerges:
    """What a merge brings was signed in its commits; what it decides itself, it has to be signed for."""

    @pytest.fixture
    def sides(self, gate: Gate) -> tuple[str, str]:
        """Return two commits with one parent: an owner's in `payments`, and another owner's in `web`."""
        ours = gate.owned.commit(records(NEW), "publish", "payments-ci", parents=[gate.start])
        theirs = gate.owned.commit(records(but(WEB, labels={"a": "b"})), "set", "admin", parents=[gate.start])
        return ours, theirs

    def land(self, gate: Gate, made: str) -> list[str]:
        gate.owned.upstream.git("update-ref", "refs/heads/main", made)
        found = [message for _, message in gate.check()]
        assert gate.audit() == found
        return found

    def test_a_plain_merge_needs_no_signature(self, gate: Gate, sides: tuple[str, str]) -> None:
        whole = records(NEW, but(WEB, labels={"a": "b"}))
        assert self.land(gate, gate.owned.commit(whole, "merge", parents=sides)) == []

    @pytest.mark.parametrize("evil", [records(NEW), records(NEW, MOVED, but(WEB, labels={"a": "b"}))])
    def test_what_it_adds_or_drops_needs_an_owner(
        self, gate: Gate, sides: tuple[str, str], evil: dict[str, bytes]
    ) -> None:
        assert self.land(gate, gate.owned.commit(evil, "merge", parents=sides))
        assert self.land(gate, gate.owned.commit(evil, "merge", "stranger", parents=sides))

    def test_the_choice_of_a_side_needs_an_owner(self, gate: Gate) -> None:
        one, other = (
            gate.owned.commit(records(but(NEW, digest=digest(seed))), "publish", "payments-ci", parents=[gate.start])
            for seed in "ab"
        )
        chosen = records(but(NEW, digest=digest("a")))
        assert len(self.land(gate, gate.owned.commit(chosen, "merge", parents=[one, other]))) == 1
        assert self.land(gate, gate.owned.commit(chosen, "merge", "payments-ci", parents=[one, other])) == []

    def test_the_choice_of_a_files_older_side_needs_an_owner(self, gate: Gate) -> None:
        mine = (gate.owned.signers + "# a comment\n").encode()
        theirs = gate.owned.commit({"allowed_signers": mine}, "a comment", "admin", parents=[gate.start])
        ours = gate.owned.commit(records(NEW), "publish", "payments-ci", parents=[gate.start])
        fair = gate.owned.commit({"allowed_signers": mine}, "merge", parents=[ours, theirs])
        assert self.land(gate, fair) == []
        dropped = gate.owned.commit({}, "merge", parents=[ours, theirs])
        assert self.land(gate, dropped) == ["it changes allowed_signers, which admin owns, and it is not signed"]

    def test_a_branch_from_before_there_were_owners_is_held_to_those_of_the_base(
        self, ledger: Run, tmp_path: Path, keys: dict[str, Path]
    ) -> None:
        owned = OwnedLedger.create(tmp_path, keys, "tags: {}\n")
        before = owned.upstream.tip()
        settings = b"owners:\n  - images: ['payments/*']\n    signers: [payments-ci]\n"
        base = owned.commit({"ledger.yaml": settings}, "owners")
        gate = Gate(ledger, owned)
        old = owned.commit({"ledger.json": ledger_bytes(PAY)}, "publish", parents=[before])
        made = owned.commit({"ledger.json": ledger_bytes(PAY)}, "merge", parents=[base, old])
        (found,) = self.land(gate, made)
        assert found.endswith("and it is not signed, by the settings of the base")

    def test_a_criss_cross_merge_is_refused_where_there_are_owners(
        self, gate: Gate, ledger: Run, sides: tuple[str, str]
    ) -> None:
        whole = records(NEW, but(WEB, labels={"a": "b"}))
        one, other = (gate.owned.commit(whole, "merge", parents=order) for order in (sides, sides[::-1]))
        gate.owned.upstream.git(
            "update-ref", "refs/heads/main", gate.owned.commit(whole, "merge", parents=[one, other])
        )
        done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main", "--base", gate.start)
        assert "its parents have several last commits in common" in done.out

    def test_a_merge_of_another_history_needs_the_owners_of_all_that_it_brings(self, gate: Gate) -> None:
        root = commit(gate.owned.upstream, "publish\n", [], records(NEW))
        merged = commit(gate.owned.upstream, "Merge\n", [gate.start, root], records(NEW))
        gate.owned.upstream.git("update-ref", "refs/heads/main", merged)
        assert gate.audit() == ["it changes payments/api, which payments-ci owns, and it is not signed"]

    def test_a_merge_of_another_history_does_not_end_the_audit(self, gate: Gate, ledger: Run) -> None:
        tree = gate.owned.upstream.git("rev-parse", "main^{tree}")
        root = gate.owned.upstream.git("commit-tree", "-m", "another beginning", tree)
        made = gate.owned.commit(records(MOVED), "merge", parents=[gate.start, root])
        gate.owned.upstream.git("update-ref", "refs/heads/main", made)
        done = ledger("audit", "--repo", gate.owned.upstream.url, "--since", gate.start)
        assert done.code == 1
        assert "payments/api, which payments-ci owns, and it is not signed" in done.out
        done = ledger("check", "--repo", gate.owned.upstream.url, "--branch", "main", "--base", gate.start)
        assert done.code == 1
        assert "its parents have no commit in common" in done.out


@pytest.mark.parametrize("by", ["", "payments-ci", "stranger"])
def test_a_line_that_takes_over_is_held_to_the_rules_of_the_tip_that_it_replaces(gate: Gate, by: str) -> None:
    """On the line itself, the key of payments-ci could still sign; the branch has revoked it since they parted."""
    signed_by, owned = {"": "not signed", "stranger": "signed by the key"}, gate.owned
    own = owned.commit(records(NEW), "publish", by, parents=[gate.start])
    revoked = {"allowed_signers": owned.signers.replace(owned.line("payments-ci"), "").encode()}
    tip = owned.commit(revoked, "revoke a key", "admin")
    merged = owned.commit({**records(NEW), **revoked}, "Merge branch 'main'", parents=[own, tip])
    owned.upstream.git("update-ref", "refs/heads/main", merged)
    by_the_tip = f"it changes payments/api, which payments-ci owns, and it is {signed_by.get(by, 'signed by the key')}"
    assert all(one.startswith(by_the_tip) for one in gate.both(tip))
    assert len(gate.both(tip)) == 1
    owned.commit({"allowed_signers": owned.signers.encode()}, "list the key again", "admin")
    owned.commit(records(but(NEW, labels={"a": "b"})), "set", "payments-ci")
    assert len(gate.audit(tip)) == 1  # what landed on top is judged by itself


def test_a_revert_by_somebody_else_needs_an_owner_like_any_other_change(gate: Gate) -> None:
    signed = gate.owned.commit(records(NEW), "publish payments/api:v2", "payments-ci")
    gate.owned.commit(records(), f"Revert it\n\nThis reverts commit {signed}.\n", "admin")
    (found,) = gate.both()
    assert "it is signed by admin" in found


def test_a_cherry_pick_loses_the_signature(gate: Gate, tmp_path: Path) -> None:
    signed = gate.owned.commit(records(NEW), "publish payments/api:v2", "payments-ci", parents=[gate.start])
    gate.owned.commit(records(but(WEB, labels={"a": "b"})), "set", "admin")
    git("clone", "-q", gate.owned.upstream.url, tmp_path / "clone")
    git("fetch", "-q", "origin", signed, cwd=tmp_path / "clone", check=False)
    gate.owned.upstream.git("update-ref", "refs/heads/pr", signed)
    git("fetch", "-q", "origin", "pr", cwd=tmp_path / "clone")
    git("cherry-pick", "-X", "theirs", signed, cwd=tmp_path / "clone", check=False)
    git("push", "-q", "origin", "HEAD:main", cwd=tmp_path / "clone")
    assert gate.both() == ["it changes payments/api, which payments-ci owns, and it is not signed"]


def test_a_gpg_key_is_an_owner_by_its_fingerprint_and_comes_from_the_ledger_alone(
    ledger: Run, tmp_path: Path, keys: dict[str, Path], gpg: Callable[..., str], hermetic: Path
) -> None:
    gpg("--passphrase", "", "--quick-generate-key", "Ada <ada@example.com>", "ed25519", "cert")
    gpg("--passphrase", "", "--quick-generate-key", "Eve <ada@example.com>", "ed25519", "sign")
    lines = [line.split(":") for line in gpg("--list-keys", "--with-colons").splitlines()]
    ada, eve = [after[9] for line, after in pairwise(lines) if line[0] == "pub"]
    gpg("--passphrase", "", "--quick-add-key", ada, "ed25519", "sign")  # a subkey, which counts for the key itself
    settings = f"owners:\n  - images: ['payments/*']\n    signers: ['gpg:{ada}']\n"
    owned = OwnedLedger.create(tmp_path, keys, settings)
    folder = tmp_path / "clone"
    git("clone", "-q", owned.upstream.url, folder)

    def push(key: str, tag: str) -> str:
        """Commit in a clone as the person at the keyring does, and push."""
        now = {one["tag"]: record("payments/api", one["tag"]) for one in owned.upstream.records()}
        (folder / "ledger.json").write_bytes(ledger_bytes(*now.values(), record("payments/api", tag)))
        subprocess.run(
            ["git", "-c", f"user.signingKey={key}", "commit", "-q", "-S", "-am", "publish"], cwd=folder, check=True
        )
        git("push", "-q", "origin", "HEAD:main", cwd=folder)
        return owned.upstream.tip()

    gate = Gate(ledger, owned)
    push(ada, "v1")
    owner = f"it changes payments/api, which gpg:{ada} owns"
    assert gate.both() == [f"{owner}, and it is signed by a GPG key that allowed_signers.asc does not have"]
    (folder / "allowed_signers.asc").write_text(gpg("--armor", "--export", ada) + gpg("--armor", "--export", eve))
    git("add", ".", cwd=folder)
    second = push(ada, "v2")
    third = push(ada, "v3")
    assert gate.both(second) == []
    push(eve, "v4")
    assert gate.both(third) == [f"{owner}, and it is signed by gpg:{eve}"]


@pytest.mark.parametrize("listed", ["both", "the owner's alone", "the other alone"])
def test_several_gpg_signatures_of_a_commit_count_for_nobody(
    ledger: Run, tmp_path: Path, keys: dict[str, Path], gpg: Callable[..., str], listed: str
) -> None:
    """Git checks none of them, in whatever order they come."""
    for name in ("ada", "eve"):
        gpg("--passphrase", "", "--quick-generate-key", f"{name}@example.com", "ed25519", "sign")
    lines = [line.split(":") for line in gpg("--list-keys", "--with-colons").splitlines()]
    ada, eve = [after[9] for line, after in pairwise(lines) if line[0] == "pub"]
    owned = OwnedLedger.create(tmp_path, keys, f"owners: [{{images: ['payments/*'], signers: ['gpg:{ada}']}}]\n")
    exported = {"both": (ada, eve), "the owner's alone": (ada,), "the other alone": (eve,)}[listed]
    keyring = "".join(gpg("--armor", "--export", key) for key in exported).encode()
    gate = Gate(ledger, owned)
    gate.start = base = owned.commit({"allowed_signers.asc": keyring}, "list the keys")
    made = owned.commit(records(NEW), "publish")
    head, _, tail = owned.upstream.git("cat-file", "commit", made).partition("\n\n")
    payload = tmp_path / "payload"
    payload.write_text(f"{head}\n\n{tail}\n")
    for first, second in ((ada, eve), (eve, ada)):
        signature = gpg("--armor", "--local-user", first, "--local-user", second, "--detach-sign", "-o", "-", payload)
        signed = f"{head}\ngpgsig {signature.strip().replace(chr(10), chr(10) + ' ')}\n\n{tail}\n"
        made = owned.upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed.encode())
        owned.upstream.git("update-ref", "refs/heads/main", made)
        several = "it has several GPG signatures, of which git checks none: sign it with one key"
        assert gate.both(base) == [f"it changes payments/api, which gpg:{ada} owns, and {several}"]


@pytest.mark.parametrize("base", [(), ("--base", "HEAD")])
def test_what_is_not_committed_yet_and_has_to_be_signed_is_said(
    gate: Gate, ledger: Run, tmp_path: Path, base: tuple[str, ...]
) -> None:
    folder = tmp_path / "clone"
    git("clone", "-q", gate.owned.upstream.url, folder)

    def note() -> list[str]:
        done = ledger("check", "--repo", folder, *base)
        assert done.code == 0 if not base else done.code in (0, 1), done.err
        return [line for line in done.err.splitlines() if "not committed yet" in line]

    assert note() == []
    (folder / "ledger.json").write_bytes(records(NEW, but(WEB, labels={"a": "b"}))["ledger.json"])
    assert note() == [
        "note: payments/api has changes that are not committed yet, and payments-ci has to sign",
        "note: web/shop has changes that are not committed yet, and admin has to sign",
    ]
    shutil.rmtree(folder / ".git")
    if not base:
        assert note() == []


def test_diff_says_whose_review_is_needed_in_every_format(gate: Gate, ledger: Run) -> None:
    prod = but(PAY, tag="prod", version="v1", publishedAt="2026-11-25T09:30:00Z")
    files = {"ledger.yaml": gate.owned.upstream.content("main", "ledger.yaml") + b"# more\n", "README.md": b"new\n"}
    gate.owned.commit(records(NEW, prod, but(WEB, labels={"a": "b"})) | files, "all at once")
    words = ("diff", gate.start, "main", "--repo", gate.owned.upstream.url)
    text = ledger(*words).out.splitlines()
    assert [line for line in text if line.startswith("needs")] == [
        "needs the signature of release: payments/api:prod",
        "needs the signature of payments-ci: payments/api",
        "needs the signature of admin: web/shop, ledger.yaml",
    ]
    markdown = ledger(*words, "--format", "markdown").out
    assert "- **needs the signature of `admin`: `web/shop`, `ledger.yaml`**\n" in markdown
    assert ledger(*words, "--format", "json").json["signatures"] == [
        {"signers": ["release"], "for": ["payments/api:prod"]},
        {"signers": ["payments-ci"], "for": ["payments/api"]},
        {"signers": ["admin"], "for": ["web/shop", "ledger.yaml"]},
    ]


def test_diff_asks_for_no_signature_where_only_expired_records_go(gate: Gate, ledger: Run) -> None:
    before = gate.owned.commit(records(but(PAY, ttl="1d")), "expire it", "payments-ci")
    gate.owned.commit(records(without=(PAY,)), "prune")
    assert "needs the signature" not in ledger("diff", before, "main", "--repo", gate.owned.upstream.url).out


def test_diff_shows_the_owners_that_the_base_has_by_now(ledger: Run, tmp_path: Path, keys: dict[str, Path]) -> None:
    owned = OwnedLedger.create(tmp_path, keys, "tags: {}\n")
    owned.upstream.git("update-ref", "refs/heads/pr", "main")
    owned.commit({"ledger.json": ledger_bytes(PAY)}, "publish", branch="pr")
    owned.commit({"ledger.yaml": b"owners:\n  - images: ['*']\n    signers: [admin]\n"}, "owners")
    done = ledger("diff", "main", "pr", "--repo", owned.upstream.url)
    assert "needs the signature of admin: payments/api\n" in done.out
