"""Words in the place of an image: what is of a registry of ours, or known, is never taken for one."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.rewrite import Judge, rewrite
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support.values.make import digest, ledger_of, record

HOST = "registry.example.com"
CATALOGUE = Catalogue(
    Snapshot(
        "",
        ledger_of(record("myorg/app", "v1", digest=digest("a")), record("home", "latest", digest=digest("b"))),
        Policy(registries=(Registry(host=HOST, images=("*",)), Registry(host="docker.io", images=("home",)))),
    ),
    Timestamp("2026-11-25T09:30:00Z"),
)
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE), CATALOGUE.ours)
ENDINGS = st.sampled_from(["", ".png", "-22.04", ":home", ":1", ":23"])
PARTS = st.sampled_from(["myorg", "app", "a.b", "on", "1", "22.04", "img", "my-app", "x__y", "ubuntu-22.04"])
IMAGES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
FORMS = st.sampled_from(["image: {}\n", "a: {{image: '{}'}}\n", '- image: "{}"\n', "x: {{image: {{name: {}}}}}\n"])


@given(IMAGES, ENDINGS, FORMS)
def test_what_has_a_registry_of_ours_is_always_a_reference(image: str, ending: str, form: str) -> None:
    done = rewrite("a.yaml", form.format(f"{HOST}/{image}{ending}").encode(), tokens, PIN)
    assert done.counts.references == 1
    assert not done.counts.left


@given(FORMS)
def test_a_word_that_the_ledger_has_is_a_reference_and_others_are_not(form: str) -> None:
    for word, count in (("home", 1), ("house", 0), ("on", 0), ("camera.door", 0), ("house:v1", 1)):
        done = rewrite("a.yaml", form.format(word).encode(), tokens, PIN)
        assert (word, done.counts.references) == (word, count)
