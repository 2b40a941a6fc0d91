"""What shares its text with an image through an anchor gets no digest behind it, unless it is an image too."""

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

D = digest("app")
NAME = "registry.example.com/myorg/app"
LEDGER = ledger_of(record("myorg/app", "v1.5.0", digest=D))
SERVING = Policy(registries=(Registry("registry.example.com"),))
CATALOGUE = Catalogue(Snapshot("", LEDGER, SERVING), Timestamp("2026-11-25T09:30:00Z"))
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE), CATALOGUE.ours)

_TAGS = (f"{{imageRepository: {NAME}, imageTag: @}}", f"{{repo: {NAME}, tag: @}}")
_WHOLE = ("{image: @}", "{image: {name: @}}", "{images: [@]}")
_OTHERS = (
    "{labels: {version: @}}",
    "{env: [{name: VERSION, value: @}]}",
    "{variables: {IMAGE_TAG: @}}",
    "{args: [--version, @]}",
    "{annotations: {note: @}}",
)


@st.composite
def shared(draw: st.DrawFn) -> tuple[str, bool]:
    """A document in which one text is in several places, and whether all of them are images."""
    images = draw(st.sampled_from([_TAGS, _WHOLE]))
    text = "v1.5.0" if images is _TAGS else f"{NAME}:v1.5.0"
    quote = draw(st.sampled_from(["", '"', "'"]))
    uses = draw(st.lists(st.sampled_from(images), min_size=1, max_size=2))
    others = draw(st.lists(st.sampled_from(_OTHERS), max_size=2))
    places = draw(st.permutations([*uses, *others]))
    first = f"&a {quote}{text}{quote}"
    lines = [f"x-a: {first}\n"] if draw(st.booleans()) else []
    for number, place in enumerate(places):
        lines.append(f"k{number}: {place.replace('@', '*a' if lines else first)}\n")
    return "".join(lines), not others


@given(shared())
def test_a_digest_goes_only_behind_what_is_nothing_but_an_image(given_text: tuple[str, bool]) -> None:
    text, is_image = given_text
    done = rewrite("a.yaml", text.encode(), tokens, PIN)
    assert (done.content is not None) == is_image, text
    if is_image:
        assert (done.content or b"").decode().count(f"@{D}") == 1
        assert not done.findings
    else:
        assert done.findings
        assert all("is also used in line" in finding.message for finding in done.findings)


def test_an_anchor_with_the_same_name_is_another_text() -> None:
    text = f"image: &a {NAME}:v1.5.0\nother: {{image: *a}}\nx-v: &a v2\nlabels: {{version: *a}}\n"
    done = rewrite("a.yaml", text.encode(), tokens, PIN)
    assert done.content == text.replace(":v1.5.0", f":v1.5.0@{D}").encode()
