"""What a prune says: why each record goes or stays, and nothing that a terminal would act on."""

from __future__ import annotations

import json

from ledger_tool.commands.clearance import Deletion, Retained, StayingTag
from ledger_tool.commands.deleting_registries import Place
from ledger_tool.commands.prune import Pruned
from ledger_tool.core.registry.image import ServedDocument
from ledger_tool.core.writes.prune import Spared
from ledger_tool.errors import Unreachable
from ledger_tool.render import prune as render
from ledger_tool.render.view import View
from tests.support.registries.fake_registry import FakeRegistry
from tests.support.values.make import digest, fields, record

REGISTRY = FakeRegistry()
GOING, STAYING = record(tag="pr-1", ttl="7d"), record(tag="pr-2", ttl="7d")


def place(seed: str) -> Place:
    return Place(REGISTRY, "myorg/app", digest(seed))


def deletion(seed: str) -> Deletion:
    return Deletion(place(seed), ServedDocument(b"", ""), tags=[f"{seed}-1", f"{seed}-2"])


DONE = Pruned(
    expired=[GOING],
    spared=[Spared(STAYING, "registry says \x1b[2J no")],
    deleted=[deletion("d")],
    retained=[Retained(place("r"), f"it is in the index {digest('i')}, which is in use")],
    restored=[deletion("b")],
    staying=[StayingTag(place("s"), "pr-7", "its digest stays: it is myorg/app:v1", is_removable=True)],
    untagged=[Deletion(place("u"), ServedDocument(b"", ""), tags=["pr-8"])],
    declined={REGISTRY.name: f"{REGISTRY.name} does not delete a tag without its image: it answers 400"},
    failed={"myorg/web": Unreachable("down", "wait")},
    commit="c" * 40,
)


def test_json_has_all_of_it() -> None:
    found = json.loads(render.as_json(DONE))
    at = {"registry": REGISTRY.name, "image": "myorg/app"}
    assert found == {
        "expired": [fields(tag="pr-1", ttl="7d")],
        "deleted": [at | {"digest": digest("d"), "tags": ["d-1", "d-2"]}],
        "commit": "c" * 40,
        "kept": [{"record": fields(tag="pr-2", ttl="7d"), "reason": "registry says \x1b[2J no"}],
        "retained": [at | {"digest": digest("r"), "reason": DONE.retained[0].reason}],
        "restored": [at | {"digest": digest("b")}],
        "staying": [at | {"tag": "pr-7", "digest": digest("s"), "reason": "its digest stays: it is myorg/app:v1"}],
        "untagged": [at | {"tag": "pr-8", "digest": digest("u")}],
        "failed": [{"image": "myorg/web", "reason": "down"}],
        "next": None,
    }


def test_text_has_a_line_for_each_record_and_each_digest_with_its_reason() -> None:
    text = "\n".join(render.as_text(DONE, View()))
    assert [line.split()[0] for line in text.splitlines() if line] == [
        "IMAGE", "prune", "keep", "REGISTRY", "delete", "put", "keep", "REGISTRY", "delete", "stays",
    ]  # fmt: skip
    assert "past its TTL of 7d" in text
    assert "with the tags d-1, d-2" in text
    assert "myorg/app:pr-7" in text
    assert f"it is in the index {digest('i')[:19]}, which is in use" in text
    assert "registry says \\x1b[2J no" in text
    assert "\x1b" not in text


def test_a_narrow_terminal_still_shows_what_goes() -> None:
    lines = list(render.as_text(DONE, View(60)))
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("prune  myorg/app:pr-1")


def test_the_summary_says_what_was_or_would_be_done() -> None:
    assert (
        render.summary(DONE, dry_run=False)
        == "pruned 1 record of 1 tag, 1 manifest at the registries, 1 tag alone in cccccccccccc"
    )
    dry = Pruned(expired=[GOING, STAYING], spared=[])
    assert render.summary(dry, dry_run=True) == "dry run: would prune 2 records of 2 tags; add `--yes` to do it"
    assert render.summary(Pruned(expired=[], spared=[]), dry_run=True) == "nothing to prune"


def test_notes_say_which_tags_stay_served_and_why() -> None:
    assert list(render.notes(DONE)) == [
        f"note: {REGISTRY.name} does not delete a tag without its image: it answers 400;"
        " so these stay served: myorg/app:pr-7"
    ]
