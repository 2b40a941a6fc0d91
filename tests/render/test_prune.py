"""What a prune says: why each record goes or stays, and nothing that a terminal would act on."""

from __future__ import annotations

import json

from ledger_tool.commands.prune import Pruned
from ledger_tool.commands.registry_delete import Deletion, Place, Retained
from ledger_tool.core.registry.image import ServedDocument
from ledger_tool.core.writes.prune import Spared
from ledger_tool.errors import Unreachable
from ledger_tool.render import prune as render
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.values.make import digest, fields, record

REGISTRY = FakeRegistry()
GOING, STAYING = record(tag="pr-1", ttl="7d"), record(tag="pr-2", ttl="7d")


def place(seed: str) -> Place:
    return Place(REGISTRY, "myorg/app", digest(seed))


def deletion(seed: str) -> Deletion:
    return Deletion(place(seed), ServedDocument(b"", ""), may_be_index=False)


DONE = Pruned(
    expired=[GOING],
    spared=[Spared(STAYING, "registry says \x1b[2J no")],
    deleted=[deletion("d")],
    retained=[Retained(place("r"), f"it is in the index {digest('i')}, which is in use")],
    restored=[deletion("b")],
    failed={"myorg/web": Unreachable("down", "wait")},
    commit="c" * 40,
)


def test_json_has_all_of_it() -> None:
    found = json.loads(render.as_json(DONE))
    at = {"registry": REGISTRY.name, "image": "myorg/app"}
    assert found == {
        "expired": [fields(tag="pr-1", ttl="7d")],
        "deleted": [at | {"digest": digest("d")}],
        "commit": "c" * 40,
        "kept": [{"record": fields(tag="pr-2", ttl="7d"), "reason": "registry says \x1b[2J no"}],
        "retained": [at | {"digest": digest("r"), "reason": DONE.retained[0].reason}],
        "restored": [at | {"digest": digest("b")}],
        "failed": [{"image": "myorg/web", "reason": "down"}],
    }


def test_text_has_a_line_for_each_record_and_each_digest_with_its_reason() -> None:
    text = "\n".join(render.as_text(DONE, None))
    assert [line.split()[0] for line in text.splitlines() if line] == [
        "IMAGE", "prune", "keep", "REGISTRY", "delete", "put", "keep",
    ]  # fmt: skip
    assert "past its TTL of 7d" in text
    assert f"it is in the index {digest('i')[:19]}, which is in use" in text
    assert "registry says \\x1b[2J no" in text
    assert "\x1b" not in text


def test_a_narrow_terminal_still_shows_what_goes() -> None:
    lines = list(render.as_text(DONE, 60))
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("prune  myorg/app:pr-1")


def test_the_summary_says_what_was_or_would_be_done() -> None:
    assert (
        render.summary(DONE, dry_run=False) == "pruned 1 record of 1 tag, 1 manifest at the registries in cccccccccccc"
    )
    dry = Pruned(expired=[GOING, STAYING], spared=[])
    assert render.summary(dry, dry_run=True) == "dry run: would prune 2 records of 2 tags; add `--yes` to do it"
    assert render.summary(Pruned(expired=[], spared=[]), dry_run=True) == "nothing to prune"
