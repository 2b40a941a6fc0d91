"""A ledger behind the hook of docs/server.md, on a real sshd with real pushes: what breaks a rule never lands."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_tool.edges.git.location import Credentials
from ledger_tool.edges.git.served import open_served
from ledger_tool.edges.git.session import SessionOptions, open_session
from ledger_tool.render.screen import Screen
from tests.support import ROOT
from tests.support.git.owned import OwnedLedger, make_keys
from tests.support.git.server_hook import HOOK, LEDGER, install
from tests.support.git.servers import SshServer
from tests.support.git.upstream import Upstream
from tests.support.registries.world import World
from tests.support.values.make import SOURCE, but, digest, ledger_bytes, record
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

OTHERS = record("payments/api", digest=digest("p"))
OLD = record("web/shop", "v1", digest=digest("old"))
NEW = record("web/shop", "v2", digest=digest("new"))


def told(*records: str, verb: str = "publish") -> str:
    """Return the message of a publish by `ledger`."""
    return f"{verb} {records[0]}\n\n" + "".join(
        f"Image: {name}\nDigest: {digest(seed)}\nSource-Ref: {SOURCE}\n\n"
        for name, _, seed in (one.partition("=") for one in records)
    )


PUBLISHED = told("web/shop:v2=new")


class Pusher:
    """Pushes commits that were made elsewhere over ssh, as somebody with the deploy key and git."""

    def __init__(self, owned: OwnedLedger, sshd: SshServer, folder: Path) -> None:
        self.server, self.sshd = owned.upstream, sshd
        shutil.copytree(self.server.path, folder)
        self.mine = OwnedLedger(Upstream(folder), owned.keys)
        shutil.rmtree(folder / "hooks", ignore_errors=True)
        install(self.server)
        self.start = self.server.tip()

    def push(self, *refspecs: str) -> str:
        """Push; return what the server said, after it is known that nothing landed or all did."""
        before = self.server.git("for-each-ref")
        ssh = f"ssh -F /dev/null -i {self.sshd.key} -o UserKnownHostsFile={self.sshd.known_hosts} -o BatchMode=yes"
        done = subprocess.run(
            ["git", f"--git-dir={self.mine.upstream.path}", "push", self.sshd.url(self.server.path), *refspecs],
            env={**os.environ, "GIT_SSH_COMMAND": ssh}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        has_landed = done.returncode == 0
        assert has_landed == (self.server.git("for-each-ref") != before), done.stderr
        return "" if has_landed else done.stderr

    def is_there(self, commit: str) -> bool:
        """Return whether the server has a commit at all."""
        return bool(self.server.git("rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}", check=False))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_keys(tmp_path_factory.mktemp("people"))


SETTINGS = "owners:\n  - images: ['payments/*']\n    files: ['ledger.yaml', 'allowed_signers*']\n    signers: [admin]\n"


@pytest.fixture
def pusher(tmp_path: Path, sshd: SshServer, keys: dict[str, Path]) -> Pusher:
    owned = OwnedLedger.create(tmp_path, keys, SETTINGS)
    owned.commit({"ledger.json": ledger_bytes(OLD)}, "start", "admin")
    return Pusher(owned, sshd, tmp_path / "mine.git")


def test_a_publish_lands_with_the_key_and_without_a_word(pusher: Pusher, ledger: Run, sshd: SshServer) -> None:
    words = ("--source", SOURCE, "--offline", "--repo", sshd.url(pusher.server.path), "--deploy-key", sshd.key)
    done = ledger("publish", f"web/shop:v2@{digest('new')}", *words, "--known-hosts", sshd.known_hosts)
    assert done.code == 0, done.err
    assert pusher.server.tags() == {"v1", "v2"}


def test_a_command_that_is_refused_says_what_the_server_said(pusher: Pusher, ledger: Run, sshd: SshServer) -> None:
    pusher.server.hook("pre-receive", f"PATH={LEDGER.parent}:$PATH\nledger check --head 0000 --base HEAD")
    words = ("--source", SOURCE, "--offline", "--repo", sshd.url(pusher.server.path), "--deploy-key", sshd.key)
    done = ledger("publish", f"web/shop:v2@{digest('new')}", *words, "--known-hosts", sshd.known_hosts)
    assert (done.code, pusher.server.tip()) == (6, pusher.start)


STOLEN = {"ledger.json": ledger_bytes(OTHERS, OLD)}
MOVED = {"ledger.json": ledger_bytes(but(OLD, digest=digest("x")))}
BREAKING: dict[str, tuple[dict[str, bytes], str, str, str]] = {
    "by hand": ({"ledger.json": ledger_bytes(OLD, NEW)}, "tidy up", "", "unexplained"),
    "another digest": (MOVED, told("web/shop:v1=x"), "", "immutable"),
    "not canonical": ({"ledger.json": ledger_bytes(OLD) + b"\n"}, "more space", "", "canonical"),
    "no ledger": ({"ledger.json": b"{}"}, "all gone", "", "schema"),
    "settings": ({"ledger.yaml": b"tags: 1\n"}, "broken", "admin", "settings"),
    "owned": (STOLEN, told("payments/api:v1=p"), "", "owner"),
    "owned by another": (STOLEN, told("payments/api:v1=p"), "stranger", "owner"),
    "keys": ({"allowed_signers": b""}, "nobody may sign", "payments-ci", "owner"),
    "attributes": ({".gitattributes": b"ledger.json -diff\n"}, "hide it", "", "files"),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_breaks_a_rule_never_lands(pusher: Pusher, what: str) -> None:
    files, message, by, rule = BREAKING[what]
    made = pusher.mine.commit(files, message, by)
    assert f" {rule}: " in pusher.push("main")
    assert not pusher.is_there(made)


def test_what_its_owner_has_signed_lands(pusher: Pusher) -> None:
    ledger = {"ledger.json": ledger_bytes(OTHERS, OLD)}
    pusher.mine.commit(ledger, told("payments/api:v1=p"), "admin")
    assert pusher.push("main") == ""


def test_two_commits_of_one_push_do_not_do_what_one_may_not(pusher: Pusher) -> None:
    removed = f"remove web/shop:v1\n\nImage: web/shop:v1\nDigest: {OLD.digest}\nReason: by mistake\n"
    pusher.mine.commit({"ledger.json": ledger_bytes()}, removed)
    pusher.mine.commit({"ledger.json": ledger_bytes(but(OLD, digest=digest("x")))}, told("web/shop:v1=x"))
    assert "all commits together" in pusher.push("main")


class TestTheBranch:
    """The ledger's branch only grows, by whatever name."""

    def test_it_cannot_be_deleted(self, pusher: Pusher) -> None:
        assert "rewritten: a push would delete the branch" in pusher.push(":main")

    @pytest.mark.parametrize("how", ["back", "aside"])
    def test_it_cannot_be_rewritten(self, pusher: Pusher, how: str) -> None:
        commit = pusher.mine.upstream.git("rev-parse", f"{pusher.start}~1")
        if how == "aside":
            commit = pusher.mine.commit({"ledger.json": ledger_bytes(NEW)}, PUBLISHED, parents=[commit])
        assert "rewritten: a push would take commit" in pusher.push(f"+{commit}:refs/heads/main")

    def test_an_alias_of_it_is_it(self, pusher: Pusher) -> None:
        pusher.server.git("symbolic-ref", "refs/heads/master", "refs/heads/main")
        assert "rewritten: " in pusher.push(f"+{pusher.start}~1:refs/heads/master")
        pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, PUBLISHED)
        assert pusher.push("main:master") == ""

    def test_a_server_whose_head_is_no_branch_takes_no_push(self, pusher: Pusher) -> None:
        pusher.server.git("update-ref", "--no-deref", "HEAD", pusher.start)
        for refspec in (f"+{pusher.start}~1:refs/heads/main", ":main"):
            assert "HEAD of the server's repository is not a branch" in pusher.push(refspec)

    def test_where_head_names_a_missing_branch_the_refusal_says_which(self, pusher: Pusher) -> None:
        pusher.server.git("symbolic-ref", "HEAD", "refs/heads/trunk")
        pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, PUBLISHED)
        assert "refs/heads/main shares no history with refs/heads/trunk" in pusher.push("main")


class TestItsLine:
    """The branch's first parents are its own: a request joins them by a merge, and never the other way round."""

    @pytest.fixture
    def merged_in(self, pusher: Pusher) -> str:
        """Return a request into which the branch was merged."""
        own = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, PUBLISHED, parents=[pusher.start])
        other = {"ledger.json": ledger_bytes(OLD, record("web/shop", "v3", digest=digest("3")))}
        pusher.mine.commit(other, told("web/shop:v3=3"))
        assert pusher.push("main") == ""
        both = {"ledger.json": ledger_bytes(OLD, NEW, record("web/shop", "v3", digest=digest("3")))}
        return pusher.mine.commit(both, "Merge branch 'main'", parents=[own, pusher.mine.upstream.tip()])

    def test_another_line_does_not_take_over(self, pusher: Pusher, merged_in: str) -> None:
        said = pusher.push(f"{merged_in}:refs/heads/main")
        assert " merge: a push would make another line the branch's own, into which its tip" in said
        assert said.count(" merge: ") == 1

    def test_a_request_that_is_up_to_date_lands_in_a_merge(self, pusher: Pusher, merged_in: str) -> None:
        assert pusher.push(f"{merged_in}:refs/heads/pr") == ""
        git = pusher.mine.upstream.git
        merge = git("commit-tree", "-m", "Merge pr", "-p", "main", "-p", merged_in, f"{merged_in}^{{tree}}")
        assert pusher.push(f"{merge}:refs/heads/main") == ""

    def test_what_owners_have_not_signed_does_not_get_in_either(self, pusher: Pusher) -> None:
        own = pusher.mine.commit(STOLEN, told("payments/api:v1=p"), parents=[pusher.start])
        pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, PUBLISHED)
        assert pusher.push("main") == ""
        both = {"ledger.json": ledger_bytes(OTHERS, OLD, NEW)}
        merged = pusher.mine.commit(both, "Merge", parents=[own, pusher.mine.upstream.tip()])
        said = pusher.push(f"{merged}:refs/heads/main")
        assert " merge: " in said
        assert f" owner: commit {own[:12]}: it changes payments/api, which admin owns, and it is not signed" in said


class TestOtherBranches:
    """Others are judged from where they left the ledger's branch: one of them may become the default."""

    def test_a_request_comes_is_rewritten_and_goes(self, pusher: Pusher) -> None:
        for message in (PUBLISHED, f"{PUBLISHED}\n"):
            made = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, message, parents=[pusher.start])
            assert pusher.push(f"+{made}:refs/heads/pr") == ""
        assert pusher.push(":pr") == ""

    def test_another_history_is_refused(self, pusher: Pusher) -> None:
        tree = pusher.mine.upstream.git("rev-parse", "main^{tree}")
        root = pusher.mine.upstream.git("commit-tree", "-m", "another beginning", tree)
        assert "refs/heads/evil shares no history with refs/heads/main" in pusher.push(f"{root}:refs/heads/evil")

    def test_a_branch_that_breaks_a_rule_is_refused(self, pusher: Pusher) -> None:
        made = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, "by hand", parents=[pusher.start])
        assert " unexplained: " in pusher.push(f"{made}:refs/heads/evil")

    def test_replacements_on_the_server_open_no_way(self, pusher: Pusher) -> None:
        """Replacements land, as every ref outside of branches, and git reads what is there all the same."""
        git = pusher.mine.upstream.git
        evil = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, "by hand", parents=[pusher.start])
        harmless = git("commit-tree", "-m", "r", f"{evil}^{{tree}}")
        merged = git("commit-tree", "-m", "m", "-p", evil, f"{pusher.start}^{{tree}}")
        refs = f"refs/replace/{pusher.start}", f"refs/replace/{evil}"
        # Not objects of the push that judges them: what is replaced lies where every later push finds it.
        assert pusher.push(f"{merged}:{refs[0]}", f"{harmless}:{refs[1]}") == ""
        assert " unexplained: " in pusher.push(f"{evil}:refs/heads/evil")
        good = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, PUBLISHED, parents=[pusher.start])
        assert pusher.push(f"{good}:refs/heads/pr") == ""

    def test_several_refs_in_one_push_land_all_or_none(self, pusher: Pusher) -> None:
        bad = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, "by hand", parents=[pusher.start])
        good = pusher.mine.commit({"ledger.json": ledger_bytes(OLD, NEW)}, PUBLISHED)
        assert pusher.push("main", f"{bad}:refs/heads/pr")
        assert pusher.push(f"{good}:refs/heads/pr", f"+{pusher.start}~1:refs/heads/main")
        assert pusher.push("main", f"{good}:refs/heads/pr") == ""

    def test_tags_are_let_through(self, pusher: Pusher) -> None:
        assert pusher.push(f"{pusher.start}~1:refs/tags/v1") == ""
        assert pusher.push(":refs/tags/v1") == ""

    def test_one_that_the_hook_passes_by_may_hold_anything(self, pusher: Pusher) -> None:
        hook = (pusher.server.path / "hooks" / "pre-receive").read_text("utf-8").partition("\n")[2]
        line = '[ "$ref" = refs/heads/pages ] && continue'
        assert f"`{line}`" in (ROOT / "docs/server.md").read_text("utf-8")
        pusher.server.hook("pre-receive", hook.replace("  ledger", f"  {line}\n  ledger"))
        tree = pusher.mine.upstream.git("rev-parse", "main^{tree}")
        root = pusher.mine.upstream.git("commit-tree", "-m", "pages", tree)
        assert pusher.push(f"{root}:refs/heads/pages") == ""
        assert pusher.push(f"{root}:refs/heads/pages2")


def test_the_first_push_is_checked_as_a_file(tmp_path: Path, pusher: Pusher) -> None:
    pusher.server.git("update-ref", "-d", "refs/heads/main")
    bad = pusher.mine.commit({"ledger.json": b"{}"}, "not a ledger")
    assert "schema" in pusher.push(f"{bad}:refs/heads/main")
    assert pusher.push(f"{pusher.start}:refs/heads/main") == ""


def test_the_quarantine_is_seen_by_check_head_and_by_nothing_else(
    pusher: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables reach git in a bare repository that is read in place, and nowhere else."""
    named = {name: f"/nowhere/{name}" for name in ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    options, path = SessionOptions(credentials=Credentials()), str(pusher.server.path)

    def seen(session: object) -> set[str]:
        with session as opened:  # type: ignore[attr-defined]
            return {name for name in opened.history().repository.environment if name in (*named, "GIT_QUARANTINE_PATH")}

    assert seen(open_served(path, options, Screen(()))) == set()
    monkeypatch.setenv("GIT_QUARANTINE_PATH", "/nowhere")
    assert seen(open_served(path, options, Screen(()))) == {*named, "GIT_QUARANTINE_PATH"}
    assert seen(open_session(path, options, Screen(()))) == set()
    assert os.environ["GIT_QUARANTINE_PATH"]


@pytest.mark.parametrize("option", [(), ("--head", "main"), ("--base", "main")])
def test_a_ref_is_that_of_a_push(ledger: Run, pusher: Pusher, option: tuple[str, ...]) -> None:
    done = ledger("check", "--repo", pusher.server.path, "--ref", "refs/heads/main", *option)
    assert (done.code, "`--ref` needs `--head` and `--base`" in done.err) == (2, True)


@pytest.mark.parametrize("ref", ["main", "-h", "refs/heads/a b", "refs/"])
def test_a_ref_is_given_in_full(ledger: Run, pusher: Pusher, ref: str) -> None:
    done = ledger("check", "--repo", pusher.server.path, "--head", "main", "--base", "main", f"--ref={ref}")
    assert (done.code, "is not the full name of a ref" in done.err) == (2, True)


def test_what_no_rule_is_about_is_said(ledger: Run, pusher: Pusher) -> None:
    words = ("check", "--repo", pusher.server.path, "--base", "main")
    for ref, head in (("refs/tags/v1", "main"), ("refs/heads/pr", "0" * 40)):
        done = ledger(*words, "--ref", ref, "--head", head)
        assert (done.code, done.err) == (0, f"ok: no rule is about {ref}\n")


def test_the_hook_has_five_lines() -> None:
    assert HOOK.count("\n") == 5


def test_head_excludes_what_it_contradicts(ledger: Run, pusher: Pusher) -> None:
    for option in (("--branch", "main"), ("--fix",)):
        assert ledger("check", "--repo", pusher.server.path, "--head", "main", *option).code == 2


def test_what_only_a_registry_can_show_is_the_publishers_word_as_in_the_audit(world: World) -> None:
    """An index that grew: `publish` has asked the registry, and says so in its commit. A hook asks nobody."""
    install(world.upstream)
    world.push("v1", "app", ("linux/amd64",))
    assert world.publish("v1").code == 0
    world.push("v1", "app", ("linux/amd64", "linux/arm64"))
    done = world.publish("v1")
    assert (done.code, world.upstream.tip()) == (0, done.json["commit"]), done.err
    where = ("--repo", world.upstream.url, "--branch", "main", "--base", f"{done.json['commit']}~1")
    assert " index: " in world.run("check", *where).out
    here = ("--repo", world.upstream.path, "--head", "main", "--base", "main~1")
    checked = world.run("check", *here)
    assert (checked.code, checked.out) == (0, "")
    assert "note: for 1 changed pull digest or platform there is the publisher's word alone" in checked.err
    told = world.upstream.git("log", "-1", "--format=%B").replace("Replaces-Index", "X-Index")
    made = world.upstream.git("commit-tree", "-p", "main~1", "-F", "-", "main^{tree}", stdin=told.encode())
    assert " index: " in world.run("check", "--repo", world.upstream.path, "--head", made, "--base", "main~1").out
